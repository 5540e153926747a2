"""The sightings of a line as it stands now, for rules that begin to look at it."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from andon.judging import Sighting, sightings
from ms5.events.facts import Data
from ms5.events.models import Event
from production.models import Downtime, Fault, Line, QualityAlert
from production.public.downtimes import RELATED, downtime_of
from production.public.equipment import fault_of
from production.public.quality import alert_of


def present(line: Line) -> list[Sighting]:
    """Return what lasts on the line: by its rows, and of controllers by the newest fact that is kept."""
    return [each for type_, data in _subjects(line) for each in sightings(type_, data)]


def _subjects(line: Line) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for fault in Fault.objects.open().filter(equipment__line=line).select_related("equipment"):
        yield "equipment_fault", _plain(fault_of(fault, fault.equipment.code))
    lasting = Downtime.objects.filter(equipment__line=line, ended_at__isnull=True)
    for downtime in lasting.select_related(*RELATED):
        yield "downtime_event", _plain(downtime_of(downtime))
    alerts = QualityAlert.objects.filter(line=line, cleared_at__isnull=True)
    for alert in alerts.select_related(
        "threshold__equipment", "threshold__defect", "product", "job"
    ):
        yield "quality_alert", _plain(alert_of(alert))
    newest: dict[str, Mapping[str, Any]] = {}
    told = Event.objects.filter(stream__name=line.code, type="plc_status").order_by("seq")
    for text in told.values_list("text", flat=True):
        data = msgspec.json.decode(text)["data"]
        newest[data["plc"]] = data
    for data in newest.values():
        yield "plc_status", data


def _plain(data: Data) -> Mapping[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(data)
    return plain
