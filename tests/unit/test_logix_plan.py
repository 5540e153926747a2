"""Which reads the tags of a Logix controller need (pure)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.address import logix_place, logix_target
from telemetry.drivers.base import DataType, TagSpec
from telemetry.plan import (
    LOGIX_GAP_BYTES,
    LOGIX_REPLY_OVERHEAD,
    LogixLimits,
    logix_point,
    places,
    plan_blocks,
)

arrays = st.sampled_from(["A", "Motor[3].Hours", "Program:Main.Steps", "Grid"])
kinds = st.sampled_from([DataType.INT16, DataType.INT32, DataType.FLOAT64, DataType.BOOL])


def named(path, number):
    return f"{path}[4,{number}]" if path == "Grid" else f"{path}[{number}]"


wanted = st.lists(
    st.builds(
        lambda path, number, kind, length: TagSpec(
            named(path, number), kind, 1 if path == "Grid" else length
        ),
        arrays,
        st.integers(0, 900),
        kinds,
        st.integers(1, 40),
    ),
    max_size=60,
)


def planned(specs, room=432, borders=frozenset(), sizes=None):
    limits = LogixLimits(room, sizes or {})
    points = [logix_point(key, spec, logix_target(spec)) for key, spec in enumerate(specs)]
    return limits, points, plan_blocks(points, limits, borders)


@given(wanted, st.integers(100, 4000))
def test_every_tag_is_in_one_read_that_fits_and_begins_with_the_name_of_its_first(specs, room):
    limits, points, blocks = planned(specs, room)
    assert sorted(p.key for b in blocks for p in b.points) == [p.key for p in points]
    for block in blocks:
        first = logix_target(specs[block.points[0].key])
        assert logix_place(first.name)[1] == block.start
        reply = block.count * limits.size(block.area) + LOGIX_REPLY_OVERHEAD
        assert reply <= room or len(places(block)) == 1
        for point in block.points:
            target = logix_target(specs[point.key])
            path, start = logix_place(target.name)
            assert (path, target.packed) == (block.area.path, block.area.packed)
            assert block.start <= start
            assert start + target.elements <= block.start + block.count


@given(wanted)
def test_no_more_is_read_along_than_another_read_would_cost(specs):
    _, _, blocks = planned(specs)
    for block in blocks:
        end = block.start
        for point in block.points:
            assert (point.start - end) * block.area.size <= LOGIX_GAP_BYTES
            end = max(end, point.end)


@given(wanted, st.data())
def test_nothing_reaches_across_what_was_learned(specs, data):
    _, points, whole = planned(specs)
    borders = data.draw(st.sets(st.sampled_from([(p.area, p.start) for p in points] or [()])))
    for block in planned(specs, borders=borders - {()})[2]:
        inside = {(block.area, at) for at in range(block.start + 1, block.start + block.count)}
        assert not inside & borders or len(places(block)) == 1
    assert sum(len(b.points) for b in whole) == len(specs)


@given(wanted)
def test_a_read_taken_apart_asks_for_each_place_once(specs):
    for block in planned(specs)[2]:
        parts = places(block)
        assert sorted(p.key for part in parts for p in part.points) == sorted(
            p.key for p in block.points
        )
        at = [(part.start, part.count) for part in parts]
        assert at == sorted(set(at))


@pytest.mark.parametrize(
    ("names", "reads"),
    [
        ([f"A[{n}]" for n in range(100)], 1),
        ([f"A[{n}]" for n in range(0, 100, 17)], 1),
        ([f"A[{n}]" for n in range(0, 100, 18)], 6),
        ([f"Motors[{n}].Speed" for n in range(9)], 9),
        ([f"Grid[{n},0]" for n in range(9)], 9),
        ([f"Grid[0,{n}]" for n in range(9)], 9),
        (["Speed", "Speed", "Total"], 2),
    ],
)
def test_what_lies_together_is_read_together(names, reads):
    specs = [TagSpec(name, DataType.INT32) for name in names]
    assert len(planned(specs)[2]) == reads


def test_elements_that_are_larger_than_they_say_fill_a_reply_earlier():
    specs = [TagSpec(f"A[{n}]", DataType.INT32) for n in range(10)]
    (area,) = {point.area for point in planned(specs)[1]}
    assert [b.count for b in planned(specs, sizes={area: 100})[2]] == [4, 4, 2]
    assert [b.count for b in planned(specs, sizes={area: 600})[2]] == [1] * 10
