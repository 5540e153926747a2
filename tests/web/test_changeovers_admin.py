"""Supervisors complete and call off changeovers in the admin, and set what they are measured by."""

from datetime import timedelta

import pytest
from django.utils import timezone

from ms5.accounts.models import AuditEntry
from production.actions import changeovers
from production.models import Changeover, ChangeoverTarget, Product, StepPlan
from tests.web import plant
from tests.web.forms import errors, form_of, save, url


@pytest.fixture(autouse=True)
def _bare(own, foreign):
    """The lines come with a changeover and a target each; here every test makes its own."""
    Changeover.objects.all().delete()
    ChangeoverTarget.objects.all().delete()


@pytest.fixture
def rolls(own):
    return Product.objects.create(code="ROLL", name="Rolls", plc_number=7)


@pytest.fixture
def person(own):
    return plant.person("pm", "production_manager", own.line, is_staff=True)


@pytest.fixture
def manager(person, as_user):
    return as_user(person)


@pytest.fixture
def running(own, rolls, person):
    began = timezone.now() - timedelta(minutes=5)
    return changeovers.start(own.line, rolls, actor=person, at=began)


def choose(client, action, *rows):
    chosen = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(url(Changeover, "changelist"), chosen, follow=True)


@pytest.mark.parametrize(
    ("action", "status"), [("complete", "completed"), ("call_off", "cancelled")]
)
def test_one_that_runs_is_ended_by_an_action(manager, running, person, action, status):
    answer = choose(manager, action, running)
    assert answer.status_code == 200
    running.refresh_from_db()
    assert (running.status, running.ended_by) == (status, person)
    assert AuditEntry.objects.first().action.startswith("changeover.c")


def test_one_that_is_over_says_so(manager, running, person):
    changeovers.cancel(running, actor=person, at=timezone.now())
    answer = choose(manager, "complete", running)
    (said,) = [str(message) for message in answer.context["messages"]]
    assert said.endswith("This changeover was cancelled already.")
    running.refresh_from_db()
    assert running.status == "cancelled"


def test_a_viewer_is_offered_no_action_and_takes_none(own, running, as_user):
    viewer = as_user(plant.person("v", "viewer", own.line, is_staff=True))
    assert viewer.get(url(Changeover, "changelist")).status_code == 200
    choose(viewer, "complete", running)
    running.refresh_from_db()
    assert running.status == "running"


def test_one_of_a_foreign_line_is_neither_seen_nor_ended(manager, foreign, rolls):
    chief = plant.person("chief", "admin", all_lines=True)
    theirs = changeovers.start(foreign.line, rolls, actor=chief, at=timezone.now())
    choose(manager, "complete", theirs)
    theirs.refresh_from_db()
    assert theirs.status == "running"
    assert plant.FOREIGN not in manager.get(url(Changeover, "changelist")).content.decode()


def test_nobody_edits_what_happened(manager, running):
    page = manager.get(url(Changeover, "change", running.pk))
    assert page.status_code == 200
    assert page.context["has_change_permission"] is False
    assert manager.get(url(Changeover, "add")).status_code == 403


def test_a_target_is_made_with_its_steps(manager, own, rolls):
    path = url(ChangeoverTarget, "add")
    values = form_of(manager.get(path)) | {
        "line": own.line.pk,
        "to_product": rolls.pk,
        "minutes": "12.5",
        "step_plans-TOTAL_FORMS": "1",
        "step_plans-0-position": "1",
        "step_plans-0-name": "Blades",
        "step_plans-0-kind": "internal",
        "step_plans-0-minutes": "4",
    }
    answer = manager.post(path, values)
    assert answer.status_code == 302, errors(answer)
    target = ChangeoverTarget.objects.get()
    assert (target.line, target.to_product) == (own.line, rolls)
    assert StepPlan.objects.get().target == target
    deeds = AuditEntry.objects.order_by("action").values_list("action", "line_id")
    assert list(deeds) == [("changeovertarget.add", "L-OWN"), ("stepplan.add", "L-OWN")]


def test_one_of_any_line_is_shown_and_left_to_who_sees_every_line(manager, own, as_user):
    target = ChangeoverTarget.objects.create(minutes=5)
    page = manager.get(url(ChangeoverTarget, "change", target.pk))
    assert page.context["has_change_permission"] is False
    answer = manager.post(url(ChangeoverTarget, "change", target.pk), {"minutes": "1"})
    assert answer.status_code == 403
    everywhere = as_user(
        plant.person("all", "production_manager", all_lines=True, is_staff=True)
    )
    answer = save(everywhere, url(ChangeoverTarget, "change", target.pk), minutes="6")
    assert answer.status_code == 302, errors(answer)
    target.refresh_from_db()
    assert target.minutes == 6


def test_who_sees_some_lines_names_the_line(manager, own, foreign):
    path = url(ChangeoverTarget, "add")
    values = form_of(manager.get(path)) | {"minutes": "5"}
    assert "line" in errors(manager.post(path, values))[0]
    values |= {"line": foreign.line.pk}
    assert "line" in errors(manager.post(path, values))[0]
    assert ChangeoverTarget.objects.count() == 0


def test_together_they_go_only_by_who_sees_every_line(manager, own):
    target = ChangeoverTarget.objects.create(minutes=5)
    chosen = {"action": "delete_selected", "_selected_action": [target.pk], "post": "yes"}
    manager.post(url(ChangeoverTarget, "changelist"), chosen)
    assert ChangeoverTarget.objects.count() == 1


@pytest.mark.parametrize("model", [Changeover, ChangeoverTarget])
def test_the_lists_open(manager, own, running, model):
    target = ChangeoverTarget.objects.create(line=own.line, minutes=5)
    StepPlan.objects.create(target=target, name="Blades")
    for query in ({}, {"q": "ROLL"}):
        assert manager.get(url(model, "changelist"), query).status_code == 200


@pytest.mark.parametrize(
    ("good", "told"), [(4, "4 of 10"), (10, "10 of 10"), (40, "40 (10 needed)")]
)
def test_a_row_of_good_pieces_is_never_more_than_was_needed(manager, running, good, told):
    Changeover.objects.update(good_in_a_row=good, good_needed=10)
    assert told in manager.get(url(Changeover, "changelist")).content.decode()
