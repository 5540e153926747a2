"""A hostile plant: clocks that jump, constraints that change, counters without bounds, people at once."""

import json
import threading
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from ms5.accounts.roles import Role
from ms5.events.models import Event
from production import accounting, processors, settling, windows
from production.actions import jobs, observe, set_context
from production.actions.correcting_counts import Adjusted, Requantified
from production.actions.corrections import correct, preview
from production.calendars import calendar_of
from production.models import (
    Break,
    Condition,
    Correction,
    Count,
    Job,
    JobRun,
    Shift,
    Tally,
)
from production.oee import Account
from production.standing import product_at
from production.timelines import Extent
from tests.factories import (
    at,
    equipment,
    good_count,
    ideal_cycle,
    line,
    observation,
    product,
    user,
)

pytestmark = pytest.mark.django_db


def running_job(on, number, supervisor, *, seconds=0, **fields):
    fields = {"target": 1000, "completes_at_target": False} | fields
    job = jobs.plan(on.line, actor=supervisor, at=at(0), number=number, **fields)
    jobs.assign(job, user(), actor=supervisor, at=at(0))
    return jobs.start(job, actor=supervisor, at=at(seconds))


@pytest.fixture
def supervisor():
    return user(Role.SHIFT_MANAGER)


@pytest.fixture
def machine():
    return equipment(line=line(), is_constraint=True, no_data_after_s=10)


