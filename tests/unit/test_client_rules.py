"""The rules of a client, held to the golden files that static/js/rules.js is held to as well."""

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.schemas import client_schemas, server_schemas
from tests.live import Board, Rules
from tests.live.backoff import back_off
from tests.live.outputs import Apply, Connect, Drop, Ended, Lost, Rewind, Send

CONTRACT = Path(__file__).parent.parent / "contract"
FRAMES = json.loads((CONTRACT / "client_frames.json").read_text())
CASES = [
    case
    for path in sorted(CONTRACT.glob("client_*.json"))
    if path.name != "client_frames.json"
    for case in json.loads(path.read_text())
]


class Client:
    """Rules and a board, told the steps of a case."""

    def __init__(self, case):
        self.rules = Rules(case["subscriptions"], lambda: case["random"])
        self.board = Board()

    def take(self, step):
        now = step["at"]
        match step:
            case {"frame": name}:
                outputs = self.rules.heard(now, json.dumps(FRAMES[name]))
            case {"batch": names}:
                outputs = self.rules.heard(now, json.dumps([FRAMES[name] for name in names]))
            case {"closed": code}:
                outputs = self.rules.closed(now, code)
            case {"do": "stop"}:
                outputs = self.rules.stop()
            case {"do": word}:
                outputs = getattr(self.rules, word)(now)
        for output in outputs:
            if isinstance(output, Apply):
                self.board.take(output.message)
        return [plain(output, step.get("closed")) for output in outputs]

    def state(self, name):
        match name:
            case "board":
                return sorted(map(subject, self.board.items))
            case "gauges":
                return [
                    f"{stream} {key} v{ver} {data['good']}"
                    for (stream, key), (ver, data) in sorted(self.board.gauges.items())
                ]
            case "degraded":
                return self.board.degraded
            case "gaps":
                return [[gap.stream, gap.after, gap.to, gap.reason] for gap in self.rules.gaps]
            case _:
                return getattr(self.rules, name)


def plain(output, code):
    """Return an output as the golden files write it."""
    word = type(output).__name__.lower()
    match output:
        case Apply(message):
            number = message.get("seq", message.get("ver"))
            return [word, message["type"], *([] if number is None else [number])]
        case Lost(message, delay_ms):
            return [word, code or 1006, message, delay_ms]
        case Ended(action, message):
            return [word, code, action, message]
        case Send(value) | Rewind(value):
            return [word, value]
        case Connect() | Drop():
            return [word]


def subject(item):
    """Return an item as the golden files write it."""
    data = item["data"]
    name = {"equipment_state": "equipment_code", "plc_status": "plc"}.get(item["type"], "id")
    word = data.get("state") or data.get("status") or data["code"]
    return f"{item['line_id'] or 'plant'} {item['type']} {data[name]} {word}"


def test_there_are_golden_cases():
    assert len(CASES) >= 60
    assert len({case["name"] for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_golden_case_goes_as_it_says(case):
    client = Client(case)
    for number, step in enumerate(case["steps"]):
        assert client.take(step) == step["out"], f"step {number}"
        for name, expected in step.get("state", {}).items():
            assert client.state(name) == expected, f"step {number}: {name}"


@pytest.mark.parametrize("name", FRAMES)
def test_a_golden_frame_is_one_that_the_server_may_send(name):
    frame = FRAMES[name]
    jsonschema.Draft202012Validator(server_schemas()[frame["type"]]).validate(frame)


def test_every_golden_answer_is_one_that_a_client_may_send():
    schemas = client_schemas()
    sent = [
        message
        for case in CASES
        for step in case["steps"]
        for kind, message, *_ in (out for out in step["out"] if out[0] == "send")
    ]
    assert {message["type"] for message in sent} == {"subscribe", "resume", "ping"}
    for message in sent:
        jsonschema.Draft202012Validator(schemas[message["type"]]).validate(message)


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_the_pause_is_between_nothing_and_a_ceiling_of_thirty_seconds(attempt, share):
    assert 0 <= back_off(attempt, lambda: share) <= min(30_000, 500 * 2 ** min(attempt, 20))
