"""The machine of a job: which move from which status; progress, rate and the estimated end."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from production.choices import JobStatus
from production.jobs import (
    BEGUN,
    OVER,
    QUEUED,
    End,
    Move,
    after,
    end,
    is_reached,
    moves,
    progress,
    rate,
)
from production.oee import Plan
from production.timeline import Stretch
from tests.factories import T0, at

HOUR = 3600
ALWAYS = [Stretch(Plan.SCHEDULED, T0, at(1000 * HOUR))]


@pytest.mark.parametrize(
    ("move", "table"),
    [
        ("change", {"planned": "planned", "assigned": "assigned", "accepted": "accepted"}),
        (
            "assign",
            {
                "planned": "assigned",
                "assigned": "assigned",
                "accepted": "assigned",
                "running": "running",
                "paused": "paused",
            },
        ),
        ("unassign", {"assigned": "planned", "accepted": "planned"}),
        ("accept", {"assigned": "accepted"}),
        ("start", {"assigned": "running", "accepted": "running"}),
        ("pause", {"running": "paused"}),
        ("resume", {"paused": "running"}),
        ("complete", {"running": "completed", "paused": "completed"}),
        (
            "cancel",
            dict.fromkeys(
                ("planned", "assigned", "accepted", "running", "paused"), "cancelled"
            ),
        ),
    ],
)
def test_the_table_of_moves(move, table):
    assert moves(Move(move)) == table
    for status in JobStatus:
        assert after(Move(move), status) == table.get(status)


def test_every_status_is_waiting_begun_or_over():
    assert set(JobStatus) == QUEUED | BEGUN | OVER
    assert len(QUEUED) + len(BEGUN) + len(OVER) == len(JobStatus)


class AnyMoves(RuleBasedStateMachine):
    """A job is moved at random; what cannot be done leaves it as it is."""

    def __init__(self):
        super().__init__()
        self.status = JobStatus.PLANNED
        self.trail = [self.status]

    @rule(move=st.sampled_from(Move))
    def move(self, move):
        reached = after(move, self.status)
        if reached is not None:
            self.status = reached
            self.trail.append(reached)

    @invariant()
    def nothing_leads_back_from_the_end(self):
        for before, later in zip(self.trail, self.trail[1:], strict=False):
            assert before not in OVER
            assert not (before in BEGUN and later in QUEUED)

    @invariant()
    def only_what_was_given_to_somebody_runs(self):
        if JobStatus.RUNNING in self.trail:
            begun = self.trail.index(JobStatus.RUNNING)
            assert JobStatus.ASSIGNED in self.trail[:begun]

    @invariant()
    def only_what_ran_is_completed(self):
        if self.status == JobStatus.COMPLETED:
            assert JobStatus.RUNNING in self.trail


TestAnyMoves = AnyMoves.TestCase


def test_progress_is_good_by_target_and_never_clamped():
    assert progress(25, 100) == 0.25
    assert progress(130, 100) == 1.3
    assert progress(130, None) is None


def test_without_a_target_nothing_is_ever_reached():
    assert [is_reached(good, 100) for good in (99, 100, 101)] == [False, True, True]
    assert is_reached(10**9, None) is False


def test_the_rate_is_of_measured_time():
    assert rate(50, timedelta(seconds=30)) == 100.0
    assert rate(0, timedelta(minutes=10)) == 0.0
    assert rate(50, timedelta()) is None


def test_the_end_is_when_the_rest_is_made_at_the_rate():
    assert end(600, 100.0, T0, ALWAYS) == End(at(360), None)
    assert end(0, None, T0, []) == End(None, "the target is reached")


def test_breaks_and_unscheduled_time_put_the_end_off():
    plan = [
        Stretch(Plan.SCHEDULED, T0, at(120)),
        Stretch(Plan.PLANNED, at(120), at(1020)),
        Stretch(Plan.SCHEDULED, at(1020), at(1080)),
        Stretch(Plan.NOT_SCHEDULED, at(1080), at(9000)),
        Stretch(Plan.SCHEDULED, at(9000), at(20000)),
    ]
    assert end(200, 100.0, T0, plan) == End(at(120), None)
    assert end(250, 100.0, T0, plan) == End(at(1050), None)
    assert end(400, 100.0, T0, plan) == End(at(9060), None)


def test_an_end_that_nobody_can_tell_has_a_sentence():
    assert end(None, 100.0, T0, ALWAYS) == End(None, "no target is set")
    assert end(5, None, T0, ALWAYS) == End(None, "nothing was measured yet")
    assert end(5, 0.0, T0, ALWAYS) == End(None, "no good piece was made of late")
    days = [Stretch(Plan.NOT_SCHEDULED, T0, at(31 * 24 * HOUR))]
    assert end(5, 1.0, T0, days) == End(None, "not within 31 days at this rate")


lengths = st.lists(
    st.tuples(st.sampled_from(Plan), st.integers(1, 10_000)), min_size=1, max_size=12
)


@given(
    parts=lengths,
    remaining=st.integers(1, 5000),
    per_minute=st.floats(0.1, 600, allow_nan=False),
)
def test_the_scheduled_time_until_the_end_is_what_the_rest_takes(parts, remaining, per_minute):
    plan, began = [], 0
    for what, length in parts:
        plan.append(Stretch(what, at(began), at(began + length)))
        began += length
    wanted_s = remaining * 60 / per_minute
    scheduled = [each for each in plan if each.what == Plan.SCHEDULED]
    found = end(remaining, per_minute, T0, plan)
    if found.at is None:
        assert sum(each.length.total_seconds() for each in scheduled) < wanted_s + 1e-3
        return
    until = sum(
        max(0.0, (min(each.ended_at, found.at) - each.started_at).total_seconds())
        for each in scheduled
    )
    assert until == pytest.approx(wanted_s, abs=1e-3)
    assert any(each.started_at <= found.at <= each.ended_at for each in scheduled)
