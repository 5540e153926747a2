"""Supervisors plan, change and move jobs in the admin, through the same actions as everybody."""

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse
from django.utils import timezone

from ms5.accounts.models import AuditEntry
from ms5.events.models import Event
from production.actions import set_context
from production.models import Equipment, Job, Product
from tests.web import plant
from tests.web.forms import errors, form_of, save, url

PAGE = "production.job"


@pytest.fixture(autouse=True)
def _no_jobs_yet(own, foreign):
    Job.objects.all().delete()


@pytest.fixture
def boss(own, as_user):
    return as_user(plant.person("boss", "shift_manager", own.line, is_staff=True))


@pytest.fixture
def ada(own):
    return plant.person("ada", "operator", own.line)


def add(client, line, **said):
    path = url(PAGE, "add")
    product = Product.objects.get(code="P500").pk
    values = form_of(client.get(path)) | {"line": line.pk, "product": product} | said
    return client.post(path, values)


def act(client, action, *jobs, **said):
    chosen = {"action": action, "_selected_action": [job.pk for job in jobs]}
    return client.post(url(PAGE, "changelist"), chosen | said)


def told(answer):
    return [str(each) for each in get_messages(answer.wsgi_request)]


def planned(client, line, number="PO-1", **said):
    answer = add(client, line, number=number, **said)
    assert answer.status_code == 302, errors(answer)
    return Job.objects.get(number=number)


def test_a_job_is_planned_through_the_action(boss, own):
    job = planned(boss, own.line, target="500", note="soft")
    assert (job.status, job.position, job.target, job.version) == ("planned", 1, 500, 1)
    assert AuditEntry.objects.get(subject_type="production.job").action == "job.plan"
    assert Event.objects.filter(type="job_assigned", line_id="L-OWN").count() == 1


def test_what_is_wanted_is_changed_before_it_begins(boss, own, ada):
    job = planned(boss, own.line)
    answer = save(boss, url(PAGE, "change", job.pk), target="70")
    assert answer.status_code == 302, errors(answer)
    job.refresh_from_db()
    assert (job.target, job.version) == (70, 2)
    entry = AuditEntry.objects.get(action="job.change")
    assert (entry.before["target"], entry.after["target"]) == (None, 70)
    act(boss, "assign", job, apply="1", operator=ada.pk)
    act(boss, "start", job)
    page = boss.get(url(PAGE, "change", job.pk))
    assert page.status_code == 200
    assert page.context["has_change_permission"] is False
    assert boss.post(url(PAGE, "change", job.pk), {"number": "X"}).status_code == 403


def test_a_change_that_somebody_was_faster_with_is_refused(boss, own):
    job = planned(boss, own.line)
    path = url(PAGE, "change", job.pk)
    values = form_of(boss.get(path)) | {"target": "9"}
    save(boss, path, target="70")
    answer = boss.post(path, values)
    assert answer.status_code == 200
    assert told(answer)[-1:] == ["Somebody changed it meanwhile; look at it again."]
    job.refresh_from_db()
    assert job.target == 70


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"number": "PO-1"}, "number"),
        ({"number": ""}, "number"),
        ({"target": "0"}, "__all__"),
        ({"target": "9" * 18}, "target"),
        (
            {
                "planned_start_at_0": "2026-03-02",
                "planned_start_at_1": "09:00:00",
                "planned_end_at_0": "2026-03-02",
                "planned_end_at_1": "08:00:00",
            },
            "planned_end_at",
        ),
    ],
)
def test_what_cannot_be_planned_is_said_at_its_field(boss, own, said, field):
    planned(boss, own.line)
    answer = add(boss, own.line, **{"number": "PO-2"} | said)
    assert answer.status_code == 200
    assert field in errors(answer)[0]
    assert Job.objects.count() == 1


def test_a_foreign_line_takes_no_job(boss, own, foreign):
    answer = add(boss, foreign.line, number="PO-1")
    assert "line" in errors(answer)[0]
    assert Job.objects.count() == 0


