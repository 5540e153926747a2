"""Counters become increments with product and ideal cycle, added up by quarter of an hour."""

import logging
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ms5.accounts.roles import Role
from production.actions import begin_anew, jobs, lose, observe, set_context
from production.actions.counts import quarter
from production.models import Count, Counter, Tally
from production.observation import CounterReading
from tests.factories import (
    T0,
    at,
    equipment,
    good_count,
    ideal_cycle,
    observation,
    product,
    user,
)

pytestmark = pytest.mark.django_db


def counted(on):
    """Return (kind, quantity, decision, measured) of each row, oldest first."""
    rows = Count.objects.filter(equipment=on).order_by("pk")
    return list(rows.values_list("kind", "quantity", "decision", "measured"))


def tallied(on):
    rows = Tally.objects.filter(equipment=on).order_by("started_at", "measured", "product")
    return [
        ((row.started_at - T0) // timedelta(minutes=1), row.quantity, row.measured)
        for row in rows
    ]


def show(on, seconds, value, state="running", **fields):
    """Observe what the counter of good pieces shows."""
    setting = fields.pop("setting", {})
    observe(
        [observation(on, seconds, state, counters=(good_count(value, **setting),), **fields)]
    )


def test_the_first_value_is_noted_as_a_baseline_and_counts_nothing():
    machine = equipment()
    show(machine, 0, 84231)
    assert counted(machine) == [("good", 0, "baseline", False)]
    assert tallied(machine) == []
    row = Counter.objects.get(equipment=machine)
    assert (row.kind, row.value, row.read_at) == ("good", 84231, at(0))


def test_increments_are_rows_and_a_counter_that_stands_still_makes_none():
    machine = equipment()
    for second, value in enumerate([100, 101, 101, 101, 104]):
        show(machine, second, value)
    assert counted(machine)[1:] == [("good", 1, "counted", True), ("good", 3, "counted", True)]
    last = Count.objects.latest("pk")
    assert (last.after, last.at, last.value_before, last.value) == (at(3), at(4), 101, 104)
    assert Counter.objects.get(equipment=machine).read_at == at(4)
    assert tallied(machine) == [(0, 4, True)]


def test_a_rollover_a_reset_and_a_jump_are_kept_and_shown():
    machine = equipment()
    rolls = {"modulus": 32768, "max_per_minute": 1200.0}
    for second, value in enumerate([32760, 5, 32000, 31999, 32001, 0, 12]):
        show(machine, second, value, setting=rolls)
    assert [(quantity, decision) for _, quantity, decision, _ in counted(machine)] == [
        (0, "baseline"),
        (13, "rollover"),
        (0, "jump"),
        (0, "reset"),
        (2, "counted"),
        (0, "reset"),
        (12, "counted"),
    ]
    assert sum(row.quantity for row in Tally.objects.all()) == 27


@pytest.mark.parametrize("setting", [{}, {"modulus": 2**20}, {"count_after_reset": False}])
def test_zeros_after_a_power_up_are_no_production(setting):
    machine = equipment()
    for second, value in enumerate([84231, 0, 0, 84235, 84236]):
        show(machine, second, value, setting=setting)
    assert [(quantity, decision) for _, quantity, decision, _ in counted(machine)] == [
        (0, "baseline"),
        (0, "reset"),
        (4, "resumed"),
        (1, "counted"),
    ]
    assert sum(row.quantity for row in Tally.objects.all()) == 5
    back = Count.objects.get(decision="resumed")
    assert (back.value_before, back.value, back.after, back.at) == (
        84231,
        84235,
        at(2),
        at(3),
    )
    assert Counter.objects.get(equipment=machine).away_from is None


def test_a_refused_value_leaves_the_counter_as_it_was(caplog):
    machine = equipment()
    show(machine, 0, 100)
    with caplog.at_level(logging.WARNING):
        show(machine, 1, -3)
    assert [record.message for record in caplog.records] == ["a counter's value was refused"]
    show(machine, 2, 102)
    assert counted(machine)[1:] == [("good", 2, "counted", True)]


def test_a_counter_whose_values_are_refused_is_told_of_once_until_it_counts_again(caplog):
    machine = equipment()
    show(machine, 0, 100)
    with caplog.at_level(logging.WARNING):
        for second, value in enumerate([-3, -2, -1, 101, -1, -1], start=1):
            show(machine, second, value)
    assert [record.value for record in caplog.records] == [-3, -1]


class TestBeginningAnew:
    """What a counter counts may be something else from now on."""

    def test_the_next_value_is_a_baseline_and_the_one_after_counts(self):
        machine = equipment()
        for second, value in enumerate([1000, 1002]):
            show(machine, second, value)
        assert begin_anew([(machine.pk, "good"), (machine.pk, "reject")]) == 1
        for second, value in enumerate([5000, 5003], start=3600):
            show(machine, second, value, setting={"max_per_minute": 200.0})
        assert [(quantity, decision) for _, quantity, decision, _ in counted(machine)] == [
            (0, "baseline"),
            (2, "counted"),
            (0, "baseline"),
            (3, "counted"),
        ]
        assert sum(row.quantity for row in Tally.objects.all()) == 5
        begun = Count.objects.filter(decision="baseline").latest("pk")
        assert (begun.value, begun.value_before, begun.after) == (5000, None, None)
        assert Counter.objects.get(equipment=machine).begins_anew is False

    def test_only_the_counters_that_are_named_begin_anew(self):
        machine, other = equipment(), equipment()
        reject = CounterReading(kind="reject", value=7)
        for each in (machine, other):
            observe([observation(each, 0, counters=(good_count(100), reject))])
        assert begin_anew([(machine.pk, "good"), (other.pk, "reject")]) == 2
        assert set(
            Counter.objects.filter(begins_anew=True).values_list("equipment", "kind")
        ) == {
            (machine.pk, "good"),
            (other.pk, "reject"),
        }

    def test_where_it_stood_stays_known_until_it_is_read_again(self):
        machine = equipment()
        show(machine, 0, 100)
        begin_anew([(machine.pk, "good")])
        assert Counter.objects.get(equipment=machine).value == 100

    def test_a_counter_that_was_never_read_begins_with_a_baseline_anyway(self):
        machine = equipment()
        assert begin_anew([(machine.pk, "good")]) == 0
        show(machine, 0, 100)
        assert counted(machine) == [("good", 0, "baseline", False)]

    def test_nothing_of_the_difference_is_of_the_running_job(self):
        machine = equipment(is_constraint=True)
        boss, loaf = user(Role.SHIFT_MANAGER), product()
        job = jobs.plan(machine.line, actor=boss, at=at(0), number="J", product=loaf)
        job = jobs.assign(job, user(), actor=boss, at=at(0))
        jobs.start(job, actor=job.operator, at=at(0))
        for second, value in enumerate([1000, 1002], start=1):
            show(machine, second, value)
        begin_anew([(machine.pk, "good")])
        for second, value in enumerate([5000, 5003], start=3):
            show(machine, second, value)
        job.refresh_from_db()
        assert (job.good, job.status) == (5, "running")


def test_an_observation_said_twice_counts_once():
    machine = equipment()
    seen = [
        observation(machine, second, counters=(good_count(100 + 2 * second),))
        for second in range(5)
    ]
    observe(seen)
    observe(seen)
    observe(seen[2:4])
    assert sum(quantity for _, quantity, _, _ in counted(machine)) == 8
    assert sum(row.quantity for row in Tally.objects.all()) == 8


def test_a_bad_reading_counts_nothing_and_loses_nothing():
    machine = equipment()
    show(machine, 0, 100)
    show(machine, 1, 5, state=None, quality="bad")
    show(machine, 2, 103)
    assert counted(machine)[1:] == [("good", 3, "counted", True)]


def test_pieces_that_show_after_a_gap_are_counted_but_not_measured():
    machine = equipment(no_data_after_s=3)
    show(machine, 0, 100)
    show(machine, 1, 101)
    show(machine, 61, 160)
    show(machine, 62, 162)
    assert counted(machine)[1:] == [
        ("good", 1, "counted", True),
        ("good", 59, "counted", False),
        ("good", 2, "counted", True),
    ]
    assert tallied(machine) == [(0, 59, False), (0, 3, True)]


def test_pieces_of_a_time_whose_state_was_lost_are_not_measured_however_short_it_was():
    machine = equipment(no_data_after_s=3)
    show(machine, 0, 100)
    show(machine, 1, 101)
    lose([machine.pk], "PLC does not answer", at(1.5))
    show(machine, 2, 103)
    show(machine, 3, 104)
    assert [(quantity, measured) for _, quantity, _, measured in counted(machine)][1:] == [
        (1, True),
        (2, False),
        (1, True),
    ]


def test_a_counter_that_was_not_read_for_long_does_not_count_as_measured():
    machine = equipment(no_data_after_s=3)
    show(machine, 0, 100)
    observe([observation(machine, second) for second in range(1, 6)])
    show(machine, 6, 110)
    assert counted(machine)[1:] == [("good", 10, "counted", False)]


def test_pieces_belong_to_the_product_and_the_ideal_cycle_of_their_time():
    machine, first, second = equipment(), product(), product()
    slow = ideal_cycle(first, machine, "0.75")
    fast = ideal_cycle(first, machine, "0.6", effective_from=at(1.5))
    other = ideal_cycle(second, machine, "1.0")
    show(machine, 0, 100, product_number=first.plc_number)
    show(machine, 1, 101, product_number=first.plc_number)
    show(machine, 2, 102, product_number=first.plc_number)
    # Read together with the new product, made before it: a piece of the old one.
    show(machine, 3, 103, product_number=second.plc_number)
    show(machine, 4, 104, product_number=second.plc_number)
    rows = Count.objects.filter(equipment=machine, quantity=1).order_by("at")
    assert [(row.product, row.ideal_cycle) for row in rows] == [
        (first, slow),
        (first, fast),
        (first, fast),
        (second, other),
    ]
    tallies = Tally.objects.filter(equipment=machine).order_by("product__pk", "ideal_cycle__pk")
    assert [(row.ideal_cycle, row.quantity) for row in tallies] == [
        (slow, 1),
        (fast, 2),
        (other, 1),
    ]


def test_pieces_without_product_or_ideal_cycle_are_counted_all_the_same():
    machine, nameless = equipment(), product()
    show(machine, 0, 100)
    show(machine, 1, 103)
    set_context(machine, actor=None, at=at(1), product=nameless)
    show(machine, 2, 104)
    rows = Count.objects.filter(equipment=machine, quantity__gt=0).order_by("at")
    assert [(row.quantity, row.product, row.ideal_cycle) for row in rows] == [
        (3, None, None),
        (1, nameless, None),
    ]
    assert sorted(row.quantity for row in Tally.objects.all()) == [1, 3]


def test_kinds_are_counted_side_by_side():
    machine = equipment()
    for second, (good, reject, total) in enumerate([(10, 1, 11), (12, 1, 13), (13, 2, 15)]):
        shown = {"good": good, "reject": reject, "total": total}
        readings = tuple(
            CounterReading(kind=kind, value=value) for kind, value in shown.items()
        )
        observe([observation(machine, second, counters=readings)])
    sums = {row.kind: row.quantity for row in Tally.objects.filter(equipment=machine)}
    assert sums == {"good": 3, "reject": 1, "total": 4}


def test_a_quarter_holds_what_was_read_up_to_its_end():
    assert quarter(at(0.000001)) == T0
    assert quarter(at(900)) == T0
    assert quarter(at(900.000001)) == at(900)
    assert quarter(at(0)) == at(-900)


def test_pieces_go_to_the_quarter_in_which_they_were_made():
    machine = equipment(no_data_after_s=10_000)
    for second, value in [(1, 0), (899, 5), (900, 7), (901, 8), (1800.5, 20)]:
        show(machine, second, value)
    assert tallied(machine) == [(0, 7, True), (15, 1, True), (30, 12, True)]


def test_the_database_refuses_a_negative_increment_and_a_second_tally():
    machine = equipment()
    with pytest.raises(IntegrityError), transaction.atomic():
        Count.objects.create(equipment=machine, kind="good", quantity=-1, at=T0)
    row = {"equipment": machine, "started_at": T0, "kind": "good", "quantity": 1}
    for fields in ({"product": None}, {"product": product()}):
        Tally.objects.create(**row | fields)
        with pytest.raises(IntegrityError), transaction.atomic():
            Tally.objects.create(**row | fields)
        Tally.objects.create(**row | fields | {"measured": False})


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(st.integers(1, 400), st.integers(0, 50)), min_size=1, max_size=12),
    st.booleans(),
)
def test_counts_tallies_and_the_counter_agree_whatever_the_pace(drawn, is_batch):
    machine = equipment()
    second, value, seen = 0, 1000, []
    for pause, made in drawn:
        second, value = second + pause, value + made
        seen.append(observation(machine, second, counters=(good_count(value),)))
    first = seen[0].counters[0].value
    for batch in [seen] if is_batch else [[each] for each in seen]:
        observe(batch)
    rows = Count.objects.filter(equipment=machine)
    assert sum(row.quantity for row in rows) == value - first
    per_quarter: dict = {}
    for row in rows:
        if row.quantity:
            key = (quarter(row.at), row.measured)
            per_quarter[key] = per_quarter.get(key, 0) + row.quantity
    tallies = Tally.objects.filter(equipment=machine)
    assert {(row.started_at, row.measured): row.quantity for row in tallies} == per_quarter
    assert Counter.objects.get(equipment=machine).value == value


