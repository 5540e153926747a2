"""The alert rules are of Prometheus' form, and speak only of metrics that exist, with labels they have."""

import re
from pathlib import Path

import pytest
import yaml
from django.utils import timezone

from realtime.collector import Everything

RULES = yaml.safe_load(
    (Path(__file__).parents[2] / "docs" / "alerts" / "ms5.rules.yml").read_text()
)
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
NAMED = re.compile(r"\bms5_[a-z0-9_]+\b")


@pytest.fixture
def labels(db):
    """Return the labels of each sample that /metrics can hold, by its name."""
    found = {}
    for family in Everything(None, timezone.now()).collect():
        own = set(family._labelnames)
        match family.type:
            case "counter":
                found[f"{family.name}_total"] = own
            case "histogram":
                found[f"{family.name}_bucket"] = own | {"le"}
            case "gauge":
                found[family.name] = own
    return found


def test_the_file_is_of_prometheus_form():
    assert [group["name"] for group in RULES["groups"]] == ["ms5"]
    names = [alert["alert"] for alert in ALERTS]
    assert len(names) == len(set(names))
    for alert in ALERTS:
        assert set(alert) <= {"alert", "expr", "for", "labels", "annotations"}, alert
        assert {"alert", "expr", "labels", "annotations"} <= set(alert), alert
        assert re.fullmatch(r"Ms5[A-Za-z]+", alert["alert"])
        assert re.fullmatch(r"\d+[smh]", alert.get("for", "1m"))
        assert alert["labels"]["severity"] in {"none", "warning", "critical"}
        assert set(alert["annotations"]) == {"summary"}
        assert alert["expr"].count("(") == alert["expr"].count(")")


def test_what_must_be_watched_is_watched():
    watched = {alert["alert"] for alert in ALERTS}
    assert watched >= {
        *("Ms5Watchdog", "Ms5TailStuck", "Ms5CanaryLost", "Ms5LogGap", "Ms5EpochChanged"),
        *("Ms5EscalationOverdue", "Ms5EscalationRescued", "Ms5NotificationsDead"),
        *("Ms5ProcessorLate", "Ms5PlcDown", "Ms5ResumesFail", "Ms5SlowClients"),
    }


@pytest.mark.parametrize("alert", ALERTS, ids=[alert["alert"] for alert in ALERTS])
def test_an_alert_speaks_of_metrics_and_labels_that_exist(alert, labels):
    named = NAMED.findall(alert["expr"])
    assert named or alert["alert"] == "Ms5Watchdog"
    known = set()
    for name in named:
        assert name in labels, f"{name} is no metric"
        known |= labels[name]
    selected = re.findall(r"(\w+)\s*(?:=|!=|=~|!~)\s*\"", alert["expr"])
    grouped = re.findall(r"\b(?:by|on) \(([^)]*)\)", alert["expr"])
    spoken = re.findall(r"\$labels\.(\w+)", alert["annotations"]["summary"])
    for label in [
        *selected,
        *spoken,
        *(one.strip() for part in grouped for one in part.split(",")),
    ]:
        assert label in known, f"{alert['alert']} speaks of {label}"
