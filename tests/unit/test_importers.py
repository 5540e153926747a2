"""The files of engineering tools: what they hold, and a sentence for every row that is none of it."""

import codecs
import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.drivers.base import DataType, TagSpec
from telemetry.importers import messages, rows, words
from telemetry.importers.changes import KnownTag, missing
from telemetry.importers.escapes import unescaped
from telemetry.importers.found import FoundTag, Row, Unreadable
from telemetry.importers.recognised import parsed
from telemetry.importers.rslogix500 import normal
from telemetry.importers.rslogix500 import parse as parse_symbols
from telemetry.validation import address_error

EXPORTS = Path(__file__).parent.parent / "exports"


def read(name):
    return parsed((EXPORTS / name).read_bytes())


def tags(found):
    return {tag.name: (tag.address, tag.data_type, tag.length) for tag in found.tags}


def refused(found):
    return {remark.line: remark.why for remark in found.remarks if remark.refused}


def lines_of(data, separator=",", begin=None):
    return {row.line for row in rows.rows_of(rows.text_of(data), separator, begin)}


def accounted(found):
    return {each.line for each in (*found.tags, *found.bits, *found.remarks)}


def loses_nothing(data, found):
    """Whether each line is a tag, a bit or a remark; of a list of messages each row."""
    begin = messages.BEGIN if found.kind == "messages" else None
    return any(
        accounted(found) == lines_of(data, separator, begin) for separator in rows.SEPARATORS
    )


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
        ("L9:0/20", "L9:0/20", "bool"),
        ("L9:0/31", "L9:0/31", "bool"),
        ("L9:0/32", "L9:1/0", "bool"),
    ],
)
def test_an_address_of_a_data_file_is_rewritten_to_what_can_be_read(
    written, address, data_type
):
    assert normal(written) == (address, data_type)


@given(st.sampled_from("NBSIOL"), st.integers(0, 9), st.integers(0, 99))
def test_the_driver_reads_every_bit_that_is_taken(kind, element, bit):
    address, data_type = normal(f"{kind}{'' if kind in 'SIO' else 9}:{element}/{bit}")
    assert address_error("slc", TagSpec(address, DataType(data_type))) == ""


@pytest.mark.parametrize(
    "written", ["N:0", "N7", "F8:0/1", "ST9:0/1", "L9/20", "L9:0/DN", "N7:0/DN", "N7:0.2", "B3"]
)
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
    assert found.listed == {"messages": {0, 1, 2, 4, 5, 6, 8, 9}}


@pytest.mark.parametrize(
    ("data_type", "length", "left"),
    [
        ("bool", 64, ["3", "7", "10 to 63"]),
        ("bool", 11, ["3", "7", "10"]),
        ("bool", 10, ["3", "7"]),
        ("int16", 1, ["3", "7", "10 to 15"]),
        ("int8", 1, ["3", "7"]),
        ("bool", 6, ["3"]),
    ],
)
def test_the_bits_that_a_list_leaves_out_are_told_up_to_the_last_of_the_tag(
    data_type, length, left
):
    tag = KnownTag(
        id=1,
        name="MESSAGES",
        address="M",
        data_type=data_type,
        length=length,
        description="",
        imported=False,
    )
    assert missing(read("messages.csv"), [tag]) == {"MESSAGES": left}


def left_out(found):
    return {remark.line: remark.why for remark in found.remarks if remark.in_part}


