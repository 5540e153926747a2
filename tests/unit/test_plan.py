import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.address import AddressError, Table
from telemetry.drivers.base import DataType, TagSpec
from telemetry.packets import ReadSize, plan_packets
from telemetry.plan import (
    Block,
    Limits,
    ModbusArea,
    Point,
    halves,
    modbus_point,
    plan_blocks,
)

limits_of = st.builds(
    Limits,
    max_gap=st.integers(0, 40),
    max_registers=st.integers(10, 125),
    max_bits=st.integers(10, 2000),
)
points_of = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.sampled_from(Table),
        st.integers(0, 500),
        st.integers(1, 10),
    ),
    max_size=60,
).map(
    lambda rows: [
        Point(key, ModbusArea(device, table), start, count)
        for key, (device, table, start, count) in enumerate(rows)
    ]
)


def holding(key, start, count=1):
    return Point(key, ModbusArea(1, Table.HOLDING), start, count)


@given(points_of, limits_of)
def test_every_point_is_read_once_and_whole_and_no_request_is_too_large(points, limits):
    blocks = plan_blocks(points, limits)
    assert sorted(p.key for b in blocks for p in b.points) == [p.key for p in points]
    for block in blocks:
        assert 1 <= block.count <= limits.of(block.area) or len(block.points) == 1
        for point in block.points:
            assert point.area == block.area
            assert block.start <= point.start
            assert point.end <= block.start + block.count


@given(points_of, limits_of)
def test_no_gap_that_is_read_along_is_longer_than_allowed(points, limits):
    for block in plan_blocks(points, limits):
        wanted = {at for p in block.points for at in range(p.start, p.end)}
        inside = range(block.start, block.start + block.count)
        assert {block.start, block.start + block.count - 1} <= wanted
        gap = 0
        for at in inside:
            gap = 0 if at in wanted else gap + 1
            assert gap <= limits.max_gap


@given(points_of, limits_of)
def test_the_order_of_the_tags_changes_no_request(points, limits):
    def requests(blocks):
        return [(b.area, b.start, b.count) for b in blocks]

    assert requests(plan_blocks(points[::-1], limits)) == requests(plan_blocks(points, limits))


def test_neighbours_share_a_request_and_a_far_one_does_not():
    blocks = plan_blocks([holding(0, 10, 2), holding(1, 12), holding(2, 400)], Limits())
    assert [(b.start, b.count) for b in blocks] == [(10, 3), (400, 1)]


def test_a_gap_of_the_allowed_length_is_read_along_and_a_longer_one_is_not():
    near, far = holding(1, 15), holding(1, 16)
    assert len(plan_blocks([holding(0, 10), near], Limits(max_gap=4))) == 1
    assert len(plan_blocks([holding(0, 10), far], Limits(max_gap=4))) == 2


def test_two_devices_never_share_a_request():
    other = Point(1, ModbusArea(2, Table.HOLDING), 11, 1)
    assert len(plan_blocks([holding(0, 10), other], Limits())) == 2


def test_a_short_point_inside_a_long_one_does_not_shorten_the_block():
    blocks = plan_blocks([holding(0, 0, 20), holding(1, 2), holding(2, 25)], Limits(max_gap=6))
    assert [(b.start, b.count, len(b.points)) for b in blocks] == [(0, 26, 3)]


def test_limits_above_the_protocols_own_are_not_believed():
    assert Limits(max_registers=500).of(ModbusArea(1, Table.INPUT)) == 125
    assert Limits(max_bits=5000).of(ModbusArea(1, Table.COIL)) == 2000


def test_no_points_need_no_request():
    assert plan_blocks([], Limits()) == []


@given(points_of.filter(bool), limits_of)
def test_halving_keeps_every_point_and_ends_at_single_places(points, limits):
    waiting = plan_blocks(points, limits)
    alone: list[Block] = []
    rounds = 0
    while waiting:
        rounds += 1
        block = waiting.pop()
        parts = halves(block)
        if parts:
            assert sum(len(part.points) for part in parts) == len(block.points)
            waiting += parts
        else:
            alone.append(block)
    assert sorted(p.key for b in alone for p in b.points) == [p.key for p in points]
    assert all(len({(p.start, p.count) for p in b.points}) == 1 for b in alone)
    assert all((b.start, b.count) == (b.points[0].start, b.points[0].count) for b in alone)
    assert rounds < 2 * len(points)


