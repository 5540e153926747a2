"""The admin's pages of downtimes: nobody edits them, supervisors explain them by actions."""

from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from ms5.accounts.models import AuditEntry
from production import processors, settling, starting
from production.actions import observe
from production.models import Downtime, Reason, Settlement, Site
from tests import factories
from tests.factories import at, observation
from tests.web import plant
from tests.web.forms import save, url

pytestmark = pytest.mark.django_db
LIST = "production.downtime"


def machine(code, number=1):
    on = factories.equipment(
        line=plant.line(code, number), is_constraint=True, stop_after_s=60, no_data_after_s=9999
    )
    states = [(0, "running"), (600, "stopped"), (1200, "running"), (3600, "running")]
    observe([observation(on, seconds, state) for seconds, state in states])
    return on


@pytest.fixture
def own():
    starting.load()
    return machine(plant.OWN, 1)


@pytest.fixture
def row(own):
    return own.downtimes.get()


@pytest.fixture
def person(own, as_user):
    return lambda role: as_user(plant.person(f"a-{role}", role, own.line, is_staff=True))


@pytest.fixture
def supervisor(person):
    return person("shift_manager")


def do(client, action, *rows, **fields):
    chosen = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(url(LIST, "changelist"), chosen | fields)


def told(answer):
    return [str(message) for message in get_messages(answer.wsgi_request)]


def test_the_list_shows_downtimes_of_visible_lines_and_what_is_unassigned(supervisor, own):
    foreign = machine(plant.FOREIGN, 2)
    page = supervisor.get(url(LIST, "changelist"))
    text = page.content.decode()
    assert page.status_code == 200
    assert own.name in text
    assert foreign.name not in text
    assert "Unassigned" in text
    for said, number in (("open", 0), ("unassigned", 1), ("unconfirmed", 1), ("confirmed", 0)):
        found = supervisor.get(url(LIST, "changelist") + f"?said={said}")
        assert found.context["cl"].result_count == number