def test_what_of_a_row_is_not_used_is_told():
    text = "x" * 200
    found = parsed(
        (
            "Tag,Description,Source\nFault[0],Jam,internal,see page 7,,M. M.\nFault[1],Jam,,,,\n"
            f"Fault[2],{text}yz,internal\n"
        ).encode()
    )
    assert [bit.text for bit in found.bits] == ["Jam", "Jam", text]
    assert left_out(found) == {
        2: "cells beyond the third are not used: 'see page 7, M. M.'",
        4: "cut off after 200 characters: 'yz'",
    }
    rows = [
        f'TAG,,A,"{text}yz",DINT,"",""',
        'TAG,,B,"Film",DINT,"",""',
        'TAG,,C,"",UDINT,"",""',
        'COMMENT,,B,"The film","","B"',
        'COMMENT,,B,"Film","","B"',
        'COMMENT,,C,"Words","","C"',
        'COMMENT,,C,"Other words","","C"',
        f'COMMENT,,C,"{text}yz","","C.31"',
    ]
    found = parsed((HEAD + "\r\n".join(rows)).encode())
    assert [tag.description for tag in found.tags] == [text, "Film", "Words"]
    assert refused(found) == {
        5: "B is described already, as 'Film'",
        8: "C is described already, as 'Words'",
    }
    cut = "cut off after 200 characters: 'yz'"
    assert left_out(found) == {2: cut, 9: cut}
    symbol = f"N7:0,0,{'s' * 101},{','.join(['y' * 60] * 5)},0,,,0,"
    found = parsed(symbol.encode())
    assert (len(found.tags[0].name), len(found.tags[0].description)) == (100, 200)
    assert [remark.why[:23] for remark in found.remarks] == [
        "cut off after 100 chara",
        "cut off after 200 chara",
    ]


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


KINDS = {
    "fault": "Check weigher fault|Press overload|PRESS_OVERLOAD|Case former turn unit fault|Load cell error|"
    "Replace knife alarm|Select valve failed|Close guard switch broken|Sealing jaw over-temperature|"
    "Faults at infeed|Jammed|Fault reset failed|Low air pressure|Guard open|Metal detected|Motor tripped",
    "prompt": "Close the guard, then reset|OK to start|Release e-stop|Press reset to clear the fault|Clear jam|"
    "Please check the overload|Clear the jam at the infeed|Close guard|Wait|Press start|Refill film|"
    "Check low air|To clear fault press reset",
    "status": "Machine running|Batch complete|Press 7 running|Check weigher ready|Turn table homed|"
    "Fault reset|No faults|Alarm silenced|Jam cleared",
    "info": "Double loaf|Film end|Motor 3 thermal|Check weigher|Default recipe|Failover|Jammer",
    "unused": "not defined|Spare| |n/a|--",
}


@pytest.mark.parametrize(
    ("text", "kind"),
    [(text, kind) for kind, texts in KINDS.items() for text in texts.split("|")],
)
def test_the_words_of_a_message_suggest_its_kind(text, kind):
    assert words.kind_of(text) == kind


@given(
    st.sampled_from(
        [
            "press",
            "check",
            "close",
            "turn",
            "select",
            "replace",
            "remove",
            "load",
            "wait",
            "open",
            "push",
        ]
    ),
    st.sampled_from(["", "weigher", "unit 3", "drive", "infeed belt"]),
    st.sampled_from(
        [
            "fault",
            "overload",
            "jam",
            "trip",
            "alarm",
            "failed",
            "broken",
            "error",
            "jammed",
            "faulted",
        ]
    ),
    st.sampled_from([str.lower, str.upper, str.title]),
    st.sampled_from([" ", "_"]),
)
def test_what_is_certainly_a_fault_is_no_prompt_by_the_name_of_a_machine(
    verb, noun, trouble, cased, joined
):
    text = cased(joined.join(f"{verb} {noun} {trouble}".split()))
    assert words.kind_of(text) == "fault"
    assert words.kind_of(f"Please {text}") == "prompt"


