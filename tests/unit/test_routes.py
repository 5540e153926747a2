"""Who hears what: the table of the contract, event by event."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ms5.events.facts import TYPES
from ms5.events.log import Written
from realtime.routed import groups_of_written
from realtime.routes import ROUTES, groups_of
from realtime.targets import EVENT_TYPES, Scope, SubscriptionType, Target, parse
from tests.samples import SAMPLES, data_of
from tests.unit.test_targets import codes


def groups(type_, line="L", equipment="E", **data):
    return set(groups_of(type_, line, equipment, data.get))


def always(type_):
    return {"line.L", "line.all", "equipment.E", f"event.{type_}"}


@pytest.mark.parametrize(
    ("type_", "data", "expected"),
    [
        ("production_update", {}, {"production.L", "production.all"}),
        ("equipment_state", {}, {"production.L", "production.all"}),
        ("oee_update", {}, {"oee.L", "oee.all"}),
        ("downtime_event", {}, {"downtime.all", "downtime.line.L", "downtime.equipment.E"}),
        ("andon_event", {}, {"andon.L", "andon.all"}),
        (
            "escalation_update",
            {"id": 7, "priority": "high", "recipient_ids": [3, 4]},
            {
                "escalation.all",
                "escalation.escalation.7",
                "escalation.priority.high",
                "user.3",
                "user.4",
            },
        ),
        ("quality_alert", {}, {"quality.L", "quality.all"}),
        ("changeover_started", {}, {"changeover.L", "changeover.all"}),
        ("changeover_completed", {}, {"changeover.L", "changeover.all"}),
        (
            "job_assigned",
            {"id": 9, "operator_id": 3},
            {"job.9", "production.L", "production.all", "user.3"},
        ),
        ("job_started", {"id": 9}, {"job.9", "production.L", "production.all"}),
        ("job_completed", {"id": 9}, {"job.9", "production.L", "production.all"}),
        (
            "job_cancelled",
            {"id": 9, "operator_id": None},
            {"job.9", "production.L", "production.all"},
        ),
        ("job_progress", {"id": 9}, {"job.9", "production.L", "production.all"}),
        ("telemetry_update", {}, set()),
        ("equipment_fault", {}, set()),
        ("plc_status", {}, set()),
        ("correction", {}, set()),
    ],
)
def test_an_event_goes_to_the_groups_of_the_contract_and_to_no_other(type_, data, expected):
    assert groups(type_, **data) == expected | always(type_)


def test_every_declared_event_has_a_route():
    assert set(ROUTES) == EVENT_TYPES == set(TYPES)


def test_a_route_asks_only_for_fields_that_its_event_has():
    for type_, templates in ROUTES.items():
        asked = {field for text in templates for field in re.findall(r"\{data\.(\w+)\}", text)}
        assert asked <= set(TYPES[type_].data.__struct_fields__), type_


@given(
    st.sampled_from(sorted(EVENT_TYPES)).flatmap(lambda t: st.tuples(st.just(t), data_of(t)))
)
def test_whatever_an_event_says_its_groups_are_names_that_channels_allows(event):
    type_, data = event
    found = groups_of(type_, "L", "E", lambda name: getattr(data, name))
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,99}", group) for group in found)


def test_those_who_are_named_are_told_each_by_a_group_of_their_own():
    named = groups("escalation_update", **SAMPLES["escalation_update"])
    assert {group for group in named if group.startswith("user.")} == {"user.17", "user.18"}


def test_what_concerns_no_line_goes_to_all_lines_only():
    assert groups("plc_status", line=None, equipment=None) == {"line.all", "event.plc_status"}


def test_most_events_are_routed_without_a_look_at_their_data():
    asked = []
    for type_ in ("equipment_state", "production_update", "downtime_event", "andon_event"):
        groups_of(type_, "L", "E", asked.append)
    assert asked == []


def test_an_event_that_was_written_is_routed_by_its_own_text():
    text = json.dumps({"type": "job_assigned", "data": {"id": 9, "operator_id": 3}})
    written = Written("job_assigned", "L", None, 1, text)
    assert set(groups_of_written(written)) == {
        "line.all",
        "line.L",
        "event.job_assigned",
        "job.9",
        "production.all",
        "production.L",
        "user.3",
    }


@given(st.sampled_from(sorted(EVENT_TYPES)), codes, codes)
def test_no_group_is_named_twice_and_each_can_be_subscribed_to(type_, line, equipment):
    found = groups_of(type_, line, equipment, {"id": 1, "priority": "low"}.get)
    assert len(found) == len(set(found))
    reachable = (
        {
            Target(SubscriptionType.LINE, Scope.ALL).group(0),
            parse(SubscriptionType.LINE, line).group(0),
            parse(SubscriptionType.EQUIPMENT, equipment).group(0),
            parse(SubscriptionType.EVENT, type_).group(0),
            parse(SubscriptionType.JOB, "1").group(0),
            parse(SubscriptionType.ESCALATION, "escalation:1").group(0),
            parse(SubscriptionType.ESCALATION, "low").group(0),
            parse(SubscriptionType.DOWNTIME, f"equipment:{equipment}").group(0),
        }
        | {
            target.group(0)
            for family in SubscriptionType
            if family.value not in {"equipment", "job", "event", "user", "escalation", "line"}
            for target in (Target(family, Scope.ALL), Target(family, Scope.LINE, line))
        }
        | {Target(SubscriptionType.ESCALATION, Scope.ALL).group(0)}
    )
    assert set(found) <= reachable


def test_codes_match_whole_and_never_by_prefix():
    assert "equipment.BP01.PACK.BAG1" not in groups(
        "equipment_state", equipment="BP01.PACK.BAG1.BL"
    )