def test_a_job_goes_its_way_by_the_actions_of_the_list(boss, own, ada):
    job = planned(boss, own.line)
    asked = act(boss, "assign", job)
    assert asked.status_code == 200
    assert b"PO-1" in asked.content
    assert [str(each) for each in asked.context["form"].fields["operator"].queryset] == [
        "ada",
        "boss",
    ]
    assert act(boss, "assign", job, apply="1", operator=ada.pk).status_code == 302
    for action, said, status in (
        ("start", {}, "running"),
        ("pause", {"apply": "1", "reason": "no film"}, "paused"),
        ("resume", {}, "running"),
        ("complete", {}, "completed"),
    ):
        answer = act(boss, action, job, **said)
        assert answer.status_code == 302
        job.refresh_from_db()
        assert job.status == status
    assert told(answer)[-1] == "1 job completed."
    assert (job.operator, job.by.username) == (ada, "boss")


def test_cancelling_asks_why(boss, own):
    jobs = [planned(boss, own.line, f"PO-{number}") for number in range(2)]
    asked = act(boss, "cancel", *jobs)
    assert asked.status_code == 200
    assert act(boss, "cancel", *jobs, apply="1", reason=" ").status_code == 200
    assert Job.objects.filter(status="cancelled").count() == 0
    answer = act(boss, "cancel", *jobs, apply="1", reason="no flour")
    assert told(answer)[-1] == "2 jobs cancelled."
    assert set(Job.objects.values_list("status", "cancel_reason")) == {
        ("cancelled", "no flour")
    }


def test_what_stands_against_a_start_is_said(boss, own, ada):
    first, second = (planned(boss, own.line, f"PO-{number}") for number in range(2))
    act(boss, "assign", first, second, apply="1", operator=ada.pk)
    answer = act(boss, "start", first, second)
    assert told(answer)[-2:] == [
        "Job PO-0 runs on Line L-OWN: pause or complete it first.",
        "1 job started.",
    ]


def test_who_plans_no_jobs_only_reads_them(boss, own, as_user):
    job = planned(boss, own.line)
    operator = as_user(plant.person("eve", "operator", own.line, is_staff=True))
    page = operator.get(url(PAGE, "changelist"))
    assert page.status_code == 200
    assert b"PO-1" in page.content
    act(operator, "cancel", job, apply="1", reason="x")
    assert Job.objects.get().status == "planned"
    assert operator.get(url(PAGE, "add")).status_code == 403
    assert operator.get(url(PAGE, "change", job.pk)).context["has_change_permission"] is False


def test_foreign_jobs_are_not_there(boss, own, foreign, as_user):
    theirs = as_user(plant.person("them", "shift_manager", foreign.line, is_staff=True))
    job = planned(theirs, foreign.line, "PO-9")
    assert b"PO-9" not in boss.get(url(PAGE, "changelist")).content
    act(boss, "cancel", job, apply="1", reason="x")
    assert Job.objects.get().status == "planned"
    assert boss.get(url(PAGE, "change", job.pk)).status_code == 302


def test_nobody_deletes_a_job(root, own):
    job = planned(root, own.line)
    assert root.post(url(PAGE, "delete", job.pk), {"post": "yes"}).status_code == 403


def test_the_list_warns_of_a_line_that_makes_another_product(boss, own, ada):
    job = planned(boss, own.line)
    act(boss, "assign", job, apply="1", operator=ada.pk)
    act(boss, "start", job)
    rye = Product.objects.create(code="RYE", name="Rye loaf", plc_number=91)
    sentence = f"makes Rye loaf, the job is for {job.product.name}."
    assert sentence not in boss.get(url(PAGE, "changelist")).content.decode()
    Equipment.objects.filter(pk=own.equipment.pk).update(is_constraint=True)
    constraint = Equipment.objects.get(pk=own.equipment.pk)
    set_context(constraint, actor=None, at=timezone.now(), product=rye)
    page = boss.get(url(PAGE, "changelist")).content.decode()
    assert f"{constraint.name} {sentence}" in page
    act(boss, "pause", job, apply="1", reason="mixed up")
    assert sentence not in boss.get(url(PAGE, "changelist")).content.decode()


def test_what_an_action_asks_can_be_left_and_times_name_their_zone(boss, own):
    job = planned(boss, own.line)
    asked = act(boss, "cancel", job).content.decode()
    assert f'href="{url(PAGE, "changelist")}"' in asked
    assert asked.index(reverse("admin:jsi18n")) < asked.index("</head>")
    form = boss.get(url(PAGE, "change", job.pk)).content.decode()
    assert "Planned start at (UTC)" in form