@given(st.text(max_size=60))
def test_any_text_is_of_one_of_the_kinds(text):
    assert words.kind_of(text) in KINDS


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "The file is empty."),
        (b"\r\n\r\n", "The file is empty."),
        (b"a,b\x00c", "The file is no text: it holds zero bytes."),
        (b"PK\x03\x04 and so on", "The file is none that is known"),
        (b"\xff\xfe" + "TAG,A".encode("utf-16-le")[:-1], "The file bears the mark of UTF-16"),
        ("TAG,\0".encode("utf-16"), "The file is no text: it holds zero bytes."),
        (b"x" * (rows.MOST_BYTES + 1), "The file has more than 8 MB."),
        (b"x\n" * (rows.MOST_ROWS + 1), "The file has more than 50000 rows."),
    ],
    ids=["nothing", "blank", "binary", "unknown", "half", "wide", "too big", "too long"],
)
def test_a_file_that_cannot_be_taken_says_why(data, why):
    with pytest.raises(Unreadable) as caught:
        parsed(data)
    assert str(caught.value).startswith(why)


HEAD = "TYPE,SCOPE,NAME,DESCRIPTION,DATATYPE,SPECIFIER,ATTRIBUTES\r\n"
UNPAIRED = "its quotes do not pair, so that nobody can tell where its cells end"


def test_a_quote_that_is_left_open_costs_its_own_row_and_no_other():
    found = parsed(
        (
            'remark,"CSV-Import-Export"\r\n0.3\r\n'
            + HEAD
            + 'TAG,,A,"",DINT,"","(RADIX := Decimal\r\n'
            'TAG,,B,"",DINT,"","(RADIX := Decimal)"\r\nTAG,,C,"",DINT,"",""\r\nTAG,,D,"two\r\n'
            'lines",DINT,"",""\r\n'
        ).encode()
    )
    assert [tag.name for tag in found.tags] == ["B", "C"]
    strange = "'lines\"' is no type of row that is known"
    assert refused(found) == {4: UNPAIRED, 7: UNPAIRED, 8: strange}
    row = "N7:{0},0,{1},,,,,,0,,,0,\r\n"
    symbols = (
        row.format(0, '"A') + row.format(1, '"B"') + row.format(2, '"C') + row.format(3, "D")
    )
    found = parsed(symbols.encode())
    assert [tag.name for tag in found.tags] == ["B", "D"]
    assert refused(found) == {1: UNPAIRED, 3: UNPAIRED}
    assert found.remarks[0].what == 'N7:0,0,"A,,,,,,0,,,0,'


def test_a_cell_that_is_too_long_is_refused_with_its_row():
    found = parsed(
        (HEAD + f'TAG,,A,"{"x" * 200_000}",DINT,"",""\r\nTAG,,B,"",DINT,"",""').encode()
    )
    assert [tag.name for tag in found.tags] == ["B"]
    assert refused(found) == {2: "one of its cells has more than 131072 characters"}


def test_a_message_may_stand_on_several_lines_but_swallows_no_other():
    found = parsed(
        b'Tag,Description,Source\nFault[0],"Film jam\nat the folder",internal\nFault[1],"Open\n'
        b'Fault[2],Guard",internal\nFault[3],"Open\n' + b"more\n" * 30 + b'Fault[4],"Last"\n'
    )
    assert {bit.bit: bit.text for bit in found.bits} == {
        0: "Film jam at the folder",
        2: 'Guard"',
        4: "Last",
    }
    assert [line for line, why in refused(found).items() if why == UNPAIRED] == [4, 6]
    assert set(refused(found)) == {4, 6, *range(7, 37)}
    bare = parsed(b'Fault[0],"Film\njam"\nFault[1],"Guard\nopen"')
    assert [bit.text for bit in bare.bits] == ["Film jam", "Guard open"]


