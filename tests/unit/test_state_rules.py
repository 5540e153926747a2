"""States of equipment without a state word by rules of their own, and PackML under both numberings."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.drivers.base import Quality, Reading
from telemetry.interpret import interpret
from telemetry.meaning import BitMeaning, Rule, TagMeaning
from telemetry.movement import watched
from telemetry.packml import NUMBERINGS, STATES, mode_state, state_of
from tests.floor import T0, later

S = timedelta(seconds=1)


def tag(role, value, quality=Quality.GOOD, **fields):
    meaning = TagMeaning(name=role, role=role, **fields)
    return meaning, Reading(role, value, quality, T0, "" if value is not None else "bad.")


def state(*tags, rules=(), seen=None):
    told = interpret(
        1,
        tags,
        running_above=10,
        received_at=T0,
        rules=[Rule(**rule) for rule in rules],
        seen=seen,
    )
    return told.state, told.quality, told.reason


MANUAL = {"when": "mode_word", "number": 3, "state": "setup"}
RUNS = {"when": "running_bit", "state": "running"}
FAULT = {"when": "fault_bits", "state": "faulted"}
MOVES = {"when": "count_movement", "within": 3 * S, "state": "running"}
FAST = {"when": "speed_above", "above": 50, "state": "running"}
ELSE = {"when": "otherwise", "state": "stopped"}
JAM = {"bits": (BitMeaning(0, "Jam", "fault"), BitMeaning(1, "Close guard", "prompt"))}


@pytest.mark.parametrize(
    ("tags", "rules", "expected"),
    [
        ([tag("running", True), tag("mode", 3)], [MANUAL, RUNS, ELSE], "setup"),
        ([tag("running", True), tag("mode", 1)], [MANUAL, RUNS, ELSE], "running"),
        ([tag("running", False), tag("mode", 1)], [MANUAL, RUNS, ELSE], "stopped"),
        ([tag("running", True), tag("message_bits", 1, **JAM)], [FAULT, RUNS], "faulted"),
        ([tag("running", True), tag("message_bits", 1, **JAM)], [RUNS, FAULT], "running"),
        ([tag("running", True), tag("message_bits", 2, **JAM)], [FAULT, RUNS], "running"),
        ([tag("speed", 60.0)], [FAST, ELSE], "running"),
        ([tag("speed", 50.0)], [FAST, ELSE], "stopped"),
        (
            [tag("starved", True)],
            [{"when": "starved_bit", "state": "starved"}, ELSE],
            "starved",
        ),
        (
            [tag("blocked", True)],
            [{"when": "blocked_bit", "state": "blocked"}, ELSE],
            "blocked",
        ),
        ([tag("speed", 11.0)], [{"when": "speed_above", "state": "idle"}, ELSE], "idle"),
    ],
)
def test_the_first_rule_that_applies_tells_the_state(tags, rules, expected):
    assert state(*tags, rules=rules)[0] == expected


def test_where_no_rule_applies_nobody_can_tell():
    told = state(tag("running", False), rules=[RUNS])
    assert told == ("no_data", "good", "None of the state rules applies.")


def test_a_rule_that_asks_a_bad_tag_makes_the_reading_bad():
    told = state(tag("mode", None, Quality.BAD), tag("running", True), rules=[MANUAL, RUNS])
    assert told == (None, "bad", "bad.")
    told = state(tag("mode", None, Quality.BAD), tag("running", True), rules=[RUNS, MANUAL])
    assert told[0] == "running"


def counts(*values):
    seen = None
    for place, value in enumerate(values):
        seen = watched(seen, [value], later(place), 5 * S)
    return seen


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([7], None),
        ([7, 8], "running"),
        ([7, 7, 7], None),
        ([7, 8, 8, 8], "running"),
        ([7, 7, 7, 7, 7], "stopped"),
        ([7, 8, 8, 8, 8, 8], "stopped"),
        ([7, 7, 7, 7, 0], "running"),
    ],
)
def test_a_counter_that_moved_within_so_many_cycles_runs(values, expected):
    told = state(tag("good_count", values[-1]), rules=[MOVES, ELSE], seen=counts(*values))
    assert told[:2] == (expected, "good")


def test_after_a_gap_watching_begins_anew():
    seen = watched(counts(7, 8), [9], later(60), 5 * S)
    assert (seen.moved_at, seen.moved(3 * S)) == (None, None)
    assert watched(seen, [12], later(60), 5 * S) is seen


def test_without_a_known_cycle_nobody_knows_whether_it_moved():
    rules = [MOVES | {"within": None}, ELSE]
    assert state(tag("good_count", 8), rules=rules, seen=counts(7, 8))[0] is None


@given(st.lists(st.integers(0, 3), min_size=1, max_size=20), st.integers(1, 5))
def test_it_moved_when_one_of_the_last_readings_shows_another_number_than_the_one_before(
    values, within
):
    changes = [one != other for one, other in pairwise(values)]
    # A reading a second: the last `within` steps, and the one that ended when those began.
    late = changes[-within - 1 :]
    unmoved = False if len(changes) > within else None
    assert counts(*values).moved(within * S) is (True if any(late) else unmoved)


@pytest.mark.parametrize("numbering", NUMBERINGS)
def test_every_state_of_packml_means_the_same_under_both_numberings(numbering):
    assert len(NUMBERINGS[numbering]) == 17
    assert set(NUMBERINGS[numbering].values()) == set(STATES)
    for number, name in NUMBERINGS[numbering].items():
        assert state_of(numbering, number, starved=False, blocked=False) == STATES[name]


@pytest.mark.parametrize(
    ("numbering", "execute", "aborted"), [("packml_tr88", 6, 9), ("packml_tmc", 4, 8)]
)
def test_execute_runs_and_aborted_is_a_fault(numbering, execute, aborted):
    word = {"numbering": numbering}
    assert state(tag("state_word", execute, **word))[0] == "running"
    assert state(tag("state_word", aborted, **word))[0] == "faulted"


def test_a_number_that_packml_lacks_is_no_data_and_says_so():
    assert state(tag("state_word", 42, numbering="packml_tr88")) == (
        "no_data",
        "good",
        "state_word shows 42, which its numbering does not name.",
    )


def test_what_the_map_names_counts_more_than_the_numbering():
    word = {"numbering": "packml_tr88", "state_map": {16: "running"}}
    assert state(tag("state_word", 16, **word))[0] == "running"
    assert state(tag("state_word", 17, **word))[0] == "idle"


@pytest.mark.parametrize(
    ("starved", "blocked", "expected"),
    [(False, False, "blocked"), (True, False, "starved"), (True, True, "blocked")],
)
def test_who_is_suspended_is_starved_when_its_interlock_says_so(starved, blocked, expected):
    tags = tag("state_word", 5, numbering="packml_tr88"), tag("starved", starved)
    assert state(*tags, tag("blocked", blocked))[0] == expected


@pytest.mark.parametrize(
    ("mode", "expected"),
    [(1, "running"), (2, "setup"), (3, "setup"), (5, "setup"), (0, "no_data")],
)
def test_the_unit_mode_decides_before_the_state(mode, expected):
    tags = tag("state_word", 6, numbering="packml_tr88"), tag("mode", mode)
    assert state(*tags)[0] == expected


def test_a_mode_word_with_a_map_of_its_own_decides_for_any_equipment():
    manual = tag("mode", 2, state_map={2: "setup"})
    assert state(tag("running", True), manual)[0] == "setup"
    assert state(tag("running", True), tag("mode", 1, state_map={2: "setup"}))[0] == "running"
    assert state(tag("running", True), tag("mode", 2))[0] == "running"


def test_a_mode_that_is_none_says_so():
    assert mode_state(0) == "no_data"
    told = state(tag("state_word", 6, numbering="packml_tmc"), tag("mode", 0))
    assert told == ("no_data", "good", "mode shows 0, which is no unit mode.")
