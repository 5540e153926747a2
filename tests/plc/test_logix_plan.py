"""The packets of a poll of a Logix are worked out once, and again when something has changed."""

import pytest

from telemetry.drivers.base import DataType, TagSpec
from telemetry.drivers.logix_plan import PLANS, Planner
from telemetry.learned import BORDERS_LAST_S, Learned, extent
from telemetry.packets import PacketSizes
from telemetry.plan import LogixLimits

ARRAY = [TagSpec(f"A[{n}]", DataType.INT32) for n in range(6)]
SPECS = [*ARRAY, TagSpec("Total", DataType.INT32), TagSpec("Speed", DataType.FLOAT32)]
LIMITS = LogixLimits(400)
HOUR = BORDERS_LAST_S


@pytest.fixture
def learned():
    return Learned()


@pytest.fixture
def sizes():
    return PacketSizes()


@pytest.fixture
def planner(learned, sizes):
    return Planner(learned, sizes)


def plan(planner, specs=SPECS, limits=LIMITS, now=0.0, *, is_alone=False):
    return planner.plan(list(specs), limits, now, is_alone=is_alone)


def shape(plan):
    """Where the blocks of each packet begin and how long they are."""
    return [[each[1:] for each in group.extents] for group in plan.packets.groups]


def test_the_same_tags_have_the_same_plan(planner):
    assert plan(planner) is plan(planner)


def test_tags_in_another_order_have_a_plan_of_their_own(planner):
    first, other = plan(planner), plan(planner, SPECS[::-1])
    assert first is not other
    assert [block.points[0].key for block in other.blocks] != [
        block.points[0].key for block in first.blocks
    ]
    assert plan(planner) is first


def test_a_smaller_connection_changes_the_plan(planner):
    assert len(plan(planner).packets.groups) == 1
    assert len(plan(planner, limits=LogixLimits(40)).packets.groups) > 1


def test_a_size_that_was_learned_changes_the_plan(planner):
    (area,) = {block.area for block in plan(planner).blocks if block.count == 6}
    larger = LogixLimits(400, {area: 80})
    assert len(plan(planner, limits=larger).blocks) > len(plan(planner).blocks)


def test_a_border_changes_the_plan_until_it_is_forgotten(planner, learned):
    first = plan(planner)
    array = next(block for block in first.blocks if block.count == 6)
    learned.isolate(array.points[2], 0.0)
    apart = plan(planner)
    assert sorted(block.count for block in apart.blocks) == [1, 1, 1, 2, 3]
    assert shape(plan(planner, now=HOUR)) == shape(first)


def test_a_refused_packet_changes_the_plan_until_it_is_forgotten(planner, sizes):
    first = plan(planner)
    sizes.refuse([extent(block) for block in first.blocks])
    halves = plan(planner)
    assert [len(group) for group in shape(halves)] == [1, 1, 1]
    sizes.give([extent(block) for block in first.blocks], 0.0)
    assert shape(plan(planner, now=HOUR - 1)) == shape(halves)
    assert shape(plan(planner, now=HOUR)) == shape(first)


def test_one_that_spoilt_its_packet_comes_alone_until_it_is_forgotten(planner, sizes):
    first = plan(planner)
    sizes.blame([extent(first.blocks[0])], 0.0)
    assert [len(group) for group in shape(plan(planner, now=HOUR - 1))] == [2, 1]
    assert shape(plan(planner, now=HOUR)) == shape(first)


def test_a_controller_that_takes_one_service_at_a_time_has_a_plan_for_that(planner):
    assert [len(group) for group in shape(plan(planner, is_alone=True))] == [1, 1, 1]


def test_no_more_plans_are_kept_than_are_used(planner):
    first = plan(planner)
    for count in range(1, PLANS):
        plan(planner, SPECS[:count])
    assert plan(planner) is first
    plan(planner, SPECS[:0])
    assert plan(planner) is not first
