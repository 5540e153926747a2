"""A plant whose time is virtual: calls, answers, sweeps, jumps of the clock and crashes, in any order.

True time only goes forward. The database's clock is true time plus an offset that jumps. What must be is
measured in true time, since a clock that is wrong agrees with itself.
"""

import json
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

from django.db import connection, transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from andon.actions import calls
from andon.actions.firing import fire
from andon.choices import Channel, EscalationStatus, StepKind, StepState
from andon.clock import KEPT, Clock
from andon.escalation import advance
from andon.models import (
    AndonCall,
    Delivery,
    Escalation,
    EscalationStep,
    Policy,
    PolicyLevel,
    PolicyRecipient,
)
from andon.sweep import sweep
from ms5.accounts.roles import Role
from ms5.events.models import Event
from tests.factories import at, equipment, user

AFTER = (0, 60, 120)
CALLERS = 3
WORKERS = 2
TOLD = {StepKind.LEVEL, StepKind.REMINDER}


class Crash(BaseException):
    """The process is gone; nothing below catches it."""


@contextmanager
def crashing(after: int):
    """Let the process die at a write to the database, after so many of them; yield whether it did."""
    left = after
    died = []

    def wrapper(execute, sql, params, many, context):
        nonlocal left
        if sql.startswith(("INSERT", "UPDATE")):
            left -= 1
            if left < 0:
                died.append(True)
                raise Crash
        return execute(sql, params, many, context)

    try:
        with connection.execute_wrapper(wrapper):
            yield died
    except Crash:
        pass


