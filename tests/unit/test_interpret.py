"""What readings say of an equipment: first rule that applies, nothing invented from a bad tag."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from production.observation import CounterReading, FaultMessage
from telemetry.drivers.base import Quality, Reading
from telemetry.interpret import interpret
from telemetry.meaning import BitMeaning, TagMeaning

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
LATER = NOW + timedelta(milliseconds=5)

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
STATES = {0: "stopped", 1: "running", 2: "setup"}


def tag(role, **fields):
    return TagMeaning(name=role, role=role, **fields)


def good(value):
    return Reading("X", value, Quality.GOOD, NOW)


def bad(error="X is off."):
    return Reading("X", None, Quality.BAD, NOW, error)


def bits(*on, length=8):
    return tuple(place in on for place in range(length))


def read(*pairs, running_above=0.0):
    return interpret(7, pairs, running_above=running_above, received_at=LATER)


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
        assert seen.counters == (CounterReading(kind="good", value=5),)

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

    def test_without_message_bits_the_faults_are_unknown_and_not_none(self):
        assert read((tag("running"), good(True))).faults is None

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
        assert seen.counters == (CounterReading(kind="reject", value=3),)

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
        assert seen.counters == (
            CounterReading(kind="good", value=7, modulus=100, max_per_minute=90.0),
        )

    def test_a_counter_between_two_wholes_is_dropped(self):
        assert read((tag("good_count", scale=0.1), good(75))).counters == ()

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
