"""The sweep as beat and web processes run it: alone, side by side, at most so many, and one fails by itself."""

import pytest

from andon import processor, tasks
from andon.actions import calls
from andon.actions.firing import fire
from andon.choices import StepState
from andon.clock import Clock, now
from andon.models import AndonCall, EngineClock, EscalationStep
from andon.sweep import MOST, sweep, sweep_at
from ms5.processes.models import Heartbeat
from tests.factories import at, equipment, line

pytestmark = pytest.mark.django_db


def fired():
    return EscalationStep.objects.filter(state=StepState.FIRED).count()


def raised(count, seconds=0):
    here = line()
    return [
        calls.raise_call(
            here,
            equipment=equipment(line=here),
            category="stop",
            priority="high",
            at=at(seconds),
        )
        for _ in range(count)
    ]


def test_a_sweep_takes_the_longest_overdue_and_leaves_the_rest_to_the_next():
    late, early = raised(3, 1), raised(MOST)
    assert sweep_at(at(1)) == MOST
    climbed = AndonCall.objects.filter(escalation__level=1)
    assert set(climbed) == set(early)
    assert sweep_at(at(1)) == len(late)
    assert sweep_at(at(1)) == 0


def test_one_that_fails_stops_no_other_and_is_not_hidden():
    first, *others = raised(3)

    def act(call_id, moment, note):
        if call_id == first.pk:
            raise ValueError("broken")
        return fire(call_id, moment, note)

    with pytest.raises(ExceptionGroup) as failed:
        sweep_at(at(0), act=act)
    assert [str(each) for each in failed.value.exceptions] == ["broken"]
    assert fired() == len(others)


def test_the_task_sweeps_by_the_engines_clock_with_its_heartbeat():
    calls.raise_call(line(), category="stop", priority="critical", at=now())
    assert tasks.andon() == 1
    assert (fired(), EngineClock.objects.count()) == (1, 1)
    assert Heartbeat.objects.get(name="andon").ok_at is not None
    assert processor.andon() == 0


def test_a_jump_forward_fires_what_it_makes_due_and_says_so():
    passed = [0.0, 0.0]
    clock = Clock(database=lambda: at(passed[0]), monotonic=lambda: passed[1])
    raised(1)
    sweep(clock)
    passed[0] += 3600
    assert sweep(clock) == 2
    notes = EscalationStep.objects.filter(state=StepState.FIRED).values_list(
        "level", "clock_note"
    )
    told = "The clock went forward by 3600 s."
    assert list(notes.order_by("level")) == [(1, ""), (2, told), (3, told)]