class Machine(RuleBasedStateMachine):
    """What is swapped for a mutant: the clocks, the arithmetic of the sweep, the answer, the policy."""

    clock_class = Clock
    arithmetic = staticmethod(advance)

    def __init__(self):
        super().__init__()
        self._transaction = transaction.atomic()
        self._transaction._from_testcase = True  # so that actions may begin their own within
        self._transaction.__enter__()
        self.true_s = 0.0
        self.offset_s = 0.0
        self.restarts = 0
        self.clocks = [self.new_clock() for _ in range(WORKERS)]
        self.machines = [equipment() for _ in range(CALLERS)]
        for each in self.machines[1:]:
            each.line = self.machines[0].line
            each.save()
        self.line = self.machines[0].line
        self.people = [user(Role.SHIFT_MANAGER), user(Role.SHIFT_MANAGER)]
        self.policy = Policy.objects.create(
            name="Test", priority="high", acknowledge_within_s=60, resolve_within_s=300
        )
        for number, after_s in enumerate(AFTER, 1):
            level = PolicyLevel.objects.create(
                policy=self.policy,
                number=number,
                after_s=after_s,
                reminder_every_s=40,
                channels=[Channel.LIVE],
            )
            PolicyRecipient.objects.create(level=level, role=Role.SHIFT_MANAGER)
        self.frozen = {}
        self.due_s = {}

    def teardown(self):
        transaction.set_rollback(True)
        self._transaction.__exit__(None, None, None)

    def new_clock(self):
        return self.clock_class(
            database=lambda: at(self.true_s + self.offset_s), monotonic=lambda: self.true_s
        )

    # --- what may happen

    @rule(seconds=st.integers(1, 200))
    def time_passes(self, seconds):
        self.true_s += seconds

    @rule(seconds=st.integers(-7200, 600))
    def the_clock_is_set(self, seconds):
        self.offset_s += seconds

    @rule(worker=st.integers(0, WORKERS - 1))
    def a_worker_begins_anew(self, worker):
        """It knows nothing of before; another one has looked a moment ago."""
        self._sweep(1 - worker)
        self.clocks[worker] = self.new_clock()
        self.restarts += 1

    @rule(place=st.integers(0, CALLERS - 1), crash=st.none() | st.integers(0, 12))
    def somebody_calls(self, place, crash):
        self._act(
            lambda now: calls.raise_call(
                self.line,
                equipment=self.machines[place],
                category="stop",
                priority="high",
                actor=self.people[0],
                at=now,
            ),
            crash,
        )
        for call in AndonCall.objects.exclude(pk__in=self.frozen).select_related("escalation"):
            self.frozen[call.pk] = call.escalation.policy

    @precondition(lambda self: self._open())
    @rule(place=st.integers(0, 9), who=st.integers(0, 1), crash=st.none() | st.integers(0, 8))
    def somebody_answers(self, place, who, crash):
        call = self._pick(place)
        if not self._is_answered(call):
            self._act(partial(self.answer, call, self.people[who]), crash)

    @precondition(lambda self: self._open())
    @rule(place=st.integers(0, 9), crash=st.none() | st.integers(0, 8))
    def somebody_resolves(self, place, crash):
        call = self._pick(place)
        self._act(lambda now: calls.resolve(call, actor=self.people[0], at=now), crash)

    @rule(worker=st.integers(0, WORKERS - 1))
    def a_worker_sweeps(self, worker):
        self._sweep(worker)
        self._nothing_is_overdue()
        before = self._rows()
        again = self._sweep(worker)
        assert (again, self._rows()) == (0, before), "P9: twice is not once"

    @rule(worker=st.integers(0, WORKERS - 1), crash=st.integers(0, 25))
    def a_worker_dies_sweeping(self, worker, crash):
        with crashing(crash):
            self._sweep(worker)
        self._note_new_steps(self._now())
        self._check()

    @rule(seconds=st.integers(1, 300))
    def somebody_edits_the_policy(self, seconds):
        levels = self.policy.levels.all()
        levels.update(after_s=seconds, reminder_every_s=seconds + 10)
        Policy.objects.filter(pk=self.policy.pk).update(
            acknowledge_within_s=seconds, resolve_within_s=seconds
        )

    # --- what a mutant does otherwise

    def answer(self, call, who, now):
        calls.acknowledge(call, actor=who, at=now)

    def fire(self, call_id, now, note):
        return fire(call_id, now, note, self.arithmetic)

    # --- how it is done

    def _now(self):
        return self.clocks[0].read().at

    def _act(self, deed, crash):
        now = self._now()
        if crash is None:
            deed(now)
        else:
            with crashing(crash):
                deed(now)
        self._note_new_steps(now)
        self._check()

    def _sweep(self, worker):
        clock = self.clocks[worker]
        done = sweep(clock, self.fire)
        self._note_new_steps(clock.read().at)
        self._check()
        return done

    def _open(self):
        return AndonCall.objects.open().exists()

    def _pick(self, place):
        rows = list(AndonCall.objects.open().select_related("escalation").order_by("pk"))
        return rows[place % len(rows)]

    def _is_answered(self, call):
        return call.escalation.status == EscalationStatus.ACKNOWLEDGED

    def _note_new_steps(self, now):
        """Write down when the new steps are due in true time."""
        for row in EscalationStep.objects.exclude(pk__in=self.due_s):
            self.due_s[row.pk] = self.true_s + (row.due_at - now).total_seconds()

    def _rows(self):
        return list(EscalationStep.objects.order_by("pk").values_list())

    # --- what must be

    def _nothing_is_overdue(self):
        slack_s = KEPT.total_seconds() * self.restarts + 0.001
        pending = EscalationStep.objects.filter(state=StepState.PENDING)
        for pk in pending.values_list("pk", flat=True):
            assert self.due_s[pk] > self.true_s - slack_s, "P3: something due did not happen"

    def _check(self):
        rows = list(EscalationStep.objects.order_by("pk"))
        keys = [(row.escalation_id, row.gen, row.kind, row.level, row.n) for row in rows]
        assert len(set(keys)) == len(keys), "P1: a step is there twice"
        self._check_deliveries(rows)
        for row in rows:
            if row.state == StepState.FIRED:
                assert row.fired_at >= row.due_at, "P6: too early"
        by_escalation = {}
        for row in rows:
            by_escalation.setdefault(row.escalation_id, []).append(row)
        for escalation in Escalation.objects.select_related("call"):
            self._check_escalation(escalation, by_escalation.get(escalation.pk, []))

    def _check_deliveries(self, rows):
        told = {}
        for step, key in Delivery.objects.values_list("step", "key"):
            told.setdefault(step, []).append(key)
        for row in rows:
            is_told = row.state == StepState.FIRED and row.kind in TOLD
            expected = len(self.people) if is_told else 0
            assert len(told.get(row.pk, ())) == expected, "P2: fired and told differ"

    def _check_escalation(self, escalation, rows):
        call = escalation.call
        pending = [row for row in rows if row.state == StepState.PENDING]
        kinds = [row.kind for row in pending]
        match escalation.status:
            case EscalationStatus.CLOSED:
                assert kinds == [], "P4: pending after the end"
                late = [row for row in rows if row.fired_at and row.fired_at > call.ended_at]
                assert late == [], "P4: fired after the end"
            case EscalationStatus.ACKNOWLEDGED:
                assert kinds == [StepKind.RESOLVE_DUE], "P4: pending after an answer"
            case EscalationStatus.OPEN:
                assert pending, "P10: nothing will happen any more"
                if escalation.level == len(AFTER):
                    assert kinds == [StepKind.REMINDER], "P10: the top does not remind"
        assert (call.ended_at is not None) == (escalation.status == EscalationStatus.CLOSED)
        assert escalation.policy == self.frozen.get(call.pk, escalation.policy), "P8"
        self._check_levels(escalation, rows)

    def _check_levels(self, escalation, rows):
        said = Event.objects.filter(type="escalation_update").order_by("seq")
        data = [json.loads(each.text)["data"] for each in said]
        mine = [each for each in data if each["id"] == escalation.pk]
        happened = [each["happened"] for each in mine]
        assert "closed" not in happened[:-1], "P4: something was said after the end"
        before, is_anew = 0, False
        for each in mine:
            if each["happened"] == "resolve_due":
                is_anew = True
            elif each["happened"] == "level":
                least = min(before + 1, len(AFTER))
                expected = least if is_anew or before < len(AFTER) else before + 1
                assert each["level"] == expected, "P5: levels out of order"
                before, is_anew = each["level"], False
        fired = [row for row in rows if row.state == StepState.FIRED]
        assert len(fired) == sum(
            word in {"level", "reminder", "resolve_due"} for word in happened
        ), "a step took effect without its fact"


