"""The golden files that reduce.js is held to, folded in Python."""

import json
from pathlib import Path

import pytest

from tests.fold import as_set, fold

CASES = [
    case
    for path in sorted((Path(__file__).parent.parent / "contract").glob("fold_*.json"))
    if (case := json.loads(path.read_text()))
]


def test_there_are_golden_cases():
    assert len(CASES) >= 3


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_golden_case_folds_as_it_says(case):
    assert as_set(fold(case["before"], case["events"])) == as_set(case["after"])
