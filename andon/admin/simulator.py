"""The page "Who would be told on Sunday at 03:10 if nobody reacts?"."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTimeWidget,
)

from andon.choices import Category, Channel, Priority, StepKind
from andon.forecast import Forecast, Foretold, forecast
from ms5.accounts.audited import actor
from ms5.accounts.roles import SEES_POLICY
from ms5.admin_base import length
from production.models import Line

if TYPE_CHECKING:
    LineField = forms.ModelChoiceField[Line]
else:
    LineField = forms.ModelChoiceField


class Asked(forms.Form):
    """What kind of call, where, and when by the wall clock of its site."""

    line = LineField(queryset=Line.objects.none(), widget=UnfoldAdminSelectWidget)
    category = forms.ChoiceField(choices=Category.choices, widget=UnfoldAdminSelectWidget)
    priority = forms.ChoiceField(choices=Priority.choices, widget=UnfoldAdminSelectWidget)
    day = forms.DateField(widget=UnfoldAdminDateWidget, label="Day")
    time = forms.TimeField(widget=UnfoldAdminTimeWidget, label="Time, wall clock of the site")

    def __init__(self, *args: Any, lines: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("Any", self.fields["line"]).queryset = lines

    def at(self) -> datetime:
        """Return the moment; of one that the clock brings twice the first."""
        said = self.cleaned_data
        zone = ZoneInfo(said["line"].area.site.time_zone)
        return datetime.combine(said["day"], said["time"], tzinfo=zone)


@dataclass(frozen=True, slots=True)
class Row:
    """A moment of the answer, as people read it."""

    clock: str
    after: str
    what: str
    recipients: str
    people: str
    channels: str


def simulator(request: HttpRequest) -> HttpResponse:
    """Ask for a call, and show whom each level and reminder would tell if nobody reacts."""
    user = actor(request)
    if not user.has_perm(SEES_POLICY):
        raise PermissionDenied
    lines = Line.objects.visible_to(user).select_related("area__site")
    form = Asked(request.GET or _usual(lines.first()), lines=lines)
    found = None
    if form.is_valid():
        said = form.cleaned_data
        found = forecast(said["line"], said["category"], said["priority"], form.at())
    context = {
        **admin.site.each_context(request),
        "title": "Who would be told?",
        "form": form,
        "media": form.media,
        "forecast": found,
        "answer": length(found.ladder.acknowledge_within_s) if found else "",
        "resolve": length(found.ladder.resolve_within_s) if found else "",
        "rows": list(_rows(found)) if found else [],
        "asked": bool(request.GET),
    }
    return TemplateResponse(request, "admin/andon/who_would_be_told.html", context)


def _usual(line: Line | None) -> dict[str, Any] | None:
    """Return a question to begin with: a stop of the first line, next Sunday at 03:10; None without lines."""
    if line is None:
        return None
    today = timezone.now().astimezone(ZoneInfo(line.area.site.time_zone)).date()
    sunday = today + timedelta(days=(6 - today.weekday()) % 7)
    return {
        "line": line.pk,
        "category": Category.STOP,
        "priority": Priority.HIGH,
        "day": sunday,
        "time": "03:10",
    }


def _rows(found: Forecast) -> Iterable[Row]:
    zone = ZoneInfo(found.line.area.site.time_zone)
    names = dict(Channel.choices)
    for each in found.rows:
        yield Row(
            clock=f"{each.at.astimezone(zone):%a %H:%M:%S}",
            after=length(each.after_s) if each.after_s else "at once",
            what=_what(each),
            recipients=", ".join(each.recipients),
            people=", ".join(each.people),
            channels=", ".join(str(names[channel]) for channel in each.channels),
        )


def _what(each: Foretold) -> str:
    kind = "Reminder on level" if each.kind == StepKind.REMINDER else "Level"
    return f"{kind} {each.level}"
