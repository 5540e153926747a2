"""A tag that was good and now has another type."""

from dataclasses import replace
from datetime import UTC, datetime

from telemetry.drivers.base import DataType, Quality, Reading, TagSpec
from telemetry.types_seen import TypesSeen

SPEED, TOTAL = TagSpec("Speed", DataType.FLOAT32), TagSpec("Total", DataType.INT32)
AT = datetime(2026, 11, 30, tzinfo=UTC)
GOOD = Reading("Speed", 1.5, Quality.GOOD, AT)
OTHER = Reading("Speed", None, Quality.BAD, AT, "is DINT", has_other_type=True)
BAD = Reading("Speed", None, Quality.BAD, AT, "no such tag")


def test_a_tag_that_was_never_good_tells_of_nothing():
    types = TypesSeen()
    assert types.other({1: SPEED}, [OTHER]) == ""
    assert types.other({1: SPEED}, [OTHER]) == ""


def test_a_tag_that_was_good_is_named_until_it_is_good_or_configured_anew():
    types = TypesSeen()
    assert types.other({1: SPEED, 2: TOTAL}, [GOOD, BAD]) == ""
    assert types.other({1: SPEED}, [BAD]) == ""
    assert types.other({2: TOTAL, 1: SPEED}, [BAD, OTHER]) == "Speed"
    assert types.other({1: SPEED}, [OTHER]) == "Speed"
    assert types.other({1: replace(SPEED, data_type=DataType.INT32)}, [OTHER]) == ""
    assert types.other({2: SPEED}, [OTHER]) == ""


def test_of_several_the_first_is_named():
    types = TypesSeen()
    types.other({1: SPEED, 2: TOTAL}, [GOOD, GOOD])
    assert (
        types.other({1: SPEED, 2: TOTAL}, [OTHER, replace(OTHER, address="Total")]) == "Speed"
    )


def test_a_poll_that_failed_has_no_readings():
    assert TypesSeen().other({1: SPEED}, ()) == ""
