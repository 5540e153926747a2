"""Corrections supersede, recompute, announce; a preview writes nothing."""

import json
from datetime import timedelta

import pytest

from ms5.accounts.models import AuditEntry
from ms5.accounts.roles import Role
from ms5.events.models import Event, Gauge
from production import accounting, settling
from production.actions import observe, set_context
from production.actions.correcting_counts import Adjusted, Requantified
from production.actions.correcting_downtimes import Merged, Moved, Reasoned, Split
from production.actions.correcting_plans import Planned
from production.actions.corrections import correct, preview, undo
from production.models import Condition, Correction, Count, Downtime, Reason, Span, Tally
from production.oee import Bucket
from production.refusals import ActionRefused, NotAllowed
from tests.factories import (
    at,
    equipment,
    facts_of,
    good_count,
    ideal_cycle,
    line,
    observation,
    product,
    spans_of,
    user,
)

pytestmark = pytest.mark.django_db
MINUTE = 60
NOW = at(60 * MINUTE)


@pytest.fixture
def supervisor():
    return user(Role.SHIFT_MANAGER)


@pytest.fixture
def machine():
    """A constraint that ran, stood from minute 10 to 20, and ran on to minute 40; 60 pieces a minute."""
    own = equipment(line=line(), is_constraint=True, no_data_after_s=600)
    loaf = product()
    ideal_cycle(loaf, own, "1")
    set_context(own, actor=None, at=at(-1), product=loaf)
    good, seen = 0, []
    for minute in range(41):
        stands = 10 < minute <= 20
        good += 0 if stands or minute == 0 else 60
        state = "stopped" if 10 <= minute < 20 or minute == 30 else "running"
        seen.append(observation(own, minute * MINUTE, state, counters=(good_count(good),)))
    observe(seen)
    return own


@pytest.fixture
def downtime(machine):
    row = Downtime.objects.first()
    if row is None:
        row = Downtime.objects.create(
            equipment=machine, started_at=at(10 * MINUTE), ended_at=at(20 * MINUTE)
        )
    return row


def reason(code="JAM", **fields):
    return Reason.objects.create(code=code, name=code.title(), **fields)


def buckets(on, start=0, end=40):
    account = accounting.accounts([on], at(start * MINUTE), at(end * MINUTE), NOW)[on.pk]
    exact = accounting.accounts([on], at(start * MINUTE), at(end * MINUTE), NOW, exact=True)[
        on.pk
    ]
    assert account == exact
    return {
        bucket: each / timedelta(minutes=1) for bucket, each in account.time.items() if each
    }


def fix(on, what, who, why="It was a break"):
    return correct(on, what, actor=who, at=NOW, reason=why)


def test_a_reason_is_corrected_also_when_it_was_confirmed(machine, downtime, supervisor):
    jam, clean = reason(), reason("CLEANING", loss="planned", category="planned")
    Downtime.objects.filter(pk=downtime.pk).update(
        reason=jam, confirmed_by=supervisor, confirmed_at=at(25 * MINUTE)
    )
    done = fix(machine, Reasoned(downtime_id=downtime.pk, reason=clean), supervisor)
    downtime.refresh_from_db()
    assert (downtime.reason, downtime.category) == (clean, "planned")
    assert buckets(machine) == {Bucket.RUNNING: 29, Bucket.PLANNED: 10, Bucket.SMALL_STOP: 1}
    assert (done.before["reason"], done.after["reason"]) == ("JAM", "CLEANING")
    assert done.oee_before == 0.75
    assert done.oee_after == 1
    (kept,) = Downtime.every.filter(superseded_by=done)
    assert (kept.reason, kept.confirmed_at) == (jam, at(25 * MINUTE))
    told = facts_of(machine, "downtime_event")[-1]["data"]
    assert (told["id"], told["reason_code"], told["version"]) == (
        downtime.pk,
        "CLEANING",
        downtime.version,
    )