class LooseClock(Clock):
    """A mutant: it knows the mark and not how much time has passed."""

    def read(self):
        self._last = None
        return super().read()


def planned_without_end(ladder, present, pending, now):
    """A mutant: each sweep plans another reminder."""
    outcome = advance(ladder, present, pending, now)
    for step in [each for each in outcome.pending if each.kind is StepKind.REMINDER]:
        outcome.plan([type(step)(step.gen, step.kind, step.level, step.n + 1, step.due_at)])
    return outcome


def reminded_once(ladder, present, pending, now):
    """A mutant: the last level reminds once, then it is silent."""
    outcome = advance(ladder, present, pending, now)
    for step in [each for each in outcome.planned if each.n > 1]:
        outcome.planned.remove(step)
        outcome.pending.remove(step)
    return outcome


def only_the_highest(ladder, present, pending, now):
    """A mutant: of several missed levels only the highest takes effect."""
    outcome = advance(ladder, present, pending, now)
    levels = [each for each in outcome.fired if each.step.kind is StepKind.LEVEL]
    for each in levels[:-1]:
        outcome.fired.remove(each)
        outcome.cancelled.append(each.step)
    return outcome


def early(ladder, present, pending, now):
    """A mutant: it does what is due within a minute."""
    return advance(ladder, present, pending, now + timedelta(minutes=1))


class TwiceSaid(Machine):
    arithmetic = staticmethod(planned_without_end)


class BackInTime(Machine):
    clock_class = LooseClock


class SilentAtTheTop(Machine):
    arithmetic = staticmethod(reminded_once)


class LevelsSkipped(Machine):
    arithmetic = staticmethod(only_the_highest)


class TooEarly(Machine):
    arithmetic = staticmethod(early)


class AnswerIgnored(Machine):
    """A mutant: an answer leaves the schedule as it was."""

    def answer(self, call, who, now):
        gone = list(
            EscalationStep.objects.filter(state=StepState.PENDING, escalation__call=call)
        )
        super().answer(call, who, now)
        EscalationStep.objects.filter(pk__in=[row.pk for row in gone]).update(
            state=StepState.PENDING
        )


class PolicyNotFrozen(Machine):
    """A mutant: the policy is looked up whenever something is due."""

    def fire(self, call_id, now, note):
        from andon.ladders import ladder_for

        ladder = ladder_for(self.line, "stop", "high")
        Escalation.objects.filter(call=call_id).update(policy=ladder.frozen())
        return super().fire(call_id, now, note)


class DeliveriesLost(Machine):
    """A mutant: what is told is written after the step, in a transaction of its own, which a crash takes."""

    def fire(self, call_id, now, note):
        done = super().fire(call_id, now, note)
        Delivery.objects.filter(step__escalation__call=call_id, step__n=1).delete()
        return done


@contextmanager
def plant(kind):
    """Yield a plant for a story; what was written goes with it."""
    made = kind()
    try:
        yield made
    finally:
        made.teardown()
