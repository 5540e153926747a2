"""How times stand in forms and lists of what people put right: named with their zone, to the minute."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminSplitDateTimeWidget


class MomentField(forms.SplitDateTimeField):
    """A day and a time of it, in UTC, which the label says."""

    def __init__(self, label: str, **kwargs: Any) -> None:
        super().__init__(
            label=f"{label} (UTC)", widget=UnfoldAdminSplitDateTimeWidget, **kwargs
        )


def minute(at: datetime) -> str:
    """Return a moment as a person reads it, such as `24.11. 03:15 UTC`."""
    return f"{at.astimezone(UTC):%d.%m. %H:%M} UTC"
