"""Accounts over the database: settled or not, whole or cut, they are those of spans and increments."""

import itertools
from datetime import time, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from production.accounting import (
    accounts,
    accounts_of,
    line_account,
    line_accounts,
    timelines,
    without_data_as_stop,
)
from production.actions import lose, observe, set_context
from production.models import (
    Break,
    Changeover,
    Count,
    Downtime,
    Reason,
    Shift,
    TimeTally,
)
from production.observation import CounterReading
from production.oee import Account, Bucket
from production.ratios import figures
from production.settling import settle
from production.timelines import Extent
from tests.factories import (
    at,
    equipment,
    ideal_cycle,
    line,
    observation,
    product,
)

pytestmark = pytest.mark.django_db

MINUTE, HOUR = 60, 3600


def stay(on, state, start, end, *, step=60, good=None, reject=None, **fields):
    """Observe the state from start to end (seconds), a reading each `step`, with what counters show then."""
    seen = []
    for second in range(start, end + 1, step):
        counters = tuple(
            CounterReading(kind=kind, value=show(second))
            for kind, show in (("good", good), ("reject", reject))
            if show is not None
        )
        seen.append(observation(on, second, state, counters=counters, **fields))
    observe(seen)


def account(on, start, end, *, now=None, exact=False):
    return accounts([on], at(start), at(end), now or at(end), exact=exact)[on.pk]


def lengths(found):
    return {bucket.value: length.total_seconds() for bucket, length in found.time.items()}


def bagger(**fields):
    fields.setdefault("no_data_after_s", 300)
    return equipment(is_constraint=True, **fields)


def test_a_published_shift_gives_its_published_figures():
    # 480 minutes, breaks of 60, stops of 47, ideal cycle 1 s, 19,271 pieces of which 423 rejects.
    machine = bagger()
    loaf = product()
    ideal_cycle(loaf, machine, "1.0")
    shift = Shift.objects.create(
        site=machine.line.area.site, name="Early", starts=time(10), ends=time(18)
    )
    Break.objects.create(shift=shift, starts=time(12), ends=time(13))
    set_context(machine, actor=None, at=at(-HOUR), product=loaf)
    made = {0: 0, 2 * HOUR: 9000, 8 * HOUR: 18848}
    show = lambda second: made.get(second, 9000 if second >= 2 * HOUR else 0)  # noqa: E731
    bad = lambda second: 423 if second == 8 * HOUR else 0  # noqa: E731
    stay(machine, "running", 0, 2 * HOUR - 60, good=show, reject=bad)
    stay(machine, "idle", 2 * HOUR, 3 * HOUR - 60, good=show, reject=bad)
    stay(machine, "running", 3 * HOUR, 4 * HOUR - 60, good=show, reject=bad)
    stay(machine, "stopped", 4 * HOUR, 4 * HOUR + 46 * 60, good=show, reject=bad)
    stay(machine, "running", 4 * HOUR + 47 * 60, 8 * HOUR, good=show, reject=bad)
    for settled in (0, 31):
        assert TimeTally.objects.count() == settled
        found = account(machine, 0, 8 * HOUR)
        assert lengths(found) == {"running": 22380.0, "planned": 3600.0, "failure": 2820.0}
        assert (found.output.total, found.output.good) == (19271, 18848)
        said = figures(found)
        assert [
            round(float(each), 6)
            for each in (said.availability, said.performance, said.quality, said.oee)
        ] == [0.888095, 0.861081, 0.97805, 0.747937]
        settle(at(8 * HOUR))


def test_a_micro_stop_is_told_by_its_whole_length_wherever_the_window_cuts_it():
    machine = bagger(stop_after_s=120)
    stay(machine, "running", 0, 590, step=10)
    stay(machine, "stopped", 600, 710, step=10)
    stay(machine, "running", 720, 900, step=10)
    assert lengths(account(machine, 0, 660)) == {"running": 600.0, "small_stop": 60.0}
    assert lengths(account(machine, 660, 900)) == {"small_stop": 60.0, "running": 180.0}
    assert (account(machine, 0, 660).small_stops, account(machine, 660, 900).small_stops) == (
        1,
        0,
    )


def test_a_stop_longer_than_the_threshold_is_no_micro_stop_in_any_part_of_it():
    machine = bagger(stop_after_s=120)
    stay(machine, "running", 0, 590, step=10)
    stay(machine, "stopped", 600, 720, step=10)
    stay(machine, "running", 721, 900, step=10)
    found = account(machine, 0, 630, now=at(900))
    assert lengths(found) == {"running": 600.0, "failure": 30.0}
    assert (found.stops, found.small_stops) == (1, 0)


def test_a_stop_that_still_lasts_is_a_micro_stop_until_it_is_longer_and_then_from_its_start():
    machine = bagger(stop_after_s=120)
    stay(machine, "running", 0, 590, step=10)
    stay(machine, "stopped", 600, 720, step=10)
    assert lengths(account(machine, 0, 720)) == {"running": 600.0, "small_stop": 120.0}
    stay(machine, "stopped", 721, 721)
    assert lengths(account(machine, 0, 721)) == {"running": 600.0, "failure": 121.0}