def test_a_counter_that_is_read_rarely_counts_all_of_its_pieces_and_they_are_measured():
    """Made at 100 a minute, read every ten seconds; the equipment is observed every second."""
    machine = equipment()
    for second in range(121):
        read_at = second // 10 * 10
        reading = CounterReading(
            kind="good",
            value=1000 + read_at * 100 // 60,
            max_per_minute=100,
            read_at=at(read_at),
            every=timedelta(seconds=10),
        )
        observe([observation(machine, second, "running", counters=(reading,))])
    made = [row for row in counted(machine) if row[1]]
    assert sum(quantity for _, quantity, _, _ in made) == 200
    assert {(decision, measured) for _, _, decision, measured in made} == {("counted", True)}
    first = Count.objects.filter(quantity__gt=0).earliest("pk")
    assert (first.after, first.at) == (at(0), at(10))


def test_pieces_of_a_counter_that_missed_many_of_its_readings_are_not_measured():
    machine = equipment()
    for second in range(61):
        reading = CounterReading(
            kind="good",
            value=1000 if second < 60 else 1050,
            read_at=at(0 if second < 60 else 60),
            every=timedelta(seconds=10),
        )
        observe([observation(machine, second, "running", counters=(reading,))])
    assert counted(machine)[-1] == ("good", 50, "counted", False)


def test_a_counter_that_is_read_elsewhere_begins_anew():
    machine = equipment()
    for second, (value, source) in enumerate(
        [(100, "a"), (103, "a"), (9000, "b"), (9002, "b"), (9003, "")]
    ):
        show(machine, second, value, setting={"source": source})
    assert [row[1:3] for row in counted(machine)] == [
        (0, "baseline"),
        (3, "counted"),
        (0, "baseline"),
        (2, "counted"),
        (1, "counted"),
    ]
    assert Counter.objects.get(equipment=machine).source == "b"