@pytest.mark.parametrize(
    ("zone", "day", "night_h"),
    [
        ("Europe/Berlin", (2026, 10, 24), 9.0),
        ("Europe/Berlin", (2027, 3, 27), 7.0),
        ("Australia/Lord_Howe", (2026, 10, 3), 7.5),
        ("Australia/Lord_Howe", (2027, 4, 3), 8.5),
    ],
)
def test_a_night_in_which_the_clock_changes_adds_up_however_it_is_cut(zone, day, night_h):
    on = equipment(line=line(time_zone=zone), is_constraint=True, no_data_after_s=3600)
    loaf = product()
    ideal_cycle(loaf, on, "1", effective_from=datetime(2026, 1, 1, tzinfo=UTC))
    for name, starts, ends, pause in (
        ("Early", "06:00", "14:00", ("08:00", "08:30")),
        ("Late", "14:00", "22:00", ("16:00", "16:30")),
        ("Night", "22:00", "06:00", ("02:00", "02:30")),
    ):
        shift = Shift.objects.create(
            site=on.line.area.site, name=name, starts=starts, ends=ends
        )
        Break.objects.create(shift=shift, name="Pause", starts=pause[0], ends=pause[1])
    noon = datetime(*day, 12, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    set_context(on, actor=None, at=noon, product=loaf)
    observe(
        [
            observation(
                on,
                source_at=noon + timedelta(minutes=minute),
                state="running" if minute % 45 else "stopped",
                counters=(good_count(minute * 60),),
            )
            for minute in range(1, 26 * 60, 5)
        ]
    )
    end = noon + timedelta(hours=26)
    settling.settle(end)
    calendar, nights = calendar_of(on.line), []
    for each in windows.by_shift(calendar, noon, noon + timedelta(hours=20)):
        window = (each.started_at, each.ended_at, end)
        settled = accounting.accounts([on], *window)[on.pk]
        assert settled == accounting.accounts([on], *window, exact=True)[on.pk]
        assert settled.all == min(each.ended_at, end) - each.started_at
        hours = windows.by_hour(calendar, each.started_at, each.ended_at)
        parts = accounting.accounts_of(
            [Extent(on, part.started_at, part.ended_at) for part in hours], end
        )
        assert sum(parts, Account()) == settled
        if each.name == "Night":
            nights.append((each.ended_at - each.started_at) / timedelta(hours=1))
    assert night_h in nights


def test_one_reading_that_it_runs_before_silence_parts_two_stops():
    on = equipment(line=line(), is_constraint=True, no_data_after_s=60, stop_after_s=90)
    observe([observation(on, seconds) for seconds in range(0, 880, 20)])
    observe([observation(on, 890, "stopped"), observation(on, 905, "stopped")])
    observe([observation(on, 910)])
    processors.production(at(2000))
    settling.settle(at(2000))
    observe([observation(on, seconds, "stopped") for seconds in range(2700, 2781, 20)])
    observe([observation(on, seconds) for seconds in range(2785, 4000, 30)])
    settling.settle(at(4000))
    window = ([on], at(0), at(3600), at(4000))
    assert accounting.accounts(*window) == accounting.accounts(*window, exact=True)


def test_a_reading_of_an_hour_ahead_does_not_show_it_running_while_it_stands(machine):
    observe([observation(machine, seconds) for seconds in range(0, 60, 5)])
    observe([observation(machine, 3660)])
    observe([observation(machine, seconds, "stopped") for seconds in range(65, 1800, 5)])
    processors.production(at(1800))
    assert Condition.objects.get(pk=machine.pk).state != "running"


def test_the_context_that_was_said_last_holds_though_a_clock_was_ahead(machine, supervisor):
    loaf, roll = product(), product()
    observe([observation(machine, 0, product_number=loaf.plc_number)])
    observe([observation(machine, 100, product_number=roll.plc_number)])
    context = set_context(machine, actor=supervisor, at=at(99), product=loaf)
    assert context.product == loaf
    assert product_at(machine.pk, at(200)) == loaf.pk


def test_counters_that_contradict_all_sense_do_not_silence_their_line(machine):
    for seconds, value in enumerate((0, 2**62, 0, 2**62, 0, 2**62, 1)):
        observe([observation(machine, seconds, counters=(good_count(value),))])
    assert Condition.objects.get(pk=machine.pk).last_good_at == at(6)
    counted = sum(Count.objects.values_list("quantity", flat=True))
    assert sum(Tally.objects.values_list("quantity", flat=True)) == counted


def test_a_job_keeps_its_pieces_when_another_machine_becomes_the_constraint(supervisor):
    first = equipment(line=line(), is_constraint=True)
    second = equipment(line=first.line)
    job = running_job(first, "A", supervisor, product=product())
    observe([observation(first, 1, counters=(good_count(0),))])
    observe([observation(first, 10, counters=(good_count(500),))])
    for each, is_constraint in ((first, False), (second, True)):
        each.is_constraint = is_constraint
        each.save()
    observe([observation(second, 11, counters=(good_count(0),))])
    observe([observation(second, 20, counters=(good_count(7),))])
    job.refresh_from_db()
    assert job.good == 507


def test_a_correction_leaves_a_job_of_a_former_constraint_its_other_pieces(supervisor):
    first = equipment(line=line(), is_constraint=True)
    job = running_job(first, "B", supervisor, product=product())
    observe([observation(first, 1, counters=(good_count(0),))])
    observe([observation(first, 10, counters=(good_count(500),))])
    jobs.complete(job, actor=supervisor, at=at(30))
    first.is_constraint = False
    first.save()
    row = Count.objects.get(quantity=500)
    what = Requantified(count_id=row.pk, quantity=499)
    correct(first, what, actor=supervisor, at=at(100), reason="one too many")
    job.refresh_from_db()
    assert job.good == 499


def test_two_jobs_of_a_line_never_run_at_one_time_though_the_clock_was_set_back(supervisor):
    machine = equipment(line=line(), is_constraint=True)
    loaf = product()
    done = running_job(machine, "C", supervisor, product=loaf)
    jobs.complete(done, actor=supervisor, at=at(100))
    running_job(machine, "D", supervisor, product=loaf, seconds=50)
    first, second = JobRun.objects.order_by("pk")
    assert first.ended_at <= second.started_at


def test_a_job_whose_last_change_nobody_made_can_be_changed_noted_and_cancelled(supervisor):
    job = jobs.plan(line(), actor=supervisor, at=at(0), number="E", product=product())
    Job.objects.filter(pk=job.pk).update(by=None)
    browser = Client()
    browser.force_login(supervisor)
    for path, body in (("note", {"note": "x"}), ("cancel", {"reason": "x"})):
        Job.objects.filter(pk=job.pk).update(by=None)
        answer = browser.post(
            f"/api/v1/jobs/{job.pk}/{path}/", json.dumps(body), content_type="application/json"
        )
        assert answer.status_code == 200


def at_once(*works):
    """Run them in threads of their own, each with its connection; return what they raised."""
    ready, raised = threading.Barrier(len(works)), []

    def run(work):
        try:
            ready.wait(10)
            work()
        except Exception as error:  # noqa: BLE001 - said by the test
            raised.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return raised


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("good", "codes"), [((3, 3, 3), [201] * 3), ((1, 2, 3), [201, 400, 400])]
)
def test_a_key_that_is_used_at_once_counts_once(machine, supervisor, good, codes):
    observe([observation(machine, source_at=timezone.now() - timedelta(seconds=5))])
    answers = []

    def enter(pieces):
        browser = Client(headers={"Idempotency-Key": "k"})
        browser.force_login(supervisor)
        body = {"equipment": machine.code, "good": pieces, "rejects": []}
        text = json.dumps(body)
        answers.append(browser.post("/api/v1/entries/", text, content_type="application/json"))

    assert at_once(*(lambda pieces=pieces: enter(pieces) for pieces in good)) == []
    assert sorted(answer.status_code for answer in answers) == codes
    assert Count.objects.count() == 1


@pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])
def test_previews_leave_nothing_and_lock_nothing_while_pieces_are_counted(machine, supervisor):
    observe([observation(machine, 0, counters=(good_count(0),))])
    observe([observation(machine, 8, counters=(good_count(10),))])
    said = {"actor": supervisor, "at": at(2000)}

    def previews():
        for _ in range(6):
            preview(machine, Adjusted(kind="good", pieces=5, at=at(5)), **said)

    def readings():
        for value in range(11, 21):
            observe([observation(machine, value, counters=(good_count(value),))])

    def corrections():
        for _ in range(3):
            what = Adjusted(kind="good", pieces=1, at=at(6))
            correct(machine, what, reason="counted by hand", **said)

    def ticks():
        for _ in range(4):
            processors.oee(at(3000))

    assert at_once(previews, readings, corrections, ticks) == []
    assert Correction.objects.count() == Event.objects.filter(type="correction").count() == 3
    counted = sum(Count.objects.values_list("quantity", flat=True))
    assert counted == sum(Tally.objects.values_list("quantity", flat=True)) == 23
    window = ([machine], at(0), at(3000), at(3000))
    assert accounting.accounts(*window) == accounting.accounts(*window, exact=True)