def test_a_correction_is_told_and_audited_with_what_it_did(machine, downtime, supervisor):
    done = fix(machine, Reasoned(downtime_id=downtime.pk, reason=reason()), supervisor)
    (fact,) = facts_of(machine, "correction")
    assert fact["data"]["id"] == done.pk
    assert fact["data"]["subject_id"] == downtime.pk
    assert fact["data"]["reason"] == "It was a break"
    assert fact["data"]["by_id"] == supervisor.pk
    assert fact["data"]["oee_before"] == fact["data"]["oee_after"]
    entry = AuditEntry.objects.get(action="correction.reason")
    assert (entry.actor, entry.line_id) == (supervisor, machine.line.code)
    assert entry.after["reason"] == "JAM"


def test_the_new_figures_are_said_with_the_correction(machine, downtime, supervisor):
    row = Count.objects.filter(equipment=machine, quantity=60).earliest("at")
    fix(machine, Requantified(count_id=row.pk, quantity=10), supervisor)
    keys = {gauge.key: json.loads(gauge.text) for gauge in Gauge.objects.all()}
    code = machine.line.code
    assert keys[f"production:{code}"]["data"]["good"] == 30 * 60 - 50
    assert keys[f"oee:{code}"]["data"]["good"] == 30 * 60 - 50


def test_a_split_makes_two_of_one(machine, downtime, supervisor):
    done = fix(machine, Split(downtime_id=downtime.pk, at=at(15 * MINUTE)), supervisor)
    rows = Downtime.objects.order_by("started_at").values_list("pk", "started_at", "ended_at")
    assert list(rows) == [
        (downtime.pk, at(10 * MINUTE), at(15 * MINUTE)),
        (done.after["other_id"], at(15 * MINUTE), at(20 * MINUTE)),
    ]
    second = Downtime.objects.get(pk=done.after["other_id"])
    fix(machine, Reasoned(downtime_id=second.pk, reason=reason(loss="planned")), supervisor)
    assert buckets(machine, end=30) == {
        Bucket.RUNNING: 20,
        Bucket.FAILURE: 5,
        Bucket.PLANNED: 5,
    }


def test_two_neighbours_become_one(machine, downtime, supervisor):
    split = fix(machine, Split(downtime_id=downtime.pk, at=at(15 * MINUTE)), supervisor)
    other = split.after["other_id"]
    fix(machine, Merged(downtime_id=other, other_id=downtime.pk), supervisor)
    first, second = Downtime.objects.order_by("pk")
    assert (first.started_at, first.ended_at) == (at(10 * MINUTE), at(20 * MINUTE))
    assert (second.started_at, second.ended_at, second.merged_into) == (
        at(15 * MINUTE),
        at(15 * MINUTE),
        first,
    )


def test_time_given_to_a_stop_did_not_run(machine, downtime, supervisor):
    what = Moved(downtime_id=downtime.pk, started_at=at(8 * MINUTE), ended_at=at(21 * MINUTE))
    done = fix(machine, what, supervisor)
    assert spans_of(machine) == [
        ("running", 0, 480),
        ("stopped", 480, 1260),
        ("running", 1260, 1800),
        ("stopped", 1800, 1860),
        ("running", 1860, None),
    ]
    assert buckets(machine)[Bucket.FAILURE] == 13
    assert Span.every.filter(superseded_by=done).count() >= 2
    assert set(Span.objects.filter(made_by=done)) <= set(Span.objects.filter(equipment=machine))


def test_time_taken_from_a_stop_ran(machine, downtime, supervisor):
    what = Moved(downtime_id=downtime.pk, started_at=at(12 * MINUTE))
    fix(machine, what, supervisor)
    assert buckets(machine, end=30) == {Bucket.RUNNING: 22, Bucket.FAILURE: 8}
    downtime.refresh_from_db()
    assert downtime.started_at == at(12 * MINUTE)


