"""The golden files that reduce.js is held to, folded in Python."""

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ms5.events.facts import TYPES, Kind
from tests.fold import as_set, fold
from tests.samples import sample

CASES = [
    case
    for path in sorted((Path(__file__).parent.parent / "contract").glob("fold_*.json"))
    if (case := json.loads(path.read_text()))
]


def _event(choice):
    type_, line, subject, is_over = choice
    row = TYPES[type_]
    changes = {
        row.subject: f"E{subject}" if row.subject in {"plc", "equipment_code"} else subject
    }
    if row.ended_when:
        changes[row.ended_when] = "2026-03-02T09:00:00Z" if is_over else None
    if type_ == "correction":
        changes["corrected_at"] = "2026-03-02T09:00:00Z"
    data = msgspec.to_builtins(sample(type_, **changes))
    return {"type": type_, "line_id": line, "equipment_code": None, "data": data}


facts = st.lists(
    st.tuples(
        st.sampled_from([row.name for row in TYPES.values() if row.kind is Kind.FACT]),
        st.sampled_from(["L1", "L2"]),
        st.integers(1, 3),
        st.booleans(),
    ).map(_event),
    max_size=12,
)


def test_there_are_golden_cases():
    assert len(CASES) >= 10


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_golden_case_folds_as_it_says(case):
    assert as_set(fold(case["before"], case["events"])) == as_set(case["after"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_golden_case_speaks_of_events_as_they_are_declared(case):
    for said in (*case["before"], *case["events"], *case["after"]):
        msgspec.convert(said["data"], TYPES[said["type"]].data)


def test_every_fact_is_folded_by_a_golden_case():
    folded = {event["type"] for case in CASES for event in case["events"]}
    assert folded >= {row.name for row in TYPES.values() if row.kind is Kind.FACT}


@given(facts)
def test_folding_in_two_halves_is_folding_at_once(events):
    half = len(events) // 2
    assert as_set(fold(fold([], events[:half]), events[half:])) == as_set(fold([], events))


@given(facts)
def test_a_subject_stands_there_once_as_its_newest_fact_tells_it(events):
    newest = {}
    for event in events:
        row = TYPES[event["type"]]
        newest[row.family, event["line_id"], event["data"][row.subject]] = event
    still_open = {
        subject: event["data"]
        for subject, event in newest.items()
        if not (ended := TYPES[event["type"]].ended_when) or event["data"][ended] is None
    }
    items = fold([], events)
    assert {subject: item["data"] for subject, item in as_set(items).items()} == still_open
    assert len(items) == len(still_open)