@pytest.mark.parametrize(
    ("encoding", "separator"),
    [("utf-8", ","), ("cp1252", ";"), ("utf-16", "\t"), ("utf-16", ";"), ("utf-8-sig", "\t")],
)
def test_what_excel_makes_of_a_file_is_the_same_file(encoding, separator):
    lines = [
        ["remark", "CSV-Import-Export", "", "", "", "", ""],
        ["0.3", "", "", "", "", "", ""],
        ["TYPE", "SCOPE", "NAME", "DESCRIPTION", "DATATYPE", "SPECIFIER", "ATTRIBUTES"],
        [
            "TAG",
            "",
            "A",
            "Läuft; ein, zwei",
            "BOOL[32]",
            "",
            "(RADIX := Decimal, Constant := false)",
        ],
        ["COMMENT", "", "A", "Film jam", "", "A[3]", ""],
    ]
    file = io.StringIO()
    csv.writer(file, delimiter=separator).writerows(lines)
    mark = codecs.BOM_UTF16_BE if (encoding, separator) == ("utf-16", ";") else b""
    found = parsed(mark + file.getvalue().encode("utf-16-be" if mark else encoding))
    assert (found.kind, tags(found), refused(found)) == ("logix", {"A": ("A", "bool", 32)}, {})
    assert found.tags[0].description == "Läuft; ein, zwei"
    assert [(bit.bit, bit.text) for bit in found.bits] == [(3, "Film jam")]


@pytest.mark.parametrize("separator", rows.SEPARATORS)
def test_symbols_and_messages_are_known_with_any_separator(separator):
    symbols = (EXPORTS / "rslogix500.csv").read_bytes()
    assert parsed(symbols.replace(b",", separator.encode())) == parsed(symbols)
    found = parsed(separator.join(["Fault[3]", "Jam, then reset", "internal"]).encode())
    if separator == ",":
        assert (found.kind, list(refused(found))) == ("messages", [1])
    else:
        assert [bit.text for bit in found.bits] == ["Jam, then reset"]


def logix_of(*lines):
    return parsed((HEAD + "\r\n".join(lines)).encode())


def test_an_alias_of_an_alias_is_the_same_value_and_its_bits_are_those_of_the_word():
    found = logix_of(
        'ALIAS,,Twice,"","",Once,""',
        'ALIAS,,Once,"","",Word,""',
        'TAG,,Word,"",UDINT,"",""',
        'ALIAS,,Bit,"","",Twice.31,""',
        'ALIAS,,BitAgain,"","",Bit,""',
        'ALIAS,,BitOfBit,"","",Bit.1,""',
        'ALIAS,,Here,"","",There,""',
        'ALIAS,,There,"","",Here,""',
        'COMMENT,,Twice,"Film jam","","Twice.3"',
    )
    assert tags(found) == {
        **dict.fromkeys(["Twice", "Once", "Word"], ("Word", "uint32", 1)),
        **dict.fromkeys(["Bit", "BitAgain"], ("Word.31", "bool", 1)),
    }
    assert refused(found) == {7: "BOOL has no bit 1"} | dict.fromkeys(
        (8, 9), "it is an alias of itself"
    )
    assert [(bit.tag, bit.bit) for bit in found.bits] == [("Twice", 3)]


def test_a_chain_of_very_many_aliases_is_followed_so_far_and_no_further():
    chain = [f'ALIAS,,A{n},"","",A{n + 1},""' for n in range(20_000)]
    found = logix_of(*chain, 'TAG,,A20000,"",DINT,"",""')
    assert len(found.tags) == 65
    assert refused(found)[2] == "it is an alias of an alias, and so on more than 64 times"


def test_names_that_differ_in_case_or_meet_by_a_program_are_one_and_the_first_is_taken():
    found = logix_of(
        'TAG,,Fault,"",BOOL[32],"",""',
        'TAG,,FAULT,"",BOOL[64],"",""',
        'TAG,Main,X,"",DINT,"",""',
        HEAD + 'TAG,main,x,"",REAL,"",""',
        'TAG,,X,"",REAL,"",""',
        'ALIAS,Main,Mine,"","",X,""',
        'ALIAS,Other,Theirs,"","",X,""',
        'TAG,,Program:Main,"",TIMER,"",""',
        'TAG,Main,ACC,"",DINT,"",""',
        'COMMENT,,FAULT,"Film jam","","fault[4]"',
        'COMMENT,,Fault,"Other words","","Fault[04]"',
    )
    assert tags(found) == {
        "Fault": ("Fault", "bool", 32),
        "Program:Main.X": ("Program:Main.X", "int32", 1),
        "X": ("X", "float32", 1),
        "Program:Main.Mine": ("Program:Main.X", "int32", 1),
        "Program:Other.Theirs": ("X", "float32", 1),
        "Program:Main.ACC": ("Program:Main.ACC", "int32", 1),
        "Program:Main.DN": ("Program:Main.DN", "bool", 1),
    }
    assert refused(found) == {
        3: "it stands in line 2 already",
        6: "it stands in line 4 already",
        11: "line 10 is read under the same name",
        13: "line 12 describes the same bit",
    }


