"""Endpoints of master data: read, made, changed and deleted by the model's permissions, and audited."""

import copy
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models
from django.db.models import ProtectedError
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ModelViewSet

from ms5.accounts import audit
from ms5.accounts.audited import line_code
from ms5.accounts.models import User
from ms5.events.log import recording
from production.api.acting import IDEMPOTENCY_KEY, Refusal, act, actor_of
from production.api.base import KnownParameters
from production.api.bodies import Body
from production.refusals import ActionRefused

Row = TypeVar("Row", bound=models.Model)


class CleanedSerializer(Body, serializers.ModelSerializer[Row]):
    """Validates as a form does: the model's own `clean` and its constraints have the last word."""

    def validate(self, attrs: Mapping[str, Any]) -> Mapping[str, Any]:
        stored = self.instance
        model: type[models.Model] = self.Meta.model
        row = copy.copy(stored) if isinstance(stored, models.Model) else model()
        for name, value in attrs.items():
            setattr(row, name, value)
        try:
            row.full_clean()
        except ValidationError as wrong:
            raise serializers.ValidationError(wrong.message_dict) from wrong
        return attrs


class Edited(KnownParameters, ModelViewSet[Row]):
    """Every change is one transaction with its entry in the audit."""

    line_code_path: ClassVar[str] = ""

    @extend_schema(parameters=[IDEMPOTENCY_KEY])
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        def made(user: User) -> models.Model:
            serializer = self.get_serializer(data=request.data)
            serializer.is_valid(raise_exception=True)
            try:
                with recording():
                    row: Row = serializer.save()
                    self._keep(user, "add", row, after=audit.public_fields(row))
            except IntegrityError as taken:  # another was faster than the check before
                raise serializers.ValidationError(
                    {"detail": "There is one already."}, "unique"
                ) from taken
            return row

        return act(request, made, self._shown, created=True)

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with recording():
            row = self._locked()
            before = audit.public_fields(row)
            partial = bool(kwargs.get("partial"))
            serializer = self.get_serializer(row, data=request.data, partial=partial)
            serializer.is_valid(raise_exception=True)
            row = serializer.save()
            after = audit.public_fields(row)
            if after != before:
                self._keep(actor_of(request), "change", row, before=before, after=after)
        return Response(self._shown(row))

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        row = self.get_object()
        try:
            with recording():
                row = self._locked()
                self._keep(actor_of(request), "delete", row, before=audit.public_fields(row))
                row.delete()
        except ProtectedError as used:
            refused = ActionRefused("in_use", "Records name it; make it inactive instead.")
            raise Refusal(refused, self._shown(row)) from used
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _locked(self) -> Row:
        """Return the object of the request under its lock, as it is now."""
        found = self.get_object()
        rows = type(found)._default_manager.select_for_update(of=("self",))  # noqa: SLF001 - documented
        locked: Row = rows.get(pk=found.pk)
        return locked

    def _shown(self, row: models.Model) -> dict[str, Any]:
        return dict(self.get_serializer(row).data)

    def _keep(self, user: User, verb: str, row: Row, **fields: Mapping[str, Any]) -> None:
        name = row._meta.model_name  # noqa: SLF001 - Django's documented API
        line_id = line_code(row, self.line_code_path)
        audit.record(user, f"{name}.{verb}", row, line_id=line_id, **fields)
