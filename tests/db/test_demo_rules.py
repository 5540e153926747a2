"""How the demo bakery works: rows that their own forms accept, made once, and left alone when edited."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command

from production import shifts
from production.calendars import calendar_of
from production.models import (
    Break,
    ChangeoverTarget,
    Defect,
    Job,
    Line,
    QualityThreshold,
    Reason,
    Shift,
    StepPlan,
)
from production.oee import Plan
from production.timeline import measure

pytestmark = pytest.mark.django_db(transaction=True)

MODELS = (Shift, Break, ChangeoverTarget, StepPlan, QualityThreshold, Reason, Defect, Job)


@pytest.fixture(autouse=True)
def _password(monkeypatch):
    monkeypatch.setenv("MS5_DEMO_PASSWORD", "first-secret")
    call_command("seed_demo", verbosity=0)


def counted():
    return {model.__name__: model.objects.count() for model in MODELS}


def test_the_rules_are_valid_and_made_once():
    first = counted()
    assert {**first, "Reason": 0, "Defect": 0} == {
        "Shift": 3,
        "Break": 3,
        "ChangeoverTarget": 3,
        "StepPlan": 15,
        "QualityThreshold": 2,
        "Reason": 0,
        "Defect": 0,
        "Job": 4,
    }
    assert first["Reason"] >= 27
    assert first["Defect"] == 8
    for model in (Shift, Break, ChangeoverTarget, StepPlan, QualityThreshold):
        for row in model.objects.all():
            row.full_clean()
    Shift.objects.filter(name="Night").delete()
    call_command("seed_demo", verbosity=0)
    assert counted() == {**first, "Shift": 2, "Break": 2}


def test_the_bakery_works_round_the_clock_and_rests_from_saturday_to_sunday_night():
    line = Line.objects.get(code="L-BAG1")
    monday = datetime(2026, 3, 1, 23, 0, tzinfo=UTC)
    week = shifts.plan(calendar_of(line), monday, monday + timedelta(days=7))
    assert {plan: length.total_seconds() / 3600 for plan, length in measure(week).items()} == {
        Plan.NOT_SCHEDULED: 24.0,
        Plan.PLANNED: 9.0,
        Plan.SCHEDULED: 135.0,
    }


def test_the_first_jobs_wait_in_their_lines_queues():
    queues = Job.objects.order_by("line__code", "position").values_list(
        "line__code", "position"
    )
    assert list(queues) == [("L-BAG1", 1), ("L-BAG1", 2), ("L-BAG1", 3), ("L-PACK2", 1)]
