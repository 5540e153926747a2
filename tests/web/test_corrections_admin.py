"""The pages of corrections: a preview before anything is saved, the list, and taking back."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from production.actions import observe
from production.models import Correction, Count, Downtime, IdealCycle, Reason, Tally
from tests.factories import at, observation
from tests.web import plant
from tests.web.forms import save, url
from tests.web.test_corrections_api import downtime, machine, manager  # noqa: F401 - fixtures


def page(kind, row):
    return reverse("admin:production_correction_correct", args=[kind, row.pk])


def test_a_count_is_corrected_after_its_preview(manager, machine):  # noqa: F811 - a fixture
    row = Count.objects.get(quantity=500)
    path = page("count", row)
    assert manager.get(path).status_code == 200
    seen = manager.post(path, {"quantity": "450", "why": "dirty eye", "step": "preview"})
    assert "What it would change" in seen.content.decode()
    assert Correction.objects.count() == 0
    done = manager.post(path, {"quantity": "450", "why": "dirty eye", "step": "save"})
    assert done.status_code == 302
    made = Correction.objects.get()
    assert (made.after, made.reason) == ({"quantity": 450}, "dirty eye")
    listed = manager.get(reverse("admin:production_correction_changelist")).content.decode()
    assert "quantity: 500 → 450" in listed
    back = reverse("admin:production_correction_undo", args=[made.pk])
    chosen = manager.post(
        reverse("admin:production_correction_changelist"),
        {"action": "undo", "_selected_action": [made.pk]},
    )
    assert chosen["Location"] == back
    assert (
        "What it would change"
        in manager.post(back, {"why": "clean", "step": "preview"}).content.decode()
    )
    manager.post(back, {"why": "clean", "step": "save"})
    assert Correction.objects.get(undoes=made).reason == "clean"


def test_each_form_of_a_downtime_opens_and_says_what_is_refused(manager, downtime):  # noqa: F811
    for kind in ("reason", "split", "merge", "ends"):
        assert manager.get(page(kind, downtime)).status_code == 200
    outside = {"moment_0": "2026-11-23", "moment_1": "11:15:00", "why": "x", "step": "preview"}
    refused = manager.post(page("split", downtime), outside)
    assert "must lie within the downtime" in refused.content.decode()
    moment = {"moment_0": "2026-11-23", "moment_1": "10:15:00", "why": "two causes"}
    assert manager.post(page("split", downtime), {**moment, "step": "save"}).status_code == 302
    assert Downtime.objects.count() == 2
    assert manager.get(page("nothing", downtime)).status_code == 404


def test_the_catalogue_of_texts_stands_before_the_widgets_that_use_it(manager, downtime):  # noqa: F811
    for kind in ("split", "ends", "reason"):
        form = manager.get(page(kind, downtime)).content.decode()
        first = form.index(reverse("admin:jsi18n"))
        if kind != "reason":
            assert first < form.index("admin/js/core") < form.index("DateTimeShortcuts")
            assert first < form.index("admin/js/calendar")
            assert "(UTC)" in form
        assert "Cancel" in form


def test_reasons_are_offered_as_their_tree_and_told_by_their_names(manager, downtime):  # noqa: F811
    last = Reason.objects.create(code="B", name="Mechanical", position=8)
    first = Reason.objects.create(code="A", name="Waiting", position=7)
    below = Reason.objects.create(code="B1", name="Belt", parent=last, position=1)
    form = manager.get(page("reason", downtime)).content.decode()
    options = re.findall(r'<option value="(\d+)">[ \n]*([^<]*?)</option>', form)
    own = [(int(pk), text) for pk, text in options if int(pk) in {first.pk, last.pk, below.pk}]
    assert own == [
        (first.pk, "Waiting"),
        (last.pk, "Mechanical (group)"),
        (below.pk, "\N{EM SPACE}Belt"),
    ]
    said = {"reason": below.pk, "why": "seen"}
    seen = manager.post(page("reason", downtime), said | {"step": "preview"}).content.decode()
    row = re.sub(r"\s+", " ", seen)
    assert f'<th scope="row">Downtime {downtime.pk}</th>' in row
    assert "<td>reason</td><td>-</td><td>Belt</td>" in row
    assert "<td>note</td>" not in row
    manager.post(page("reason", downtime), said | {"step": "save"})
    listed = manager.get(reverse("admin:production_correction_changelist")).content.decode()
    assert "reason: - → Belt" in listed
    assert f"Reason: downtime {downtime.pk}" in listed


def test_moved_ends_are_told_to_the_minute_or_to_the_second(manager, downtime):  # noqa: F811
    ended = downtime.ended_at.strftime("%H:%M")
    moment = {"started_at_0": "2026-11-23", "started_at_1": "10:12:00", "why": "x"}
    seen = manager.post(page("ends", downtime), {**moment, "step": "preview"}).content.decode()
    assert f"23.11. 10:10 to {ended} UTC" in seen
    assert "<td>begins</td><td>23.11. 10:10 UTC</td><td>23.11. 10:12 UTC</td>" in seen
    moment["started_at_1"] = "10:10:20"
    seen = manager.post(page("ends", downtime), {**moment, "step": "preview"}).content.decode()
    assert "<td>23.11. 10:10:00 UTC</td><td>23.11. 10:10:20 UTC</td>" in seen


def test_only_a_neighbour_is_offered_to_be_merged_with(manager, downtime):  # noqa: F811
    alone = manager.get(page("merge", downtime)).content.decode()
    assert "It has no neighbour" in alone
    assert 'value="preview"' not in alone
    moment = {"moment_0": "2026-11-23", "moment_1": "10:15:00", "why": "two causes"}
    manager.post(page("split", downtime), {**moment, "step": "save"})
    other = Downtime.objects.latest("started_at")
    assert (
        f'<option value="{other.pk}">' in manager.get(page("merge", downtime)).content.decode()
    )
    asked = {"other": other.pk, "why": "one cause", "step": "save"}
    assert manager.post(page("merge", downtime), asked).status_code == 302
    merged = manager.get(page("split", other)).content.decode()
    assert "correct the downtime that has its time" in merged


def test_of_a_downtime_that_lasts_no_end_is_asked(manager, machine, downtime):  # noqa: F811
    assert 'name="ended_at_0"' in manager.get(page("ends", downtime)).content.decode()
    seen = [observation(machine, 1900, "stopped"), observation(machine, 4000, "stopped")]
    observe(seen)
    lasting = Downtime.objects.filter(ended_at=None).first()
    if lasting is None:
        lasting = Downtime.objects.create(equipment=machine, started_at=at(1900))
    form = manager.get(page("ends", lasting)).content.decode()
    assert 'name="started_at_0"' in form
    assert 'name="ended_at_0"' not in form
    assert "its end can be moved once it runs again" in form
    earlier = timezone.localtime(at(1850))
    asked = {
        "started_at_0": earlier.strftime("%Y-%m-%d"),
        "started_at_1": earlier.strftime("%H:%M:%S"),
        "why": "it stood before",
        "step": "save",
    }
    assert manager.post(page("ends", lasting), asked).status_code == 302
    lasting.refresh_from_db()
    assert (lasting.started_at, lasting.ended_at) == (at(1850), None)


def test_an_end_that_was_not_touched_keeps_its_microseconds(manager, machine, downtime):  # noqa: F811
    began = at(600.25)
    Downtime.objects.filter(pk=downtime.pk).update(started_at=began)
    asked = {"why": "mended earlier", "step": "save"}
    for name, moment in (("started_at", began), ("ended_at", at(1100))):
        local = timezone.localtime(moment)
        asked |= {f"{name}_0": f"{local:%Y-%m-%d}", f"{name}_1": f"{local:%H:%M:%S}"}
    assert manager.post(page("ends", downtime), asked).status_code == 302
    downtime.refresh_from_db()
    assert (downtime.started_at, downtime.ended_at) == (began, at(1100))


def test_what_somebody_changed_between_the_form_and_its_saving_is_not_saved(manager, downtime):  # noqa: F811
    form = manager.get(page("split", downtime)).content.decode()
    assert f'name="version" value="{downtime.version}"' in form
    asked = {"moment_0": "2026-11-23", "moment_1": "10:15:00", "why": "two", "step": "save"}
    Downtime.objects.filter(pk=downtime.pk).update(version=downtime.version + 1)
    refused = manager.post(page("split", downtime), asked | {"version": downtime.version})
    assert "Somebody changed it meanwhile" in refused.content.decode()
    assert Correction.objects.count() == 0


def test_lists_lead_to_the_forms(manager, downtime):  # noqa: F811
    listed = manager.get(reverse("admin:production_downtime_changelist")).content.decode()
    assert page("ends", downtime) in listed
    row = Count.objects.get(quantity=500)
    listed = manager.get(reverse("admin:production_count_changelist")).content.decode()
    assert page("count", row) in listed


def test_others_find_no_form(machine, downtime, foreign, as_user):  # noqa: F811
    operator = as_user(plant.person("op", "operator", machine.line, is_staff=True))
    stranger = as_user(plant.person("st", "shift_manager", foreign.line, is_staff=True))
    assert operator.get(page("split", downtime)).status_code == 403
    assert stranger.get(page("split", downtime)).status_code == 404


@pytest.fixture
def engineering(machine, as_user):  # noqa: F811
    return as_user(plant.person("eng", "engineer", machine.line, is_staff=True))


def test_an_ideal_cycle_that_was_missing_is_mended_for_the_past(engineering, machine):  # noqa: F811
    old = IdealCycle.objects.get()
    path = url(IdealCycle, "delete", old.pk)
    assert engineering.post(path, {"post": "yes"}).status_code == 302
    assert not IdealCycle.objects.exists()
    assert set(Count.objects.values_list("ideal_cycle", flat=True)) == {None}
    since = timezone.localtime(at(-86400))
    answer = engineering.post(
        url(IdealCycle, "add"),
        {
            "equipment": machine.pk,
            "product": old.product_id,
            "seconds": "0.5",
            "effective_from_0": since.strftime("%Y-%m-%d"),
            "effective_from_1": since.strftime("%H:%M:%S"),
        },
    )
    assert answer.status_code == 302
    new = IdealCycle.objects.get()
    counted = Count.objects.filter(quantity__gt=0, product__isnull=False)
    assert set(counted.values_list("ideal_cycle", flat=True)) == {new.pk}
    tallied = Tally.objects.filter(product=old.product_id)
    assert set(tallied.values_list("ideal_cycle", flat=True)) == {new.pk}
    answer = save(engineering, url(IdealCycle, "change", new.pk), effective_from_0="2030-01-01")
    assert answer.status_code == 302
    assert set(counted.values_list("ideal_cycle", flat=True)) == {None}


def test_a_threshold_and_a_method_are_saved_with_what_follows(engineering, machine):  # noqa: F811
    answer = save(
        engineering, url("production.equipment", "change", machine.pk), stop_after_s="700"
    )
    assert answer.status_code == 302
    answer = save(
        engineering, url("production.line", "change", machine.line_id), oee_method="sum"
    )
    assert answer.status_code == 302
    machine.refresh_from_db()
    assert (machine.stop_after_s, machine.line.oee_method) == (700, "sum")
