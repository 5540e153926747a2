"""Columns that several pages of controllers share: what a link and a tag said last."""

from ms5.admin_base import ago, column
from telemetry.digits import digits
from telemetry.drivers.base import DataType
from telemetry.models import Plc, PlcLink, Sample, Tag, TagLatest

LINK_COLOURS = {"connected": "success", "lost": "danger"}
QUALITY_COLOURS = {"good": "success", "uncertain": "warning", "bad": "danger"}
KIND_COLOURS = {"fault": "danger", "prompt": "info", "status": "success", "info": "info"}


def link_of(plc: Plc) -> PlcLink | None:
    """Return the link of a controller; None before its first poll."""
    return getattr(plc, "link", None)


def latest_of(tag: Tag) -> TagLatest | None:
    """Return what a tag said last; None before its first reading."""
    return getattr(tag, "latest", None)


def shown(reading: TagLatest | Sample) -> str | None:
    """Return what was read as text; None when there is nothing to believe."""
    if reading.value is not None:
        tag = reading.tag
        number = digits(reading.value, single=tag.data_type == DataType.FLOAT32)
        return f"{number} {tag.unit}".strip()
    return reading.text or None


class TagColumns:
    """Columns with what a tag said last."""

    @column("latest value")
    def latest_value(self, tag: Tag) -> str | None:
        latest = latest_of(tag)
        return shown(latest) if latest else None

    @column("quality", order="latest__quality", colours=QUALITY_COLOURS)
    def latest_quality(self, tag: Tag) -> tuple[str, str]:
        latest = latest_of(tag)
        return (latest.quality, latest.quality) if latest else ("none", "never read")

    @column("error")
    def latest_error(self, tag: Tag) -> str | None:
        latest = latest_of(tag)
        return (latest.error or None) if latest else None

    @column("read", order="latest__source_at")
    def latest_at(self, tag: Tag) -> str | None:
        latest = latest_of(tag)
        return ago(latest.source_at) if latest else None
