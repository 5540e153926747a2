"""What a line's constraint counts is of its running job, to the piece; its progress follows."""

import json
from dataclasses import replace
from datetime import time

import pytest
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from ms5.accounts.models import AuditEntry
from ms5.accounts.roles import Role
from ms5.events.log import recording
from ms5.events.models import Event, Gauge
from production import processors
from production.actions import jobs, observe
from production.actions.counts import tally
from production.actions.working import recount
from production.models import Break, Count, Job, JobRun, Shift, Site, Tally
from production.observation import CounterReading
from tests.factories import at, equipment, good_count, observation, product, user

pytestmark = pytest.mark.django_db

NO_SILENCE = 3600


class Floor:
    """A line whose constraint counts, and a job of it that runs from T0 on."""

    def __init__(self, **order):
        self.machine = equipment(is_constraint=True, no_data_after_s=NO_SILENCE)
        self.line = self.machine.line
        self.boss = user(Role.SHIFT_MANAGER)
        self.job = self.begin(0, **order)

    def begin(self, seconds, **order):
        order = {
            "number": f"{self.line.code}/{Job.objects.count()}",
            "product": product(),
        } | order
        job = jobs.plan(self.line, actor=self.boss, at=at(seconds - 1), **order)
        jobs.assign(job, self.boss, actor=self.boss, at=at(seconds - 1))
        return jobs.start(job, actor=self.boss, at=at(seconds))

    def see(self, seconds, on=None, **counters):
        read = tuple(CounterReading(kind=kind, value=value) for kind, value in counters.items())
        return observation(on or self.machine, seconds, counters=read)

    def made(self, job=None):
        return Job.objects.values_list("good", "reject").get(pk=(job or self.job).pk)


def of_jobs():
    """Return the pieces by job, as counts and as tallies have them."""
    both = []
    for rows in (Count.objects, Tally.objects):
        sums = (
            rows.filter(quantity__gt=0).order_by().values_list("job").annotate(Sum("quantity"))
        )
        both.append(dict(sums))
    assert both[0] == both[1]
    return both[0]


def job_facts(line):
    rows = Event.objects.filter(line_id=line.code, type__startswith="job_").order_by("seq")
    return [json.loads(row.text) for row in rows]


def test_what_the_constraint_counts_is_of_the_running_job():
    floor = Floor()
    observe([floor.see(1, good=100, reject=5)])
    assert floor.made() == (0, 0)
    observe([floor.see(2, good=110, reject=6), floor.see(3, good=121, reject=6)])
    assert floor.made() == (21, 1)
    assert of_jobs() == {floor.job.pk: 22}


def test_what_other_equipment_counts_is_of_no_job():
    floor = Floor()
    loader = equipment(line=floor.line)
    observe([floor.see(1, good=0), floor.see(1, loader, good=0)])
    observe([floor.see(2, good=7), floor.see(2, loader, good=5)])
    assert floor.made() == (7, 0)
    assert of_jobs() == {floor.job.pk: 7, None: 5}


def test_rejects_that_a_former_constraint_tells_apart_stay_those_of_its_own_pieces():
    floor = Floor()
    second = equipment(line=floor.line)
    observe([floor.see(1, total=0, good=0), floor.see(1, second, good=0)])
    observe([floor.see(2, total=50, good=45)])
    for each, is_constraint in ((floor.machine, False), (second, True)):
        each.is_constraint = is_constraint
        each.save()
    observe([floor.see(3, second, good=8), floor.see(3, total=60, good=60)])
    assert floor.made() == (53, 5)
    assert recount_at(floor, 4) == []


def test_good_pieces_are_what_a_total_counter_leaves_of_rejects():
    floor = Floor()
    observe([floor.see(1, total=0, reject=0)])
    observe([floor.see(2, total=50, reject=0)])
    observe([floor.see(3, total=90, reject=4)])
    assert floor.made() == (86, 4)


def test_a_good_counter_that_stands_still_leaves_all_to_the_rejects():
    floor = Floor()
    observe([floor.see(1, total=0, good=0)])
    observe([floor.see(2, total=5, good=0)])
    assert floor.made() == (0, 5)


