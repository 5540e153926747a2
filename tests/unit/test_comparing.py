"""The comparison with the answer key finds every kind of difference, and allows no more than it says."""

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest

from telemetry.scripted import expected
from telemetry.scripted.comparing import Allowance, Measured, compare
from telemetry.scripted.days import BRIEF, DAY
from telemetry.scripted.key import key
from telemetry.scripted.script import Act, Track


def seconds(number):
    return timedelta(seconds=number)


def perfect(script):
    """What a system measures that errs in nothing."""
    told = key(script, expected.LOSSES)

    def stays(those):
        return [(stay.state, seconds(stay.began), seconds(stay.ended)) for stay in those]

    return Measured(
        stays=stays(told.stays),
        loader_stays=stays(told.loader_stays),
        made={
            product: {
                ("total", True): made.total,
                ("reject", True): made.reject,
                ("total", False): made.aside_total,
                ("reject", False): made.aside_reject,
            }
            for product, made in told.made.items()
        },
        loader_made=told.loader_made,
        downtimes=[
            (seconds(stand.began), seconds(stand.ended))
            for stand in told.stands
            if not stand.is_small
        ],
        changeovers=[tuple(map(seconds, told.changeover))],
        jobs={
            number: (seconds(ended), good, reject)
            for number, (ended, good, reject) in told.jobs.items()
        },
        time={bucket: seconds(length) for bucket, length in told.seconds.items() if length},
        oee=told.oee,
    )


def wrong(script, found, allowed=None):
    rows = compare(script, key(script, expected.LOSSES), found, allowed or Allowance())
    return [row.what for row in rows if not row.is_right]


@pytest.mark.parametrize("script", [DAY, BRIEF], ids=lambda script: script.name)
def test_what_is_as_the_key_says_is_right(script):
    assert wrong(script, perfect(script)) == []


def test_every_kind_of_difference_is_found_by_its_row():
    good = perfect(DAY)
    micro = timedelta(microseconds=1)
    state, began, ended = good.stays[3]
    late = [*good.stays[:3], (state, began + micro, ended), *good.stays[4:]]
    assert wrong(DAY, replace(good, stays=late)) == ["bagger: each begins"]
    assert wrong(DAY, replace(good, loader_stays=good.loader_stays[1:])) == [
        "loader: states",
        "loader: order",
    ]
    short = {**good.made, 1: {**good.made[1], ("total", True): 23_664}}
    assert wrong(DAY, replace(good, made=short)) == ["pieces of product 1: total"]
    assert wrong(DAY, replace(good, loader_made=0)) == ["pieces of the loader"]
    assert wrong(DAY, replace(good, downtimes=good.downtimes[:-1])) == ["downtimes"]
    assert wrong(DAY, replace(good, changeovers=[(seconds(18_000), None)])) == ["changeover"]
    assert wrong(DAY, replace(good, jobs={})) == ["job DAY-1", "job DAY-2"]
    moved = {**good.time, "failure": seconds(780), "running": seconds(24_790)}
    assert wrong(DAY, replace(good, time=moved)) == ["time: failure", "time: running"]
    other = {**good.time, "setup": seconds(1)}
    assert wrong(DAY, replace(good, time=other)) == ["time: nothing else", "time: all of it"]
    assert wrong(DAY, replace(good, oee=good.oee + Fraction(1, 10**12))) == ["OEE"]
    assert wrong(DAY, replace(good, oee=None)) == ["OEE"]


def test_live_a_change_may_be_late_by_a_period_and_no_more():
    good, allowed = perfect(BRIEF), Allowance(late=seconds(1.2), return_late=seconds(4))
    assert wrong(BRIEF, good, allowed) == []
    for late, rows in ((1.2, []), (1.3, ["bagger: each begins"])):
        state, began, ended = good.stays[3]
        stays = [*good.stays[:3], (state, began + seconds(late), ended), *good.stays[4:]]
        assert wrong(BRIEF, replace(good, stays=stays), allowed) == rows
    # After a loss the poll may be in its back-off.
    returned = next(
        number for number, (state, *_) in enumerate(good.stays) if state == "no_data"
    )
    state, began, ended = good.stays[returned + 1]
    stays = list(good.stays)
    stays[returned + 1] = (state, began + seconds(3.9), ended)
    assert wrong(BRIEF, replace(good, stays=stays), allowed) == []
    assert wrong(BRIEF, replace(good, oee=good.oee * 2), allowed) == ["OEE"]
    # Pieces are exact however late they were read.
    lost = {**good.made, 2: {**good.made[2], ("total", True): 45}}
    assert wrong(BRIEF, replace(good, made=lost), allowed) == ["pieces of product 2: total"]


def test_a_script_may_lose_its_controller_only_while_the_machine_runs():
    acts = (Act(10, "stopped"), Act(10, "running", lost=True), *DAY.bagger.acts)
    with pytest.raises(ValueError, match="while the machine runs"):
        key(replace(DAY, bagger=Track(acts)), expected.LOSSES)
