"""When two marks of a controller tell of two programs."""

import pytest

from telemetry.drivers.base import is_other_program


@pytest.mark.parametrize(
    ("known", "seen", "other"),
    [
        ("4d53 32.11 0500", "4d53 32.11 0500", False),
        ("4d53 32.11 0500", "4d53 32.11 0501", True),
        ("4d53 32.11 0500", "4d53 32.11", False),
        ("4d53 32.11", "4d53 33.11", True),
        ("4d53 32.11 0500", "4d53 32.1", True),
        ("5/05 program 1", "5/05 program 12", True),
        ("5/05 program 1", "", False),
        ("", "", False),
    ],
)
def test_marks_tell_of_two_programs_where_both_say_it(known, seen, other):
    assert is_other_program(seen, known) is other
    assert is_other_program(known, seen) is other
