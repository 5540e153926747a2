"""Calls over a real socket: each way of asking shows what is open, and what follows folds into the same."""

import pytest

from andon.actions import calls
from andon.sweep import sweep_at
from ms5.accounts.roles import Role
from tests import factories
from tests.factories import at
from tests.fold import as_set, fold

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])
LONG_S = 30


def test_who_asks_for_calls_is_shown_those_that_are_open_and_hears_the_rest(server, floor):
    named = factories.user(Role.SHIFT_MANAGER, username="named")

    def raised(line, category):
        call = calls.raise_call(
            line, category=category, priority="critical", actor=floor.engineer, at=at(0)
        )
        sweep_at(at(0))
        return call

    own, foreign = raised(floor.own, "stop"), raised(floor.foreign, "safety")
    both = {"escalation_update", "andon_event"}
    shown = {}
    with server.client(floor.viewer) as viewer, server.client(named) as manager:
        for client, targets in (
            (
                viewer,
                (
                    ("andon", "L-OWN", {"andon_event"}),
                    ("andon", "all", {"andon_event"}),
                    ("escalation", "all", {"escalation_update"}),
                    ("escalation", "critical", {"escalation_update"}),
                    ("escalation", f"escalation:{foreign.escalation.pk}", set()),
                    ("line", "L-OWN", both),
                ),
            ),
            (manager, (("user", "me", {"escalation_update"}),)),
        ):
            for type_, target, expected in targets:
                snapshot = client.subscribe(type_, target)
                found = {item["type"] for item in snapshot["items"]}
                assert found == expected, (type_, target)
                lines = {item["line_id"] for item in snapshot["items"]}
                assert lines <= {"L-OWN"} or client is manager
                shown[type_, target] = snapshot["items"]
        calls.acknowledge(own, actor=named, at=at(60))
        told = [
            viewer.expect("andon_event", within_s=LONG_S),
            viewer.expect("escalation_update", within_s=LONG_S),
        ]
        assert [event["data"].get("happened") or event["data"]["status"] for event in told] == [
            "acknowledged",
            "acknowledged",
        ]
        with server.client(floor.viewer) as newcomer:
            fresh = newcomer.subscribe("line", "L-OWN")["items"]
    assert as_set(fold(shown["line", "L-OWN"], told)) == as_set(fresh)
