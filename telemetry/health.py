"""What is wrong with the controllers, in sentences, for the health check."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from telemetry.backoff import LOST_AFTER
from telemetry.choices import LinkStatus
from telemetry.models import ConfigurationWarning, Plc, PlcLink, Tag


def links(now: datetime) -> dict[str, str]:
    """Return what is wrong by PLC code; empty when each enabled PLC was just read and nobody is warned."""
    tags = Tag.objects.filter(plc=OuterRef("pk"), enabled=True)
    plcs = Plc.objects.filter(enabled=True).select_related("link")
    found = {
        plc.code: _wrong(plc, now) if plc.has_tags else "has no tags to be read"
        for plc in plcs.annotate(has_tags=Exists(tags))
    }
    for code, text in configuration().items():
        found[code] = f"{found[code]}; {text}" if found[code] else text
    return {code: wrong for code, wrong in found.items() if wrong}


def configuration() -> dict[str, str]:
    """Return what of a PLC's configuration is wrong, by its code, until somebody has seen to it."""
    rows = ConfigurationWarning.objects.filter(settled_at=None, plc__enabled=True)
    found: dict[str, str] = {}
    for code, text in rows.order_by("since", "pk").values_list("plc__code", "text"):
        found[code] = f"{found[code]} {text}" if code in found else text
    return found


def _wrong(plc: Plc, now: datetime) -> str:
    link: PlcLink | None = getattr(plc, "link", None)
    if link is None or (link.last_ok_at is None and not link.failures):
        return "has not been polled yet"
    if link.failures:
        lost = "lost" if link.status == LinkStatus.LOST else "failing"
        return f"{lost} for {link.failures} polls: {link.error}"
    # The rows are written a little after the reads, and a tick may be late.
    patience = timedelta(seconds=LOST_AFTER * (link.period_s or plc.poll_period_s))
    if link.last_ok_at is not None and now - link.last_ok_at > patience:
        silent_s = (now - link.last_ok_at).total_seconds()
        return f"was last read {silent_s:.0f} s ago"
    return link.load
