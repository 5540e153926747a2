"""A reading and the word that its counter begins anew: one comes wholly before the other."""

import pytest

from production.actions import begin_anew, observe
from production.models import Count, Counter
from tests.db.test_changeover_races import at_once
from tests.factories import equipment, good_count, observation

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 8


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_reading_under_way_does_not_unsay_that_the_counter_begins_anew(number):
    machine = equipment()

    def show(second, value):
        observe([observation(machine, second, counters=(good_count(value),))])

    show(0, 100)
    raised = at_once(lambda: show(1, 103), lambda: begin_anew([(machine.pk, "good")]))
    assert raised == []
    last = Count.objects.order_by("pk").last()
    came_after = last.decision == "baseline"
    assert (last.quantity, last.value) == ((0, 103) if came_after else (3, 103))
    assert Counter.objects.get().begins_anew is not came_after
    show(2, 5000)
    said = list(Count.objects.order_by("pk").values_list("quantity", "decision"))
    assert said[-1] == ((4897, "counted") if came_after else (0, "baseline"))
