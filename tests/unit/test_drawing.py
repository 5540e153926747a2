"""What a board prints of a line, held to the golden files that the browser's twin reads too."""

import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ms5.events.facts import (
    TYPES,
    EquipmentFault,
    EquipmentNow,
    EquipmentState,
    ProductionUpdate,
)
from realtime import formats
from realtime.drawing import WORDS, draw_line
from realtime.freshness import Sources, freshness_of
from realtime.work import draw_work
from tests.floor import T0, later, update_gauge

GOLDEN = Path(__file__).parent.parent / "contract" / "drawing"


def _golden(name):
    return json.loads((GOLDEN / name).read_text())


def _named(cases):
    return [pytest.param(case, id=case["name"]) for case in cases]


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [(kind, *pair) for kind, pairs in _golden("formats.json").items() for pair in pairs],
)
def test_a_figure_reads_as_the_golden_file_says(kind, value, text):
    assert getattr(formats, kind)(value) == text


@pytest.mark.parametrize("case", _named(_golden("freshness.json")))
def test_the_age_chip_reads_as_the_golden_file_says(case):
    sources = msgspec.convert(case["sources"], Sources | None)
    fresh = freshness_of(sources, datetime.fromisoformat(case["now"]))
    assert msgspec.to_builtins(fresh) == case["fresh"]


@pytest.mark.parametrize("case", _named(_golden("lines.json")))
def test_a_line_is_drawn_as_the_golden_file_says(case):
    line = case["line"]
    (update,) = (gauge["data"] for gauge in line["gauges"].values())
    drawing = draw_line(
        line["code"],
        msgspec.convert(update, ProductionUpdate),
        [msgspec.convert(item["data"], TYPES[item["type"]].data) for item in line["items"]],
        msgspec.convert(line["freshness"], Sources | None),
        datetime.fromisoformat(case["now"]),
    )
    assert json.loads(msgspec.json.encode(drawing)) == case["drawing"]


@pytest.mark.parametrize("case", _named(_golden("work.json")))
def test_the_work_of_a_line_is_drawn_as_the_golden_file_says(case):
    line = case["line"]
    gauges = [
        msgspec.convert(gauge["data"], TYPES[gauge["type"]].data)
        for gauge in line["gauges"].values()
    ]
    work = draw_work(
        [msgspec.convert(item["data"], TYPES[item["type"]].data) for item in line["items"]],
        gauges,
        next(data.constraint for data in gauges if isinstance(data, ProductionUpdate)),
        case["time_zone"],
        datetime.fromisoformat(case["now"]),
    )
    assert json.loads(msgspec.json.encode(work)) == case["work"]


def test_the_browsers_table_of_types_is_ours():
    ours = {
        row.name: {
            "kind": str(row.kind),
            "family": row.family,
            "subject": row.subject,
            "ended_when": row.ended_when,
        }
        for row in TYPES.values()
    }
    assert ours == _golden("types.json")


def test_every_state_has_a_word():
    assert set(WORDS) == {*EquipmentState.__annotations__["state"].__args__, "planned"}


@given(st.floats(min_value=0, max_value=1e9))
def test_a_duration_never_tells_more_than_was(seconds):
    text = formats.duration(seconds)
    if "d" in text:
        days, _, hours, _ = text.split()
        told, unit = int(days) * 86400 + int(hours) * 3600, 3600
    elif "h" in text:
        hours, _, minutes = text.split()
        told, unit = int(hours) * 3600 + int(minutes) * 60, 60
    else:
        minutes, rest = text.split(":")
        told, unit = int(minutes) * 60 + int(rest), 1
    assert told <= seconds < told + unit


@given(st.floats(min_value=-1e12, max_value=1e12))
def test_a_whole_number_is_within_a_half_of_what_it_tells(value):
    text = formats.whole(value).replace("\u202f", "").replace("\u2212", "-")
    assert abs(int(text) - value) <= 0.5
    assert math.copysign(1, int(text)) == math.copysign(1, value) or int(text) == 0


@given(st.floats(min_value=-1e9, max_value=1e9))
def test_a_number_with_one_decimal_is_within_a_twentieth(value):
    text = formats.tenth(value).replace("\u202f", "").replace("\u2212", "-")
    assert abs(float(text) - value) <= 0.05 + 1e-6


_BETTER_FIRST = ("live", "late", "stale")


@given(
    st.integers(min_value=0, max_value=60_000),
    st.integers(min_value=-5_000, max_value=60_000),
    st.integers(min_value=0, max_value=60_000),
)
def test_time_alone_never_makes_data_fresher(age_ms, now_ms, more_ms):
    sources = Sources(plc="connected", age_ms=age_ms, quality="good", at=T0)
    now = T0 + timedelta(milliseconds=now_ms)
    before = freshness_of(sources, now)
    after = freshness_of(sources, now + timedelta(milliseconds=more_ms))
    assert _BETTER_FIRST.index(before.level) <= _BETTER_FIRST.index(after.level)
    if age_ms > 5_000:
        assert before.level != "live"
    if age_ms + max(0, now_ms) > 15_000:
        assert before.level == "stale"


def _unit(code, state, since):
    return EquipmentNow(
        equipment_code=code,
        name=code,
        state=state,
        since=since,
        speed=None,
        target_speed=None,
        good=0,
        reject=0,
    )


_moments = st.datetimes(
    datetime(2026, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2026, 3, 1),  # noqa: DTZ001 - as above
    timezones=st.just(UTC),
)


@given(
    st.lists(
        st.tuples(st.sampled_from(["running", "faulted", "stopped", "no_data"]), _moments),
        max_size=5,
    ),
    st.lists(st.tuples(st.integers(0, 4), st.booleans(), _moments), max_size=6),
)
def test_at_most_one_machine_leads_and_it_is_the_one_that_stopped_first(units, raised):
    machines = [_unit(f"M{number}", *unit) for number, unit in enumerate(units)]
    faults = [
        EquipmentFault(
            id=number,
            equipment_code=f"M{machine}",
            code="F[0]",
            text="jam",
            severity="high",
            source="internal",
            reason_code=None,
            raised_at=at,
            cleared_at=None,
            first_out=first,
        )
        for number, (machine, first, at) in enumerate(raised)
    ]
    update = msgspec.structs.replace(update_gauge(), equipment=machines)
    drawing = draw_line("L", update, faults, None, later(0))
    lead = [machine for machine in drawing.machines if machine.lead]
    faulted = [machine for machine in drawing.machines if machine.state == "faulted"]
    assert len(lead) == (1 if faulted else 0)
    assert all(machine.state == "faulted" for machine in lead)
    assert [fault.id for fault in drawing.faults] == [
        fault.id for fault in sorted(faults, key=lambda fault: (fault.raised_at, fault.id))
    ]
