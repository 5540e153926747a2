"""What rules make of facts: which are theirs, what they call for, and when they are quiet."""

from dataclasses import replace

import msgspec
import pytest

from andon.choices import RuleKind
from andon.judging import (
    Circumstances,
    Decision,
    Meaning,
    Quiet,
    Sighting,
    Standing,
    Terms,
    Verdict,
    Wanted,
    decide,
    sightings,
    wanted,
)
from production.oee import Plan
from tests.factories import T0, at
from tests.samples import SAMPLES

FAULT = Sighting(
    kind=RuleKind.MESSAGE_BIT,
    subject="fault:1",
    equipment_code="BAG1",
    lasts=True,
    since=T0,
    text="Film broken",
    severity="high",
    code="Fault[31]",
    reason_code="BELT_BREAK",
)
STOP = replace(FAULT, kind=RuleKind.LONG_STOP, subject="downtime:1", severity="", code="")
MEANINGS = {
    "BELT_BREAK": Meaning("maintenance", "medium", 10),
    "CLEANING": Meaning(),
}


def terms(kind=RuleKind.MESSAGE_BIT, **fields):
    return Terms(**{"kind": kind, "category": "stop"} | fields)


def plain(type_, **changes):
    return msgspec.to_builtins(SAMPLES[type_]) | changes


def seen(type_, **changes):
    return [(each.kind, each.lasts) for each in sightings(type_, plain(type_, **changes))]


def test_what_rules_see_in_facts():
    assert seen("equipment_fault", cleared_at=None) == [(RuleKind.MESSAGE_BIT, True)]
    ended = "2026-03-02T09:00:00Z"
    assert seen("equipment_fault", cleared_at=ended) == [(RuleKind.MESSAGE_BIT, False)]
    assert seen("downtime_event", ended_at=None) == [
        (RuleKind.REASON, True),
        (RuleKind.LONG_STOP, True),
    ]
    assert seen("downtime_event", ended_at=ended)[0][1] is False
    alert = {"cleared_at": None, "severity": "critical"}
    assert seen("quality_alert", **alert) == [(RuleKind.QUALITY_ALERT, True)]
    assert seen("quality_alert", **alert | {"severity": "warning"})[0][1] is False
    assert seen("quality_alert", **alert | {"cleared_at": ended, "value": None})[0][1] is False
    assert seen("plc_status", status="lost", error="timed out") == [(RuleKind.LOST_PLC, True)]
    assert seen("plc_status", status="connected", error=None) == [(RuleKind.LOST_PLC, False)]
    left = seen("plc_status", status="lost", error="timed out", left_at="2026-03-02T09:00:00Z")
    assert left == [(RuleKind.LOST_PLC, False)]
    assert seen("job_started") == []


def test_a_stop_has_the_reason_of_a_person_else_that_of_its_first_fault():
    given = plain("downtime_event", reason_code=None, reason=None)
    given |= {"suggested_reason_code": "MOTOR_FAIL", "suggested_reason": "Motor failed"}
    assert sightings("downtime_event", given)[0].reason_code == "MOTOR_FAIL"
    said = given | {"reason_code": "OTHER", "reason": "Another"}
    assert (sightings("downtime_event", said)[0].text) == "Another"
    unknown = given | {"suggested_reason_code": None, "suggested_reason": None, "fault": None}
    assert sightings("downtime_event", unknown)[0].text.startswith("It stands")


@pytest.mark.parametrize(
    ("asked", "is_for"),
    [
        (terms(), True),
        (terms(RuleKind.LOST_PLC), False),
        (terms(line_id=7), True),
        (terms(line_id=8), False),
        (terms(equipment_code="BAG1"), True),
        (terms(equipment_code="BAG2"), False),
        (terms(reason_code="BELT_BREAK"), True),
        (terms(reason_code="OTHER"), False),
        (terms(message="Fault[31]"), True),
        (terms(message="Fault[*"), True),
        (terms(message="Fault[3]"), False),
        (terms(least_severity="high"), True),
        (terms(least_severity="critical"), False),
    ],
)
def test_whether_a_rule_is_for_it(asked, is_for):
    assert (wanted(asked, 7, FAULT, MEANINGS) is not None) is is_for


