"""Old facts leave from the tail, which says how far."""

from datetime import timedelta

import pytest
from django.db.models import F

from ms5.events.log import append, recording
from ms5.events.models import Event, Stream
from ms5.events.retention import prune
from tests.floor import T0, later, state_fact

pytestmark = pytest.mark.django_db


def fill(count: int, old: int) -> None:
    """Append facts; the first `old` of them were recorded a day before T0, the rest at T0."""
    with recording():
        for _ in range(count):
            append("equipment_state", state_fact(), occurred_at=T0, line_id="L1")
    Event.objects.filter(seq__lte=old).update(recorded_at=T0 - timedelta(days=1))
    Event.objects.filter(seq__gt=old).update(recorded_at=T0)


def left() -> tuple[int, int, list[int]]:
    stream = Stream.objects.get(name="L1")
    return (
        stream.tail,
        stream.head,
        list(Event.objects.order_by("seq").values_list("seq", flat=True)),
    )


def test_only_what_is_too_old_and_beyond_the_count_goes():
    fill(10, old=6)
    assert prune(now=later(60), keep=timedelta(hours=1), keep_count=3) == 6
    assert left() == (7, 10, [7, 8, 9, 10])


def test_the_newest_stay_whatever_their_age():
    fill(10, old=10)
    assert prune(now=later(60), keep=timedelta(hours=1), keep_count=4) == 6
    assert left() == (7, 10, [7, 8, 9, 10])


def test_what_is_young_stays_whatever_its_number():
    fill(10, old=0)
    assert prune(now=later(60), keep=timedelta(hours=1), keep_count=1) == 0
    assert left() == (1, 10, list(range(1, 11)))


def test_it_goes_in_chunks_and_a_second_run_finds_nothing():
    fill(10, old=9)
    assert prune(now=later(60), keep=timedelta(hours=1), keep_count=1, chunk=2) == 9
    assert prune(now=later(60), keep=timedelta(hours=1), keep_count=1, chunk=2) == 0
    assert left() == (10, 10, [10])


def test_a_stream_that_was_emptied_goes_on_from_its_head():
    fill(3, old=3)
    prune(now=later(60), keep=timedelta(hours=1), keep_count=0)
    assert left() == (4, 3, [])
    with recording():
        append("equipment_state", state_fact(), occurred_at=T0, line_id="L1")
    assert left() == (4, 4, [4])


def test_one_old_fact_behind_a_young_one_makes_no_hole():
    fill(5, old=2)
    Event.objects.filter(seq=4).update(recorded_at=F("recorded_at") - timedelta(days=2))
    assert prune(now=later(60), keep=timedelta(hours=1), keep_count=0) == 2
    assert left() == (3, 5, [3, 4, 5])
