"""Pieces are read by the counters of their time, whichever an equipment has today."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ms5.accounts.roles import Role
from production.actions import jobs, observe, set_context
from production.actions.counts import Ledger
from production.actions.entries import enter
from production.another_product import with_made
from production.explain import explain
from production.looks import looks
from production.made import outputs
from production.models import Count, Counter, Defect, Job, QualityThreshold, Tally
from production.observation import CounterReading
from production.pace import progress_of
from production.refusals import ActionRefused
from production.timelines import Extent
from tests.factories import at, equipment, ideal_cycle, observation, product, user

pytestmark = pytest.mark.django_db

as_ever = import_module("production.migrations.0010_counters_of_the_time").as_ever


@pytest.fixture
def machine():
    made = equipment(is_constraint=True, no_data_after_s=3600)
    loaf = product()
    ideal_cycle(loaf, made, "1.0")
    set_context(made, actor=None, at=at(-60), product=loaf)
    return made


def show(on, second, **shown):
    """Read these counters, which are all that the equipment has."""
    counters = tuple(CounterReading(kind=kind, value=value) for kind, value in shown.items())
    observe([observation(on, second, counters=counters, counts=frozenset(shown))])


def made(on, start, end, *, exact=False):
    """Return good pieces and all of (start, end]."""
    (found,) = outputs([Extent(on, at(start), at(end))], at(end), exact=exact)
    assert (found.good_s, found.total_s) == (found.good, found.total)
    return found.good, found.total


def counters_of(on):
    """Return kind, pieces and the counters of their time of what was counted, in order."""
    rows = Count.objects.filter(equipment=on, quantity__gt=0).order_by("at", "pk")
    return list(rows.values_list("kind", "quantity", "counters"))


def started(on):
    boss = user(Role.SHIFT_MANAGER)
    job = jobs.plan(
        on.line, actor=boss, at=at(0), number="J", product=on.context.product, target=1000
    )
    job = jobs.assign(job, user(), actor=boss, at=at(0))
    return jobs.start(job, actor=job.operator, at=at(0))


def test_a_counter_of_good_pieces_that_becomes_one_of_all_spoils_no_figure(machine):
    job = started(machine)
    for second in range(1, 1101, 100):
        show(machine, second, good=second)
    for second in range(1101, 2202, 100):
        show(machine, second, total=second)
    assert set(counters_of(machine)) == {("good", 100, "good"), ("total", 100, "total")}
    for exact in (False, True):
        assert made(machine, 0, 1100, exact=exact) == (1000, 1000)
        assert made(machine, 1100, 2201, exact=exact) == (1100, 1100)
        assert made(machine, 0, 2201, exact=exact) == (2100, 2100)
    job.refresh_from_db()
    assert (job.good, job.reject) == (2100, 0)
    (progress,) = progress_of(list(with_made(Job.objects.all())), at(2201))
    # Six readings of a hundred pieces in the last ten minutes.
    assert progress.rate == pytest.approx(60)
    rows = explain(machine, at(0), at(2201), at(2201)).made
    assert [(row.kind, row.counters, row.good, row.total) for row in rows] == [
        ("good", "good", 1000, 1000),
        ("total", "total", 1100, 1100),
    ]


def test_a_counter_that_is_new_counts_from_its_first_reading_on(machine):
    show(machine, 0, good=0)
    show(machine, 10, good=10)
    # What good counts up to here, nobody counts among all pieces but itself.
    show(machine, 20, good=20, total=5000)
    show(machine, 30, good=28, total=5010)
    assert counters_of(machine) == [
        ("good", 10, "good"),
        ("good", 10, "good"),
        ("good", 8, "good total"),
        ("total", 10, "good total"),
    ]
    assert made(machine, 0, 20) == (20, 20)
    assert made(machine, 0, 30) == (28, 30)


def test_a_counter_that_comes_back_begins_with_a_baseline(machine):
    show(machine, 0, good=0, total=0)
    show(machine, 10, good=9, total=10)
    show(machine, 20, good=18)
    assert list(Counter.objects.values_list("kind", flat=True)) == ["good"]
    # Others have counted meanwhile what it counted: it would count it twice.
    show(machine, 30, good=27, total=30)
    show(machine, 40, good=36, total=40)
    assert made(machine, 0, 10) == (9, 10)
    assert made(machine, 10, 30) == (18, 18)
    assert made(machine, 0, 40) == (36, 38)


def test_where_nobody_says_what_there_is_all_that_were_read_are_there(machine):
    show(machine, 0, good=0, total=0)
    counters = (CounterReading(kind="good", value=9),)
    observe([observation(machine, 10, counters=counters)])
    assert counters_of(machine) == [("good", 9, "good total")]
    assert Counter.objects.count() == 2


def test_a_reading_without_one_of_the_counters_loses_none(machine):
    """One is read more rarely, or was bad this time."""
    show(machine, 0, good=0, total=0)
    counters = (CounterReading(kind="good", value=9),)
    observe([observation(machine, 10, counters=counters, counts=frozenset({"good", "total"}))])
    show(machine, 20, good=18, total=20)
    assert made(machine, 0, 20) == (18, 20)


def test_equipment_without_any_counter_is_left_to_people(machine):
    show(machine, 0, good=0, total=0)
    show(machine, 10, good=9, total=10)
    show(machine, 20)
    assert not Counter.objects.exists()
    person = user(Role.SHIFT_MANAGER)
    torn = Defect.objects.create(code="torn", name="Torn")
    enter(machine, rejects={torn: 2}, actor=person, at=at(30), now=at(30))
    enter(machine, good=5, rejects={}, actor=person, at=at(30), now=at(30))
    assert counters_of(machine)[-2:] == [("reject", 2, ""), ("good", 5, "")]
    assert made(machine, 0, 10) == (9, 10)
    assert made(machine, 0, 30) == (14, 17)


def test_what_is_entered_for_the_past_is_read_by_the_counters_of_then(machine):
    show(machine, 0, good=0)
    show(machine, 10, good=10)
    for second in (20, 30):
        show(machine, second, good=second, total=second)
    person = user(Role.SHIFT_MANAGER)
    torn = Defect.objects.create(code="torn", name="Torn")
    enter(machine, rejects={torn: 2}, actor=person, at=at(10), now=at(40))
    assert made(machine, 0, 10) == (10, 12)
    # Counters of good and of all pieces tell the rejects themselves.
    with pytest.raises(ActionRefused):
        enter(machine, rejects={torn: 2}, actor=person, at=at(30), now=at(40))


def test_a_threshold_looks_at_pieces_by_the_counters_of_their_time(machine):
    fields = {
        "name": "Rejects",
        "metric": "reject_rate",
        "line": machine.line,
        "least_items": 20,
        "warning": 0.05,
        "warning_clears": 0.03,
        "critical": 0.10,
        "critical_clears": 0.07,
    }
    lately = QualityThreshold.objects.create(window_size=10, **fields)
    newest = QualityThreshold.objects.create(window_size=25, window_kind="items", **fields)
    for second in range(0, 40, 10):
        show(machine, second, good=second - second // 10, reject=second // 10)
    for second in range(40, 70, 10):
        show(machine, second, good=second - second // 10, total=second)
    of_time, of_items = looks([lately, newest], at(60))
    # Made up to 30 by one pair, and from 40 on by the other.
    assert (of_time.made.good, of_time.made.reject, of_time.made.total) == (54, 5, 59)
    assert (of_items.started_at < at(40), of_items.made.total >= 25) == (True, True)
    assert of_items.made.reject == of_items.made.total - of_items.made.good


def test_what_was_counted_before_the_upgrade_is_read_as_it_was(machine):
    show(machine, 0, total=0, reject=0)
    show(machine, 10, total=10, reject=1)
    by_hand = equipment(line=machine.line)
    enter(by_hand, good=3, rejects={}, actor=user(), at=at(10), now=at(10))
    before = made(machine, 0, 10)
    Count.objects.update(counters="")
    Tally.objects.update(counters="")
    as_ever(apps, None)
    assert set(Count.objects.values_list("equipment", "counters")) == {
        (machine.pk, "reject total"),
        (by_hand.pk, ""),
    }
    assert set(Tally.objects.values_list("equipment", "counters")) == {
        (machine.pk, "reject total"),
        (by_hand.pk, ""),
    }
    assert made(machine, 0, 10) == before == (9, 10)


# What was made between two readings, good pieces and rejects, and which counters the second one has.
STEPS = st.lists(
    st.tuples(
        st.integers(0, 20),
        st.integers(0, 5),
        st.frozensets(st.sampled_from(["good", "reject", "total"])),
        st.sampled_from([7, 60, 400]),
    ),
    min_size=2,
    max_size=12,
)


def run(on, steps):
    """Show what was made; return what the system says and what the counters could tell, by window."""
    job = started(on)
    sums = {"good": 0, "reject": 0, "total": 0}
    told = [(0, 0, 0)]
    had, second = frozenset(), 0
    for good, reject, has, after in steps:
        second += after
        now = {"good": good, "reject": reject, "total": good + reject}
        sums = {kind: sums[kind] + pieces for kind, pieces in now.items()}
        show(on, second, **{kind: sums[kind] for kind in has})
        both = {kind: now[kind] if kind in had & has else 0 for kind in now}
        total = both["total"] if "total" in had & has else both["good"] + both["reject"]
        if "total" in had & has and "good" not in had & has:
            both["good"] = total - both["reject"]
        told.append((second, told[-1][1] + both["good"], told[-1][2] + total))
        had = has
    last, good, total = told[-1]
    expected, found = [], []
    for since, good_before, total_before in told[:-1]:
        for exact in (False, True):
            expected.append((good - good_before, total - total_before))
            found.append(made(on, since, last, exact=exact))
    job.refresh_from_db()
    expected.append((good, total - good))
    found.append((job.good, job.reject))
    return found, expected


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_whatever_counters_come_and_go_each_piece_counts_once(machine, steps):
    with Undone():
        found, expected = run(machine, steps)
    assert found == expected


class Undone:
    """Take back what the block has written; actions refuse to run inside an `atomic` of somebody else."""

    def __enter__(self):
        self._point = connection.savepoint()

    def __exit__(self, *_):
        connection.savepoint_rollback(self._point)


GONE_AND_BACK = [
    (9, 1, frozenset({"good", "total"}), 60),
    (9, 1, frozenset({"good", "total"}), 60),
    (9, 1, frozenset({"good"}), 60),
    (9, 1, frozenset({"good", "total"}), 60),
    (9, 1, frozenset({"good", "total"}), 60),
]


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("_forget", lambda *_: None),
        (
            "_going_on",
            lambda self, seen: {
                *self._own(seen),
                *(reading.kind for reading in seen.counters),
            },
        ),
        ("_going_on", lambda *_: {"good", "total"}),
    ],
    ids=["forgets none", "new ones count at once", "those of today"],
)
def test_a_ledger_that_mixes_counters_up_is_found_out(machine, monkeypatch, name, broken):
    monkeypatch.setattr(Ledger, name, broken)
    found, expected = run(machine, GONE_AND_BACK)
    assert found != expected


def test_rejects_that_were_not_measured_take_no_seconds_from_the_good_ones(machine):
    show(machine, 0, total=0, reject=0)
    # More than an hour without a reading.
    show(machine, 4000, total=10, reject=1)
    rows = explain(machine, at(0), at(4000), at(4000)).made
    assert [(row.kind, row.good, str(row.good_s)) for row in rows] == [
        ("reject", -1, "0"),
        ("total", 10, "0"),
    ]


@pytest.mark.django_db(transaction=True)
def test_the_upgrade_keeps_what_was_counted():
    made_by = equipment(no_data_after_s=3600)
    show(made_by, 0, good=0, reject=0)
    show(made_by, 10, good=9, reject=1)
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    try:
        MigrationExecutor(connection).migrate([("production", "0009_counters_have_a_source")])
    finally:
        MigrationExecutor(connection).migrate(latest)
    assert counters_of(made_by) == [("good", 9, "good reject"), ("reject", 1, "good reject")]
    rows = Tally.objects.order_by("kind").values_list("kind", "quantity", "counters")
    assert list(rows) == [("good", 9, "good reject"), ("reject", 1, "good reject")]
    show(made_by, 20, good=18, reject=2)
    assert list(rows.all()) == [("good", 18, "good reject"), ("reject", 2, "good reject")]