def test_the_present_state_is_not_corrected(machine, downtime, supervisor):
    with pytest.raises(ActionRefused, match="present state"):
        fix(
            machine,
            Moved(downtime_id=downtime.pk, ended_at=at(35 * MINUTE)),
            supervisor,
        )


def test_the_start_of_a_stop_that_lasts_may_be_moved(supervisor):
    own = equipment(line=line(), is_constraint=True, no_data_after_s=600)
    observe(
        [observation(own, 0), observation(own, 300, "faulted"), observation(own, 600, "idle")]
    )
    row = Downtime.objects.create(equipment=own, started_at=at(300))
    fix(own, Moved(downtime_id=row.pk, started_at=at(200)), supervisor)
    assert Condition.objects.get(pk=own.pk).stopped_since == at(200)
    assert spans_of(own) == [
        ("running", 0, 200),
        ("faulted", 200, 600),
        ("idle", 600, None),
    ]
    fix(own, Moved(downtime_id=row.pk, started_at=at(400)), supervisor)
    assert Condition.objects.get(pk=own.pk).stopped_since == at(400)
    with pytest.raises(ActionRefused, match="still lasts"):
        fix(own, Moved(downtime_id=row.pk, ended_at=at(500)), supervisor)


def test_time_without_data_is_left_alone_unless_said(supervisor):
    own = equipment(line=line(), no_data_after_s=5)
    observe([observation(own, 0), observation(own, 1), observation(own, 100)])
    observe([observation(own, 104, "stopped"), observation(own, 108, "stopped")])
    observe([observation(own, 110), observation(own, 112, "stopped")])
    assert ("no_data", 1, 100) in spans_of(own)
    row = Downtime.objects.create(equipment=own, started_at=at(104), ended_at=at(110))
    what = Moved(downtime_id=row.pk, started_at=at(50))
    with pytest.raises(ActionRefused) as refused:
        fix(own, what, supervisor)
    assert refused.value.code == "no_data"
    fix(own, Moved(downtime_id=row.pk, started_at=at(50), over_no_data=True), supervisor)
    assert spans_of(own)[1:3] == [("no_data", 1, 50), ("stopped", 50, 110)]


def test_a_count_is_given_another_quantity(machine, supervisor):
    row = Count.objects.filter(equipment=machine, quantity=60).earliest("at")
    done = fix(machine, Requantified(count_id=row.pk, quantity=59), supervisor)
    row.refresh_from_db()
    assert (row.quantity, row.superseded_by) == (60, done)
    new = Count.objects.get(made_by=done)
    assert (new.quantity, new.at, new.product, new.ideal_cycle) == (
        59,
        row.at,
        row.product,
        row.ideal_cycle,
    )
    assert sum(Tally.objects.values_list("quantity", flat=True)) == 30 * 60 - 1
    assert (done.before, done.after) == ({"quantity": 60}, {"quantity": 59})


def test_pieces_are_added_and_taken_at_a_moment(machine, supervisor):
    fix(machine, Adjusted(kind="good", pieces=7, at=at(30 * MINUTE)), supervisor)
    added = Count.objects.get(quantity=7)
    assert (added.by, added.measured, added.product.code) == (
        supervisor,
        True,
        machine.context.product.code,
    )
    fix(machine, Adjusted(kind="good", pieces=-100, at=at(30 * MINUTE)), supervisor)
    assert sum(Tally.objects.values_list("quantity", flat=True)) == 30 * 60 + 7 - 100
    with pytest.raises(ActionRefused, match="Only 1707 such pieces"):
        fix(machine, Adjusted(kind="good", pieces=-5000, at=at(40 * MINUTE)), supervisor)


def test_a_planned_stop_is_said_for_the_past(machine, supervisor):
    what = Planned(started_at=at(12 * MINUTE), ended_at=at(16 * MINUTE), text="Cleaning")
    fix(machine, what, supervisor)
    assert buckets(machine)[Bucket.PLANNED] == 4
    assert machine.context_changes.order_by("at", "pk").last().planned_stop is False


