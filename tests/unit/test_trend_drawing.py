"""Trends as pictures: steps where something was known, hatch where it was not, nothing over a gap."""

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.trend_drawing import HEIGHT, WIDTH, Drawn, draw, ticks
from tests.floor import T0, later


def drawn(at, until, value=None, quality="good", least=None, most=None):
    least = value if least is None else least
    most = value if most is None else most
    return Drawn(later(at), later(until), least, most, value, quality)


def chart(*points, end=100):
    return draw("speed", "1/min", points, start=T0, end=later(end), zone=UTC)


def test_known_values_are_steps_and_a_gap_parts_the_line():
    found = chart(drawn(0, 20, 0.0), drawn(20, 50, 10.0), drawn(70, 100, 0.0))
    assert found.lines == (
        "0.0,192.0 200.0,192.0 200.0,8.0 500.0,8.0",
        "700.0,192.0 1000.0,192.0",
    )
    assert found.hatches == ()
    assert found.label == "speed: from 0 to 10, last 0 1/min."


def test_what_was_bad_is_hatched_and_has_no_line():
    found = chart(drawn(0, 50, 5.0), drawn(50, 100, None, "stale"))
    assert [(box.x, box.width, box.height) for box in found.hatches] == [(500.0, 500.0, HEIGHT)]
    assert len(found.lines) == 1
    assert found.stops[1][1].endswith("no value, stale")


def test_an_uncertain_value_is_drawn_and_hatched():
    found = chart(drawn(0, 100, 5.0, "uncertain"))
    assert (len(found.lines), len(found.hatches)) == (1, 1)


def test_a_bucket_shows_its_least_and_most():
    found = chart(drawn(0, 100, 5.0, least=0.0, most=10.0))
    assert len(found.bands) == 1
    assert found.stops[0][1].endswith("5 1/min (0 to 10)")


def test_nothing_is_an_empty_picture_in_words():
    found = chart()
    assert (found.lines, found.bands, found.hatches) == ((), (), ())
    assert found.label == "speed: nothing was read."


@pytest.mark.parametrize("minutes", [1, 10, 60, 480, 1440, 7 * 1440, 31 * 1440])
def test_ticks_are_round_few_and_in_the_plants_time(minutes):
    zone = ZoneInfo("Europe/Berlin")
    start = T0
    found = ticks(start, start + timedelta(minutes=minutes), zone)
    assert len(found) <= 8
    assert all(start <= at < start + timedelta(minutes=minutes) for at, _ in found)


POINTS = st.lists(
    st.tuples(
        st.integers(0, 99),
        st.one_of(st.none(), st.floats(-1e9, 1e9)),
        st.sampled_from(["good", "bad", "stale", "uncertain"]),
    ),
    max_size=12,
    unique_by=lambda row: row[0],
)


@given(POINTS)
@settings(max_examples=100, deadline=None)
def test_everything_is_within_the_picture(rows):
    found = chart(*(drawn(at, at + 1, value, quality) for at, value, quality in sorted(rows)))
    for line in found.lines:
        for pair in line.split():
            x, y = map(float, pair.split(","))
            assert -0.1 <= x <= WIDTH + 0.1
            assert -0.1 <= y <= HEIGHT + 0.1
    for box in (*found.bands, *found.hatches):
        assert 0 <= box.x <= WIDTH
        assert box.width > 0
