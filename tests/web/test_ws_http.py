"""`GET /ws/health` and `GET /ws/events`."""

import asyncio
import time
from datetime import timedelta

import jsonschema
import pytest
from django.db import OperationalError, connections
from django.test import Client
from django.utils import timezone

from ms5.accounts.keys import issue
from ms5.accounts.roles import Role
from ms5.processes.models import Heartbeat
from realtime import health
from realtime.hub import Hub, _hubs
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def all_well(on_redis, settings):
    """Every processor has just run, and Redis answers."""
    settings.REDIS_URL = on_redis
    for name in ("poll.0", "production"):
        Heartbeat.objects.create(name=name, period_s=1, instance="t:1", ok_at=timezone.now())


def ask(**headers):
    answer = Client(headers=headers).get("/ws/health")
    return answer.status_code, answer.json()


def details():
    _, key = issue(factories.user(Role.ENGINEER), "a watcher")
    status, answer = ask(authorization=f"Token {key}")
    return status, {
        name: part["wrong"] for name, part in answer["parts"].items() if part["wrong"]
    }


def test_when_all_is_well_it_is_ok_for_everyone(all_well):
    assert ask() == (200, {"status": "ok"})
    assert details() == (200, {})


def test_the_details_are_for_those_who_may_see_operations(all_well):
    _, key = issue(factories.user(Role.VIEWER), "a viewer")
    assert "parts" not in ask(authorization=f"Token {key}")[1]
    assert "parts" not in ask(authorization="Token wrong")[1]
    engineer = Client()
    engineer.force_login(factories.user(Role.ENGINEER))
    parts = engineer.get("/ws/health").json()["parts"]
    assert set(parts) == {"database", "tail", "channel_layer", "processors", "plc_links"}


def test_a_processor_that_is_late_or_never_ran_degrades(all_well):
    Heartbeat.objects.filter(name="poll.0").update(ok_at=timezone.now() - timedelta(seconds=30))
    Heartbeat.objects.filter(name="production").delete()
    assert ask() == (200, {"status": "degraded"})
    status, wrong = details()
    assert status == 200
    assert wrong == {
        "processors": {"poll.0": "last succeeded 30 s ago", "production": "has never run"}
    }


def test_a_dead_plc_degrades_and_does_not_take_the_process_away(all_well):
    from telemetry.models import Plc

    Plc.objects.create(code="bagger", name="Bagger", protocol="logix", host="127.0.0.1")
    assert ask() == (200, {"status": "degraded"})
    assert set(details()[1]["plc_links"]) == {"bagger"}


def test_redis_away_degrades_within_its_200_ms(all_well, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    began = timezone.now()
    assert ask() == (200, {"status": "degraded"})
    assert timezone.now() - began < timedelta(seconds=2)
    assert set(details()[1]) == {"channel_layer"}


def test_a_database_that_is_gone_is_down_and_503(all_well):
    def gone(execute, sql, params, many, context):
        raise OperationalError("the database is gone")

    with connections["default"].execute_wrapper(gone):
        assert ask() == (503, {"status": "down"})


def test_a_stuck_tail_is_down(all_well, monkeypatch):
    async def hub_whose_tail_never_looked():
        return Hub()

    hub = asyncio.run(hub_whose_tail_never_looked())
    monkeypatch.setitem(_hubs, None, hub)
    assert ask() == (503, {"status": "down"})
    assert health.degraded_parts(timezone.now()) == ["tail"]
    hub.tail.ok_at = time.monotonic()
    assert ask() == (200, {"status": "ok"})


def test_health_is_read_only_and_never_cached():
    answer = Client().get("/ws/health")
    assert "no-store" in answer["Cache-Control"]
    assert Client().post("/ws/health").status_code == 405


def test_what_can_be_heard_is_told_to_whoever_is_signed_in():
    assert Client().get("/ws/events").status_code == 401
    viewer = Client()
    viewer.force_login(factories.user(Role.VIEWER))
    told = viewer.get("/ws/events").json()
    kinds = {event["type"]: event["kind"] for event in told["events"]}
    assert kinds == {
        "equipment_state": "fact",
        "equipment_fault": "fact",
        "plc_status": "fact",
        "production_update": "gauge",
    }
    assert all(event["description"] for event in told["events"])
    for event in told["events"]:
        jsonschema.Draft202012Validator.check_schema(event["schema"])
    families = {family["type"]: family["targets"] for family in told["subscription_types"]}
    assert len(families) == 12
    assert families["downtime"] == ["all", "line:LINE", "equipment:CODE", "LINE"]
    assert set(told["messages"]) == {"client", "server"}