def snapshot_of_rows():
    models = (Correction, Span, Count, Downtime, Tally, AuditEntry, Event, Gauge)
    return [
        list(getattr(model, "every", model.objects).order_by("pk").values()) for model in models
    ]


def test_a_preview_tells_the_effect_and_writes_nothing(machine, downtime, supervisor):
    before = snapshot_of_rows()
    what = Moved(downtime_id=downtime.pk, started_at=at(5 * MINUTE))
    seen = preview(machine, what, actor=supervisor, at=NOW)
    assert snapshot_of_rows() == before
    assert [row["subject"] for row in seen.rows].count("downtime") == 1
    done = fix(machine, what, supervisor)
    assert (seen.correction.oee_before, seen.correction.oee_after) == (
        done.oee_before,
        done.oee_after,
    )
    assert seen.rows[0]["after"]["started_at"] == at(5 * MINUTE).isoformat()


@pytest.mark.parametrize(
    "refused",
    [
        lambda row: Split(downtime_id=row.pk, at=row.started_at),
        lambda row: Moved(downtime_id=row.pk),
        lambda row: Reasoned(downtime_id=row.pk, reason=None),
        lambda row: Merged(downtime_id=row.pk, other_id=row.pk),
        lambda row: Moved(downtime_id=row.pk, started_at=row.ended_at),
        lambda row: Split(downtime_id=row.pk + 99, at=row.started_at),
        lambda row: Requantified(count_id=0, quantity=1),
        lambda row: Adjusted(kind="good", pieces=0, at=row.started_at),
        lambda row: Adjusted(kind="good", pieces=1, at=NOW + timedelta(seconds=1)),
        lambda row: Planned(started_at=row.ended_at, ended_at=row.started_at, text="x"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(machine, downtime, supervisor, refused):
    before = snapshot_of_rows()
    with pytest.raises(ActionRefused):
        fix(machine, refused(downtime), supervisor)
    assert snapshot_of_rows() == before


def test_only_a_supervisor_of_the_line_corrects_and_says_why(machine, downtime, supervisor):
    what = Split(downtime_id=downtime.pk, at=at(15 * MINUTE))
    for who in (user(Role.OPERATOR), user(Role.SHIFT_MANAGER, all_lines=False)):
        with pytest.raises(NotAllowed):
            fix(machine, what, who)
    with pytest.raises(ActionRefused, match="why"):
        fix(machine, what, supervisor, why="  ")


def test_a_correction_far_back_leaves_settled_what_it_does_not_reach(
    machine, downtime, supervisor
):
    day = 86_400
    observe([observation(machine, second) for second in range(3000, 2 * day + 3000, 600)])
    now = at(2 * day + 3600)
    while settling.settle(now):
        pass
    machine.refresh_from_db()
    until, was = (
        machine.settlement.until,
        set(machine.time_tallies.values_list("pk", flat=True)),
    )
    clean = reason("CLEANING", loss="planned", category="planned")
    what = Reasoned(downtime_id=downtime.pk, reason=clean)
    done = correct(machine, what, actor=supervisor, at=now, reason="far back")
    found = accounting.accounts([machine], at(0), at(2 * day), now)[machine.pk]
    assert (
        found == accounting.accounts([machine], at(0), at(2 * day), now, exact=True)[machine.pk]
    )
    assert found.of(Bucket.PLANNED) == timedelta(minutes=10)
    machine.settlement.refresh_from_db()
    now_ = set(machine.time_tallies.values_list("pk", flat=True))
    # Two quarters were tallied anew; the others are the rows that they were.
    assert (machine.settlement.until, len(was - now_), len(now_)) == (until, 2, len(was))
    undo(done, actor=supervisor, at=now, reason="no")
    assert accounting.accounts([machine], at(0), at(2 * day), now)[machine.pk] != found
    assert len(machine.time_tallies.all()) == len(was)
