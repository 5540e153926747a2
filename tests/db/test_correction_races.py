"""Corrections at once with each other and with readings: one wins, the other is told, nothing is lost."""

import threading
from datetime import timedelta
from functools import partial
from itertools import pairwise

import pytest
from django.db import connection, connections

from ms5.accounts.roles import Role
from production import accounting, processors
from production.actions import observe
from production.actions.correcting_counts import Adjusted, Requantified
from production.actions.correcting_downtimes import Moved, Reasoned, Split
from production.actions.corrections import correct, undo
from production.models import Correction, Count, Downtime, Reason, Tally
from production.refusals import ActionRefused
from tests.factories import at, equipment, facts_of, good_count, line, observation, user

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "snapshot"]),
    pytest.mark.skipif(
        "connection.vendor != 'postgresql'", reason="SQLite has one writer at a time"
    ),
]
NOW = at(7200)
ROUNDS = 5


def at_once(*deeds):
    """Do them in threads of their own; return the codes of the refusals, and "done" for the others."""
    together, told, failures = threading.Barrier(len(deeds)), [], []

    def run(deed):
        try:
            together.wait(10)
            deed()
            told.append("done")
        except ActionRefused as refused:
            told.append(refused.code)
        except Exception as error:  # noqa: BLE001 - asserted on below, in the test's own thread
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    return sorted(told)


def deadlocks():
    """Return how many the server has seen in this database; a retried action does not tell."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        )
        return cursor.fetchone()[0]


@pytest.fixture(autouse=True)
def without_deadlock(db):
    before = deadlocks()
    yield
    assert deadlocks() == before


@pytest.fixture
def floor():
    """A constraint that stood from minute 10 to 20, ran on and makes a piece a second; two supervisors."""
    own = equipment(line=line(), is_constraint=True, no_data_after_s=3600, stop_after_s=90)
    observe([seen(own, 0, 0), seen(own, 600, 600, "stopped"), seen(own, 1200, 600)])
    observe([seen(own, 1800, 1200)])
    Reason.objects.create(code="JAM", name="Jam")
    Reason.objects.create(code="BREAK", name="Break", loss="planned")
    return own, Downtime.objects.get(), user(Role.SHIFT_MANAGER), user(Role.SHIFT_MANAGER)


def seen(on, seconds, pieces, state="running"):
    return observation(on, seconds, state, counters=(good_count(pieces),))


def fix(on, what, who):
    return correct(on, what, actor=who, at=NOW, reason="why")


def fixes(on, deeds, people):
    return [partial(fix, on, deed, who) for deed, who in zip(deeds, people, strict=True)]


def assert_sound(on):
    """The tallies are those of the increments, and what is settled is what the rows tell."""
    counted = sum(Count.objects.filter(equipment=on).values_list("quantity", flat=True))
    assert sum(Tally.objects.filter(equipment=on).values_list("quantity", flat=True)) == counted
    found = accounting.accounts([on], at(0), at(3600), NOW)[on.pk]
    assert found == accounting.accounts([on], at(0), at(3600), NOW, exact=True)[on.pk]
    spans = list(on.spans.order_by("started_at"))
    assert all(one.ended_at == two.started_at for one, two in pairwise(spans))


def test_of_two_who_correct_the_same_downtime_one_wins_and_the_other_is_refused(floor):
    on, row, one, two = floor
    reasons = Reason.objects.filter(code__in=["JAM", "BREAK"])
    for number in range(ROUNDS):
        row.refresh_from_db()
        deeds = [
            Reasoned(
                downtime_id=row.pk,
                reason=reasons[number % 2],
                note=f"of round {number}",
                version=row.version,
            ),
            Moved(downtime_id=row.pk, started_at=at(500 + number), version=row.version),
        ]
        told = at_once(*fixes(on, deeds, [one, two]))
        assert told == ["changed", "done"]
        assert Correction.objects.count() == number + 1
        assert_sound(on)
    assert len(facts_of(on, "correction")) == ROUNDS


def test_two_splits_at_one_moment_make_two_halves(floor):
    on, row, one, two = floor
    what = Split(downtime_id=row.pk, at=at(900))
    assert at_once(lambda: fix(on, what, one), lambda: fix(on, what, two)) == [
        "done",
        "outside",
    ]
    ends = Downtime.objects.order_by("started_at").values_list("started_at", "ended_at")
    assert list(ends) == [(at(600), at(900)), (at(900), at(1200))]


def test_a_count_is_given_another_quantity_once(floor):
    on, _, one, two = floor
    row = Count.objects.filter(quantity=600).latest("at")
    deeds = [Requantified(count_id=row.pk, quantity=each) for each in (590, 580)]
    told = at_once(*fixes(on, deeds, [one, two]))
    assert told == ["done", "gone"]
    assert Count.objects.get(at=row.at).quantity in {580, 590}
    assert_sound(on)


def test_a_correction_while_the_equipment_is_read_loses_neither(floor):
    on, row, one, two = floor
    pieces, began = 1200, 1800
    for number in range(ROUNDS):
        pieces, began = pieces + 10, began + 10
        reading = seen(on, began, pieces, ("running", "stopped")[number % 2])
        moved = Moved(downtime_id=row.pk, started_at=at(500 + number))
        added = Adjusted(kind="good", pieces=1, at=at(1500))
        told = at_once(
            lambda reading=reading: observe([reading]),
            lambda moved=moved: fix(on, moved, one),
            lambda added=added: fix(on, added, two),
            lambda: processors.oee(NOW),
            lambda began=began: processors.downtime(at(began)),
        )
        assert told == ["done"] * 5
        assert_sound(on)
    counted = sum(Count.objects.filter(equipment=on).values_list("quantity", flat=True))
    assert counted == pieces + ROUNDS
    row.refresh_from_db()
    assert row.started_at == at(500 + ROUNDS - 1)
    assert Correction.objects.count() == 2 * ROUNDS


def test_a_correction_is_taken_back_once(floor):
    on, row, one, two = floor
    for number in range(ROUNDS):
        done = fix(on, Moved(downtime_id=row.pk, started_at=at(500 + number)), one)
        told = at_once(
            lambda done=done: undo(done, actor=one, at=NOW, reason="a"),
            lambda done=done: undo(done, actor=two, at=NOW, reason="b"),
        )
        assert told == ["done", "undone"]
        row.refresh_from_db()
        assert row.ended_at - row.started_at == timedelta(minutes=10)
        assert_sound(on)
    assert Correction.objects.count() == 2 * ROUNDS
