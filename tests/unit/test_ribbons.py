"""A ribbon is drawn to scale, names the hours of the plant's clock, and says itself in words."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from production.timeline import Stretch
from realtime.ribbons import draw_ribbon

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)  # 06:00 in Berlin
END = START + timedelta(hours=8)


def stretch(state, began_min, ended_min):
    return Stretch(
        state, START + timedelta(minutes=began_min), START + timedelta(minutes=ended_min)
    )


def test_parts_stand_where_their_time_is():
    ribbon = draw_ribbon(
        [stretch("running", 0, 240), stretch("faulted", 240, 252)], START, END, BERLIN
    )
    assert [(part.state, part.x, part.width) for part in ribbon.parts] == [
        ("running", 0.0, 500.0),
        ("faulted", 500.0, 25.0),
    ]
    assert ribbon.parts[1].title == "FAULT 10:00:00, 12:00"
    assert ribbon.label == "run 4 h 00, fault 12:00"


def test_hours_are_those_of_the_plant():
    ribbon = draw_ribbon([], START, END, BERLIN)
    assert [hour.name for hour in ribbon.hours] == ["07", "08", "09", "10", "11", "12", "13"]
    assert ribbon.hours[0].at == 12.5
    assert ribbon.marks[0] == 125.0
    assert (ribbon.parts, ribbon.label) == ([], "")


def test_a_shift_that_begins_between_hours_names_the_full_ones():
    start = START + timedelta(minutes=30)
    ribbon = draw_ribbon([], start, start + timedelta(hours=2), BERLIN)
    assert [(hour.name, hour.at) for hour in ribbon.hours] == [("07", 25.0), ("08", 75.0)]


def test_an_hour_that_comes_twice_is_named_twice():
    night = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)
    ribbon = draw_ribbon([], night, night + timedelta(hours=7), BERLIN)
    assert [hour.name for hour in ribbon.hours] == ["01", "02", "02", "03", "04", "05"]


def test_a_week_names_days_and_no_hundred_hours():
    ribbon = draw_ribbon([], START, START + timedelta(days=7), BERLIN)
    names = [hour.name for hour in ribbon.hours]
    assert names == ["25.11.", "26.11.", "27.11.", "28.11.", "29.11.", "30.11.", "01.12."]


@given(
    cuts=st.lists(st.integers(1, 479), min_size=1, max_size=30, unique=True),
    zone=st.sampled_from(["Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"]),
)
def test_whole_ribbons_have_neither_hole_nor_overlap(cuts, zone):
    edges = [0, *sorted(cuts), 480]
    states = ["running", "stopped"]
    parts = [stretch(states[n % 2], one, two) for n, (one, two) in enumerate(pairwise(edges))]
    ribbon = draw_ribbon(parts, START, END, ZoneInfo(zone))
    at = 0.0
    for part in ribbon.parts:
        assert abs(part.x - at) < 0.01
        at = part.x + part.width
    assert abs(at - 1000) < 0.01
    assert all(0 < hour.at < 100 for hour in ribbon.hours)
