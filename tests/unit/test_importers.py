"""The files of engineering tools: what they hold, and a sentence for every row that is none of it."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.importers import rows, words
from telemetry.importers.escapes import unescaped
from telemetry.importers.found import FoundTag, Row, Unreadable
from telemetry.importers.recognised import parsed
from telemetry.importers.rslogix500 import normal
from telemetry.importers.rslogix500 import parse as parse_symbols

EXPORTS = Path(__file__).parent.parent / "exports"


def read(name):
    return parsed((EXPORTS / name).read_bytes())


def tags(found):
    return {tag.name: (tag.address, tag.data_type, tag.length) for tag in found.tags}


def refused(found):
    return {remark.line: remark.why for remark in found.remarks if remark.refused}


def lines_of(data):
    return {row.line for row in rows.rows_of(data)}


def accounted(found):
    return {each.line for each in (*found.tags, *found.bits, *found.remarks)}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("studio5000.csv", "logix"),
        ("rslogix5000_old.csv", "logix"),
        ("rslogix500.csv", "rslogix500"),
        ("messages.csv", "messages"),
    ],
)
def test_a_file_is_known_by_its_content_and_every_row_is_accounted_for(name, kind):
    found = read(name)
    assert found.kind == kind
    assert accounted(found) == lines_of((EXPORTS / name).read_bytes())


def test_a_tag_export_gives_what_can_be_read_by_its_name():
    found = read("studio5000.csv")
    assert tags(found) == {
        "MachineRunning": ("MachineRunning", "bool", 1),
        "LineSpeed": ("LineSpeed", "float32", 1),
        "SpeedSetpoint": ("SpeedSetpoint", "float32", 1),
        "GoodPacks": ("GoodPacks", "int32", 1),
        "RejectPacks": ("RejectPacks", "int32", 1),
        "ProductNumber": ("ProductNumber", "int16", 1),
        "Messages": ("Messages", "bool", 64),
        "AlarmWord": ("AlarmWord", "int32", 1),
        "BladeCount.ACC": ("BladeCount.ACC", "int32", 1),
        "BladeCount.DN": ("BladeCount.DN", "bool", 1),
        "JamTimer.ACC": ("JamTimer.ACC", "int32", 1),
        "JamTimer.DN": ("JamTimer.DN", "bool", 1),
        "Levels": ("Levels", "int16", 6),
        "BatchName": ("BatchName", "string", 1),
        "InfeedEye": ("Local:1:I.Data.2", "bool", 1),
        "JamDone": ("JamTimer.DN", "bool", 1),
        "ThirdLevel": ("Levels[2]", "int16", 1),
        "Program:Main.CycleTime": ("Program:Main.CycleTime", "float32", 1),
        "Program:Main.LocalEye": ("Local:1:I.Data.2", "bool", 1),
    }
    described = {tag.name: tag.description for tag in found.tags}
    assert described["LineSpeed"] == "Packs per minute"
    assert described["ProductNumber"] == '한국 "one", costs $5'
    assert described["SpeedSetpoint"] == "Set by the recipe"


def test_what_a_tag_export_holds_and_cannot_be_read_is_refused_with_its_line():
    why = refused(read("studio5000.csv"))
    assert [(line, text[:30]) for line, text in why.items()] == [
        (18, "TIMER is a structure that this"),
        (19, "an array of several dimensions"),
        (22, "its external access is None, s"),
        (23, "AXIS_SERVO_DRIVE is a structur"),
        (24, "UDT_Feed is a structure that t"),
        (25, "AB:1769_DI32:I:0 is a structur"),
        (29, "its target NotHere.Data is not"),
        (30, "it is an alias of itself"),
        (31, "it stands in line 8 already"),
        (35, "Messages has no bit 64"),
        (38, "what it describes, Ghost[1], w"),
        (44, "'NOTE' is no type of row that "),
    ]


def test_comments_on_bits_become_messages_and_not_every_message_is_a_fault():
    bits = {(bit.tag, bit.bit): bit for bit in read("studio5000.csv").bits}
    assert {key: (bit.text, bit.kind) for key, bit in bits.items()} == {
        ("Messages", 12): ("Guard door open", "fault"),
        ("Messages", 29): ("OK to start", "prompt"),
        ("Messages", 31): ("Film jam at the folder", "fault"),
        ("AlarmWord", 7): ("Low air pressure", "fault"),
    }


def test_an_old_export_in_the_windows_code_page_is_read_too():
    found = read("rslogix5000_old.csv")
    assert [(tag.name, tag.description) for tag in found.tags] == [
        ("Running", "Läuft"),
        ("Count", ""),
    ]
    assert refused(found) == {7: "it has 4 columns where six or seven are due"}


def test_a_symbol_export_gives_addresses_as_they_can_be_read():
    found = read("rslogix500.csv")
    assert tags(found) == {
        "PACKS_OUT": ("N7:101", "int16", 1),
        "RECIPE_IN_USE": ("N7:26", "int16", 1),
        "MODE_DISPLAY": ("N7:28", "int16", 1),
        "AUTO_RUNNING": ("B3:0/8", "bool", 1),
        "FEED_HOLD": ("B3:1/4", "bool", 1),
        "ALARM_WORD_1": ("B22:0", "int16", 1),
        "START_PB": ("I:1/0", "bool", 1),
        "GATE_OK": ("I:7.1/0", "bool", 1),
        "FAULT_RESET": ("O:8/4", "bool", 1),
        "FIRST_PASS": ("S:1/15", "bool", 1),
        "INFEED_DELAY": ("T4:0.ACC", "int16", 1),
        "T4:44/DN": ("T4:44/DN", "bool", 1),
        "BASKETS": ("C5:2.ACC", "int16", 1),
        "BASKETS_FILLED": ("F8:0", "float32", 1),
        "RECIPE_NAME": ("ST24:0", "string", 1),
        "PACKS_OUT N7:300": ("N7:300", "int16", 1),
    }
    assert found.tags[0].description == "PACKS COUNTED AT THE DISCHARGE"
    assert refused(found) == {
        16: "it names a data file, not a value",
        17: "it names a ladder file, not a value",
        18: "N7:101 stands in line 1 already",
        20: "T4:0/XY asks for a member that T has not",
        21: "'Q9:1' is no address of a data file",
        22: "it has 3 columns where 13 are due",
        23: "B3:1/4 stands in line 5 already",
    }


@pytest.mark.parametrize(
    ("written", "address", "data_type"),
    [
        ("B3/20", "B3:1/4", "bool"),
        ("B3:0/31", "B3:1/15", "bool"),
        ("N7:0/17", "N7:1/1", "bool"),
        ("I:7/16", "I:7.1/0", "bool"),
        ("I:7.1/3", "I:7.1/3", "bool"),
        ("O:2.0", "O:2", "int16"),
        ("S2:1/15", "S:1/15", "bool"),
        ("C5:0/CU", "C5:0/CU", "bool"),
        ("R6:1", "R6:1.POS", "int16"),
        ("L9:4", "L9:4", "int32"),
    ],
)
def test_an_address_of_a_data_file_is_rewritten_to_what_can_be_read(
    written, address, data_type
):
    assert normal(written) == (address, data_type)


@pytest.mark.parametrize("written", ["N:0", "N7", "F8:0/1", "N7:0/DN", "N7:0.2", "B3"])
def test_what_names_no_value_of_a_data_file_is_refused(written):
    with pytest.raises(ValueError, match=r"\w"):
        normal(written)


def test_a_list_of_messages_keeps_the_first_of_two_and_names_the_missing_bits():
    found = read("messages.csv")
    assert {bit.bit: (bit.text, bit.kind, bit.source) for bit in found.bits} == {
        0: ("Wrapper inverter tripped", "fault", "internal"),
        1: ("Sealing jaw overload", "fault", "internal"),
        2: ("not defined", "unused", "internal"),
        4: ("Close the guard, then reset", "prompt", "internal"),
        5: ("Machine running", "status", "internal"),
        6: ("Case packer jammed", "fault", "downstream"),
        8: ("Batch complete", "status", "internal"),
    }
    assert refused(found) == {
        4: "the bit stands in line 3 already, as 'Sealing jaw overload'",
        6: "'Messages[Error]' names no bit, such as Fault[31]",
        10: "the bit stands in line 9 already, in the same words",
        12: "its source 'sideways' is not internal, upstream or downstream",
        14: "'just words' names no bit, such as Fault[31]",
    }
    assert found.missing == {"Messages": [3, 7]}


def test_roles_are_suggested_by_name_and_type_and_each_but_messages_once():
    found = read("studio5000.csv")
    assert words.suggestions(words.candidates(found.tags)) == {
        "MachineRunning": "running",
        "LineSpeed": "speed",
        "GoodPacks": "good_count",
        "BladeCount.ACC": "total_count",
        "RejectPacks": "reject_count",
        "ProductNumber": "product",
        "Messages": "message_bits",
        "AlarmWord": "message_bits",
    }


def test_a_tag_whose_type_cannot_play_a_role_is_never_suggested_for_it():
    text = FoundTag(line=1, name="Running", address="Running", data_type="string")
    array = FoundTag(line=2, name="Speed", address="Speed", data_type="float32", length=4)
    assert words.candidates([text, array]) == {}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "The file is empty."),
        (b"\r\n\r\n", "The file is empty."),
        (b"a,b\x00c", "The file is no text: it holds zero bytes."),
        (b"PK\x03\x04 and so on", "The file is none that is known"),
        (b'remark,"CSV-Import-Export"\r\nTAG,,A,"' + b"x" * 200_000, "Line 2 cannot be read"),
        (b"x" * (rows.MOST_BYTES + 1), "The file has more than 8 MB."),
        (b"x\n" * (rows.MOST_ROWS + 1), "The file has more than 50000 rows."),
    ],
    ids=["nothing", "blank", "binary", "unknown", "open quote", "too big", "too long"],
)
def test_a_file_that_cannot_be_taken_says_why(data, why):
    with pytest.raises(Unreadable) as caught:
        parsed(data)
    assert str(caught.value).startswith(why)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("a$Nb", "a b"),
        ("$Qx$Q $'y$' $$5", "\"x\" 'y' $5"),
        ("$D83D$DE00", "😀"),
        ("$D83D alone", "� alone"),
        ("costs $ 5 or $Z", "costs $ 5 or $Z"),
        ("$0000", ""),
    ],
)
def test_escapes_are_undone(written, text):
    assert unescaped(written) == text


WORDS = (
    "TAG|ALIAS|COMMENT|COMMENT:en-US|RCOMMENT|remark|0.3||A|B|Program|BOOL[64]|DINT|TIMER|A[3]|A.5|B.DN|"
    "Local:1:I.Data.2|N7:0|B3/20|I:7/16|T4:0|ST24:0|0|Fault[3]|internal|$D83D|(ExternalAccess := None)|"
    "TYPE|SCOPE|NAME|DESCRIPTION|DATATYPE|SPECIFIER"
)
CELLS = st.one_of(st.sampled_from(WORDS.split("|")), st.text(max_size=12))
HEADS = st.sampled_from(
    ['remark,"CSV-Import-Export"\n', "N7:0,0,S,,,,,,0,,,0,\n", "Tag,Description,Source\n", ""]
)


@given(HEADS, st.lists(st.lists(CELLS, min_size=1, max_size=14), max_size=12))
@settings(max_examples=150, deadline=None)
def test_no_file_breaks_a_parser_and_no_row_is_lost(head, table):
    text = head + "\n".join(
        ",".join('"' + cell.replace('"', '""') + '"' for cell in cells) for cells in table
    )
    data = text.encode("utf-8", "replace")
    try:
        found = parsed(data)
    except Unreadable:
        return
    assert accounted(found) == lines_of(data)
    names = [tag.name.lower() for tag in found.tags]
    assert len(names) == len(set(names))
    for tag in found.tags:
        assert 1 <= len(tag.name) <= 100
        assert tag.length >= 1


@given(st.binary(max_size=400))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_read_or_refused_in_words(data):
    try:
        assert accounted(parsed(data)) == lines_of(data)
    except Unreadable:
        return


@given(st.lists(CELLS, min_size=13, max_size=13))
@settings(max_examples=100, deadline=None)
def test_a_rewritten_address_is_rewritten_to_itself(cells):
    for tag in parse_symbols([Row(1, tuple(cells))]).tags:
        assert normal(tag.address) == (tag.address, tag.data_type)
