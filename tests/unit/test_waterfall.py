"""The waterfall is drawn to scale, falls from whole to whole, and shows a gain as one."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from production.oee import Account, Bucket, Output
from production.ratios import figures
from realtime.formats import NOTHING
from realtime.waterfall import draw_waterfall


def account(**minutes):
    return Account(
        {Bucket(name): timedelta(minutes=length) for name, length in minutes.items()},
        Output(18848, 19271, Decimal(18848), Decimal(19271)),
    )


def test_the_published_shift_falls_as_its_seconds_say():
    shift = account(not_scheduled=960, planned=60, failure=47, running=373)
    bars = {bar.name: bar for bar in draw_waterfall(figures(shift).lost)}
    assert [
        bars[name].seconds for name in ("All time", "Planned production time", "Run time")
    ] == [
        "86400",
        "25200",
        "22380",
    ]
    assert bars["Unplanned stops"].minutes == "47.0"
    assert bars["Unplanned stops"].share == "11.2 %"
    assert (bars["Unplanned stops"].x, bars["Unplanned stops"].width) == (259.03, 32.64)
    assert bars["Fully productive"].seconds == "18848"
    assert bars["Slow cycles"].kind == "lost"


def test_pieces_faster_than_their_ideal_cycle_are_a_gain():
    bars = {bar.name: bar for bar in draw_waterfall(figures(account(running=300)).lost)}
    assert (bars["Slow cycles"].kind, bars["Slow cycles"].seconds) == ("lost", "0")
    assert bars["Reduced speed"].kind == "gain"
    assert bars["Reduced speed"].seconds == "-1271"
    assert bars["Reduced speed"].width == 70.61


def test_what_nobody_can_know_has_no_bar():
    unknown = Account(
        {Bucket.RUNNING: timedelta(hours=1)}, Output(5, 5, without=frozenset({3}))
    )
    bars = {bar.name: bar for bar in draw_waterfall(figures(unknown).lost)}
    assert (bars["Net run time"].minutes, bars["Net run time"].width) == (NOTHING, 0)
    assert bars["Run time"].minutes == "60.0"


def test_nothing_at_all_is_drawn_all_the_same():
    assert {bar.width for bar in draw_waterfall(figures(Account()).lost)} == {0}


LENGTHS = st.integers(0, 600)


@given(stop=LENGTHS, setup=LENGTHS, small=LENGTHS, run=LENGTHS, away=LENGTHS)
def test_every_fall_ends_at_the_next_whole(stop, setup, small, run, away):
    time = {
        Bucket.NOT_SCHEDULED: away,
        Bucket.FAILURE: stop,
        Bucket.CHANGEOVER: setup,
        Bucket.SMALL_STOP: small,
        Bucket.RUNNING: run,
    }
    made = Output(run, run, Decimal(run * 30), Decimal(run * 30))
    lost = Account({key: timedelta(minutes=length) for key, length in time.items()}, made)
    bars = draw_waterfall(figures(lost).lost)
    for bar, following in pairwise(bars):
        if bar.kind == "lost" and following.kind == "whole":
            assert abs(bar.x - following.width) < 0.02
        assert 0 <= bar.x <= 1000
