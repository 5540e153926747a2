"""What a board prints of calls, held to the golden file that the browser's twin reads too."""

import json
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from ms5.events.facts import TYPES, AndonCall
from realtime.calls import STANDING, WORDS, Place, draw_calls, draw_slots

_CASES = json.loads(
    (Path(__file__).parent.parent / "contract" / "drawing" / "calls.json").read_text()
)


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in _CASES])
def test_calls_are_drawn_as_the_golden_file_says(case):
    calls = draw_calls(
        [
            Place(
                code=line["code"],
                name=line["name"],
                names={
                    unit["equipment_code"]: unit["name"]
                    for gauge in line["gauges"].values()
                    for unit in gauge["data"].get("equipment", ())
                },
                subjects=[
                    msgspec.convert(item["data"], TYPES[item["type"]].data)
                    for item in line["items"]
                ],
            )
            for line in case["lines"]
        ],
        datetime.fromisoformat(case["now"]),
    )
    assert json.loads(msgspec.json.encode(calls)) == case["calls"]
    assert json.loads(msgspec.json.encode(draw_slots(calls.rail))) == case["slots"]


def test_every_category_and_every_standing_status_has_a_word():
    fields = AndonCall.__annotations__
    assert set(WORDS) == set(fields["category"].__args__)
    assert set(STANDING) == set(fields["status"].__args__) - {"resolved", "cancelled"}