def test_pieces_read_up_to_the_start_are_older_than_the_job():
    floor = Floor()
    observe([floor.see(-5, good=0), floor.see(-1, good=3), floor.see(0, good=10)])
    assert floor.made() == (0, 0)
    observe([floor.see(1, good=12)])
    assert floor.made() == (2, 0)
    assert of_jobs() == {None: 10, floor.job.pk: 2}


def test_a_paused_job_counts_nothing_until_it_goes_on():
    floor = Floor()
    observe([floor.see(1, good=0), floor.see(2, good=10)])
    jobs.pause(floor.job, "no film", actor=floor.boss, at=at(3))
    observe([floor.see(4, good=14)])
    jobs.resume(floor.job, actor=floor.boss, at=at(5))
    observe([floor.see(6, good=20)])
    assert floor.made() == (16, 0)
    assert of_jobs() == {floor.job.pk: 16, None: 4}


def test_reaching_the_target_completes_a_job_at_that_reading_in_the_middle_of_a_batch():
    floor = Floor(target=20, completes_at_target=True)
    second = jobs.plan(floor.line, number="NEXT", product=product(), actor=floor.boss, at=at(0))
    observe([floor.see(1, good=0)])
    audited = AuditEntry.objects.count()
    observe([floor.see(second, good=8 * (second - 1)) for second in range(2, 8)])
    job = Job.objects.get(pk=floor.job.pk)
    assert (job.status, job.ended_at, job.good, job.by) == ("completed", at(4), 24, None)
    assert JobRun.objects.get(job=job).ended_at == at(4)
    assert of_jobs() == {job.pk: 24, None: 24}
    fact = job_facts(floor.line)[-1]
    assert (fact["type"], fact["timestamp"]) == ("job_completed", "2026-11-23T10:00:04Z")
    assert (fact["data"]["good"], fact["data"]["progress"], fact["data"]["by"]) == (
        24,
        1.2,
        None,
    )
    assert AuditEntry.objects.count() == audited
    assert Job.objects.get(pk=second.pk).position == 1


def test_one_that_does_not_complete_at_its_target_goes_on():
    floor = Floor(target=20)
    observe([floor.see(1, good=0), floor.see(2, good=30)])
    assert Job.objects.get().status == "running"
    assert floor.made() == (30, 0)


def test_a_reading_of_the_target_does_not_complete_a_job_without_one():
    floor = Floor(completes_at_target=True)
    observe([floor.see(1, good=0), floor.see(2, good=30)])
    assert Job.objects.get().status == "running"


def test_a_paused_job_gives_way_and_gets_its_pieces_back_to_add_to():
    floor = Floor()
    observe([floor.see(1, good=0), floor.see(2, good=10)])
    jobs.pause(floor.job, actor=floor.boss, at=at(3))
    other = floor.begin(4)
    observe([floor.see(5, good=15)])
    jobs.complete(other, actor=floor.boss, at=at(6))
    jobs.resume(floor.job, actor=floor.boss, at=at(7))
    observe([floor.see(8, good=18)])
    assert (floor.made(), floor.made(other)) == ((13, 0), (5, 0))


def test_pieces_that_a_counter_shows_after_a_gap_are_of_the_job():
    floor = Floor()
    floor.machine.no_data_after_s = 3
    floor.machine.save()
    observe([floor.see(1, good=0)])
    observe([floor.see(100, good=40)])
    assert floor.made() == (40, 0)
    assert not Count.objects.get(quantity=40).measured


def correct(floor, quantity, seconds, kind="good"):
    """Take in pieces that nobody counted, as a correction does."""
    count = Count.objects.create(
        equipment=floor.machine, kind=kind, quantity=quantity, at=at(seconds), job=floor.job
    )
    tally([count])


def test_a_recount_brings_pieces_up_to_date_and_says_only_what_no_gauge_tells():
    floor = Floor(target=100)
    observe([floor.see(1, good=0), floor.see(2, good=10)])
    facts = len(job_facts(floor.line))
    correct(floor, 5, 2)
    assert recount_at(floor, 3) == [floor.job]
    assert floor.made() == (15, 0)
    assert recount_at(floor, 3) == []
    assert len(job_facts(floor.line)) == facts
    jobs.complete(floor.job, actor=floor.boss, at=at(4))
    correct(floor, 3, 2, "reject")
    recount_at(floor, 5)
    assert floor.made() == (15, 3)
    said = job_facts(floor.line)[-1]
    assert (said["type"], said["data"]["reject"], said["data"]["ended_at"]) == (
        "job_completed",
        3,
        "2026-11-23T10:00:04Z",
    )


