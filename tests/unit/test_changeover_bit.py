"""A tag that is the changeover bit tells whether the controller changes over, and nothing else."""

import pytest

from telemetry.drivers.base import Quality, Reading
from telemetry.interpret import interpret
from telemetry.meaning import TagMeaning
from telemetry.roles import role_error
from tests.factories import T0


def read(*pairs):
    return interpret(7, pairs, running_above=0, received_at=T0)


def tag(role):
    return TagMeaning(name=role, role=role)


def good(value):
    return Reading("X", value, Quality.GOOD, T0)


@pytest.mark.parametrize(("value", "expected"), [(True, True), (False, False), (1, True)])
def test_it_says_whether_it_is_on(value, expected):
    seen = read((tag("changeover"), good(value)), (tag("running"), good(True)))
    assert (seen.changeover, seen.state) == (expected, "running")


def test_without_such_a_tag_nobody_knows():
    assert read((tag("running"), good(True))).changeover is None


def test_a_bad_reading_of_it_loses_nothing_else():
    bad = Reading("X", None, Quality.BAD, T0, "X is off.")
    seen = read((tag("changeover"), bad), (tag("running"), good(True)))
    assert (seen.changeover, seen.state, seen.quality) == (None, "running", "good")


def test_it_alone_tells_no_state():
    assert read((tag("changeover"), good(True))).state is None


def test_it_is_one_value_and_no_text():
    assert role_error("changeover", "bool", 1) == ""
    assert role_error("changeover", "bool", 8)
    assert role_error("changeover", "string", 1)
