"""Our clock set back or ahead by an hour: spans neither overlap nor leave a hole, and no piece is lost."""

from itertools import pairwise

import pytest

from production.actions import observe, silence
from production.models import Count
from tests.factories import at, equipment, good_count, observation, spans_of

pytestmark = pytest.mark.django_db
HOUR = 3600


def read(on, since, until, ahead=0):
    """Read it each minute of true time; the clock shows so much more, and it makes a piece a second."""
    for second in range(since, until, 60):
        observe([observation(on, second + ahead, counters=(good_count(second),))])
        silence(at(second + ahead))


@pytest.mark.parametrize("moved", [-HOUR, HOUR])
def test_time_has_no_overlap_and_no_hole_and_every_piece_is_counted(moved):
    on = equipment(is_constraint=True, no_data_after_s=90)
    read(on, 0, HOUR)
    read(on, HOUR, 2 * HOUR + 600, moved)
    # Put right again: as far as before, the other way round.
    read(on, 2 * HOUR + 600, 3 * HOUR + 1200)
    spans = spans_of(on)
    assert all(one[2] == two[1] for one, two in pairwise(spans))
    assert (spans[0][1], spans[-1][0], spans[-1][2]) == (0, "running", None)
    last = 3 * HOUR + 1140
    assert sum(Count.objects.values_list("quantity", flat=True)) == last
    unknown = sum(ended - began for state, began, ended in spans if state == "no_data")
    assert HOUR <= unknown <= HOUR + 180
