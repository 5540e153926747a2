"""The days to come are the same however far somebody has looked before."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from production.coming import DAY, HORIZON_DAYS, Coming
from production.shifts import Calendar, plan
from tests.unit.test_shifts import windows

NOW = datetime(2026, 6, 10, 9, 17, 3, 5, tzinfo=UTC)


@settings(deadline=None, max_examples=25)
@given(windows(), st.lists(st.integers(1, 60), max_size=3))
def test_they_are_the_plan_of_day_after_day(case, looks):
    calendar, (now, _) = case
    coming = Coming(calendar, now)
    day_by_day = [
        part
        for number in range(HORIZON_DAYS)
        for part in plan(calendar, now + number * DAY, now + (number + 1) * DAY)
    ]
    for look in looks:
        assert list(islice(coming, look)) == day_by_day[:look]
    assert list(coming) == day_by_day
    assert list(coming) == day_by_day


def test_they_end_after_a_month():
    parts = list(Coming(Calendar(ZoneInfo("UTC")), NOW))
    assert len(parts) == HORIZON_DAYS
    assert (parts[0].started_at, parts[-1].ended_at) == (NOW, NOW + timedelta(days=31))
