"""docs/protocol.md: what the code writes is current, what people wrote is true of the code."""

import json
import re
from dataclasses import asdict

import jsonschema
import pytest

from ms5.events.facts import TYPES
from realtime.document import DOCUMENT, UnknownPart, current
from realtime.limits import Limits
from realtime.protocol import CloseCode, ErrorCode, ResumeReason
from realtime.routes import ROUTES
from realtime.schemas import client_schemas, server_schemas
from realtime.targets import SubscriptionType

TEXT = DOCUMENT.read_text()
SCHEMAS = {"client": client_schemas(), "server": server_schemas()}


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


def chapter(title):
    (found,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE)
    return found


def rows(text):
    """Return the first cells of the rows of the tables, without their heads."""
    lines = [line.split(" | ")[0].strip("| ") for line in text.splitlines() if line[:1] == "|"]
    return [cell for cell in lines if cell != "---" and cell[0] in "`0123456789"]


MESSAGES = [json.loads(block) for block in blocks("json")]
SAID = [
    (line[0], json.loads(line[2:]))
    for line in "".join(blocks("transcript")).splitlines()
    if line[0] in "<>"
]


def test_what_is_generated_is_current():
    assert current(TEXT) == TEXT, "run `python -m realtime.document`"
    assert re.findall(r"<!-- generated: (\w+) -->", TEXT) == [
        "targets",
        "routes",
        "limits",
        "events",
    ]


def test_a_part_that_was_changed_by_hand_is_written_anew():
    by_hand = TEXT.replace("| `line` | `LINE`, `all` |", "| `line` | `LINES` |")
    assert by_hand != TEXT
    assert current(by_hand) == TEXT


def test_a_part_that_nobody_writes_is_told():
    with pytest.raises(UnknownPart):
        current("<!-- generated: poems -->\n<!-- end -->")


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message["type"])
def test_an_example_is_a_message_of_the_protocol(message):
    side = "client" if message["type"] in SCHEMAS["client"] else "server"
    jsonschema.Draft202012Validator(SCHEMAS[side][message["type"]]).validate(message)


@pytest.mark.parametrize(("mark", "message"), SAID, ids=lambda part: str(part)[:40])
def test_a_line_of_the_transcript_is_a_message_of_the_protocol(mark, message):
    schemas = SCHEMAS["client" if mark == ">" else "server"]
    jsonschema.Draft202012Validator(schemas[message["type"]]).validate(message)


def test_there_is_an_example_of_every_message_that_is_no_event():
    shown = {message["type"] for message in MESSAGES} | {message["type"] for _, message in SAID}
    known = set(SCHEMAS["client"]) | (set(SCHEMAS["server"]) - set(TYPES))
    assert known == shown - set(TYPES)


def test_the_announced_limits_of_the_examples_are_the_defaults():
    greetings = [
        message
        for message in (*MESSAGES, *(message for _, message in SAID))
        if message["type"] == "connection_established"
    ]
    assert len(greetings) == 4
    of = asdict(Limits())
    for greeting in greetings:
        assert greeting["limits"] == {name: of[name] for name in greeting["limits"]}
        assert greeting["heartbeat_seconds"] == of["heartbeat_s"]


def test_every_error_code_says_what_to_do():
    told = re.findall(r"`([A-Z_]+)`", " ".join(rows(chapter("When something is refused"))))
    assert sorted(told) == sorted(ErrorCode)


def test_every_close_code_says_what_to_do():
    told = re.findall(r"\d{4}", " ".join(rows(chapter("When the connection ends"))))
    # 1006 and 1007 are never sent by us: the first by nobody, the second by the server below.
    assert sorted(map(int, told)) == sorted({*CloseCode, 1006, 1007})


def test_the_reasons_of_a_resume_stand_in_the_order_of_their_test():
    told = [row.strip("`") for row in rows(chapter("Come back: resume"))]
    assert told == [str(reason) for reason in ResumeReason]


def test_every_target_and_every_event_has_its_place():
    listed = rows(chapter("Subscribe"))
    assert [row.strip("`") for row in listed[:12]] == [str(type_) for type_ in SubscriptionType]
    assert set(re.findall(r"`(\w+)`", " ".join(listed[12:]))) == set(ROUTES)
    titles = re.findall(r"^### (.*)$", chapter("Every event"), re.MULTILINE)
    assert re.findall(r"`(\w+)`", " ".join(titles)) == list(TYPES)


def test_every_field_of_every_event_is_listed():
    text = chapter("Every event")
    for row in TYPES.values():
        (section,) = re.findall(
            rf"^### [^\n]*`{row.name}`(.*?)(?=^### |\Z)", text, re.DOTALL | re.MULTILINE
        )
        listed = rows(section)
        fields = [f"`{name}`" for name in row.data.__struct_fields__]
        assert listed[: len(fields)] == fields


def test_the_client_of_the_document_is_python():
    (source,) = blocks("python")
    compile(source, "docs/protocol.md", "exec")
