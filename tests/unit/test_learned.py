"""What is remembered of a device that refuses, and for how long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.address import Table
from telemetry.learned import BORDERS_LAST_S, REFUSALS_LAST_S, Learned
from telemetry.plan import Limits, ModbusArea, Point, halves, plan_blocks

AREA = ModbusArea(1, Table.HOLDING)


class Device:
    """Refuses a request that touches a bad address, or that is longer than it likes."""

    def __init__(self, bad, longest):
        self.bad = bad
        self.longest = longest
        self.asked = 0

    def gives(self, block):
        self.asked += 1
        touched = range(block.start, block.start + block.count)
        return block.count <= self.longest and not self.bad & set(touched)


def poll(device, points, learned, now):
    """The keys that were given, with the search that a driver makes."""
    given_keys = set()

    def settle(block):
        if device.gives(block):
            given_keys.update(point.key for point in block.points)
            return True
        parts = halves(block)
        if not parts:
            learned.refuse(block.points[0], 2, now)
            return False
        whole = [settle(part) for part in parts]
        if all(whole):
            learned.part(parts, now)
        return False

    wanted = [point for point in points if not learned.refusal(point, now)]
    for block in plan_blocks(wanted, Limits(), learned.borders(now)):
        settle(block)
    return given_keys


@given(
    st.lists(st.integers(0, 300), min_size=1, max_size=40, unique=True),
    st.sets(st.integers(0, 300), max_size=20),
    st.integers(1, 125),
)
def test_a_device_is_soon_asked_for_nothing_that_it_refuses(starts, bad, longest):
    points = [Point(key, AREA, start, 1) for key, start in enumerate(starts)]
    device, learned = Device(bad, longest), Learned()
    fine = {point.key for point in points if point.start not in bad}
    for now in range(10):
        assert poll(device, points, learned, now) == fine
    device.asked = 0
    assert poll(device, points, learned, 10) == fine
    wanted = [point for point in points if not learned.refusal(point, 10)]
    assert device.asked == len(plan_blocks(wanted, Limits(), learned.borders(10)))


def test_what_was_refused_is_asked_again_after_a_minute_and_a_border_tried_after_an_hour():
    learned, point = Learned(), Point(0, AREA, 7, 1)
    learned.refuse(point, 2, now=0)
    assert learned.refusal(point, REFUSALS_LAST_S - 1) == 2
    assert learned.refusal(point, REFUSALS_LAST_S) == 0
    assert learned.borders(BORDERS_LAST_S - 1) == {(AREA, 7)}
    assert learned.borders(BORDERS_LAST_S) == frozenset()


@pytest.mark.parametrize("key", [0, 5])
def test_a_refusal_is_about_the_place_and_not_about_who_asked(key):
    learned = Learned()
    learned.refuse(Point(1, AREA, 7, 2), 2, now=0)
    assert learned.refusal(Point(key, AREA, 7, 2), 1) == 2
    assert learned.refusal(Point(key, AREA, 7, 1), 1) == 0
