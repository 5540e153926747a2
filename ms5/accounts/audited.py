"""Admin pages whose every change by a person is written to the audit, in the same transaction."""

from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.contrib.auth.models import AnonymousUser
from django.db import models, transaction
from django.http import HttpRequest

from ms5.accounts.audit import public_fields, record
from ms5.accounts.models import User
from ms5.admin_base import FrozenCodeForm, MonitoredAdmin, SearchedChoices, ThemedInline

if TYPE_CHECKING:
    from django.forms import ModelForm


def actor(request: HttpRequest) -> User:
    """Return who is asking; the admin lets nobody in who is not signed in."""
    user: User | AnonymousUser = request.user
    return cast("User", user)


def line_code(subject: models.Model, path: str) -> str:
    """Return the code of the line found along `path`, such as `equipment.line.code`; empty for none."""
    if not path:
        return ""
    found: Any = subject
    for step in path.split("."):
        if found is None:
            return ""
        found = getattr(found, step)
    return str(found)


class _Paths:
    """Where the code of a row's line is found, by attributes from the row; empty for what has no line."""

    line_code_path: ClassVar[str] = ""


class AuditedInline(_Paths, SearchedChoices, ThemedInline):
    """Rows under their owner; the owner's page writes their audit."""

    extra = 0
    form = FrozenCodeForm


class AuditedAdmin(_Paths, SearchedChoices, MonitoredAdmin):
    """A page that people edit. `save_model` and its like are the only ways in, and each leaves an entry."""

    form: type[Any] = FrozenCodeForm
    save_on_top = False
    warn_unsaved_form = True

    def save_model(
        self,
        request: HttpRequest,
        obj: Any,
        form: "ModelForm[Any]",
        change: bool,  # noqa: FBT001 - as Django declares it
    ) -> None:
        with transaction.atomic():
            before = _stored(type(obj), [obj.pk]).get(obj.pk) if change else None
            super().save_model(request, obj, form, change)
            if before is None or form.has_changed():
                self.audit(request, "change" if before else "add", obj, before=before)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        with transaction.atomic():
            self.audit(request, "delete", obj, before=public_fields(obj))
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: "models.QuerySet[Any]") -> None:
        with transaction.atomic():
            for obj in queryset.select_for_update(of=("self",)):
                self.audit(request, "delete", obj, before=public_fields(obj))
            super().delete_queryset(request, queryset)

    def save_formset(
        self,
        request: HttpRequest,
        form: "ModelForm[Any]",
        formset: Any,
        change: bool,  # noqa: FBT001 - as Django declares it
    ) -> None:
        path = self._inline_path(formset.model)
        with transaction.atomic():
            kept = [each.instance.pk for each in formset.initial_forms if each.has_changed()]
            gone = [each.instance for each in formset.deleted_forms if each.instance.pk]
            before = _stored(formset.model, kept)
            for obj in gone:
                self.audit(request, "delete", obj, before=public_fields(obj), path=path)
            super().save_formset(request, form, formset, change)
            for obj, _ in formset.changed_objects:
                self.audit(request, "change", obj, before=before.get(obj.pk), path=path)
            for obj in formset.new_objects:
                self.audit(request, "add", obj, path=path)

    def audit(
        self,
        request: HttpRequest,
        verb: str,
        obj: models.Model,
        *,
        before: dict[str, Any] | None = None,
        path: str | None = None,
    ) -> None:
        """Write one entry; what it became is read from the object, unless it goes."""
        name = obj._meta.model_name  # noqa: SLF001 - Django's documented API
        after = None if verb == "delete" else public_fields(obj)
        line_id = line_code(obj, self.line_code_path if path is None else path)
        record(
            actor(request), f"{name}.{verb}", obj, before=before, after=after, line_id=line_id
        )

    def _inline_path(self, model: type[models.Model]) -> str:
        return next(
            (
                inline.line_code_path
                for inline in self.inlines
                if issubclass(inline, _Paths) and inline.model is model
            ),
            "",
        )


def _stored(model: type[models.Model], pks: list[Any]) -> dict[Any, dict[str, Any]]:
    """Return the columns of the rows as the database holds them, locked, by primary key."""
    # A model may be ordered by what it need not have, which a lock must not reach for.
    rows = model._base_manager.select_for_update(of=("self",)).filter(pk__in=pks)  # noqa: SLF001 - documented
    return {row.pk: public_fields(row) for row in rows}
