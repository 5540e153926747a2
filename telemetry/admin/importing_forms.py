"""The two forms of an import: which file for which equipment, and what to take of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldBooleanSwitchWidget,
)

from ms5.accounts.audited import actor
from production.choices import MessageKind
from production.models import Equipment
from production.visibility import limited
from telemetry.choices import Role
from telemetry.importers.rows import MOST_BYTES
from telemetry.importing import Preview

MOST_KINDS = 500
"""Of how many new bits the kind can be chosen before they are there: Django takes 1,000 fields of a form."""
_KIND = "kind_"
_PLAIN = "border border-base-200 bg-white rounded-default dark:bg-base-900 dark:border-base-700"
_NOBODY = ("", "no tag")
_SINGLE = [role for role in Role if role not in {Role.NONE, Role.MESSAGE_BITS}]


class FileForm(forms.Form):
    """Which file, and which equipment its tags speak of."""

    file = forms.FileField(
        widget=UnfoldAdminFileFieldWidget,
        help_text="A tag export of RSLogix 5000 or Studio 5000, a symbol export of RSLogix 500, or a"
        " list of message bits. Nothing changes before you have seen what would.",
    )
    equipment = forms.ModelChoiceField(
        Equipment.objects.none(),
        required=False,
        empty_label="none: store its values only",
        widget=UnfoldAdminSelectWidget,
        help_text="What the tags speak of. Roles are suggested by their names and types.",
    )

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = limited(Equipment.objects.select_related("line"), actor(request), "line")
        field = self.fields["equipment"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 - as declared above
        field.queryset = mine.order_by("code")

    def clean_file(self) -> "UploadedFile[Any]":
        file: UploadedFile[Any] = self.cleaned_data["file"]
        if file.size is None or file.size > MOST_BYTES:
            raise forms.ValidationError(
                f"The file has more than {MOST_BYTES // 1024 // 1024} MB."
            )
        return file


class _KindsInput(forms.HiddenInput):
    """One value from the selects beside the bits: hundreds of fields above the list would bury the others."""

    def value_from_datadict(
        self, data: Mapping[str, Any], files: object, name: str
    ) -> dict[str, str]:
        return {key.removeprefix(_KIND): data[key] for key in data if key.startswith(_KIND)}

    def render(self, *args: object, **kwargs: object) -> SafeString:
        return SafeString("")


class ChoicesForm(forms.Form):
    """What to take: which tag plays which role, and what becomes of the rest."""

    everything = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        label="Poll the new tags without a role too",
        help_text="Else they are imported disabled, and you enable what you want to see.",
    )
    retire = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        label="Disable tags that the file has no more",
        help_text="Nothing is deleted, and their samples stay.",
    )
    seen = forms.CharField(widget=forms.HiddenInput)
    kinds = forms.Field(widget=_KindsInput, required=False)

    def __init__(self, preview: Preview, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen"].initial = preview.digest
        self.fields["kinds"].initial = preview.kinds
        has_roles = []
        for role in _SINGLE:
            names = preview.choices.get(role, ())
            if not names:
                continue
            has_roles.append(role)
            self.fields[_field(role)] = forms.ChoiceField(
                choices=[_NOBODY, *((name, name) for name in names)],
                required=False,
                label=f"Role: {role.label}",
                initial=_played(preview.roles, role),
                widget=UnfoldAdminSelectWidget,
            )
        words = preview.choices.get(Role.MESSAGE_BITS, ())
        if words:
            self.fields[_field(Role.MESSAGE_BITS)] = forms.MultipleChoiceField(
                choices=[(name, name) for name in words],
                required=False,
                label=f"Role: {Role.MESSAGE_BITS.label}",
                initial=[
                    name for name, role in preview.roles.items() if role == "message_bits"
                ],
                widget=forms.CheckboxSelectMultiple,
            )
        self.order_fields([_field(role) for role in has_roles])
        if not any(change.what == "vanished" for change in preview.changes):
            del self.fields["retire"]

    def clean(self) -> dict[str, Any]:
        """Refuse a tag that is to play two roles."""
        cleaned = super().clean() or {}
        named: Sequence[str] = [
            cleaned[_field(role)] for role in _SINGLE if cleaned.get(_field(role))
        ]
        named = [*named, *cleaned.get(_field(Role.MESSAGE_BITS), ())]
        twice = {name for name in named if named.count(name) > 1}
        for name in sorted(twice):
            self.add_error(None, f"{name} cannot play two roles.")
        return cleaned

    @property
    def roles(self) -> dict[str, str]:
        """Return the role of each tag that was given one."""
        found = {
            self.cleaned_data[_field(role)]: str(role)
            for role in _SINGLE
            if self.cleaned_data.get(_field(role))
        }
        bits = self.cleaned_data.get(_field(Role.MESSAGE_BITS), ())
        return found | dict.fromkeys(bits, str(Role.MESSAGE_BITS))

    @cached_property
    def _chosen(self) -> dict[str, str]:
        return self["kinds"].value() or {}

    def kind_of(self, name: str) -> SafeString:
        """Return the select for the kind of a new bit; a plain one, for there may be hundreds of them."""
        chosen = self._chosen.get(name, "")
        options = format_html_join(
            "",
            "<option{}>{}</option>",
            ((SafeString(" selected" * (kind == chosen)), kind) for kind in MessageKind.values),
        )
        return format_html(
            '<select name="{}{}" aria-label="Kind of {}" class="{}">{}</select>',
            _KIND,
            name,
            name,
            _PLAIN,
            options,
        )


def _field(role: str) -> str:
    return f"role_{role}"


def _played(roles: Mapping[str, str], role: str) -> str:
    return next((name for name, played in roles.items() if played == role), "")
