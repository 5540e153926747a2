"""Which readings become samples."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.admin import columns
from telemetry.digits import digits
from telemetry.drivers.base import Quality, Reading
from telemetry.keeping import TEXT_ROOM, Shown, as_text, repeats, show, worth_keeping
from telemetry.meaning import TagMeaning
from telemetry.models import Tag, TagLatest

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
MINUTE = timedelta(seconds=60)
TAG = TagMeaning(name="T", scale=0.1)


def number(value, seconds=0.0):
    return Shown(value, value, "", "good", "", NOW + timedelta(seconds=seconds))


def failed(error="off", seconds=0.0, quality="bad"):
    return Shown(None, None, "", quality, error, NOW + timedelta(seconds=seconds))


def worth(before, after, deadband=0.0):
    return worth_keeping(before, after, deadband=deadband, longest=MINUTE)


def test_the_first_reading_is_kept():
    assert worth(None, number(1))


def test_a_number_is_kept_when_it_moved_by_more_than_the_deadband():
    assert not worth(number(10), number(10.5, 1), deadband=0.5)
    assert worth(number(10), number(10.6, 1), deadband=0.5)
    assert not worth(number(10), number(10, 1))


def test_anything_good_is_kept_once_the_longest_interval_is_over():
    assert not worth(number(10), number(10, 59.9))
    assert worth(number(10), number(10, 60))


def test_a_change_of_quality_is_kept_both_ways():
    assert worth(number(10), failed(seconds=1))
    assert worth(failed(), number(10, 1))
    assert worth(failed(), failed(quality="stale", seconds=1))


def test_a_bad_reading_is_kept_once_for_each_error_however_long_it_lasts():
    assert not worth(failed(), failed(seconds=3600))
    assert worth(failed(), failed("another", 1))


def test_a_text_is_kept_when_it_changed():
    def text(value, seconds):
        return Shown(None, None, value, "good", "", NOW + timedelta(seconds=seconds))

    assert not worth(text("a", 0), text("a", 1))
    assert worth(text("a", 0), text("b", 1))
    assert worth(text("a", 0), text("a", 60))


def test_a_reading_is_shown_raw_and_in_engineering_units():
    shown = show(TAG, Reading("X", 421, Quality.GOOD, NOW))
    assert (shown.raw, shown.value, shown.text, shown.quality) == (421.0, 42.1, "", "good")


def test_a_bad_reading_shows_no_number_but_why():
    shown = show(TAG, Reading("X", None, Quality.BAD, NOW, "No such tag."))
    assert shown == Shown(None, None, "", "bad", "No such tag.", NOW)


def test_a_stale_reading_stays_stale():
    shown = show(TAG, Reading("X", None, Quality.STALE, NOW, "The PLC is lost."))
    assert (shown.quality, shown.error) == ("stale", "The PLC is lost.")


def test_a_value_that_overflows_when_scaled_is_bad():
    shown = show(TagMeaning(name="T", scale=1e308), Reading("X", 1e10, Quality.GOOD, NOW))
    assert (shown.quality, shown.value) == ("bad", None)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ((True, False, True), "on: 0, 2"),
        ((False, False), "on: none"),
        ((1, 2, 3), "1, 2, 3"),
        ((0.5, 2.0), "0.5, 2"),
        ("abc\0d", "abcd"),
        ((1234567, 16777217), "1234567, 16777217"),
        ((84231234.0, 1e300, 0.1), "84231234, 1e+300, 0.1"),
    ],
)
def test_texts_and_arrays_are_printed(value, text):
    assert as_text(value) == text


def test_a_text_that_is_too_long_bears_a_mark_of_all_of_it():
    one, other = as_text("x" * 500), as_text("x" * 499 + "y")
    assert (len(one), len(other), one[:389]) == (TEXT_ROOM, TEXT_ROOM, "x" * 389)
    assert one != other


@given(st.data(), st.integers(1, 200))
def test_a_change_of_an_array_is_kept_however_long_and_small(data, length):
    whole, real = st.integers(-(2**63), 2**64), st.floats(allow_nan=False)
    kind = data.draw(st.sampled_from([whole, real]))
    one = data.draw(st.lists(kind, min_size=length, max_size=length))
    other = [*one]
    other[data.draw(st.integers(0, length - 1))] = data.draw(kind)
    texts = as_text(tuple(one)), as_text(tuple(other))
    assert (texts[0] == texts[1]) is (one == other)


@pytest.mark.parametrize(
    ("value", "single", "text"),
    [
        (84231234.0, False, "84231234"),
        (84231234.5, False, "84231234.5"),
        (2**53 + 1, False, "9007199254740993"),
        (42.099998474121094, False, "42.099998474121094"),
        (42.099998474121094, True, "42.1"),
        (8.100000000000001, True, "8.100000000000001"),
        (1e300, True, "1e+300"),
        (1.5e-07, True, "1.5e-07"),
        (True, False, "1"),
        (-0.0, False, "0"),
    ],
)
def test_a_number_is_printed_with_all_of_its_digits(value, single, text):
    assert digits(value, single=single) == text


@given(st.floats(width=32, allow_nan=False), st.floats(width=32, allow_nan=False))
def test_two_numbers_of_four_bytes_are_two_texts(one, other):
    assert (digits(one, single=True) == digits(other, single=True)) is (one == other)


def test_a_bit_is_a_number():
    shown = show(TagMeaning(name="T"), Reading("X", True, Quality.GOOD, NOW))
    assert (shown.raw, shown.value, shown.text) == (1.0, 1.0, "")


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.floats(0, 100))
def test_what_was_kept_last_is_never_further_from_the_present_than_the_deadband(
    values, deadband
):
    kept = None
    for second, value in enumerate(values):
        shown = number(value, second * 0.1)
        if worth_keeping(kept, shown, deadband=deadband, longest=MINUTE):
            kept = shown
        assert abs(kept.value - value) <= deadband


READINGS = st.one_of(
    st.integers(0, 3).map(lambda value: Reading("X", value, Quality.GOOD, NOW)),
    st.sampled_from(["off", "lost"]).map(lambda why: Reading("X", None, Quality.BAD, NOW, why)),
    st.just(Reading("X", "text", Quality.GOOD, NOW)),
)


@given(
    st.lists(st.tuples(READINGS, st.integers(1, 40)), min_size=1, max_size=30),
    st.integers(0, 2),
)
def test_skipping_what_repeats_itself_keeps_the_same_samples(steps, deadband):
    def keep(*, skipping):
        kept, judged, stored, second = None, None, [], 0
        for reading, pause in steps:
            second += pause
            new = replace(reading, source_at=NOW + timedelta(seconds=second))
            if skipping and kept and repeats(judged, new, kept, longest=MINUTE):
                continue
            judged, shown = new, show(TagMeaning(name="T"), new)
            if worth_keeping(kept, shown, deadband=deadband, longest=MINUTE):
                kept = shown
                stored.append(shown)
        return stored

    assert keep(skipping=True) == keep(skipping=False)


@pytest.mark.parametrize(
    ("value", "data_type", "text"),
    [(84231234.0, "int32", "84231234 m"), (42.099998474121094, "float32", "42.1 m")],
)
def test_the_admin_shows_a_value_with_all_of_its_digits(value, data_type, text):
    tag = Tag(data_type=data_type, unit="m")
    assert columns.shown(TagLatest(tag=tag, value=value)) == text