def test_what_was_not_read_is_not_known():
    machine = bagger()
    stay(machine, "running", 0, 120)
    assert lengths(account(machine, -60, 150)) == {"no_data": 90.0, "running": 120.0}


def test_a_threshold_of_the_product_in_force_when_the_stop_began_holds():
    machine, loaf = bagger(stop_after_s=120), product()
    cycle = ideal_cycle(loaf, machine, "1.0")
    cycle.stop_after_s = 30
    cycle.save()
    stay(machine, "running", 0, 60, product_number=loaf.plc_number)
    stay(machine, "stopped", 70, 130)
    stay(machine, "running", 140, 200)
    assert lengths(account(machine, 0, 200))["failure"] == 70.0
    Downtime.every.filter(equipment=machine).delete()  # as it would be with the other threshold
    later = ideal_cycle(loaf, machine, "1.0", effective_from=at(0))
    assert lengths(account(machine, 0, 200))["small_stop"] == 70.0
    later.delete()
    set_context(machine, actor=None, at=at(100), product=product())
    assert lengths(account(machine, 0, 200))["failure"] == 70.0


@pytest.mark.parametrize(
    ("loss", "six", "bucket"),
    [
        ("planned", "failure", "planned"),
        ("changeover", "setup", "changeover"),
        ("stop", "setup", "adjustment"),
        ("stop", "idling", "idling"),
        ("stop", "failure", "failure"),
        ("stop", "defects", "failure"),
    ],
)
def test_a_downtime_falls_where_its_reason_says(loss, six, bucket):
    machine = bagger(stop_after_s=60)
    stay(machine, "running", 0, 60)
    stay(machine, "stopped", 120, 600)
    reason = Reason.objects.create(code="R", name="Reason", loss=loss, six_loss=six)
    Downtime.every.filter(equipment=machine).delete()
    Downtime.objects.create(equipment=machine, started_at=at(120), reason=reason)
    assert lengths(account(machine, 120, 600)) == {bucket: 480.0}


def test_a_planned_stop_that_was_announced_and_a_changeover_of_the_line_are_told_apart():
    machine = bagger()
    stay(machine, "running", 0, 60)
    stay(machine, "stopped", 120, 900)
    set_context(machine, actor=None, at=at(200), planned_stop=True, planned_stop_reason="Clean")
    set_context(machine, actor=None, at=at(300), planned_stop=False)
    Changeover.objects.create(
        line=machine.line,
        to_product=product(),
        started_at=at(250),
        ended_at=at(500),
        status="completed",
        started_with="person",
        good_needed=1,
    )
    found = lengths(account(machine, 120, 900))
    assert found == {"planned": 100.0, "changeover": 200.0, "failure": 480.0}


def test_a_changeover_that_was_called_off_costs_no_changeover_time():
    machine = bagger()
    stay(machine, "running", 0, 60)
    stay(machine, "stopped", 120, 900)
    changeover = Changeover.objects.create(
        line=machine.line,
        to_product=product(),
        started_at=at(250),
        ended_at=at(500),
        status="completed",
        started_with="person",
        good_needed=1,
    )
    found = lengths(account(machine, 120, 900))
    assert found == {"changeover": 250.0, "failure": 530.0}
    Changeover.objects.filter(pk=changeover.pk).update(status="cancelled")
    assert lengths(account(machine, 120, 900)) == {"failure": 780.0}


def test_pieces_of_a_gap_are_aside_and_those_without_an_ideal_cycle_are_named():
    machine, loaf, rye = bagger(no_data_after_s=100), product(), product()
    ideal_cycle(loaf, machine, "0.5")
    stay(machine, "running", 0, 60, good=lambda s: s, product_number=loaf.plc_number)
    stay(machine, "running", 600, 660, good=lambda s: s, product_number=loaf.plc_number)
    output = account(machine, 0, 660).output
    assert (output.good, output.aside_good, output.good_s) == (120, 540, Decimal(60))
    assert output.without == frozenset()
    stay(machine, "running", 700, 760, good=lambda s: s, product_number=rye.plc_number)
    assert account(machine, 0, 760).output.without == frozenset({rye.pk})


def test_rejects_of_a_changeover_are_a_loss_of_starting_up():
    machine, loaf = bagger(), product()
    ideal_cycle(loaf, machine, "2.0")
    stay(
        machine, "running", 0, 600,
        good=lambda s: s, reject=lambda s: s // 60, product_number=loaf.plc_number,
    )  # fmt: skip
    Changeover.objects.create(
        line=machine.line,
        to_product=loaf,
        started_at=at(60),
        ended_at=at(180),
        status="completed",
        started_with="person",
        good_needed=1,
    )
    output = account(machine, 0, 600).output
    assert (output.reject, output.startup_s) == (10, Decimal(4))
    assert account(machine, 120, 600).output.startup_s == Decimal(2)


