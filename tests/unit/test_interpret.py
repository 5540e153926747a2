"""What readings say of an equipment: first rule that applies, nothing invented from a bad tag."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from production.counting import CounterState, step
from production.observation import CounterReading, FaultMessage
from telemetry.drivers.base import DataType, Quality, Reading
from telemetry.interpret import fault_code, interpret
from telemetry.meaning import BitMeaning, Rule, TagMeaning

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
LATER = NOW + timedelta(milliseconds=5)
S = timedelta(seconds=1)

BITS = (
    BitMeaning(0, "Broken blade", "fault", "critical", "internal", "MECH_FAULT"),
    BitMeaning(1, "Oven stopped", "fault", "low", "upstream"),
    BitMeaning(2, "Tagger full", "fault", "low", "downstream"),
    BitMeaning(3, "Close guard", "prompt"),
    BitMeaning(4, "Machine running", "status"),
    BitMeaning(5, "Batch complete", "info"),
    BitMeaning(6, "Not defined", "unused"),
    BitMeaning(90, "Beyond the array", "fault"),
)
RULES = ("running_bit", "fault_bits", "mode_word", "speed_above", "count_movement", "otherwise")
STATES = {0: "stopped", 1: "running", 2: "setup"}


def tag(role, **fields):
    return TagMeaning(name=role, role=role, **fields)


def good(value):
    return Reading("X", value, Quality.GOOD, NOW)


def of_counter(kind, value, **fields):
    """What a counter showed when all of them were read."""
    return CounterReading(kind=kind, value=value, every=S, **fields)


def bad(error="X is off."):
    return Reading("X", None, Quality.BAD, NOW, error)


def bits(*on, length=8):
    return tuple(place in on for place in range(length))


def read(*pairs, running_above=0.0):
    return interpret(7, pairs, running_above=running_above, received_at=LATER)


def shown(counter, raw):
    """What a counter alone shows in pieces."""
    (reading,) = read((counter, good(raw))).counters
    return reading.value


def state(*pairs, running_above=0.0):
    return read(*pairs, running_above=running_above).state


MESSAGES = tag("message_bits", bits=BITS)


class TestTheFirstRuleThatApplies:
    def test_a_state_word_wins_over_every_other_tag(self):
        seen = read(
            (tag("state_word", state_map=STATES), good(2)),
            (tag("running"), good(True)),
            (MESSAGES, good(bits(0))),
            (tag("speed"), good(80.0)),
        )
        assert (seen.state, seen.reason) == ("setup", "")

    def test_a_number_the_map_lacks_is_no_data_with_a_sentence(self):
        seen = read((tag("state_word", state_map=STATES), good(17)))
        assert seen.state == "no_data"
        assert seen.quality == "good"
        assert seen.reason == "state_word shows 17, which its state map does not name."

    def test_the_running_bit_wins_over_a_fault_bit(self):
        assert state((tag("running"), good(True)), (MESSAGES, good(bits(0)))) == "running"

    def test_a_fault_bit_of_the_machine_itself_is_faulted(self):
        assert (
            state((tag("running"), good(False)), (MESSAGES, good(bits(0, 1, 2)))) == "faulted"
        )

    def test_a_fault_bit_wins_over_the_speed_which_may_lag_behind(self):
        assert state((tag("speed"), good(40.0)), (MESSAGES, good(bits(0)))) == "faulted"

    def test_a_fault_upstream_is_starved_and_one_downstream_is_blocked(self):
        off = (tag("running"), good(False))
        assert state(off, (MESSAGES, good(bits(1)))) == "starved"
        assert state(off, (MESSAGES, good(bits(2)))) == "blocked"
        assert state(off, (MESSAGES, good(bits(1, 2)))) == "starved"

    def test_the_starved_and_blocked_bits_tell_why_it_stands(self):
        off = (tag("running"), good(False))
        assert state(off, (tag("starved"), good(True))) == "starved"
        assert state(off, (tag("blocked"), good(True))) == "blocked"
        both = ((tag("starved"), good(True)), (tag("blocked"), good(True)))
        assert state(off, *both) == "starved"

    def test_the_speed_tells_where_no_running_bit_does(self):
        assert state((tag("speed"), good(5.1)), running_above=5) == "running"
        assert state((tag("speed"), good(5.0)), running_above=5) == "stopped"

    def test_a_running_bit_that_is_off_is_not_overruled_by_a_speed(self):
        assert state((tag("running"), good(False)), (tag("speed"), good(80.0))) == "stopped"

    def test_counters_alone_tell_no_state(self):
        seen = read((tag("good_count"), good(5)))
        assert (seen.state, seen.quality) == (None, "good")
        assert seen.counters == (of_counter("good", 5),)

    @pytest.mark.parametrize("bit", [3, 4, 5, 6, 7])
    def test_a_prompt_status_info_or_unused_bit_changes_nothing(self, bit):
        seen = read((tag("running"), good(False)), (MESSAGES, good(bits(bit))))
        assert (seen.state, seen.faults) == ("stopped", ())

    def test_the_mode_word_and_tags_without_a_role_change_nothing(self):
        pairs = ((tag("running"), good(True)), (tag("mode"), bad()), (tag("none"), bad()))
        assert state(*pairs) == "running"


class TestFaults:
    def test_each_fault_bit_that_is_on_is_a_message_named_by_tag_and_bit(self):
        seen = read((tag("running"), good(True)), (MESSAGES, good(bits(0, 1, 3))))
        assert seen.faults == (
            FaultMessage(
                code="message_bits[0]",
                text="Broken blade",
                severity="critical",
                source="internal",
                reason_code="MECH_FAULT",
            ),
            FaultMessage(
                code="message_bits[1]", text="Oven stopped", severity="low", source="upstream"
            ),
        )

    def test_a_fault_of_a_tag_with_a_long_name_has_a_code_that_fits_and_is_its_own(self):
        long = "Fault".ljust(99, "x")
        codes = {fault_code(name, bit) for name in (long, long + "y") for bit in (3, 31)}
        assert (len(codes), max(map(len, codes))) == (4, 100)
        assert all(code.startswith("Faultxxx") for code in codes)
        assert fault_code("F" * 96, 31) == "F" * 96 + "[31]"

    def test_without_message_bits_no_fault_is_on(self):
        assert read((tag("running"), good(True))).faults == ()

    def test_one_bad_array_of_two_leaves_the_faults_unknown(self):
        second = TagMeaning(name="Alarms", role="message_bits", bits=BITS)
        pairs = ((tag("running"), good(True)), (MESSAGES, good(bits(0))), (second, bad()))
        seen = read(*pairs)
        assert (seen.state, seen.quality, seen.faults) == ("running", "good", None)

    def test_message_bits_may_be_one_word_or_one_bit(self):
        off = (tag("running"), good(False))
        assert state(off, (MESSAGES, good(0b010))) == "starved"
        assert state(off, (MESSAGES, good(-1))) == "faulted"
        assert state(off, (MESSAGES, good(True))) == "faulted"

    @pytest.mark.parametrize("bit", [16, 20, 63])
    def test_a_sign_is_not_repeated_in_bits_that_a_word_does_not_have(self, bit):
        meaning = (BitMeaning(bit, "Jam", "fault"), BitMeaning(15, "Film", "prompt"))
        word = tag("message_bits", data_type=DataType.INT16, bits=meaning)
        seen = read((tag("running"), good(False)), (word, good(-32768)))
        assert (seen.state, seen.faults) == ("stopped", ())

    @pytest.mark.parametrize(
        ("data_type", "value", "on"),
        [
            (DataType.INT8, -1, range(8)),
            (DataType.INT16, -32768, [15]),
            (DataType.UINT16, 0x8001, [0, 15]),
            (DataType.INT32, -1, range(32)),
            (DataType.INT64, -1, range(64)),
            (DataType.UINT64, 1 << 63, [63]),
        ],
    )
    def test_a_word_has_as_many_message_bits_as_its_type(self, data_type, value, on):
        meaning = tuple(BitMeaning(bit, f"Bit {bit}", "fault") for bit in range(70))
        word = tag("message_bits", data_type=data_type, bits=meaning)
        seen = read((tag("running"), good(True)), (word, good(value)))
        assert [fault.text for fault in seen.faults] == [f"Bit {bit}" for bit in on]

    def test_a_float_holds_no_message_bits(self):
        seen = read((tag("running"), good(False)), (MESSAGES, good(1.5)))
        assert seen.quality == "bad"
        assert seen.reason.startswith("message_bits holds no message bits")


class TestBadTags:
    def test_a_bad_tag_that_decides_the_state_makes_all_of_it_bad(self):
        seen = read(
            (tag("running"), bad("PLC says no.")),
            (tag("good_count"), good(5)),
            (tag("speed"), good(1.0)),
            (tag("product"), good(2)),
            (MESSAGES, good(bits(0))),
        )
        assert (seen.quality, seen.reason) == ("bad", "PLC says no.")
        assert (seen.state, seen.counters, seen.faults) == (None, (), None)
        assert (seen.speed, seen.product_number) == (None, None)

    def test_bad_message_bits_do_not_hide_that_the_running_bit_is_on(self):
        seen = read((tag("running"), good(True)), (MESSAGES, bad()))
        assert (seen.state, seen.quality, seen.faults) == ("running", "good", None)

    def test_bad_message_bits_hide_whether_a_standing_machine_is_faulted(self):
        assert read((tag("running"), good(False)), (MESSAGES, bad())).quality == "bad"

    def test_a_bad_counter_loses_only_itself(self):
        seen = read(
            (tag("running"), good(True)),
            (tag("good_count"), bad()),
            (tag("reject_count"), good(3)),
        )
        assert (seen.state, seen.quality) == ("running", "good")
        assert seen.counters == (of_counter("reject", 3),)

    def test_a_bad_speed_or_product_is_unknown(self):
        seen = read(
            (tag("running"), good(True)), (tag("speed"), bad()), (tag("product"), bad())
        )
        assert (seen.state, seen.speed, seen.product_number) == ("running", None, None)

    def test_a_tag_that_is_none_of_what_its_role_needs_says_so(self):
        assert read((tag("running"), good("on"))).reason == "running is not a single number."
        assert read((tag("speed"), good((1, 2)))).reason == "speed is not a single number."
        word = tag("state_word", state_map=STATES)
        assert read((word, good(1.5))).reason == "state_word is 1.5, not a whole number."

    def test_uncertain_readings_make_it_uncertain(self):
        reading = Reading("X", True, Quality.UNCERTAIN, NOW)
        seen = read((tag("running"), reading))
        assert (seen.state, seen.quality) == ("running", "uncertain")

    def test_no_tags_at_all_tell_nothing(self):
        assert (read().state, read().source_at) == (None, LATER)


class TestNumbers:
    def test_engineering_value_is_raw_times_scale_plus_offset(self):
        speed = tag("speed", scale=0.5, offset=10)
        assert read((tag("running"), good(True)), (speed, good(100))).speed == 60.0

    def test_a_scaled_counter_is_rounded_to_the_whole_it_means(self):
        counter = tag("good_count", scale=0.1, modulus=1000, max_per_minute=90.0)
        seen = read((counter, good(70)))
        assert seen.counters == (of_counter("good", 7, modulus=100, max_per_minute=90.0),)

    def test_of_a_counter_between_two_wholes_the_whole_pieces_count(self):
        assert shown(tag("good_count", scale=0.1), 75) == 7
        assert shown(tag("good_count", scale=1 / 12), 35) == 2

    def test_a_float_that_counts_between_two_wholes_is_dropped(self):
        assert read((tag("good_count", scale=0.1), good(75.0))).counters == ()

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), "7", (7, 8)])
    @pytest.mark.parametrize("scale", [1, 0.5])
    def test_a_counter_that_shows_no_number_is_dropped(self, value, scale):
        counter = tag("good_count", scale=scale)
        assert read((tag("running"), good(True)), (counter, good(value))).counters == ()

    @pytest.mark.parametrize("scale", [float("nan"), float("inf")])
    def test_a_counter_whose_scale_is_no_number_is_dropped(self, scale):
        assert read((tag("good_count", scale=scale, modulus=100), good(7))).counters == ()

    def test_a_scaled_counter_is_exact_however_large_it_is(self):
        assert shown(tag("good_count", scale=2), 2**53 + 1) == 2**54 + 2
        assert shown(tag("good_count", scale=0.1), 10 * (2**53 + 1)) == 2**53 + 1

    def test_an_offset_is_of_no_meaning_to_a_counter(self):
        assert shown(tag("good_count", offset=5000), 12) == 12
        assert shown(tag("good_count", scale=2, offset=0.5), 12) == 24

    def test_a_counter_that_was_reset_does_not_count_its_offset(self):
        counter = tag("good_count", offset=5000)
        (reading,) = read((counter, good(12))).counters
        assert step(CounterState(4000, NOW), reading, LATER).quantity == 12

    @pytest.mark.parametrize("data_type", [None, DataType.INT16, DataType.INT32])
    def test_a_negative_counter_with_a_modulus_is_read_on_past_its_top(self, data_type):
        counter = tag("good_count", data_type=data_type, modulus=65536)
        assert shown(counter, -32768) == 32768
        assert shown(counter, -1) == 65535

    @pytest.mark.parametrize(
        ("data_type", "bits"),
        [(DataType.INT8, 8), (DataType.INT16, 16), (DataType.INT32, 32)],
    )
    def test_the_negative_half_of_a_signed_word_follows_on_the_positive(self, data_type, bits):
        top, counter = 1 << bits - 1, tag("good_count", data_type=data_type)
        assert [shown(counter, raw) for raw in (top - 1, -top, -1)] == [
            top - 1,
            top,
            2 * top - 1,
        ]
        (last,) = read((counter, good(top - 1))).counters
        (next_one,) = read((counter, good(-top))).counters
        assert next_one.span == 2 * top
        assert step(CounterState(last.value, NOW), next_one, LATER).quantity == 1

    def test_a_negative_value_of_which_nobody_knows_the_width_stays_negative(self):
        assert shown(tag("good_count"), -3) == -3

    def test_the_modulus_of_a_scaled_counter_is_whole_pieces(self):
        counter = tag("good_count", scale=0.1, modulus=65536)
        (reading,) = read((counter, good(70))).counters
        assert (reading.value, reading.modulus) == (7, 6553)

    def test_a_large_counter_is_exact(self):
        big = 2**63 - 1
        assert read((tag("total_count"), good(big))).counters[0].value == big

    def test_what_no_float_can_hold_once_scaled_is_not_a_number(self):
        seen = read((tag("speed", scale=1e308), good(1e10)))
        assert (seen.quality, seen.reason) == ("bad", "speed is not a number once scaled.")

    def test_the_three_counters_go_by_their_kinds(self):
        pairs = [
            (tag(f"{kind}_count"), good(n))
            for n, kind in enumerate(("good", "total", "reject"))
        ]
        assert {c.kind: c.value for c in read(*pairs).counters} == {
            "good": 0,
            "total": 1,
            "reject": 2,
        }

    def test_the_time_is_that_of_the_newest_reading_with_a_value(self):
        early = Reading("X", True, Quality.GOOD, NOW - timedelta(seconds=1))
        failed = Reading("X", None, Quality.BAD, NOW + timedelta(seconds=9), "off")
        seen = read(
            (tag("running"), early), (tag("speed"), good(3.0)), (tag("product"), failed)
        )
        assert (seen.source_at, seen.received_at) == (NOW, LATER)

    def test_a_bad_reading_is_so_since_it_came_however_old_the_good_ones_beside_it(self):
        old = Reading("X", 3, Quality.GOOD, NOW - timedelta(seconds=50))
        seen = read((tag("running"), bad()), (tag("product"), old))
        assert (seen.quality, seen.source_at) == ("bad", LATER)

    @pytest.mark.parametrize(
        ("shown", "product"),
        [
            (2**31 - 1, 2**31 - 1),
            (2**31, None),
            (-(2**31), -(2**31)),
            (-(2**31) - 1, None),
            (2**64 - 1, None),
            (1e300, None),
        ],
    )
    def test_a_number_that_no_product_can_have_is_no_product(self, shown, product):
        seen = read((tag("running"), good(True)), (tag("product"), good(shown)))
        assert (seen.state, seen.product_number) == ("running", product)

    def test_a_counter_that_rolls_over_beyond_all_numbers_does_not_roll_over(self):
        counter = tag("good_count", scale=1e308, modulus=10**9)
        seen = read((tag("running"), good(True)), (counter, good(0)))
        assert seen.counters == (of_counter("good", 0),)


WORDS = st.integers(0, 3).map(good)
FLAGS = st.booleans().map(good)
SPEEDS = st.floats(0, 10).map(good)
MASKS = st.integers(0, 255).map(
    lambda word: good(bits(*(n for n in range(8) if word >> n & 1)))
)
TAGS = {
    "state_word": (tag("state_word", state_map=STATES), WORDS),
    "running": (tag("running"), FLAGS),
    "speed": (tag("speed"), SPEEDS),
    "message_bits": (MESSAGES, MASKS),
    "starved": (tag("starved"), FLAGS),
    "blocked": (tag("blocked"), FLAGS),
}


@st.composite
def machines(draw):
    roles = draw(st.lists(st.sampled_from(sorted(TAGS)), unique=True, min_size=1))
    return {role: (TAGS[role][0], draw(TAGS[role][1])) for role in roles}


@given(machines(), st.data())
def test_a_state_told_although_a_tag_is_bad_is_the_same_whatever_that_tag_would_have_shown(
    machine, data
):
    role = data.draw(st.sampled_from(sorted(machine)))
    meaning, values = TAGS[role]
    seen = read(*(machine | {role: (meaning, bad())}).values(), running_above=5)
    if seen.quality == "bad":
        assert seen.state is None
        return
    shown = read(*(machine | {role: (meaning, data.draw(values))}).values(), running_above=5)
    assert shown.state == seen.state


@given(machines())
def test_good_tags_that_can_tell_a_state_always_tell_one(machine):
    seen = read(*machine.values(), running_above=5)
    assert seen.quality == "good"
    tells = {"state_word", "running", "speed"} & machine.keys()
    assert seen.state is not None or not tells


@given(machines(), st.permutations(range(6)))
def test_the_order_of_the_tags_does_not_matter(machine, order):
    pairs = list(machine.values())
    shuffled = [pairs[place] for place in order if place < len(pairs)]
    assert read(*pairs, running_above=5) == read(*shuffled, running_above=5)


@given(machines())
def test_only_the_machines_own_active_fault_bits_make_it_faulted(machine):
    seen = read(*machine.values(), running_above=5)
    if seen.state == "faulted":
        assert any(fault.source == "internal" for fault in seen.faults)


@given(
    st.sampled_from(["0.1", "0.5", "0.25", "2", "12", "0.01"]),
    st.integers(0, 2**31),
    st.lists(st.integers(0, 2000), max_size=30),
)
def test_the_increments_of_a_scaled_word_are_its_raw_movement_times_the_scale(
    scale, first, rises
):
    counter = tag("good_count", data_type=DataType.INT32, scale=float(scale), offset=7)
    raw, before, made = first, None, 0
    for number, rise in enumerate([0, *rises]):
        raw += rise
        wrapped = (raw + 2**31) % 2**32 - 2**31
        (reading,) = read((counter, good(wrapped))).counters
        taken = step(before, reading, NOW + timedelta(seconds=number))
        made, before = made + taken.quantity, taken.state
    exact = Fraction(scale)
    assert made == floor(raw * exact) - floor(first * exact)


NO_NUMBERS = st.sampled_from([float("nan"), float("inf"), float("-inf")])
SCALARS = st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | NO_NUMBERS
VALUES = SCALARS | st.text() | st.lists(SCALARS, min_size=2, max_size=70).map(tuple)
FACTORS = st.floats(allow_nan=False, allow_infinity=False)
ROLES = (
    *("state_word", "mode", "running", "speed", "good_count", "total_count", "reject_count"),
    *("product", "starved", "blocked", "changeover", "message_bits"),
)


@st.composite
def strange(draw):
    role = draw(st.sampled_from(ROLES))
    meaning = TagMeaning(
        name="T" * draw(st.integers(1, 200)),
        role=role,
        data_type=draw(st.none() | st.sampled_from(DataType)),
        scale=draw(st.sampled_from([1, 0.1]) | FACTORS),
        offset=draw(st.just(0) | FACTORS),
        state_map=STATES,
        numbering=draw(st.sampled_from(["", "packml_tr88"])) if role == "state_word" else "",
        modulus=draw(st.none() | st.integers(1, 2**63 - 1)),
        bits=BITS,
    )
    return meaning, good(draw(VALUES))


@settings(max_examples=300)
@given(st.lists(strange(), max_size=6), st.sampled_from(["", *RULES]))
def test_whatever_a_controller_shows_something_is_said_of_it(pairs, when):
    rules = (
        [Rule(when=when, state="running", number=1, within=timedelta(seconds=1))]
        if when
        else []
    )
    seen = interpret(7, pairs, running_above=0, received_at=LATER, rules=rules)
    assert (seen.quality == "bad") is (seen.state is None and bool(seen.reason))


def test_a_counter_that_was_not_read_in_this_poll_has_the_time_of_its_reading():
    before = NOW - 7 * S
    pairs = [
        (tag("running"), good(True)),
        (tag("good_count", period_s=10.0), Reading("X", 5, Quality.GOOD, before)),
        (tag("reject_count"), good(2)),
    ]
    seen = interpret(7, pairs, running_above=0, received_at=LATER, polled_from=NOW)
    assert seen.counters == (
        CounterReading(kind="good", value=5, read_at=before, every=10 * S),
        of_counter("reject", 2),
    )
