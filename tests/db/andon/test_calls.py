"""Calls as people raise and answer them: guarded, idempotent, audited; each move with its fact."""

import json

import pytest

from andon.actions import calls, returning, shelving
from andon.choices import CallStatus, EscalationStatus, StepState
from andon.models import AndonCall, CallEvent, EscalationStep
from andon.sweep import sweep_at
from ms5.accounts.models import AuditEntry
from ms5.accounts.roles import Role
from ms5.events.models import Event
from production.models import LineAccess
from production.refusals import ActionRefused, NotAllowed
from tests.factories import at, equipment, user

pytestmark = pytest.mark.django_db


class Floor:
    """A line with a machine, who works there, and who comes."""

    def __init__(self):
        self.machine = equipment(is_constraint=True)
        self.line = self.machine.line
        self.operator = user(first_name="Ada", last_name="Baker")
        self.boss = user(Role.SHIFT_MANAGER, first_name="Eve", last_name="Shift")
        self.fitter = user(Role.MAINTENANCE, first_name="Max", last_name="Fitter")

    def raised(self, seconds=0, **fields):
        given = {"category": "maintenance", "priority": "high", "description": "Film tears"}
        given |= {"equipment": self.machine, "actor": self.operator} | fields
        return calls.raise_call(self.line, at=at(seconds), **given)

    def said(self, type_="andon_event"):
        rows = Event.objects.filter(line_id=self.line.code, type=type_).order_by("seq")
        return [json.loads(row.text)["data"] for row in rows]


@pytest.fixture
def floor():
    return Floor()


def pending(call):
    rows = EscalationStep.objects.filter(
        escalation__call=call, state=StepState.PENDING
    ).order_by("due_at", "kind", "level")
    return [(row.gen, row.kind, row.level, row.due_at) for row in rows]


def test_a_call_goes_its_way_and_each_step_is_said(floor):
    call = floor.raised()
    call = calls.acknowledge(call, actor=floor.fitter, at=at(60), text="I come")
    call = calls.arrive(call, actor=floor.fitter, at=at(120))
    call = calls.resolve(call, actor=floor.fitter, at=at(600), text="New film")
    assert [(each["status"], each["version"]) for each in floor.said()] == [
        ("open", 1),
        ("acknowledged", 2),
        ("arrived", 3),
        ("resolved", 4),
    ]
    happened = [each["happened"] for each in floor.said("escalation_update")]
    assert happened == ["acknowledged", "closed"]
    assert floor.said()[-1] | {"id": 0, "escalation_id": 0} == {
        "id": 0,
        "equipment_code": floor.machine.code,
        "category": "maintenance",
        "priority": "high",
        "description": "Film tears",
        "status": "resolved",
        "raised_by": "Ada Baker",
        "raised_by_id": floor.operator.pk,
        "rule": None,
        "raised_at": "2026-11-23T10:00:00Z",
        "occurrences": 1,
        "last_raised_at": "2026-11-23T10:00:00Z",
        "acknowledged_by": "Max Fitter",
        "acknowledged_at": "2026-11-23T10:01:00Z",
        "arrived_by": "Max Fitter",
        "arrived_at": "2026-11-23T10:02:00Z",
        "resolved_by": "Max Fitter",
        "resolved_at": "2026-11-23T10:10:00Z",
        "resolution": "New film",
        "cancelled_by": None,
        "cancelled_at": None,
        "ended_at": "2026-11-23T10:10:00Z",
        "acknowledge_due_at": "2026-11-23T10:05:00Z",
        "resolve_due_at": "2026-11-23T10:31:00Z",
        "escalation_id": 0,
        "escalation_level": 0,
        "downtime_id": None,
        "quality_alert_id": None,
        "job_id": None,
        "version": 4,
        "normal_at": None,
        "shelved_until": None,
        "shelved_by": None,
        "shelf_reason": None,
    }
    deeds = AuditEntry.objects.filter(subject_type="andon.andoncall").order_by("pk")
    assert [(each.action, each.actor_name, each.line_id) for each in deeds] == [
        ("andoncall.raise", "Ada Baker", floor.line.code),
        ("andoncall.acknowledge", "Max Fitter", floor.line.code),
        ("andoncall.arrive", "Max Fitter", floor.line.code),
        ("andoncall.resolve", "Max Fitter", floor.line.code),
    ]
    history = CallEvent.objects.filter(call=call).values_list("verb", "text")
    assert list(history) == [
        ("raise", "Film tears"),
        ("acknowledge", "I come"),
        ("arrive", ""),
        ("resolve", "New film"),
    ]


# --- repeats


def test_a_repeat_counts_and_opens_no_second_call(floor):
    call = floor.raised()
    before = pending(call)
    again = floor.raised(30, actor=floor.boss, description="Again", priority="low")
    assert (again.pk, again.occurrences, again.last_raised_at) == (call.pk, 2, at(30))
    assert (again.raised_by, again.description, again.priority) == (
        floor.operator,
        "Film tears",
        "high",
    )
    assert pending(call) == before
    assert floor.said("escalation_update") == []
    floor.raised(category="stop")
    floor.raised(equipment=None)
    assert floor.raised(40, equipment=None).occurrences == 2
    assert AndonCall.objects.count() == 3