def recount_at(floor, seconds):
    with recording():
        return recount([floor.job.pk], at(seconds))


def test_a_recount_completes_a_job_that_it_brings_to_its_target():
    floor = Floor(target=12, completes_at_target=True)
    observe([floor.see(1, good=0), floor.see(2, good=10)])
    correct(floor, 5, 2)
    recount_at(floor, 30)
    job = Job.objects.get()
    assert (job.status, job.good, job.ended_at) == ("completed", 15, at(30))


def progress():
    return {
        key: json.loads(text)["data"]
        for key, text in Gauge.objects.filter(type="job_progress").values_list("key", "text")
    }


def test_the_progress_of_a_running_job_is_said_with_its_real_rate_and_end():
    floor = Floor(target=1000)
    observe([floor.see(second, good=2 * second) for second in range(1, 102)])
    assert processors.job_progress(at(101)) == 1
    (data,) = progress().values()
    assert data == {
        "id": floor.job.pk,
        "number": floor.job.number,
        "status": "running",
        "product_code": floor.job.product.code,
        "product": floor.job.product.name,
        "operator": str(floor.boss),
        "target": 1000,
        "good": 200,
        "reject": 0,
        "progress": 0.2,
        "remaining": 800,
        "rate": 120.0,
        "estimated_end_at": "2026-11-23T10:08:21Z",
        "why": None,
        "started_at": "2026-11-23T10:00:00Z",
        "running_seconds": 101.0,
    }


def test_a_line_that_makes_another_product_has_no_end_and_says_what_it_makes():
    floor = Floor(target=1000)
    rye = product()
    floor.machine.name = "Bagger 1"
    floor.machine.save()
    counted = [floor.see(second, good=second) for second in range(1, 62)]
    observe([replace(seen, product_number=rye.plc_number) for seen in counted])
    processors.job_progress(at(61))
    (data,) = progress().values()
    assert (data["good"], data["estimated_end_at"]) == (60, None)
    wanted = floor.job.product.name
    assert data["why"] == f"Bagger 1 makes {rye.name}, the job is for {wanted}"
    observe([replace(floor.see(62, good=62), product_number=9999)])
    processors.job_progress(at(62))
    (data,) = progress().values()
    assert data["why"] == (
        f"Bagger 1 names product 9999, which no product has for its number; the job is for {wanted}"
    )
    number = floor.job.product.plc_number
    observe([replace(floor.see(63, good=63), product_number=number)])
    processors.job_progress(at(63))
    (data,) = progress().values()
    assert (data["why"], data["estimated_end_at"] is None) == (None, False)


def test_the_rate_is_of_the_last_ten_minutes():
    floor = Floor(target=100_000)
    observe([floor.see(60 * minute, good=10 * minute) for minute in range(61)])
    observe([floor.see(3600 + 60 * minute, good=600 + 40 * minute) for minute in range(1, 11)])
    processors.job_progress(at(4200))
    (data,) = progress().values()
    assert (data["rate"], data["good"]) == (40.0, 1000)


def test_time_without_data_is_no_time_of_the_rate():
    floor = Floor(target=1000)
    floor.machine.no_data_after_s = 3
    floor.machine.save()
    observe([floor.see(second, good=second) for second in range(1, 62)])
    observe([floor.see(361, good=161)])
    processors.job_progress(at(361))
    (data,) = progress().values()
    assert (data["rate"], data["good"]) == (60.0, 160)


def test_where_the_last_ten_minutes_tell_nothing_the_whole_job_does():
    floor = Floor(target=1000)
    observe([floor.see(60 * minute, good=10 * minute) for minute in range(1, 12)])
    processors.job_progress(at(3600))
    (data,) = progress().values()
    assert (data["rate"], data["good"]) == (10.0, 100)


