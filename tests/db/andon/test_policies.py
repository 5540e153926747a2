"""Which policy holds for a call, what is frozen of it, and whom its levels reach when."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command

from andon.actions import calls
from andon.choices import RecipientKind, StepKind
from andon.escalation import thawed
from andon.ladders import ladder_for, ladder_of
from andon.models import Duty, Policy, PolicyLevel, PolicyRecipient, RosterEntry, Rule
from andon.whom import foreseen, people_of
from ms5.accounts.roles import Role
from production.models import LineAccess, Shift
from tests.factories import at, line, user

pytestmark = pytest.mark.django_db


def policy(name, *levels, **fields):
    given = {"priority": "high", "acknowledge_within_s": 60, "resolve_within_s": 600}
    made = Policy.objects.create(name=name, **given | fields)
    for number, after_s in levels or [(1, 0)]:
        PolicyLevel.objects.create(policy=made, number=number, after_s=after_s)
    return made


def test_the_most_particular_policy_holds():
    here, elsewhere = line(), line()
    assert ladder_for(here, "stop", "high").name == "Starting values, high"
    policy("general")
    policy("stops", category="stop")
    policy("line", line=here)
    policy("resting", line=here, category="quality", is_active=False)
    both = policy("line and stops", line=here, category="stop")
    names = [
        ladder_for(*asked, "high").name
        for asked in (
            (here, "stop"),
            (here, "quality"),
            (elsewhere, "stop"),
            (elsewhere, "quality"),
        )
    ]
    assert names == ["line and stops", "line", "stops", "general"]
    both.levels.all().delete()
    assert ladder_for(here, "stop", "high").name == "Starting values, high"


def test_levels_are_numbered_without_gaps_and_reminders_are_scaled_to_the_time_to_answer():
    made = ladder_of(policy("odd", (2, 100), (5, 30)))
    assert [(each.number, each.after_s, each.reminder_every_s) for each in made.levels] == [
        (1, 100, 60),
        (2, 100, 60),
    ]


def test_editing_a_policy_touches_no_running_call():
    here = line()
    made = policy("general", (1, 0), (2, 120))
    call = calls.raise_call(here, category="stop", priority="high", at=at(0))
    frozen = thawed(call.escalation.policy)
    made.levels.all().delete()
    Policy.objects.update(acknowledge_within_s=1)
    call.escalation.refresh_from_db()
    assert thawed(call.escalation.policy) == frozen
    assert [level.after_s for level in frozen.levels] == [0, 120]


def test_the_starting_policies_are_those_of_the_table_and_what_people_edited_stays(capsys):
    call_command("load_starting_values")
    assert "4 policies and 6 rules" in capsys.readouterr().out
    minutes = Policy.objects.values_list("priority", "acknowledge_within_s", "resolve_within_s")
    assert {(word, first // 60, second // 60) for word, first, second in minutes} == {
        ("low", 15, 60),
        ("medium", 10, 45),
        ("high", 5, 30),
        ("critical", 2, 15),
    }
    Policy.objects.filter(priority="low").update(name="Ours", acknowledge_within_s=30)
    Rule.objects.filter(kind="lost_plc").update(name="Ours", is_active=False)
    call_command("load_starting_values")
    assert "0 policies and 0 rules" in capsys.readouterr().out
    assert Policy.objects.get(priority="low").acknowledge_within_s == 30
    stored = ladder_for(line(), "stop", "critical")
    assert [[each.key for each in level.recipients] for level in stored.levels] == [
        ["shift_manager", "production_manager", "admin"],
        ["shift_manager", "engineer", "production_manager", "admin"],
        ["shift_manager", "engineer", "production_manager", "admin"],
    ]
    for row in (*Policy.objects.all(), *PolicyLevel.objects.all(), *Rule.objects.all()):
        row.full_clean()


class Rostered:
    """A line in Berlin whose high calls tell maintenance on call, then a person."""

    def __init__(self):
        self.line = line(time_zone="Europe/Berlin")
        self.duty = Duty.objects.create(name="Maintenance on call")
        self.day = user(Role.MAINTENANCE, username="day")
        self.night = user(Role.MAINTENANCE, username="night")
        self.chief = user(Role.PRODUCTION_MANAGER, username="chief")
        made = policy("rostered", (1, 0), (2, 300), acknowledge_within_s=300)
        first, second = made.levels.all()
        PolicyRecipient.objects.create(level=first, kind=RecipientKind.DUTY, duty=self.duty)
        PolicyRecipient.objects.create(
            level=second, kind=RecipientKind.PERSON, person=self.chief
        )
        night = Shift.objects.create(
            site=self.line.area.site, name="Night", starts=time(22), ends=time(6)
        )
        self.turn(self.night, shift=night)
        self.turn(self.day, starts=time(6), ends=time(22), weekdays="12345")

    def turn(self, person, **fields):
        return RosterEntry.objects.create(duty=self.duty, person=person, **fields)

    def told(self, raised_at, minutes=11):
        ladder = ladder_for(self.line, "stop", "high")
        until = raised_at + timedelta(minutes=minutes)
        return [
            (
                each.kind.value,
                each.level.number,
                [user.username for user in each.whom.users],
                each.whom.names,
            )
            for each in foreseen(ladder, self.line, raised_at, until)
        ]


def test_who_is_told_on_sunday_at_ten_past_three_if_nobody_reacts():
    floor = Rostered()
    sunday = datetime(2026, 11, 29, 2, 10, tzinfo=UTC)  # 03:10 in Berlin
    night = ["Maintenance on call (night)"]
    assert floor.told(sunday) == [
        (StepKind.LEVEL, 1, ["night"], night),
        (StepKind.LEVEL, 2, ["chief"], ["chief"]),
        (StepKind.REMINDER, 2, ["chief"], ["chief"]),
    ]


def test_a_hole_in_the_roster_is_seen_and_the_next_level_is_told_in_its_place():
    floor = Rostered()
    saturday_noon = datetime(2026, 11, 28, 11, 0, tzinfo=UTC)
    instead = ["Maintenance on call (nobody)", "chief"]
    assert floor.told(saturday_noon, 0) == [(StepKind.LEVEL, 1, ["chief"], instead)]
    floor.turn(floor.day, starts=time(6), ends=time(22), line=line())  # of another line
    floor.turn(
        floor.day, starts=time(6), ends=time(22), last_day=datetime(2026, 11, 27, tzinfo=UTC)
    )
    assert floor.told(saturday_noon, 0)[0][2] == ["chief"]
    floor.chief.delete()
    assert floor.told(saturday_noon, 0)[0][2] == []


def test_a_top_that_reaches_nobody_tells_the_level_below_in_its_place():
    floor = Rostered()
    floor.chief.is_active = False
    floor.chief.save()
    sunday = datetime(2026, 11, 29, 2, 10, tzinfo=UTC)
    assert [each[2] for each in floor.told(sunday)] == [["night"]] * 3


def test_only_who_may_see_the_line_is_told():
    floor = Rostered()
    floor.night.all_lines = False
    floor.night.save()
    sunday = datetime(2026, 11, 29, 2, 10, tzinfo=UTC)
    assert floor.told(sunday, 0)[0][2] == ["chief"]
    LineAccess.objects.create(user=floor.night, line=floor.line)
    assert floor.told(sunday, 0)[0][2] == ["night"]


def test_days_that_a_turn_and_its_shift_have_not_in_common_are_no_turn():
    floor = Rostered()
    shift = Shift.objects.create(
        site=floor.line.area.site, name="Week", weekdays="1", starts=time(6), ends=time(14)
    )
    before = people_of(floor.line).turns[floor.duty.pk]
    floor.turn(floor.day, shift=shift, weekdays="2")
    assert people_of(floor.line).turns[floor.duty.pk] == before


def test_what_cannot_be_is_refused_with_its_field():
    made = policy("general")
    level = made.levels.get()
    duty = Duty.objects.create(name="On call")
    person = user()
    here, elsewhere = line(), line()
    early, late = (
        datetime(2026, 1, 1, tzinfo=UTC).date(),
        datetime(2026, 2, 1, tzinfo=UTC).date(),
    )
    night = Shift.objects.create(
        site=here.area.site, name="Night", starts=time(22), ends=time(6)
    )
    times = {"starts": time(6), "ends": time(14)}
    who = {"duty": duty, "person": person}
    for row, field in (
        (PolicyRecipient(level=level, kind="duty"), "duty"),
        (PolicyRecipient(level=level, kind="role", role="admin", duty=duty), "duty"),
        (PolicyLevel(policy=made, number=2, after_s=0, channels=[]), "channels"),
        (PolicyLevel(policy=made, number=2, after_s=0, channels=["pigeon"]), "channels"),
        (RosterEntry(**who), "starts"),
        (RosterEntry(**who, starts=time(6)), "starts"),
        (RosterEntry(**who, shift=night, **times), "starts"),
        (RosterEntry(**who, **times, line=here, site=elsewhere.area.site), "line"),
        (RosterEntry(**who, **times, first_day=late, last_day=early), "last_day"),
    ):
        with pytest.raises(ValidationError) as refused:
            row.full_clean()
        assert field in refused.value.message_dict
    for row in (
        PolicyRecipient(level=level, kind="person", person=person),
        RosterEntry(**who, shift=night, line=here, site=here.area.site),
        RosterEntry(**who, **times, first_day=early, last_day=late),
    ):
        row.full_clean()
