"""Slow cycles over the database: from counters as they were read, settled or not, however windows are cut."""

from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from production.accounting import accounts
from production.actions import lose, observe
from production.actions.standards import cycles_changed, told_anew
from production.models import Count, IdealCycle, TimeTally
from production.observation import CounterReading
from production.ratios import figures
from production.settling import settle, unsettle
from tests.factories import at, equipment, ideal_cycle, observation, product, user

pytestmark = pytest.mark.django_db


def machine(**fields):
    fields = {"slow_after_s": 5, "stop_after_s": 60, "no_data_after_s": 30} | fields
    return equipment(is_constraint=True, **fields)


def read(on, of, shown, *, period=1, kinds=("good",), state=lambda _second: "running"):
    """Observe what counters showed, a reading each period; `shown` are pieces by kind at each reading."""
    totals = dict.fromkeys(kinds, 0)
    seen = []
    for number, made in enumerate(shown):
        for kind, pieces in zip(
            kinds, made if isinstance(made, tuple) else (made,), strict=True
        ):
            totals[kind] += pieces
        counters = tuple(
            CounterReading(kind=kind, value=value) for kind, value in totals.items()
        )
        second = number * period
        seen.append(
            observation(
                on, second, state(second), counters=counters, product_number=of.plc_number
            )
        )
    observe(seen)


def account(on, start, end, **options):
    return accounts([on], at(start), at(end), at(end), **options)[on.pk]


def slow(on, start, end, **options):
    found = account(on, start, end, **options)
    return found.slow_cycles, found.slow.total_seconds()


# A piece at 1 and 2, then after 6 s at 8, after 5 s at 13, after 7 s at 20.
SHOWN = [0, 1, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0]


def test_a_pause_longer_than_the_threshold_is_a_slow_cycle_and_part_of_the_run_time():
    on, loaf = machine(), product()
    ideal_cycle(loaf, on, "0.6")
    read(on, loaf, SHOWN)
    assert slow(on, 0, 21) == (2, 6 + 7 - 1.2)
    lost = figures(account(on, 0, 21)).lost
    assert lost["slow"] == lost["slow_cycle"] + lost["speed"]
    assert (float(lost["slow_cycle"]), float(lost["run"]), lost["small_stop"]) == (
        11.8,
        21.0,
        0,
    )
    assert [slow(on, *window) for window in ((0, 8), (8, 20), (19, 21))] == [
        (1, 5.4),
        (1, 6.4),
        (1, 6.4),
    ]


def test_a_piece_is_one_whichever_counter_shows_it():
    on, loaf = machine(), product()
    both = [(0, 0), (1, 0), (0, 0), (0, 0), (0, 1), (0, 0), (0, 0), (1, 0), (1, 0)]
    read(on, loaf, both, kinds=("good", "reject"), period=2)
    assert slow(on, 0, 16) == (2, 0.0)
    other = machine()
    # Where all pieces are counted, a reject that is counted later is not one more.
    later = [(0, 0), (1, 0), (0, 1), (0, 0), (0, 0), (1, 0)]
    read(other, loaf, later, kinds=("total", "reject"), period=2)
    assert slow(other, 0, 10) == (1, 0.0)


def test_what_is_read_too_seldom_to_be_told_is_not_told():
    on, loaf = machine(), product()
    read(on, loaf, [0, 1, 1, 1, 1], period=10)
    assert slow(on, 0, 40) == (0, 0.0)


def test_a_stop_or_a_gap_in_between_is_no_slow_cycle():
    on, loaf = machine(), product()
    read(on, loaf, SHOWN, state=lambda second: "idle" if second in {4, 16} else "running")
    found = account(on, 0, 21)
    assert (found.slow_cycles, found.small_stops) == (0, 2)
    lost_, at_all = machine(no_data_after_s=3), [0, 1, 0, 0, 0, 0, 0, 1]
    read(lost_, loaf, at_all[:4])
    lose([lost_.pk], "lost", at(3.5))
    observe(
        [
            observation(
                lost_, second, "running", counters=(CounterReading(kind="good", value=value),)
            )
            for second, value in ((10, 1), (11, 2))
        ]
    )
    assert slow(lost_, 0, 11) == (0, 0.0)


def test_thresholds_of_the_product_hold_and_a_change_tells_the_past_anew():
    on, loaf = machine(), product()
    cycle = ideal_cycle(loaf, on, "0.6")
    read(on, loaf, [*SHOWN, *[1] * 1000])
    settle(at(1021))
    assert TimeTally.objects.get().slow_cycles == 2
    IdealCycle.objects.filter(pk=cycle.pk).update(slow_after_s=6)
    cycles_changed(on, loaf.pk, at(-100), actor=user(), now=at(1021))
    assert slow(on, 0, 1021) == (1, 6.4)
    IdealCycle.objects.filter(pk=cycle.pk).update(slow_after_s=None)
    type(on).objects.filter(pk=on.pk).update(slow_after_s=4)
    told_anew(on, now=at(1021))
    on.refresh_from_db()
    assert slow(on, 0, 1021) == (3, 6 + 5 + 7 - 1.8)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3), st.sampled_from([1, 3, 8, 40, 400]), st.sampled_from("rrrrri")
        ),
        min_size=2,
        max_size=30,
    ),
    st.lists(st.integers(1, 9000), max_size=3),
)
def test_settled_or_not_and_however_cut_slow_cycles_are_those_of_the_readings(drawn, cuts):
    on, loaf = machine(stop_after_s=100, no_data_after_s=500), product()
    ideal_cycle(loaf, on, "0.7")
    second, shown, expected, piece_at, stood = 0, 0, [], None, False
    readings = []
    for pieces, wait, letter in drawn:
        readings.append((second, shown := shown + pieces, letter == "r", pieces))
        second += wait
    for number, (moment, value, runs, pieces) in enumerate(readings):
        observe(
            [
                observation(
                    on,
                    moment,
                    "running" if runs else "idle",
                    counters=(CounterReading(kind="good", value=value),),
                    product_number=loaf.plc_number,
                )
            ]
        )
        # The first value is a baseline; what ran until a reading is what the one before saw.
        if number and pieces:
            before = readings[number - 1][0]
            if piece_at is not None and piece_at < before and not stood:
                length = moment - piece_at
                if 5 < length <= 100:
                    expected.append((moment, length - 0.7))
            piece_at, stood = moment, False
        stood = stood or not runs
        if number % 7 == 3:
            settle(at(moment))
    end = readings[-1][0]
    if not end:
        return
    plain = account(on, 0, end, exact=True)
    assert (plain.slow_cycles, plain.slow) == (
        len(expected),
        timedelta(microseconds=sum(round(lost * 1e6) for _, lost in expected)),
    )
    settle(at(end + 100))
    assert account(on, 0, end) == plain
    edges = sorted({0, end, *(cut for cut in cuts if cut < end)})
    parts = [account(on, start, stop) for start, stop in pairwise(edges)]
    assert sum(part.slow_cycles for part in parts) == plain.slow_cycles
    with transaction.atomic():
        unsettle([on.pk], at(-100))
    assert account(on, 0, end) == plain
    # A broken variant that takes each reading for a piece is caught out by pauses alone.
    assert (
        plain.slow_cycles <= Count.objects.filter(equipment=on).exclude(idle_since=None).count()
    )