def test_a_repeat_of_a_higher_priority_raises_the_call_and_it_climbs_anew_by_that_policy(floor):
    call = floor.raised(priority="low")
    raised = floor.raised(100, priority="critical")
    assert (raised.pk, raised.priority, raised.version) == (call.pk, "critical", 2)
    assert raised.acknowledge_due_at == at(220)
    assert pending(call) == [
        (2, "level", 1, at(100)),
        (2, "level", 2, at(220)),
        (2, "level", 3, at(340)),
    ]
    assert floor.said("escalation_update")[-1]["happened"] == "resumed"


def test_a_repeat_of_a_higher_priority_shortens_the_time_of_who_comes(floor):
    call = calls.acknowledge(floor.raised(priority="low"), actor=floor.fitter, at=at(60))
    raised = floor.raised(100, priority="critical")
    assert (raised.status, raised.resolve_due_at) == (CallStatus.ACKNOWLEDGED, at(1000))
    assert pending(call) == [(2, "resolve_due", 0, at(1000))]


# --- who may what


@pytest.mark.parametrize("role", Role)
def test_who_raises_and_who_answers(floor, role):
    person = user(role)
    raises = role != Role.VIEWER
    answers = role not in {Role.OPERATOR, Role.VIEWER, Role.INTEGRATOR, Role.QUALITY}
    deeds = {"stop": answers, "quality": answers or role == Role.QUALITY}
    for category, may in deeds.items():
        if raises:
            floor.raised(category=category, actor=person)
        else:
            with pytest.raises(NotAllowed):
                floor.raised(category=category, actor=person)
            floor.raised(category=category)
        call = AndonCall.objects.get(category=category)
        if may:
            calls.acknowledge(call, actor=person, at=at(1))
            calls.arrive(call, actor=person, at=at(2))
            calls.resolve(call, actor=person, at=at(3))
        else:
            for deed in (calls.acknowledge, calls.arrive, calls.resolve):
                with pytest.raises(NotAllowed):
                    deed(call, actor=person, at=at(1))


def test_nobody_does_anything_on_a_line_they_do_not_see(floor):
    call = floor.raised()
    for person in (user(all_lines=False), user(Role.SHIFT_MANAGER, all_lines=False)):
        with pytest.raises(NotAllowed):
            floor.raised(category="stop", actor=person)
        with pytest.raises(NotAllowed):
            calls.acknowledge(call, actor=person, at=at(1))
        with pytest.raises(NotAllowed):
            calls.comment(call, actor=person, at=at(1), text="Hm")
        assert not AndonCall.objects.visible_to(person).exists()
        LineAccess.objects.create(user=person, line=floor.line)
        assert AndonCall.objects.visible_to(person).get() == call


def test_only_who_raised_a_call_cancels_it(floor):
    call = floor.raised()
    with pytest.raises(NotAllowed, match="Only who raised"):
        calls.cancel(call, actor=floor.boss, at=at(1))
    call = calls.cancel(call, actor=floor.operator, at=at(2), text="By mistake")
    assert (call.status, call.cancelled_by, call.ended_at) == (
        CallStatus.CANCELLED,
        floor.operator,
        at(2),
    )
    assert pending(call) == []
    assert calls.cancel(call, actor=floor.operator, at=at(3)).version == 2
    with pytest.raises(ActionRefused, match="Ada Baker cancelled it at 10:00:02"):
        calls.resolve(call, actor=floor.boss, at=at(4))


# --- what is refused, and what is done already


def test_the_same_twice_is_done_once(floor):
    call = floor.raised()
    for deed, seconds in ((calls.acknowledge, 1), (calls.arrive, 2), (calls.resolve, 3)):
        first = deed(call, actor=floor.fitter, at=at(seconds))
        assert deed(call, actor=floor.fitter, at=at(seconds + 10)) == first
    assert [each["version"] for each in floor.said()] == [1, 2, 3, 4]


def test_what_is_refused_says_by_whom_and_when_it_was_done(floor):
    call = floor.raised()
    calls.arrive(call, actor=floor.fitter, at=at(60))
    with pytest.raises(ActionRefused, match="Max Fitter is there since 10:01:00") as refused:
        calls.acknowledge(call, actor=floor.boss, at=at(61))
    assert refused.value.row.arrived_by == floor.fitter
    calls.resolve(call, actor=floor.fitter, at=at(62))
    with pytest.raises(ActionRefused, match="Max Fitter resolved it at 10:01:02"):
        calls.arrive(call, actor=floor.boss, at=at(63))