def test_a_line_is_its_constraint_or_the_sum_of_its_equipment():
    packing = line()
    first = bagger(line=packing)
    second = equipment(line=packing, no_data_after_s=300)
    stay(first, "running", 0, 600)
    stay(second, "stopped", 0, 600)
    assert lengths(line_account(packing, at(0), at(600), at(600))) == {"running": 600.0}
    packing.oee_method = "sum"
    both = line_account(packing, at(0), at(600), at(600))
    assert lengths(both) == {"running": 600.0, "failure": 600.0}
    bare = line()
    assert line_accounts([bare], at(0), at(600), at(600)) == {bare.pk: Account()}


def test_no_data_as_a_stop_keeps_the_length():
    machine = bagger()
    stay(machine, "running", 0, 60)
    found = account(machine, 0, 100)
    assert lengths(without_data_as_stop(found)) == {"running": 60.0, "failure": 40.0}


def test_a_window_that_reaches_into_the_future_ends_now():
    machine = bagger()
    stay(machine, "running", 0, 60)
    assert account(machine, 0, 600, now=at(60)).all == timedelta(seconds=60)
    assert account(machine, 100, 600, now=at(60)) == Account()


def test_the_number_of_queries_does_not_grow_with_equipment_nor_windows(
    django_assert_max_num_queries,
):
    packing = line()
    first = bagger(line=packing)
    some = [first, *(equipment(line=packing) for _ in range(4))]
    for each in some:
        stay(each, "running", 0, 600, good=lambda s: s)
    with django_assert_max_num_queries(17):
        accounts([first], at(0), at(600), at(600))
    with django_assert_max_num_queries(18):
        accounts_of(
            [Extent(each, at(s), at(s + 60)) for each in some for s in (0, 60)], at(600)
        )


def test_timelines_hold_the_whole_stops_across_both_ends():
    machine = bagger()
    stay(machine, "running", 0, 60)
    stay(machine, "stopped", 120, 300)
    stay(machine, "running", 360, 420)
    (found,) = timelines([machine], at(150), at(200), at(420)).values()
    assert [(each.what.state, each.started_at, each.ended_at) for each in found.states] == [
        ("running", at(0), at(120)),
        ("stopped", at(120), at(360)),
    ]


STATES = ["running", "running", "stopped", "idle", "setup", "starved"]


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.integers(10, 1500), st.sampled_from(STATES), st.integers(0, 900), st.booleans()
        ),
        min_size=1,
        max_size=14,
    ),
    st.integers(-2000, 9000),
    st.integers(1, 9000),
    st.lists(st.integers(0, 9000), max_size=3),
    st.booleans(),
)
def test_settled_or_not_and_however_cut_the_account_is_that_of_spans_and_increments(
    drawn, start, length, cuts, totals
):
    machine, loaf, rye = bagger(stop_after_s=200, no_data_after_s=700), product(), product()
    ideal_cycle(loaf, machine, "0.7")
    ideal_cycle(rye, machine, "1.3")
    site = machine.line.area.site
    shift = Shift.objects.create(site=site, name="Early", starts=time(9, 50), ends=time(11, 20))
    Break.objects.create(shift=shift, starts=time(10, 22), ends=time(10, 37))
    Changeover.objects.create(
        line=machine.line,
        to_product=loaf,
        started_at=at(1000),
        ended_at=at(2222),
        status="completed",
        started_with="person",
        good_needed=1,
    )
    second, shown = 0, 0
    for number, (seconds, state, pieces, is_lost) in enumerate(drawn):
        shown += pieces
        kinds = (("total", shown), ("reject", shown // 7)) if totals else (("good", shown),)
        counters = tuple(CounterReading(kind=kind, value=value) for kind, value in kinds)
        of = (loaf, rye)[number % 2].plc_number
        observe([observation(machine, second, state, counters=counters, product_number=of)])
        second += seconds
        if is_lost:
            lose([machine.pk], "lost", at(second))
        if number % 3 == 2:
            settle(at(second))
    settle(at(second + 100))
    now = at(second)
    end = start + length

    plain = account(machine, start, end, now=now, exact=True)
    assert account(machine, start, end, now=now) == plain
    assert plain.all == max(min(at(end), now) - at(start), timedelta())
    inner = sorted({start, end, *(cut for cut in cuts if start < cut < end)})
    extents = [Extent(machine, at(a), at(b)) for a, b in itertools.pairwise(inner)]
    assert sum(accounts_of(extents, now), Account()) == plain
    TimeTally.objects.all().delete()
    assert account(machine, start, end, now=now) == plain


def test_the_account_is_the_same_whatever_order_rows_were_written_in():
    machine = bagger()
    stay(machine, "running", 0, 60, good=lambda s: s)
    stay(machine, "stopped", 120, 600, good=lambda s: 60)
    before = account(machine, 0, 600)
    rows = list(Count.objects.filter(equipment=machine))
    spans = list(machine.spans.all())
    Count.objects.all().delete()
    machine.spans.all().delete()
    for row in [*reversed(rows), *spans]:
        row.pk = None
    Count.objects.bulk_create(list(reversed(rows)))
    machine.spans.model.objects.bulk_create(spans)
    assert account(machine, 0, 600, exact=True) == before
    assert before.time[Bucket.FAILURE] == timedelta(seconds=480)
