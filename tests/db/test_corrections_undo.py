"""A correction and its undoing restore what was; undone in reverse, any number of them does."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ms5.accounts.roles import Role
from ms5.events.log import recording
from production import accounting, settling
from production.actions import downtimes, observe, set_context
from production.actions.correcting_counts import Adjusted, Requantified
from production.actions.correcting_downtimes import Merged, Moved, Reasoned, Split
from production.actions.correcting_plans import Planned
from production.actions.corrections import correct, preview_undo, undo
from production.models import (
    Condition,
    Correction,
    Count,
    Downtime,
    Reason,
    Span,
    Tally,
)
from production.refusals import ActionRefused
from production.reliability import reliable
from production.snapshot import items
from tests.factories import (
    at,
    equipment,
    facts_of,
    good_count,
    ideal_cycle,
    line,
    observation,
    product,
    user,
)
from tests.fold import as_set, fold

pytestmark = pytest.mark.django_db
NOW = at(7200)


class Rolled(Exception):
    """The rows of an example go; the next one begins anew."""


def floor():
    """A constraint with two downtimes, a micro-stop, a gap and pieces; and its supervisor."""
    own = equipment(line=line(), is_constraint=True, no_data_after_s=100, stop_after_s=90)
    loaf = product()
    ideal_cycle(loaf, own, "1")
    set_context(own, actor=None, at=at(-1), product=loaf)
    states = {10: "stopped", 11: "idle", 15: "running", 20: "faulted", 21: "running"}
    states |= {40: "blocked", 45: "running"}
    state, good, seen = "running", 0, []
    for minute in range(60):
        state = states.get(minute, state)
        good += 60 if state == "running" else 0
        if minute not in {30, 31, 32}:
            seen.append(observation(own, minute * 60, state, counters=(good_count(good),)))
    observe(seen)
    for began, ended in ((10, 15), (40, 45)):
        if not Downtime.objects.filter(equipment=own, started_at=at(began * 60)).exists():
            Downtime.objects.create(
                equipment=own, started_at=at(began * 60), ended_at=at(ended * 60)
            )
    Reason.objects.get_or_create(code="JAM", defaults={"name": "Jam"})
    Reason.objects.get_or_create(code="BREAK", defaults={"name": "Break", "loss": "planned"})
    return own, user(Role.SHIFT_MANAGER)


def spoken_of(row):
    """Let a person have come to a downtime, mended it and confirmed a reason; return the person."""
    person = user(Role.SHIFT_MANAGER)
    Downtime.objects.filter(pk=row.pk).update(
        reason=Reason.objects.get(code="JAM"),
        reported_by=person,
        confirmed_by=person,
        confirmed_at=at(1800),
        responded_at=row.started_at + timedelta(seconds=50),
        repaired_at=row.ended_at - timedelta(seconds=50),
    )
    return person


def picture(on):
    """Return everything that a correction may move: rows without their numbers, and the accounts."""
    return {
        "spans": sorted(
            Span.objects.filter(equipment=on).values_list(
                "started_at", "state", "ended_at", "reason"
            ),
            key=lambda row: row[0],
        ),
        "counts": sorted(
            Count.objects.filter(equipment=on).values_list(
                "at", "kind", "quantity", "product", "ideal_cycle", "after", "decision"
            ),
            key=str,
        ),
        "tallies": sorted(
            Tally.objects.filter(equipment=on).values_list(
                "started_at", "kind", "product", "ideal_cycle", "quantity", "measured"
            ),
            key=str,
        ),
        "downtimes": list(
            Downtime.objects.filter(equipment=on, merged_into=None)
            .order_by("started_at")
            .values_list(
                "started_at",
                "ended_at",
                "reason__code",
                "category",
                "reported_by",
                "confirmed_by",
                "confirmed_at",
                "responded_at",
                "repaired_at",
            )
        ),
        "stopped_since": Condition.objects.get(pk=on.pk).stopped_since,
        "account": accounts(on),
    }


def accounts(on):
    """Return the account from what is settled, after demanding that it is that of the rows alone."""
    settling.settle(NOW)
    found = accounting.accounts([on], at(0), at(3600), NOW)[on.pk]
    assert found == accounting.accounts([on], at(0), at(3600), NOW, exact=True)[on.pk]
    assert found.all == timedelta(hours=1)
    return found


def deed(on, kind, one, two):  # noqa: PLR0911 - one for each kind
    """Return a correction of some kind; numbers choose what and where."""
    rows = list(Downtime.objects.filter(equipment=on, merged_into=None).order_by("started_at"))
    row = rows[one % len(rows)]
    counts = list(Count.objects.filter(equipment=on).order_by("at", "pk"))
    moment = at(60 * (two % 59) + 30)
    match kind:
        case "reason":
            return Reasoned(
                downtime_id=row.pk, reason=Reason.objects.get(code=("JAM", "BREAK")[two % 2])
            )
        case "split":
            length = (row.ended_at or NOW) - row.started_at
            return Split(downtime_id=row.pk, at=row.started_at + length / (2 + two % 3))
        case "merge":
            return Merged(downtime_id=row.pk, other_id=rows[two % len(rows)].pk)
        case "start":
            return Moved(downtime_id=row.pk, started_at=moment, over_no_data=two % 2 == 0)
        case "end":
            return Moved(downtime_id=row.pk, ended_at=moment, over_no_data=two % 2 == 0)
        case "quantity":
            return Requantified(count_id=counts[one % len(counts)].pk, quantity=two)
        case "pieces":
            return Adjusted(kind="good", pieces=one - 30, at=moment)
        case "planned":
            return Planned(started_at=at(one * 10), ended_at=moment, text="Cleaning")


KINDS = ("reason", "split", "merge", "start", "end", "quantity", "pieces", "planned")
DEEDS = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 60), st.integers(0, 60)),
    min_size=1,
    max_size=5,
)


# An example is some deeds, all undone and all redone: seconds of work, and Hypothesis may shrink.
@pytest.mark.timeout(600)
@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(DEEDS)
def test_any_corrections_undone_in_reverse_restore_everything(deeds):
    with pytest.raises(Rolled):
        example(deeds)


def example(deeds):
    with recording():
        on, who = floor()
        spoken_of(Downtime.objects.filter(equipment=on).earliest("started_at"))
        seen, done = [picture(on)], []
        for kind, one, two in deeds:
            try:
                what = deed(on, kind, one, two)
                done.append(correct(on, what, actor=who, at=NOW, reason="why"))
            except ActionRefused:
                continue
            seen.append(picture(on))
        last, undone = seen.pop(), []
        for each in reversed(done):
            undone.append(undo(each, actor=who, at=NOW, reason="back"))
            assert picture(on) == seen.pop()
        for each in reversed(undone):
            undo(each, actor=who, at=NOW, reason="again")
        assert picture(on) == last
        raise Rolled


def test_undoing_an_undoing_does_it_again_and_may_be_undone():
    on, who = floor()
    row = Downtime.objects.earliest("started_at")
    first = picture(on)
    done = correct(on, Split(downtime_id=row.pk, at=at(800)), actor=who, at=NOW, reason="a")
    split = picture(on)
    back = undo(done, actor=who, at=NOW, reason="b")
    assert picture(on) == first
    again = undo(back, actor=who, at=NOW, reason="c")
    assert picture(on) == split
    undo(again, actor=who, at=NOW, reason="d")
    assert picture(on) == first
    assert (back.what, back.undoes, back.oee_before) == ("undo", done, done.oee_after)
    assert [row["data"]["undoes"] for row in facts_of(on, "correction")] == [
        None,
        done.pk,
        back.pk,
        again.pk,
    ]


TOLD = ("started_at", "confirmed_by", "responded_at", "repaired_at")


def told(on):
    """Return start, who confirms, who came and who mended, of each downtime that has time; in seconds."""
    rows = Downtime.objects.filter(equipment=on, merged_into=None).order_by("started_at")
    return [
        (
            round((began - at(0)).total_seconds()),
            by,
            *(x and (x - at(0)).total_seconds() for x in times),
        )
        for began, by, *times in rows.values_list(*TOLD)
    ]


def mend_means(on):
    found = reliable([on.pk], at(0), at(1800), NOW).means
    return [
        (mean.length and mean.length.total_seconds(), mean.count)
        for mean in (found.to_respond, found.to_repair)
    ]


def test_a_split_gives_each_time_to_the_half_in_which_it_lies_and_its_undoing_restores_them():
    on, who = floor()
    row = Downtime.objects.earliest("started_at")  # from 600 to 900 s
    person = spoken_of(row)
    first, *rest = told(on)
    assert first == (600, person.pk, 650, 850)
    assert mend_means(on) == [(50, 1), (200, 1)]
    done = correct(on, Split(downtime_id=row.pk, at=at(700)), actor=who, at=NOW, reason="a")
    # Whoever corrects a confirmed one stands by what comes of it.
    assert told(on) == [(600, who.pk, 650, None), (700, who.pk, None, 850), *rest]
    assert mend_means(on) == [(50, 1), (None, 0)]
    assert (done.before["repaired_at"], done.after["repaired_at"]) == (
        at(850).isoformat(),
        None,
    )
    back = undo(done, actor=who, at=NOW, reason="b")
    assert told(on) == [first, *rest]
    assert mend_means(on) == [(50, 1), (200, 1)]
    undo(back, actor=who, at=NOW, reason="c")
    assert told(on) == [(600, who.pk, 650, None), (700, who.pk, None, 850), *rest]


def test_what_was_said_between_a_split_and_its_undoing_is_kept():
    on, who = floor()
    row = Downtime.objects.earliest("started_at")
    done = correct(on, Split(downtime_id=row.pk, at=at(700)), actor=who, at=NOW, reason="a")
    second = Downtime.objects.get(pk=done.after["other_id"])
    downtimes.respond(second, actor=who, at=NOW, moment=at(720))
    downtimes.confirm(second, reason=Reason.objects.get(code="JAM"), actor=who, at=NOW)
    back = undo(done, actor=who, at=NOW, reason="b")
    assert told(on)[0] == (600, None, 720, None)
    row.refresh_from_db()
    downtimes.repaired(row, actor=who, at=NOW, moment=at(800))
    undo(back, actor=who, at=NOW, reason="c")
    assert told(on)[:2] == [(600, None, None, None), (700, who.pk, 720, 800)]


def test_a_merge_takes_the_reason_and_the_times_of_both_and_its_undoing_gives_them_back():
    on, who = floor()
    row = Downtime.objects.earliest("started_at")
    split = correct(on, Split(downtime_id=row.pk, at=at(700)), actor=who, at=NOW, reason="a")
    second = Downtime.objects.get(pk=split.after["other_id"])
    downtimes.respond(row, actor=who, at=NOW, moment=at(610))
    downtimes.repaired(row, actor=who, at=NOW, moment=at(650))
    person = spoken_of(second)
    first = picture(on)
    what = Merged(downtime_id=row.pk, other_id=second.pk)
    done = correct(on, what, actor=who, at=NOW, reason="b")
    assert told(on)[0] == (600, who.pk, 610, 850)
    row.refresh_from_db()
    assert (row.reason.code, row.reported_by) == ("JAM", person)
    assert (done.before["reason"], done.after["reason"]) == (None, "JAM")
    whole = picture(on)
    back = undo(done, actor=who, at=NOW, reason="c")
    assert picture(on) == first
    undo(back, actor=who, at=NOW, reason="d")
    assert picture(on) == whole


def test_a_later_correction_of_the_same_time_is_undone_first():
    on, who = floor()
    row = Count.objects.filter(quantity=60).earliest("at")
    one = correct(on, Requantified(count_id=row.pk, quantity=50), actor=who, at=NOW, reason="a")
    new = Count.objects.get(made_by=one)
    two = correct(on, Requantified(count_id=new.pk, quantity=40), actor=who, at=NOW, reason="b")
    with pytest.raises(ActionRefused, match="undo that one first") as refused:
        undo(one, actor=who, at=NOW, reason="c")
    assert refused.value.row == two
    back = undo(two, actor=who, at=NOW, reason="d")
    undo(one, actor=who, at=NOW, reason="e")
    assert Count.objects.filter(at=row.at).get().quantity == 60
    with pytest.raises(ActionRefused, match="undo that one first"):
        undo(back, actor=who, at=NOW, reason="f")
    with pytest.raises(ActionRefused, match="already") as refused:
        undo(two, actor=who, at=NOW, reason="g")
    assert refused.value.row == back


def test_a_correction_of_another_time_does_not_stand_against_it():
    on, who = floor()
    early, late = Downtime.objects.order_by("started_at")
    jam = Reason.objects.get(code="JAM")
    one = correct(on, Reasoned(downtime_id=early.pk, reason=jam), actor=who, at=NOW, reason="a")
    correct(on, Reasoned(downtime_id=late.pk, reason=jam), actor=who, at=NOW, reason="b")
    undo(one, actor=who, at=NOW, reason="c")
    early.refresh_from_db()
    assert early.reason is None


def test_planned_stops_that_overlap_leave_nothing_behind_when_they_are_taken_back():
    on, who = floor()
    first = picture(on)
    one = Planned(started_at=at(0), ended_at=at(1530), text="Cleaning")
    two = Planned(started_at=at(10), ended_at=at(3030), text="Maintenance")
    done = [correct(on, what, actor=who, at=NOW, reason="a") for what in (one, two)]
    for each in reversed(done):
        undo(each, actor=who, at=NOW, reason="b")
    assert picture(on) == first


def test_what_was_given_another_reason_meanwhile_is_not_undone():
    on, who = floor()
    row = Downtime.objects.earliest("started_at")
    jam, rest = Reason.objects.get(code="JAM"), Reason.objects.get(code="BREAK")
    done = correct(on, Reasoned(downtime_id=row.pk, reason=jam), actor=who, at=NOW, reason="a")
    Downtime.objects.filter(pk=row.pk).update(reason=rest)
    with pytest.raises(ActionRefused, match="meanwhile"):
        undo(done, actor=who, at=NOW, reason="b")


def test_a_split_of_a_stop_that_has_ended_since_is_undone_with_its_end():
    on = equipment(line=line(), is_constraint=True, no_data_after_s=600)
    who = user(Role.SHIFT_MANAGER)
    observe(
        [observation(on, 0), observation(on, 100, "stopped"), observation(on, 400, "stopped")]
    )
    row = Downtime.objects.create(equipment=on, started_at=at(100))
    done = correct(on, Split(downtime_id=row.pk, at=at(200)), actor=who, at=at(400), reason="a")
    other = done.after["other_id"]
    assert Downtime.objects.get(pk=other).ended_at is None
    observe([observation(on, 500)])
    assert Downtime.objects.get(pk=other).ended_at == at(500)
    undo(done, actor=who, at=at(600), reason="b")
    row.refresh_from_db()
    assert (row.started_at, row.ended_at) == (at(100), at(500))
    assert Downtime.objects.get(pk=other).merged_into == row


def test_the_preview_of_an_undoing_writes_nothing():
    on, who = floor()
    row = Downtime.objects.earliest("started_at")
    done = correct(
        on, Moved(downtime_id=row.pk, started_at=at(500)), actor=who, at=NOW, reason="a"
    )
    seen = preview_undo(done, actor=who, at=NOW)
    assert (seen.before.stretch, seen.after.stretch) == (done.oee_after, done.oee_before)
    assert Correction.objects.count() == 1


def test_snapshot_act_fold_gives_the_new_snapshot():
    on, who = floor()
    Downtime.objects.all().delete()
    observe([observation(on, 3590, "stopped"), observation(on, 3670, "stopped")])
    row = Downtime.objects.create(equipment=on, started_at=at(3590))

    def snapshot():
        return [
            {
                "type": item.type,
                "line_id": item.line_id,
                "equipment_code": item.equipment_code,
                "data": plain(item.data),
            }
            for item in items(on.line)
        ]

    before, heard = snapshot(), len(facts_of(on))
    done = correct(on, Split(downtime_id=row.pk, at=at(3650)), actor=who, at=NOW, reason="a")
    events = facts_of(on)[heard:]
    assert as_set(fold(before, events)) == as_set(snapshot())
    undo(done, actor=who, at=NOW, reason="b")
    events = facts_of(on)[heard:]
    assert as_set(fold(before, events)) == as_set(snapshot())


def plain(data):
    import json

    import msgspec

    return json.loads(msgspec.json.encode(data))
