"""Calls, answers and sweeps at once: each effect once, one winner, and the other is told by whom and when."""

import threading

import pytest
from django.db import connections

from andon.actions import calls
from andon.actions.firing import fire
from andon.choices import StepState
from andon.models import AndonCall, Delivery, EscalationStep
from andon.sweep import sweep_at
from ms5.accounts.roles import Role
from production.refusals import ActionRefused
from tests.db.andon.test_calls import Floor
from tests.db.test_jobs import at_once
from tests.factories import at, user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def floor():
    return Floor()


def errors(told):
    return [each for each in told if isinstance(each, Exception)]


def test_of_two_who_answer_at_once_one_wins_and_the_other_sees_by_whom_and_when(floor):
    call = floor.raised()
    people = [floor.fitter, floor.boss, user(Role.ENGINEER), user(Role.ADMIN)]
    told = at_once(lambda who: calls.acknowledge(call, actor=who, at=at(60)), people)
    won = [each for each in told if isinstance(each, AndonCall)]
    assert len(won) == 1
    winner = won[0].acknowledged_by
    assert {type(each) for each in errors(told)} == {ActionRefused}
    for refused in errors(told):
        assert refused.code == "wrong_status"
        assert refused.sentence == (
            f"{winner} acknowledged it at 10:01:00: it cannot be acknowledged any more."
        )
        assert (refused.row.acknowledged_by, refused.row.version) == (winner, 2)
    assert [each["status"] for each in floor.said()] == ["open", "acknowledged"]


def test_the_same_call_raised_at_once_is_one_call_raised_often(floor):
    people = [user() for _ in range(5)]
    told = at_once(
        lambda who: calls.raise_call(
            floor.line, category="stop", priority="high", actor=who, at=at(0)
        ),
        people,
    )
    assert errors(told) == []
    assert AndonCall.objects.get().occurrences == 5
    assert sorted(each["occurrences"] for each in floor.said()) == [1, 2, 3, 4, 5]
    assert EscalationStep.objects.count() == 3


def test_many_sweepers_at_once_give_each_level_one_effect(floor):
    made = [floor.raised(category=each) for each in ("stop", "quality", "maintenance")]
    told = at_once(lambda seconds: sweep_at(at(seconds)), [601] * 5)
    assert errors(told) == []
    sweep_at(at(601))  # whoever found a call held has left it to the next
    rows = EscalationStep.objects.filter(state=StepState.FIRED)
    assert rows.count() == 3 * len(made)
    assert Delivery.objects.filter(channel="live").count() == 3 * len(made)
    levels = [(each["andon_id"], each["level"]) for each in floor.said("escalation_update")]
    assert sorted(levels) == [(call.pk, level) for call in made for level in (1, 2, 3)]
    for call in made:
        assert [level for pk, level in levels if pk == call.pk] == [1, 2, 3]


def test_an_answer_and_a_sweep_at_once_leave_no_step_after_the_answer(floor):
    for turn in range(4):
        call = floor.raised(turn * 1000)
        deeds = [
            lambda call=call, turn=turn: fire(call.pk, at(turn * 1000 + 700)),
            lambda call=call, turn=turn: calls.acknowledge(
                call, actor=floor.fitter, at=at(turn * 1000 + 700)
            ),
        ]
        told = at_once(lambda deed: deed(), deeds)
        assert errors(told) == []
        said = [each["happened"] for each in floor.said("escalation_update")]
        assert said[-1] == "acknowledged"
        pending = EscalationStep.objects.filter(escalation__call=call, state=StepState.PENDING)
        assert [row.kind for row in pending] == ["resolve_due"]
        calls.resolve(call, actor=floor.fitter, at=at(turn * 1000 + 800))


def test_sweepers_and_people_go_on_together_without_a_deadlock(floor):
    made = [floor.raised(category=each) for each in ("stop", "quality", "maintenance")]
    ended = threading.Event()
    swept = []

    def sweeping():
        try:
            while not ended.is_set():
                swept.append(sweep_at(at(5000)))
        finally:
            connections.close_all()

    sweeper = threading.Thread(target=sweeping)
    sweeper.start()
    try:
        told = at_once(
            lambda call: calls.resolve(
                calls.arrive(
                    calls.acknowledge(call, actor=floor.boss, at=at(5001)),
                    actor=floor.boss,
                    at=at(5002),
                ),
                actor=floor.boss,
                at=at(5003),
            ),
            made,
        )
    finally:
        ended.set()
        sweeper.join(60)
    assert errors(told) == []
    assert not AndonCall.objects.open().exists()
    assert not EscalationStep.objects.filter(state=StepState.PENDING).exists()