def test_the_end_waits_for_breaks_and_shifts():
    floor = Floor(target=1200)
    site = Site.objects.get(areas__lines=floor.line)
    shift = Shift.objects.create(site=site, name="Early", starts=time(6), ends=time(10, 20))
    Break.objects.create(shift=shift, starts=time(10, 5), ends=time(10, 15))
    observe([floor.see(second, good=second) for second in range(61)])
    processors.job_progress(at(60))
    (data,) = progress().values()
    # 60 a minute: 19 minutes are left; 4 until the break, 5 until the end, 10 of tomorrow.
    assert data["estimated_end_at"] == "2026-11-24T06:10:00Z"


@pytest.mark.parametrize(
    ("order", "why"),
    [
        ({}, "no target is set"),
        ({"target": 5}, "nothing was measured yet"),
    ],
)
def test_an_end_that_nobody_can_tell_has_a_reason(order, why):
    Floor(**order)
    processors.job_progress(at(60))
    (data,) = progress().values()
    assert (data["estimated_end_at"], data["why"]) == (None, why)
    assert data["running_seconds"] == 60.0


def test_a_paused_job_stands_still():
    floor = Floor(target=100)
    observe([floor.see(second, good=second) for second in range(1, 32)])
    jobs.pause(floor.job, "break", actor=floor.boss, at=at(40))
    processors.job_progress(at(60))
    (data,) = progress().values()
    assert (data["status"], data["running_seconds"]) == ("paused", 40.0)
    assert (data["good"], data["estimated_end_at"], data["why"]) == (30, None, "it is paused")


def test_what_is_kept_of_a_job_goes_when_it_is_over():
    floor = Floor(target=100)
    other = Floor(target=100)
    processors.job_progress(at(1))
    assert len(progress()) == 2
    jobs.cancel(floor.job, "enough", actor=floor.boss, at=at(2))
    assert processors.job_progress(at(3)) == 1
    assert list(progress()) == [f"job:{other.line.code}:{other.job.pk}"]


def test_the_processor_completes_what_was_brought_to_its_target_by_hand():
    floor = Floor(target=12, completes_at_target=True)
    Job.objects.update(good=12)
    assert processors.job_progress(at(9)) == 0
    job = Job.objects.get()
    assert (job.status, job.ended_at) == ("completed", at(9))
    assert job_facts(floor.line)[-1]["type"] == "job_completed"
    facts = len(job_facts(floor.line))
    assert processors.job_progress(at(12)) == 0
    assert len(job_facts(floor.line)) == facts


def test_a_line_whose_jobs_fail_does_not_stop_the_others(caplog):
    broken, well = Floor(target=100), Floor(target=100)
    Site.objects.filter(areas__lines=broken.line).update(time_zone="Mars/Olympus")
    with pytest.raises(ExceptionGroup, match="not every line was done"):
        processors.job_progress(at(1))
    assert list(progress()) == [f"job:{well.line.code}:{well.job.pk}"]
    assert [record.line for record in caplog.records] == [broken.line.code]


def test_where_nothing_runs_a_reading_of_counters_looks_for_the_job_once():
    machine = equipment(is_constraint=True)
    observe([observation(machine, 0, counters=(good_count(5),))])
    with CaptureQueriesContext(connection) as seen:
        observe([observation(machine, 1, counters=(good_count(9),))])
        observe([observation(machine, 2)])
    asked = [each["sql"] for each in seen.captured_queries if "production_job" in each["sql"]]
    assert len([sql for sql in asked if "SELECT" in sql]) == 1


def test_a_tick_reads_as_much_for_twelve_jobs_as_for_two():
    def begin(lines):
        for _ in range(lines):
            floor = Floor(target=100)
            observe([floor.see(second, good=second) for second in (1, 30)])

    def costs():
        with CaptureQueriesContext(connection) as seen:
            processors.job_progress(at(60))
        # The log writes to the stream of each line.
        return sum(each["sql"].startswith(("SELECT", "WITH")) for each in seen.captured_queries)

    begin(2)
    costs()
    of_two = costs()
    begin(10)
    costs()
    assert costs() == of_two <= 25
