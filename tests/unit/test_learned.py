"""What is remembered of a device that refuses, and for how long."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.address import Table
from telemetry.drivers.base import DataType, Endpoint, TagSpec
from telemetry.drivers.blocks import BlockReader
from telemetry.learned import BORDERS_LAST_S, MOST, REFUSALS_LAST_S, SUSPICIONS_LAST_S, Learned
from telemetry.plan import Block, Limits, ModbusArea, Point, modbus_point

AREA = ModbusArea(1, Table.HOLDING)
REFUSED = 2
DOUBTFUL = 4
POLLS = 10
"""After these the search is over, although each may spend only so many requests on it."""


class Searching(BlockReader):
    """The search of the drivers, with a device behind it that refuses bad addresses and long requests."""

    limits = Limits()
    refusals = frozenset({REFUSED})
    doubtful = frozenset({DOUBTFUL})

    def __init__(self, bad, longest, code=REFUSED, timeout_s=60):
        super().__init__(Endpoint("modbus_tcp", "device", 502, timeout_s=timeout_s))
        self.bad = bad
        self.longest = longest
        self.code = code
        self.asked = 0
        self.refused = 0

    @property
    def connected(self):
        return True

    def _connect(self):
        raise NotImplementedError

    _disconnect = _interrupt = _connect

    def _ask(self, answers):
        self._ask_blocks(self._points(answers), answers)

    def _point(self, key, spec):
        return modbus_point(key, spec)

    def _read_block(self, block, answers):
        touched = range(block.start, block.start + block.count)
        self.asked += 1
        if block.count > self.longest or self.bad & set(touched):
            self.refused += 1
            return self.code
        at = answers.arrived()
        for point in block.points:
            answers.good(point.key, point.start, at)
        return 0

    def _why(self, code):
        return f"refused with {code}"


@given(
    st.lists(st.integers(0, 300), min_size=1, max_size=40, unique=True),
    st.sets(st.integers(0, 300), max_size=20),
    st.integers(1, 125),
)
def test_a_device_is_soon_asked_for_nothing_that_it_refuses(starts, bad, longest):
    reader = Searching(bad, longest)
    specs = [TagSpec(f"holding:{start}", DataType.UINT16) for start in starts]
    fine = [None if start in bad else start for start in starts]
    for _ in range(POLLS):
        values = [reading.value for reading in reader.read(specs)]
        # A search that was cut short gives less, and never anything else.
        assert all(value in {None, due} for value, due in zip(values, fine, strict=True))
        assert values == fine or reader._spare < 2
    assert values == fine
    before = reader.refused
    assert [reading.value for reading in reader.read(specs)] == fine
    # One is asked at the least, since a device that is asked for nothing may be gone.
    assert reader.refused - before == (0 if any(each is not None for each in fine) else 1)


@given(
    st.lists(st.integers(0, 300), min_size=1, max_size=40, unique=True),
    st.sets(st.integers(0, 300), max_size=20),
    st.integers(1, 125),
)
def test_a_search_without_any_time_ends_all_the_same(starts, bad, longest):
    # With no time to spare each poll asks for its plan, and for nothing else.
    reader = Searching(bad, longest, timeout_s=0)
    specs = [TagSpec(f"holding:{start}", DataType.UINT16) for start in starts]
    fine = [None if start in bad else start for start in starts]
    for _ in range(3 * POLLS):
        values = [reading.value for reading in reader.read(specs)]
        assert all(value in {None, due} for value, due in zip(values, fine, strict=True))
    assert values == fine
    assert reader._learned._doubts == {}
    before = reader.refused
    assert [reading.value for reading in reader.read(specs)] == fine
    assert reader.refused - before == (0 if any(each is not None for each in fine) else 1)


@pytest.mark.parametrize("timeout_s", [0, 60])
@pytest.mark.parametrize("bits", [1, 2, 16])
def test_bits_of_one_register_are_found_beside_a_bad_one(bits, timeout_s):
    # To ask for half of the bits is to ask for the register again.
    reader = Searching({2}, 125, timeout_s=timeout_s)
    specs = [TagSpec(f"holding:0.{bit}", DataType.BOOL) for bit in range(bits)]
    specs.append(TagSpec("holding:2", DataType.UINT16))
    for _ in range(POLLS):
        values = [r.value for r in reader.read(specs)]
    assert values == [0] * bits + [None]


def test_bits_of_one_bad_register_are_all_refused_at_once():
    reader = Searching({0}, 125)
    specs = [TagSpec(f"holding:0.{bit}", DataType.BOOL) for bit in range(16)]
    assert {r.value for r in reader.read(specs)} == {None}
    assert reader.asked == 1
    # It is known by then, and not asked for beside what is given.
    reader.read([*specs, TagSpec("holding:1", DataType.UINT16)])
    assert (reader.asked, reader.refused) == (2, 1)


@pytest.mark.parametrize("timeout_s", [0, 60])
def test_one_bad_address_costs_one_request_when_it_has_been_found(timeout_s):
    reader = Searching({63}, 125, timeout_s=timeout_s)
    specs = [TagSpec(f"holding:{n}", DataType.UINT16) for n in range(100)]
    for _ in range(POLLS):
        reader.read(specs)
    before = reader.asked
    assert [r.value for r in reader.read(specs)].count(None) == 1
    assert reader.asked - before == 2


def test_a_failure_of_the_whole_device_teaches_nothing():
    reader = Searching(set(range(100)), 125, code=DOUBTFUL)
    specs = [TagSpec(f"holding:{n}", DataType.UINT16) for n in range(100)]
    assert {r.value for r in reader.read(specs)} == {None}
    before = reader.asked
    reader.read(specs)
    assert reader.asked - before == 1, "it was searched once, and is not at each poll"
    reader.bad = set()
    before = reader.asked
    assert [r.value for r in reader.read(specs)] == list(range(100))
    assert reader.asked - before == 1


def test_a_refusal_that_may_be_a_failure_is_believed_beside_what_is_given():
    reader = Searching({50}, 125, code=DOUBTFUL)
    specs = [TagSpec(f"holding:{n}", DataType.UINT16) for n in range(100)]
    for _ in range(2):
        assert [r.value for r in reader.read(specs)].count(None) == 1
    before = reader.refused
    reader.read(specs)
    assert reader.refused == before


def test_what_was_refused_is_asked_again_after_a_minute_and_a_border_tried_after_an_hour():
    learned, point = Learned(), Point(0, AREA, 7, 1)
    learned.refuse(point, 2, now=0)
    assert learned.refusal(point, REFUSALS_LAST_S - 1) == 2
    assert learned.refusal(point, REFUSALS_LAST_S) == 0
    assert learned.borders(BORDERS_LAST_S - 1) == {(AREA, 7), (AREA, 8)}
    assert learned.borders(BORDERS_LAST_S) == frozenset()


def test_the_borders_of_a_refused_point_go_when_it_is_given_again():
    learned, first, second = Learned(), Point(0, AREA, 7, 1), Point(1, AREA, 8, 2)
    learned.refuse(first, 2, now=0)
    learned.refuse(second, 2, now=30)
    later = REFUSALS_LAST_S + 1
    learned.settle(Block(AREA, 7, 1, (first,)), later, is_given=True)
    assert learned.borders(later) == {(AREA, 8), (AREA, 10)}, "the other is refused still"
    learned.settle(Block(AREA, 8, 2, (second,)), later + 30, is_given=True)
    assert learned.borders(later + 30) == frozenset()


@pytest.mark.parametrize("timeout_s", [0, 60])
def test_a_device_that_refused_everything_for_a_while_is_soon_asked_in_one(
    timeout_s, monkeypatch
):
    now = 0.0
    monkeypatch.setattr("telemetry.drivers.blocks.time", SimpleNamespace(monotonic=lambda: now))
    reader = Searching(set(range(80)), 125, timeout_s=timeout_s)
    specs = [TagSpec(f"holding:{n}", DataType.UINT16) for n in range(80)]
    for _ in range(POLLS):
        now += 1
        reader.read(specs)
    reader.bad = set()
    now += REFUSALS_LAST_S
    for _ in range(2):
        now += 1
        assert [r.value for r in reader.read(specs)] == list(range(80))
    before = reader.asked
    reader.read(specs)
    assert reader.asked - before == 1


def test_what_is_learned_of_a_device_without_end_has_one():
    learned = Learned()
    for n in range(2 * MOST):
        learned.refuse(Point(0, ModbusArea(n >> 16, Table.HOLDING), n & 0xFFFF, 1), 2, now=0)
    borders = learned.borders(1)
    assert len(borders) == MOST
    assert learned.refusal(Point(0, ModbusArea(0, Table.HOLDING), 0, 1), 1) == 0
    assert learned.refusal(Point(0, ModbusArea(0, Table.HOLDING), 2 * MOST - 1, 1), 1) == 2


def test_a_suspicion_is_asked_again_sooner():
    learned, point = Learned(), Point(0, AREA, 7, 1)
    learned.refuse(point, 4, now=0, lasts_s=SUSPICIONS_LAST_S)
    assert learned.refusal(point, SUSPICIONS_LAST_S - 1) == 4
    assert learned.refusal(point, SUSPICIONS_LAST_S) == 0


def test_a_hopeless_block_is_searched_again_when_it_is_given_or_after_some_seconds():
    learned, block = Learned(), Block(AREA, 0, 9, (Point(0, AREA, 0, 1), Point(1, AREA, 8, 1)))
    learned.despair(block, now=0)
    assert learned.is_hopeless(block, 1)
    assert not learned.is_hopeless(block, SUSPICIONS_LAST_S)
    assert not learned.is_hopeless(Block(AREA, 0, 8, block.points[:1]), 1)
    learned.settle(block, 2, is_given=True)
    assert not learned.is_hopeless(block, 2)


@pytest.mark.parametrize("timeout_s", [0, 60])
@pytest.mark.parametrize("alone", [5, 30])
def test_a_bad_address_polled_by_itself_keeps_no_other_block_bad(alone, timeout_s):
    reader = Searching({5, 30}, 125, code=DOUBTFUL, timeout_s=timeout_s)
    specs = [TagSpec(f"holding:{n}", DataType.UINT16) for n in range(20)]
    for _ in range(2 * POLLS):
        reader.read([TagSpec(f"holding:{alone}", DataType.UINT16)])
        values = [r.value for r in reader.read(specs)]
    assert values == [n if n != 5 else None for n in range(20)]


@pytest.mark.parametrize("key", [0, 5])
def test_a_refusal_is_about_the_place_and_not_about_who_asked(key):
    learned = Learned()
    learned.refuse(Point(1, AREA, 7, 2), 2, now=0)
    assert learned.refusal(Point(key, AREA, 7, 2), 1) == 2
    assert learned.refusal(Point(key, AREA, 7, 1), 1) == 0
