"""Pages of quality: defects and thresholds are edited and audited, checks and alerts only looked at."""

import pytest
from django.utils import timezone

from ms5.accounts.models import AuditEntry
from production.models import (
    CheckDefect,
    Count,
    Defect,
    QualityAlert,
    QualityCheck,
    QualityThreshold,
)
from tests.web import plant
from tests.web.forms import errors, save, url


@pytest.fixture(autouse=True)
def no_quality_yet(own, foreign):
    """Take away what the plant of all pages brings: here each test makes what it looks at."""
    for rows in (QualityAlert, QualityThreshold, QualityCheck):
        rows.objects.all().delete()
    Count.objects.filter(by__isnull=False).delete()
    Defect.objects.all().delete()


@pytest.fixture
def quality(own, foreign, as_user):
    """Someone of quality who sees the own line alone."""
    return as_user(plant.person("quality", "quality", own.line, is_staff=True))


@pytest.fixture
def viewer(own, as_user):
    return as_user(plant.person("viewer", "viewer", own.line, is_staff=True))


def threshold(line, **fields):
    limits = {"warning": 0.05, "warning_clears": 0.03, "critical": 0.1, "critical_clears": 0.07}
    given = {"name": "Rejects", "metric": "reject_rate", "line": line, "window_size": 30}
    return QualityThreshold.objects.create(**given | limits | fields)


def alert(of, **fields):
    now = timezone.now()
    given = {
        "threshold": of,
        "line": of.line,
        "severity": "critical",
        "value": 0.125,
        "limit": 0.1,
        "clears_at": 0.07,
        "opened_at": now,
        "window_from": now,
        "window_to": now,
        "items": 800,
    }
    return QualityAlert.objects.create(**given | fields)


def test_a_defect_is_made_and_changed_and_its_code_stays(quality):
    assert save(quality, url(Defect, "add"), code="torn", name="Torn").status_code == 302
    torn = Defect.objects.get()
    answer = save(quality, url(Defect, "change", torn.pk), name="Torn bag", code="other")
    assert answer.status_code == 302, errors(answer)
    torn.refresh_from_db()
    assert (torn.code, torn.name) == ("torn", "Torn bag")
    assert set(AuditEntry.objects.values_list("action", flat=True)) == {
        "defect.add",
        "defect.change",
    }


def test_a_threshold_is_made_for_an_own_line_and_no_other(quality, own, foreign):
    fields = {
        "name": "Rejects",
        "line": own.line.pk,
        "metric": "reject_rate",
        "window_size": "30",
        "warning": "0.05",
        "warning_clears": "0.03",
        "critical": "0.1",
        "critical_clears": "0.07",
    }
    refused = save(quality, url(QualityThreshold, "add"), **fields | {"line": foreign.line.pk})
    assert "line" in errors(refused)[0]
    refused = save(quality, url(QualityThreshold, "add"), **fields | {"warning_clears": "0.06"})
    assert set(errors(refused)[0]) == {"warning_clears"}
    answer = save(quality, url(QualityThreshold, "add"), **fields)
    assert answer.status_code == 302, errors(answer)
    (entry,) = AuditEntry.objects.all()
    assert (entry.action, entry.line_id) == ("qualitythreshold.add", own.line.code)
    listed = quality.get(url(QualityThreshold, "changelist")).content.decode()
    assert "5\N{NO-BREAK SPACE}% / 3\N{NO-BREAK SPACE}%" in listed
    assert "30 minutes" in listed


def test_the_share_of_a_defect_names_it(quality, own):
    torn = Defect.objects.create(code="torn", name="Torn bag")
    threshold(own.line, metric="defect", defect=torn, equipment=own.equipment)
    listed = quality.get(url(QualityThreshold, "changelist")).content.decode()
    assert "share of Torn bag" in listed


def test_thresholds_checks_and_alerts_of_foreign_lines_are_not_there(quality, own, foreign):
    for line in (own.line, foreign.line):
        alert(threshold(line, name=f"Rejects of {line.code}"))
        QualityCheck.objects.create(
            line=line, kind="final", result="pass", checked=1, at=timezone.now()
        )
    for model in (QualityThreshold, QualityCheck, QualityAlert):
        page = quality.get(url(model, "changelist"))
        assert [row.line for row in page.context["cl"].result_list] == [own.line]
        theirs = model.objects.get(line=foreign.line)
        assert quality.get(url(model, "change", theirs.pk)).status_code == 302


def test_a_check_shows_its_defects_and_nobody_edits_it(root, own):
    torn = Defect.objects.create(code="torn", name="Torn bag")
    check = QualityCheck.objects.create(
        line=own.line, kind="final", result="fail", checked=20, failed=2, at=timezone.now()
    )
    CheckDefect.objects.create(check_row=check, defect=torn, quantity=2)
    assert "Torn bag" in root.get(url(QualityCheck, "change", check.pk)).content.decode()
    assert root.get(url(QualityCheck, "add")).status_code == 403
    assert root.post(url(QualityCheck, "delete", check.pk), {"post": "yes"}).status_code == 403


def test_alerts_are_found_by_whether_they_stand(root, own):
    stands = alert(threshold(own.line))
    cleared = alert(threshold(own.line), cleared_at=timezone.now(), value=None, why="too few")
    for chosen, expected in (("yes", [stands]), ("no", [cleared]), ("", [cleared, stands])):
        page = root.get(url(QualityAlert, "changelist"), {"open": chosen} if chosen else {})
        assert sorted(page.context["cl"].result_list, key=lambda row: -row.pk) == expected
    listed = root.get(url(QualityAlert, "changelist")).content.decode()
    assert "12.5\N{NO-BREAK SPACE}%" in listed
    assert "too few" in listed
    assert root.get(url(QualityAlert, "change", stands.pk)).status_code == 200
    assert root.get(url(QualityAlert, "add")).status_code == 403


def test_who_only_looks_sees_the_pages_and_changes_nothing(viewer, own):
    row = threshold(own.line)
    for model in (Defect, QualityThreshold, QualityCheck, QualityAlert):
        assert viewer.get(url(model, "changelist")).status_code == 200
        assert viewer.get(url(model, "add")).status_code == 403
    assert viewer.post(url(QualityThreshold, "change", row.pk), {}).status_code == 403


def test_a_cleared_alert_says_at_which_figure_it_was_cleared(quality, own):
    of = threshold(own.line)
    alert(of, cleared_at=timezone.now(), value=0.016)
    page = quality.get(url(QualityAlert, "changelist")).content.decode()
    assert "cleared at 1.6\N{NO-BREAK SPACE}%" in page
    QualityAlert.objects.update(value=None, why="the threshold is not in use")
    page = quality.get(url(QualityAlert, "changelist")).content.decode()
    assert "cleared: the threshold is not in use" in page