def test_a_version_that_is_not_the_present_one_is_refused(floor):
    call = floor.raised()
    floor.raised(1)
    with pytest.raises(ActionRefused, match="Somebody changed it") as refused:
        calls.acknowledge(call, actor=floor.boss, at=at(2), version=1)
    assert (refused.value.code, refused.value.row.version) == ("changed", 2)
    calls.acknowledge(call, actor=floor.boss, at=at(2), version=2)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"category": "coffee"}, "impossible"),
        ({"priority": "urgent"}, "impossible"),
        ({"description": "x" * 501}, "too_long"),
    ],
)
def test_what_is_no_call_is_refused(floor, wrong, code):
    with pytest.raises(ActionRefused) as refused:
        floor.raised(**wrong)
    assert refused.value.code == code


def test_equipment_of_another_line_is_refused_and_without_words_the_category_speaks(floor):
    with pytest.raises(ActionRefused, match="another line"):
        floor.raised(equipment=equipment())
    assert floor.raised(description="  ").description == "Maintenance"


def test_comments_are_heard_also_when_it_is_over(floor):
    call = calls.resolve(floor.raised(), actor=floor.fitter, at=at(1))
    calls.comment(call, actor=floor.operator, at=at(2), text=" Thanks ")
    assert call.events.last().text == "Thanks"
    with pytest.raises(ActionRefused, match="Say something"):
        calls.comment(call, actor=floor.operator, at=at(2), text=" ")
    with pytest.raises(NotAllowed):
        calls.comment(call, actor=user(Role.VIEWER), at=at(2), text="Hm")


# --- shelving


def test_a_call_is_shelved_for_a_shift_at_most_with_a_reason_and_never_a_critical_one(floor):
    call = floor.raised()

    def shelve(call=call, hours=1.0, text="Known", actor=floor.boss, **fields):
        until = at(hours * 3600)
        return shelving.shelve(call, actor=actor, at=at(0), until=until, text=text, **fields)

    for refused, code in (
        ({"text": " "}, "reason_missing"),
        ({"hours": 8.1}, "bad_time"),
        ({"hours": 0}, "bad_time"),
        ({"version": 7}, "changed"),
        ({"actor": floor.fitter}, "not_allowed"),
        ({"call": floor.raised(category="safety", priority="critical")}, "critical"),
    ):
        with pytest.raises(ActionRefused) as error:
            shelve(**refused)
        assert error.value.code == code
    shelved = shelve()
    assert (shelved.shelved_until, shelved.shelved_by) == (at(3600), floor.boss)
    assert shelve().version == shelved.version
    assert AuditEntry.objects.filter(action="andoncall.shelve").count() == 1
    free = shelving.unshelve(call, actor=floor.boss, at=at(60))
    assert (free.shelved_until, free.acknowledge_due_at) == (None, at(360))
    assert pending(call)[0] == (3, "level", 1, at(60))
    assert shelving.unshelve(call, actor=floor.boss, at=at(61)).version == free.version
    shelve()
    assert calls.acknowledge(call, actor=floor.boss, at=at(70)).shelved_until is None
    with pytest.raises(ActionRefused, match="cannot be shelved any more"):
        shelve(hours=2)


def test_a_repeat_of_a_critical_priority_takes_a_call_off_the_shelf(floor):
    call = floor.raised()
    shelving.shelve(call, actor=floor.boss, at=at(0), until=at(3600), text="Known")
    raised = floor.raised(10, priority="critical")
    assert (raised.shelved_until, pending(call)[0]) == (None, (3, "level", 1, at(10)))


# --- over by itself


def test_what_is_over_by_itself_is_told_no_more_and_waits_to_be_seen(floor):
    call = floor.raised(actor=None)
    call = returning.back_to_normal(call, at(5))
    assert (call.status, call.normal_at, pending(call)) == (CallStatus.OPEN, at(5), [])
    assert call.escalation.status == EscalationStatus.CLOSED
    assert returning.back_to_normal(call, at(6)).version == call.version
    call = calls.acknowledge(call, actor=floor.fitter, at=at(7))
    assert (call.status, call.resolved_by) == (CallStatus.RESOLVED, floor.fitter)
    assert returning.back_to_normal(call, at(8)).version == call.version


def test_who_comes_for_what_is_over_and_begins_again_gets_the_whole_time(floor):
    call = calls.acknowledge(floor.raised(actor=None), actor=floor.fitter, at=at(1))
    returning.back_to_normal(call, at(5))
    again = floor.raised(10, actor=None)
    assert (again.normal_at, again.resolve_due_at) == (None, at(1810))
    assert pending(call) == [(2, "resolve_due", 0, at(1810))]


def test_a_repeat_of_a_higher_priority_reaches_the_next_level_where_it_climbs_again(floor):
    call = calls.acknowledge(floor.raised(priority="low"), actor=floor.fitter, at=at(0))
    sweep_at(at(3600))
    raised = floor.raised(3700, priority="critical")
    assert (raised.status, pending(call)[0]) == (
        CallStatus.ACKNOWLEDGED,
        (3, "level", 1, at(3700)),
    )
    taken_over = calls.arrive(call, actor=floor.boss, at=at(3710))
    assert (taken_over.acknowledged_by, taken_over.arrived_by) == (floor.fitter, floor.boss)
    assert pending(call) == [(3, "resolve_due", 1, at(4610))]
