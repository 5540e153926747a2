"""The tasks that beat starts for the controllers."""

import gc
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from ms5.celery import app, schedule
from ms5.processes.models import Lease
from production.models import Condition
from telemetry import tasks
from telemetry.models import Sample
from tests.controllers import logix, machine_tags, plc, polling, tag
from tests.factories import equipment

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _ended():
    walked = gc.get_threshold()
    yield
    tasks._let_go()
    gc.unfreeze()
    gc.set_threshold(*walked)


def test_beat_names_tasks_that_exist():
    app.loader.import_default_modules()
    wanted = {
        row["task"]
        for name, row in schedule(2).items()
        if name.startswith(("poll", "sample", "minute"))
    }
    assert wanted == {
        "telemetry.tasks.poll",
        "telemetry.tasks.prune_samples",
        "telemetry.tasks.roll_up_samples",
        "telemetry.tasks.prune_minutes",
    }
    assert wanted <= app.tasks.keys()


def test_a_poll_keeps_its_connection_for_the_next_one():
    with logix() as server:
        machine_tags(plc(server, poll_period_s=0.01), equipment())
        assert [tasks.poll(0), tasks.poll(0)] == [1, 1]
        assert server.stats.connections == 1
        assert Condition.objects.get().state == "running"


def test_the_collector_leaves_the_tags_alone_from_when_they_are_taken_over():
    with logix() as server:
        machine_tags(plc(server, poll_period_s=0.01), equipment())
        gc.unfreeze()
        assert tasks.poll(0) == 1
        assert gc.get_freeze_count() > 10_000
        # Not at each tick: it takes a tenth of a second.
        gc.unfreeze()
        assert tasks.poll(0) == 1
        assert gc.get_freeze_count() == 0


def test_the_end_of_a_worker_frees_the_shard_and_the_controllers():
    with logix() as server:
        machine_tags(plc(server), equipment())
        assert tasks.poll(0) == 1
        tasks._let_go()
        # The farewell is sent without waiting for its answer.
        deadline = time.monotonic() + 2
        while server.stats.forward_closes < 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.stats.forward_closes == 1
        with polling(holder="another:1") as other:
            assert other.tick() == 1
        assert Lease.objects.get().holder == "another:1"


def test_samples_beyond_their_retention_go(settings):
    settings.SAMPLE_RETENTION_DAYS = 30
    row = tag(plc(port=1), "Speed", data_type="float32")
    now = timezone.now()
    for days in (31, 29):
        at = now - timedelta(days=days)
        Sample.objects.create(tag=row, quality="good", value=days, source_at=at, received_at=at)
    assert tasks.prune_samples() == 1
    assert [sample.value for sample in Sample.objects.all()] == [29]


@pytest.mark.django_db
def test_samples_are_summed_up_by_the_minute_and_minutes_go_in_their_time(settings):
    row = plc(port=1)
    of = tag(row, "Speed", data_type="float32")
    old = timezone.now() - timedelta(days=2)
    for at in (old, old + timedelta(minutes=1)):
        Sample.objects.create(tag=of, value=1, quality="good", source_at=at, received_at=at)
    assert tasks.roll_up_samples() == 2
    settings.MINUTE_RETENTION_DAYS = 1
    assert tasks.prune_minutes() == 2