def test_a_file_with_nothing_but_a_header_holds_nothing():
    for data in (HEAD.encode(), b"Tag,Description,Source\n", b'remark,"CSV-Import-Export"'):
        found = parsed(data)
        assert (found.tags, found.bits, refused(found)) == ([], [], {})


def test_a_symbol_export_without_its_last_empty_column_is_the_same():
    lines = (EXPORTS / "rslogix500.csv").read_bytes().splitlines()
    short = b"\n".join(line.removesuffix(b",") for line in lines)
    assert tags(parsed(short)) == tags(read("rslogix500.csv"))


def test_characters_that_no_code_page_has_are_told():
    data = HEAD.encode() + b'TAG,,A,"\x81l",DINT,"",""\r\n'
    assert left_out(parsed(data)) == {2: "some of its characters are none of its code page"}


def test_a_file_of_two_encodings_is_read_line_by_line():
    data = (HEAD + 'TAG,,A,"Läuft",DINT,"",""\r\n').encode() + 'TAG,,B,"Öl",DINT,"",""'.encode(
        "cp1252"
    )
    assert [tag.description for tag in parsed(data).tags] == ["Läuft", "Öl"]


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
BROKEN = st.one_of(CELLS.map(lambda cell: f'"{cell.replace(chr(34), chr(34) * 2)}"'), CELLS)
HEADS = st.sampled_from(
    ['remark,"CSV-Import-Export"\n', "N7:0,0,S,,,,,,0,,,0,\n", "Tag,Description,Source\n", ""]
)


@given(
    HEADS,
    st.lists(st.lists(BROKEN, min_size=1, max_size=14), max_size=12),
    st.sampled_from(rows.SEPARATORS),
    st.sampled_from(["utf-8", "utf-16"]),
)
@settings(max_examples=300, deadline=None)
def test_no_file_breaks_a_parser_and_no_row_is_lost(head, table, separator, encoding):
    text = head.replace(",", separator) + "\n".join(separator.join(cells) for cells in table)
    data = text.encode(encoding, "replace")
    try:
        found = parsed(data)
    except Unreadable:
        return
    assert loses_nothing(data, found)
    names = [tag.name.lower() for tag in found.tags]
    assert len(names) == len(set(names))
    for tag in found.tags:
        assert 1 <= len(tag.name) <= 100
        assert tag.length >= 1


@given(st.binary(max_size=400))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_read_or_refused_in_words(data):
    try:
        assert loses_nothing(data, parsed(data))
    except Unreadable:
        return


@given(st.lists(CELLS, min_size=13, max_size=13))
@settings(max_examples=100, deadline=None)
def test_a_rewritten_address_is_rewritten_to_itself(cells):
    for tag in parse_symbols([Row(1, tuple(cells))]).tags:
        assert normal(tag.address) == (tag.address, tag.data_type)


@pytest.mark.parametrize(
    "row",
    [
        'TAG,,Big,"",DINT[{0}],"",""',
        'TAG,,Big,"",DINT[4,{0}],"",""',
        'ALIAS,,Part,"","","Whole[{0}]",""',
    ],
)
def test_a_number_that_is_too_long_to_be_one_is_refused_with_its_row(row):
    lines = HEAD.strip(), 'TAG,,Whole,"",DINT[4],"",""', row.format("9" * 5000)
    found = parsed("\r\n".join(lines).encode())
    assert ([tag.name for tag in found.tags], list(refused(found))) == (["Whole"], [3])