def test_nobody_adds_changes_or_deletes_one(supervisor, row):
    assert supervisor.get(url(LIST, "add")).status_code == 403
    page = supervisor.get(url(LIST, "change", row.pk))
    assert page.status_code == 200
    assert supervisor.post(url(LIST, "change", row.pk), {"note": "x"}).status_code == 403
    assert supervisor.post(url(LIST, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_setting_the_reason_asks_which_and_then_says_it(person, row):
    operator = person("operator")
    page = do(operator, "set_reason", row)
    assert page.status_code == 200
    assert "Motor failed" in page.content.decode()
    motor = Reason.objects.get(code="MOTOR_FAIL")
    answer = do(operator, "set_reason", row, asked="1", reason=motor.pk, note="smoke")
    assert answer.status_code == 302
    row.refresh_from_db()
    assert (row.reason, row.note, row.reported_by.username) == (motor, "smoke", "a-operator")
    assert told(answer) == ["1 downtime was given the reason."]
    assert AuditEntry.objects.get().action == "downtime.reason"


def test_confirming_says_what_could_not_be_confirmed_and_why(supervisor, row, own):
    observe([observation(own, 3700, "stopped"), observation(own, 3900, "running")])
    second = own.downtimes.get(started_at=at(3700))
    Downtime.objects.filter(pk=row.pk).update(reason=Reason.objects.get(code="REWORK"))
    answer = do(supervisor, "confirm", row, second)
    assert sorted(told(answer)) == [
        "1 downtime was confirmed.",
        f"{second}: Nobody has said why it stood.",
    ]
    row.refresh_from_db()
    assert row.confirmed_by.username == "a-shift_manager"


@pytest.fixture
def lasting(own):
    """The one downtime, a quarter of an hour old; it lasts, about noon by the clock of its site."""
    now = timezone.now().replace(microsecond=0)
    Site.objects.update(time_zone=f"Etc/GMT{now.hour - 12:+d}")
    Downtime.objects.all().delete()
    states = ((20, "running"), (15, "stopped"), (1, "stopped"))
    observe(
        [
            observation(own, source_at=now - timedelta(minutes=ago), state=state)
            for ago, state in states
        ]
    )
    processors.downtime(now)
    return own.downtimes.get(ended_at=None)


def test_splitting_asks_where_and_merging_takes_two(supervisor, lasting):
    row = lasting
    page = do(supervisor, "split", row)
    assert page.status_code == 200
    assert f'value="{row.started_at:%H:%M:%S}"' in page.content.decode()
    moment = row.started_at + timedelta(minutes=5)
    times = {"moment_0": f"{moment:%Y-%m-%d}", "moment_1": f"{moment:%H:%M:%S}"}
    assert told(do(supervisor, "split", row, asked="1", **times)) == ["1 downtime was split."]
    second = Downtime.objects.get(started_at=moment)
    wrong = do(supervisor, "merge", row)
    assert told(wrong)[-1] == "Choose the two neighbours that are to be one."
    wrong = do(supervisor, "split", row, second)
    assert told(wrong)[-1] == "Choose the one downtime that is to be split."
    do(supervisor, "merge", row, second)
    second.refresh_from_db()
    assert second.merged_into == row
    page = supervisor.get(url(LIST, "changelist"))
    assert page.context["cl"].result_count == 1


def test_what_is_past_is_left_to_a_correction(supervisor, row):
    times = {"moment_0": "2026-11-23", "moment_1": "10:15:00"}
    answer = do(supervisor, "split", row, asked="1", **times)
    assert told(answer) == [
        f"{row}: Its shift is over: a supervisor puts it right by a correction, which says why."
    ]
    row.refresh_from_db()
    assert (row.version, Downtime.objects.count()) == (1, 1)


def test_a_moment_outside_is_refused_with_a_sentence(supervisor, row):
    times = {"moment_0": "2026-11-23", "moment_1": "11:15:00"}
    answer = do(supervisor, "split", row, asked="1", **times)
    assert told(answer) == [f"{row}: That moment is not within the downtime."]
    unreadable = do(supervisor, "split", row, asked="1", moment_0="soon", moment_1="")
    assert unreadable.status_code == 200
    assert Downtime.objects.count() == 1


@pytest.mark.parametrize(("role", "number"), [("viewer", 0), ("operator", 1), ("admin", 4)])
def test_actions_are_offered_to_those_who_may(person, row, role, number):
    page = person(role).get(url(LIST, "changelist"))
    actions = dict(page.context["cl"].model_admin.get_actions(page.wsgi_request))
    actions.pop("delete_selected", None)
    assert len(actions) == number


def test_the_reasons_stand_in_the_order_of_their_tree(person, own):
    page = person("engineer").get(url("production.reason", "changelist"))
    codes = [row.code for row in page.context["cl"].result_list]
    assert codes[:3] == ["MECHANICAL", "MECH_FAULT", "BEARING_FAIL"]
    assert len(codes) == 34


def test_another_bucket_of_a_reason_is_audited_and_takes_back_what_was_settled(person, row):
    reason = Reason.objects.get(code="REWORK")
    Downtime.objects.update(reason=reason)
    settling.settle(at(3600))
    assert Settlement.objects.count() == 1
    engineer = person("engineer")
    path = url("production.reason", "change", reason.pk)
    assert save(engineer, path, name="Made again").status_code == 302
    assert Settlement.objects.count() == 1
    assert save(engineer, path, loss="planned", category="planned").status_code == 302
    assert Settlement.objects.count() == 0
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["reason.change"] * 2


def test_a_fourth_level_is_refused(person, own):
    deep = Reason.objects.create(
        code="DEEP", name="Deep", parent=Reason.objects.get(code="REWORK")
    )
    answer = save(
        person("engineer"),
        url("production.reason", "add"),
        code="DEEPER",
        name="Deeper",
        parent=deep.pk,
    )
    assert answer.status_code == 200
    assert Reason.objects.filter(code="DEEPER").count() == 0


def test_a_downtime_is_told_with_its_day_and_both_ends(row, own):
    assert str(row) == f"{own}: 23.11. 10:10 to 10:20 UTC"
    row.ended_at = at(86400)
    assert str(row) == f"{own}: 23.11. 10:10 to 24.11. 10:00 UTC"
    row.ended_at = None
    assert str(row) == f"{own}: 23.11. 10:10 UTC, lasts"