def test_what_does_not_last_is_called_for_by_no_rule():
    assert wanted(terms(), 7, replace(FAULT, lasts=False), MEANINGS) is None


def test_a_message_bit_calls_with_its_severity_unless_the_rule_says_another():
    assert wanted(terms(delay_s=5, text="Look:"), 7, FAULT, {}) == Wanted(
        "stop", "high", at(5), "Look: Film broken"
    )
    assert wanted(terms(priority="low"), 7, FAULT, {}).priority == "low"


def test_a_reason_calls_for_what_it_stands_for():
    by_reason = terms(RuleKind.REASON)
    stop = replace(STOP, kind=RuleKind.REASON)
    assert wanted(by_reason, 7, stop, MEANINGS) == Wanted(
        "maintenance", "medium", T0, "Film broken"
    )
    for code in ("CLEANING", None, "GONE"):
        assert wanted(by_reason, 7, replace(stop, reason_code=code), MEANINGS) is None


def test_a_stop_calls_when_it_outlasts_its_reason_or_the_rule_where_there_is_none():
    long = terms(RuleKind.LONG_STOP, delay_s=1800)
    assert wanted(long, 7, STOP, MEANINGS) == Wanted(
        "maintenance", "medium", at(600), "Film broken"
    )
    assert wanted(long, 7, replace(STOP, reason_code="CLEANING"), MEANINGS) is None
    assert wanted(long, 7, replace(STOP, reason_code=None), MEANINGS) == Wanted(
        "stop", "medium", at(1800), "Film broken"
    )


@pytest.mark.parametrize(
    "kind", [RuleKind.QUALITY_ALERT, RuleKind.LOST_PLC, RuleKind.DEAD_DELIVERY]
)
def test_the_others_call_as_the_rule_says(kind):
    asked = terms(kind, priority="critical", delay_s=30)
    found = wanted(asked, 7, replace(FAULT, kind=kind), {})
    assert (found.category, found.priority, found.due_at) == ("stop", "critical", at(30))


FIRST, SECOND, THIRD = (
    Standing("Bagger", 1, "faulted"),
    Standing("Loader", 2, "starved"),
    Standing("Packer", 3, "stopped"),
)
LINE = (FIRST, SECOND, THIRD)


@pytest.mark.parametrize(
    ("circumstances", "loud", "why"),
    [
        ({"is_changing_over": True}, {"in_changeover": False}, "The line is changing over."),
        ({"is_planned_stop": True}, {"in_planned_stop": False}, "It stands as planned."),
        (
            {"plan": Plan.PLANNED},
            {"in_breaks": False},
            "The line is not planned to produce now.",
        ),
        (
            {"plan": Plan.NOT_SCHEDULED},
            {"in_breaks": False},
            "The line is not planned to produce now.",
        ),
        (
            {"own": SECOND, "others": LINE},
            {"behind_a_stop": False},
            "It waits for Bagger, which stands.",
        ),
        (
            {"own": replace(SECOND, state="blocked"), "others": LINE},
            {"behind_a_stop": False},
            "It waits for Packer, which stands.",
        ),
    ],
)
def test_when_a_rule_is_quiet_and_that_it_need_not_be(circumstances, loud, why):
    given = Circumstances(**circumstances)
    assert decide(T0, T0, Quiet(), given) == Decision(Verdict.QUIET, why)
    assert decide(T0, T0, Quiet(**loud), given) == Decision(Verdict.RAISE)


def test_it_waits_until_it_has_lasted_long_enough_and_then_calls():
    assert decide(at(9), at(10), Quiet(), Circumstances()).verdict is Verdict.WAIT
    assert decide(at(10), at(10), Quiet(), Circumstances()).verdict is Verdict.RAISE


def test_what_waits_for_nothing_that_stands_is_told():
    running = replace(FIRST, state="running")
    for own, others in (
        (FIRST, LINE),
        (SECOND, (running, SECOND, THIRD)),
        (replace(FIRST, state="blocked"), (running,)),
    ):
        given = Circumstances(own=own, others=others)
        assert decide(T0, T0, Quiet(), given).verdict is Verdict.RAISE
