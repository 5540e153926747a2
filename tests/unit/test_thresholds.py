"""Levels with hysteresis: they rise beyond a limit, and fall only within the one that clears them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from production.thresholds import Level, Limit, Thresholds, judge

NORMAL, WARNING, CRITICAL = Level.NORMAL, Level.WARNING, Level.CRITICAL
RATE = Thresholds(warning=Limit(0.05, 0.03), critical=Limit(0.10, 0.07))
YIELD = Thresholds(warning=Limit(0.95, 0.97), critical=Limit(0.90, 0.93), bad_is_low=True)

shares = st.integers(0, 1000).map(lambda part: part / 1000)
levels = st.sampled_from(Level)


@st.composite
def thresholds(draw):
    """Return any that are well, whichever side is bad."""
    clears, warning, critical = sorted(draw(st.tuples(shares, shares, shares)))
    if warning == critical:
        warning, clears = max(0.0, warning - 0.001), min(clears, max(0.0, warning - 0.001))
        critical = warning + 0.001
    critical_clears = draw(shares.filter(lambda share: share <= critical))
    given_ = Thresholds(Limit(warning, clears), Limit(critical, critical_clears))
    return turned(given_) if draw(st.booleans()) else given_


def turned(rates):
    """Return the same for a yield, whose bad side is below."""
    warning, critical = rates.warning, rates.critical
    return Thresholds(
        Limit(1 - warning.opens, 1 - warning.clears),
        Limit(1 - critical.opens, 1 - critical.clears),
        bad_is_low=True,
    )


def walk(values, limits):
    level, seen = NORMAL, []
    for value in values:
        level = judge(level, value, limits)
        seen.append(level)
    return seen


def test_an_alert_opens_beyond_its_limit_and_clears_only_within_the_other():
    assert walk([0.05, 0.051, 0.04, 0.031, 0.03], RATE) == [
        NORMAL,  # on the limit is not beyond it
        WARNING,
        WARNING,
        WARNING,
        NORMAL,
    ]


def test_it_rises_to_critical_and_falls_back_through_the_warning():
    assert walk([0.06, 0.11, 0.08, 0.07, 0.04, 0.03], RATE) == [
        WARNING,
        CRITICAL,
        CRITICAL,
        WARNING,
        WARNING,
        NORMAL,
    ]


def test_what_is_critical_at_once_has_no_warning_before_and_may_clear_at_once():
    assert walk([0.2, 0.01], RATE) == [CRITICAL, NORMAL]


def test_a_yield_is_bad_below_its_limits():
    assert walk([0.95, 0.94, 0.89, 0.92, 0.93, 0.96, 0.97], YIELD) == [
        NORMAL,
        WARNING,
        CRITICAL,
        CRITICAL,
        WARNING,
        WARNING,
        NORMAL,
    ]


@pytest.mark.parametrize("level", Level)
def test_a_figure_of_too_few_items_changes_nothing(level):
    assert judge(level, None, RATE) is level


def test_every_level_has_its_limit():
    assert RATE.limit(WARNING) == Limit(0.05, 0.03)
    assert RATE.limit(CRITICAL) == Limit(0.10, 0.07)


def test_limits_on_the_wrong_side_are_named_with_the_field_to_change():
    wrong = Thresholds(warning=Limit(0.05, 0.06), critical=Limit(0.05, 0.06))
    assert wrong.mistakes() == {
        "warning_clears": "The warning must clear at its limit or below it.",
        "critical_clears": "The critical level must clear at its limit or below it.",
        "critical": "A warning must come before it is critical.",
    }
    low = Thresholds(Limit(0.95, 0.94), Limit(0.97, 0.90), bad_is_low=True)
    assert low.mistakes() == {
        "warning_clears": "The warning must clear at its limit or above it.",
        "critical_clears": "The critical level must clear at its limit or above it.",
        "critical": "A warning must come before it is critical.",
    }
    assert RATE.mistakes() == YIELD.mistakes() == {}


@given(thresholds(), levels, shares)
def test_the_same_figure_again_changes_nothing(limits, level, value):
    once = judge(level, value, limits)
    assert judge(once, value, limits) is once


@given(thresholds(), levels, shares, shares)
def test_a_worse_figure_never_gives_a_better_level(limits, level, one, other):
    worse, better = (
        (min(one, other), max(one, other))
        if limits.bad_is_low
        else (max(one, other), min(one, other))
    )
    assert judge(level, worse, limits) >= judge(level, better, limits)


@given(thresholds(), shares)
def test_whoever_was_worse_before_is_not_better_now(limits, value):
    for before, worse in itertools.pairwise(Level):
        assert judge(before, value, limits) <= judge(worse, value, limits)


@given(thresholds(), st.lists(shares, max_size=30))
def test_it_opens_only_beyond_a_limit_and_clears_only_within_one(limits, values):
    level = NORMAL
    for value in values:
        after = judge(level, value, limits)
        if after > level:
            assert limits.is_beyond(value, limits.limit(after).opens)
        if after < level:
            assert limits.is_within(value, limits.limit(level).clears)
        if level > NORMAL and after is NORMAL:
            assert limits.is_within(value, limits.warning.clears)
        level = after


@given(thresholds())
def test_what_is_drawn_here_is_well(limits):
    assert limits.mistakes() == {}


@given(st.lists(shares, max_size=30))
def test_a_yield_is_a_reject_rate_turned_round(values):
    # Exact quarters of a thousand, so that turning loses nothing.
    exact = [round(value * 256) / 256 for value in values]
    limits = Thresholds(Limit(16 / 256, 8 / 256), Limit(32 / 256, 20 / 256))
    assert walk(exact, limits) == walk([1 - value for value in exact], turned(limits))