@pytest.mark.parametrize(
    ("spec", "count"),
    [
        (TagSpec("holding:0", DataType.INT16), 1),
        (TagSpec("holding:0", DataType.FLOAT32), 2),
        (TagSpec("input:0", DataType.UINT64, 3), 12),
        (TagSpec("input:0", DataType.STRING, 7), 4),
        (TagSpec("holding:0", DataType.BOOL, 16), 1),
        (TagSpec("holding:0.15", DataType.BOOL, 2), 2),
        (TagSpec("coil:9", DataType.BOOL, 20), 20),
    ],
)
def test_a_tag_covers_as_many_addresses_as_its_type_needs(spec, count):
    assert modbus_point(7, spec).count == count


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (TagSpec("coil:1", DataType.INT16), "holds bits, the tag says int16"),
        (TagSpec("holding:1.2", DataType.INT16), "is a bit, the tag says int16"),
        (TagSpec("holding:1", DataType.INT8), "int8 does not fill one"),
        (TagSpec("holding:1", DataType.INT16, 0), "has length 0"),
        (TagSpec("holding:65535", DataType.INT32), "ends beyond 65535"),
        (TagSpec("holding:1", DataType.INT16, device_id=256), "Device id 256"),
    ],
)
def test_a_tag_that_fits_no_place_says_why(spec, sentence):
    with pytest.raises(AddressError, match=sentence):
        modbus_point(0, spec)


@given(st.integers(1, 300), st.integers(1, 125))
def test_a_point_larger_than_a_request_is_read_in_pieces_that_join(count, limit):
    (block,) = plan_blocks([holding(0, 7, count)], Limits(max_registers=limit))
    pieces = block.pieces(limit)
    assert [at for start, some in pieces for at in range(start, start + some)] == list(
        range(7, 7 + count)
    )
    assert max(some for _, some in pieces) <= limit


typed = st.builds(
    TagSpec,
    st.integers(0, 60_000).map(lambda at: f"holding:{at}"),
    st.sampled_from([kind for kind in DataType if kind not in {DataType.INT8, DataType.UINT8}]),
    st.integers(1, 300),
)


@given(st.lists(typed, min_size=1, max_size=20), limits_of)
def test_no_element_is_split_between_two_requests_unless_one_cannot_hold_it(specs, limits):
    points = [modbus_point(key, spec) for key, spec in enumerate(specs)]
    for block in plan_blocks(points, limits):
        most = limits.of(block.area)
        pieces = block.pieces(most)
        ends = [start + count for start, count in pieces]
        assert ends == [*(start for start, _ in pieces[1:]), block.start + block.count]
        assert max(count for _, count in pieces) <= most
        for point in block.points:
            cuts = [end - point.start for end in ends if point.start < end < point.end]
            assert point.element > most or all(cut % point.element == 0 for cut in cuts)
            assert len(pieces) == 1 or block.points == (point,)


@pytest.mark.parametrize(
    ("kind", "length", "most", "pieces"),
    [
        (DataType.INT32, 100, 125, [(0, 124), (124, 76)]),
        (DataType.INT64, 32, 125, [(0, 124), (124, 4)]),
        (DataType.UINT16, 200, 125, [(0, 125), (125, 75)]),
        (DataType.INT64, 2, 3, [(0, 3), (3, 3), (6, 2)]),
        (DataType.STRING, 300, 125, [(0, 125), (125, 25)]),
    ],
)
def test_an_array_is_cut_between_its_elements(kind, length, most, pieces):
    point = modbus_point(0, TagSpec("holding:0", kind, length))
    (block,) = plan_blocks([point], Limits(max_registers=most))
    assert block.pieces(most) == pieces


@given(
    st.lists(st.builds(ReadSize, st.integers(1, 60), st.integers(1, 600)), max_size=80),
    st.integers(50, 500),
)
def test_packets_hold_every_read_in_order_and_stay_within_the_connection(sizes, limit):
    groups, large = plan_packets(sizes, limit)
    assert sorted([i for group in groups for i in group] + large) == list(range(len(sizes)))
    assert [i for group in groups for i in group] == sorted(i for g in groups for i in g)
    for group in groups:
        assert sum(sizes[i].request for i in group) <= limit
        assert sum(sizes[i].reply for i in group) <= limit
    assert all(max(sizes[i].request, sizes[i].reply) > limit for i in large)


def test_a_packet_is_filled_before_the_next_is_begun():
    groups, large = plan_packets([ReadSize(10, 10)] * 7, 30)
    assert [len(group) for group in groups] == [3, 3, 1]
    assert large == []
