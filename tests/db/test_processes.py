"""Heartbeats and leases: who works, who is late, and who may."""

import threading
from datetime import timedelta

import pytest
from celery.signals import worker_init
from django.db import connection, connections
from django.utils import timezone

from ms5.processes.heartbeats import heartbeat, late, run_alone
from ms5.processes.leases import give_back, take
from ms5.processes.models import Heartbeat, Lease
from tests.other_process import finish, start

TTL = timedelta(seconds=30)


@pytest.mark.django_db
class TestHeartbeats:
    def test_one_that_never_came_is_late(self):
        assert late({"oee": 5.0}, timezone.now()) == {"oee": "has never run"}

    def test_it_is_late_after_three_periods_and_not_before(self):
        with heartbeat("oee", 5.0):
            pass
        at = Heartbeat.objects.get().ok_at
        assert late({"oee": 5.0}, at + timedelta(seconds=15)) == {}
        assert late({"oee": 5.0}, at + timedelta(seconds=15.5)) == {
            "oee": "last succeeded 16 s ago"
        }

    def test_its_figures_are_kept_with_it(self):
        with heartbeat("oee", 5.0) as figures:
            figures["lines"] = 3
        assert Heartbeat.objects.get().detail == {"lines": 3}

    def test_work_that_fails_is_no_success_and_says_why(self):
        def fail():
            with heartbeat("oee", 5.0):
                raise ValueError("no cycle")

        with pytest.raises(ValueError, match="no cycle"):
            fail()
        row = Heartbeat.objects.get()
        assert (row.ok_at, row.error) == (None, "ValueError: no cycle")
        assert late({"oee": 5.0}, timezone.now()) == {"oee": "has never run"}


@pytest.mark.django_db(transaction=True)
def test_a_process_that_ended_is_missed_at_once():
    beat = "from ms5.processes.heartbeats import heartbeat\nwith heartbeat('oee', 5.0): pass"
    code, _, err = finish(start(beat))
    assert code == 0, err
    row = Heartbeat.objects.get()
    assert late({"oee": 5.0}, row.ok_at) == {"oee": f"its process {row.instance} has ended"}


@pytest.mark.django_db(transaction=True)
def test_a_process_of_another_machine_is_judged_by_its_time_alone():
    with heartbeat("oee", 5.0):
        pass
    Heartbeat.objects.update(home="elsewhere", instance="elsewhere:1")
    assert late({"oee": 5.0}, Heartbeat.objects.get().ok_at) == {}


@pytest.mark.django_db
class TestLeases:
    def test_one_holds_it_and_may_renew_it(self):
        assert take("poll.0", "a", TTL)
        assert not take("poll.0", "b", TTL)
        assert take("poll.0", "a", TTL)

    def test_it_moves_when_it_is_given_back(self):
        take("poll.0", "a", TTL)
        give_back("poll.0", "b")
        assert not take("poll.0", "b", TTL)
        give_back("poll.0", "a")
        assert take("poll.0", "b", TTL)

    def test_a_dead_holder_loses_it_in_time(self):
        take("poll.0", "dead", timedelta(seconds=-1))
        assert take("poll.0", "b", TTL)
        assert Lease.objects.get().holder == "b"


@pytest.mark.django_db(transaction=True)
def test_of_eight_at_once_one_gets_it():
    got, gate = [], threading.Barrier(8)

    def reach(number):
        gate.wait()
        got.append(take("poll.0", f"holder {number}", TTL))
        connections.close_all()

    threads = [threading.Thread(target=reach, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [False] * 7 + [True]


@pytest.mark.django_db
def test_a_tick_runs_alone_and_leaves_the_way_free():
    def work():
        assert not take("oee", "another", TTL)
        return 3

    assert run_alone("oee", 5.0, work) == 3
    assert take("oee", "another", TTL)
    assert run_alone("oee", 5.0, work) == -1


@pytest.mark.django_db
@pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite has no server to prepare them"
)
def test_a_worker_has_its_statements_prepared_and_a_web_process_has_not():
    # What is prepared fails once a table was migrated, and web processes go on while that is done.
    options = connections.settings["default"]["OPTIONS"]
    assert connection.connection.prepare_threshold is None
    worker_init.send(sender=None)
    try:
        own = connection.copy()
        own.ensure_connection()
        assert own.connection.prepare_threshold == 5
        own.close()
    finally:
        for settings in connections.settings.values():
            settings["OPTIONS"].pop("prepare_threshold")
    assert "prepare_threshold" not in options
