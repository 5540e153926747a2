"""Endpoints of corrections: what was put right, putting right, a preview of it, and taking it back."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSetMixin

from ms5.accounts.models import User
from production.actions import corrections
from production.actions.correcting_counts import Adjusted, Requantified
from production.actions.correcting_downtimes import Merged, Moved, Reasoned, Split
from production.actions.correcting_plans import Planned
from production.actions.corrections import Preview, What
from production.api.acting import IDEMPOTENCY_KEY, MayAct, Refusal, act, actor_of
from production.api.base import ByEquipment, LineLimited, moment
from production.api.bodies import Body
from production.choices import CorrectionKind, CorrectionSubject, CountKind
from production.models import Correction, Count, Downtime, Equipment, Reason
from production.refusals import ActionRefused, NotAllowed
from production.visibility import limited

LARGEST = 2**53 - 1
LONGEST_REASON = corrections.LONGEST_REASON


class CorrectionSerializer(serializers.ModelSerializer[Correction]):
    """A correction: what it did, why, and what became of the OEE; `undone_by` takes it back."""

    equipment: ClassVar[Any] = serializers.SlugRelatedField(slug_field="code", read_only=True)
    undone_by = serializers.SerializerMethodField()

    class Meta:
        model = Correction
        fields = (
            "id",
            "equipment",
            "subject",
            "subject_id",
            "what",
            "undoes",
            "undone_by",
            "by_name",
            "reason",
            "before",
            "after",
            "corrected_at",
            "affected_from",
            "affected_to",
            "oee_before",
            "oee_after",
        )

    def get_undone_by(self, row: Correction) -> int | None:
        undoing: Correction | None = getattr(row, "undone_by", None)
        return undoing.pk if undoing else None


class AskedSerializer(Body):
    """What is to be put right; which fields are needed depends on `subject` and `what`."""

    subject = serializers.ChoiceField(CorrectionSubject.choices)
    what = serializers.ChoiceField(
        [choice for choice in CorrectionKind.choices if choice[0] != CorrectionKind.UNDO]
    )
    subject_id = serializers.IntegerField(required=False, min_value=1, max_value=LARGEST)
    equipment = serializers.CharField(required=False, max_length=64)
    reason = serializers.CharField(max_length=LONGEST_REASON, help_text="Why it is put right.")
    reason_code = serializers.CharField(
        required=False, allow_null=True, max_length=40, help_text="Of the downtime; null: none."
    )
    note = serializers.CharField(required=False, allow_blank=True, max_length=300)
    at = serializers.DateTimeField(required=False)
    other_id = serializers.IntegerField(required=False, min_value=1, max_value=LARGEST)
    started_at = serializers.DateTimeField(required=False)
    ended_at = serializers.DateTimeField(required=False)
    over_no_data = serializers.BooleanField(required=False, default=False)
    quantity = serializers.IntegerField(required=False, min_value=0, max_value=LARGEST)
    kind = serializers.ChoiceField(CountKind.choices, required=False)
    pieces = serializers.IntegerField(
        required=False,
        min_value=-LARGEST,
        max_value=LARGEST,
        help_text="Added at `at`, or below zero taken from the hour before it.",
    )
    planned_stop_reason = serializers.CharField(required=False, max_length=100)
    version = serializers.IntegerField(
        required=False,
        min_value=1,
        help_text="Of the downtime by which it was decided; refused if it has changed since.",
    )


class WhySerializer(Body):
    """Why a correction is taken back."""

    reason = serializers.CharField(max_length=LONGEST_REASON)


class EffectSerializer(serializers.Serializer[Any]):
    """OEE of the stretch and of its shift; null: no figure."""

    stretch = serializers.FloatField(allow_null=True)
    shift = serializers.FloatField(allow_null=True)
    shift_name = serializers.CharField(allow_null=True)


class PreviewSerializer(serializers.Serializer[Any]):
    """What a correction would do; nothing was written."""

    oee_before = serializers.FloatField(source="correction.oee_before", allow_null=True)
    oee_after = serializers.FloatField(source="correction.oee_after", allow_null=True)
    affected_from = serializers.DateTimeField(source="correction.affected_from")
    affected_to = serializers.DateTimeField(source="correction.affected_to")
    before = EffectSerializer()
    after = EffectSerializer()
    rows = serializers.ListField(child=serializers.DictField())


class CorrectionFilter(ByEquipment):
    """Corrections made in the half-open window."""

    subject = filters.ChoiceFilter(choices=CorrectionSubject.choices)
    what = filters.ChoiceFilter(choices=CorrectionKind.choices)
    subject_id = filters.NumberFilter()
    after = moment("corrected_at", "gte", "At or after this time.")
    before = moment("corrected_at", "lt", "Before this time.")


PREVIEW = OpenApiParameter("preview", bool, description="1: tell the effect, write nothing.")


class Corrections(LineLimited[Correction]):
    """What supervisors put right, newest first."""

    queryset = Correction.objects.select_related("equipment__line", "undone_by", "by")
    serializer_class = CorrectionSerializer
    filterset_class = CorrectionFilter
    permission_classes = (MayAct,)
    deeds: ClassVar[Mapping[str, str]] = {
        "create": corrections.PERMISSION,
        "preview": corrections.PERMISSION,
        "undo": corrections.PERMISSION,
    }
    within = "equipment__line"

    @extend_schema(
        request=AskedSerializer,
        responses={201: CorrectionSerializer},
        parameters=[IDEMPOTENCY_KEY, PREVIEW],
    )
    def create(self, request: Request) -> Response:
        """Put a record right; with `?preview=1` only tell what would come of it."""
        if request.query_params.get("preview") in {"1", "true"}:
            return self._previewed(request)
        equipment, what, why = self._asked(request)
        return act(
            request,
            lambda user: corrections.correct(
                equipment, what, actor=user, at=timezone.now(), reason=why
            ),
            present,
            created=True,
        )

    @extend_schema(request=AskedSerializer, responses={200: PreviewSerializer})
    @action(detail=False, methods=["post"])
    def preview(self, request: Request) -> Response:
        """Tell what a correction would do, and write nothing."""
        return self._previewed(request)

    def _previewed(self, request: Request) -> Response:
        equipment, what, why = self._asked(request)
        return previewed(
            request,
            lambda user, now: corrections.preview(
                equipment, what, actor=user, at=now, reason=why
            ),
        )

    @extend_schema(
        request=WhySerializer,
        responses={201: CorrectionSerializer},
        parameters=[IDEMPOTENCY_KEY, PREVIEW],
    )
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        """Take a correction back; taking that back does it again."""
        row = self.get_object()
        body = WhySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        why: str = body.validated_data["reason"]
        if request.query_params.get("preview") in {"1", "true"}:
            return previewed(
                request,
                lambda user, now: corrections.preview_undo(row, actor=user, at=now, reason=why),
            )
        return act(
            request,
            lambda user: corrections.undo(row, actor=user, at=timezone.now(), reason=why),
            present,
            created=True,
        )

    def _asked(self, request: Request) -> tuple[Equipment, What, str]:
        body = AskedSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked: dict[str, Any] = body.validated_data
        what = what_of(asked)
        return self._equipment(request, asked), what, asked["reason"]

    def _equipment(self, request: Request, asked: Mapping[str, Any]) -> Equipment:
        rows = limited(
            Equipment.objects.select_related("line__area__site"), request.user, "line"
        )
        if "equipment" in asked:
            found = rows.filter(code=asked["equipment"]).first()
        else:
            model: type[Downtime | Count] = (
                Downtime if asked["subject"] == CorrectionSubject.DOWNTIME else Count
            )
            number = asked["subject_id"]
            row = model.objects.filter(pk=number).first()
            found = rows.filter(pk=row.equipment_id).first() if row is not None else None
        if found is None:
            raise NotFound("There is no such equipment or record.")
        return found


def previewed(request: Request, see: Callable[[User, datetime], Preview]) -> Response:
    """Answer with a preview; what it refuses is answered as the deed's own refusal."""
    try:
        seen = see(actor_of(request), timezone.now())
    except NotAllowed as refused:
        raise PermissionDenied(refused.sentence) from refused
    except ActionRefused as refused:
        shown = present(refused.row) if refused.row is not None else None
        raise Refusal(refused, shown) from refused
    return Response(PreviewSerializer(seen).data)


def present(row: models.Model) -> dict[str, Any]:
    """Return the correction, or the row that stands against one."""
    if isinstance(row, Correction):
        return dict(CorrectionSerializer(row).data)
    if isinstance(row, Downtime):
        return {
            "id": row.pk,
            "started_at": row.started_at,
            "ended_at": row.ended_at,
            "reason": row.reason.code if row.reason else None,
            "version": row.version,
        }
    return {"id": row.pk}


def what_of(asked: Mapping[str, Any]) -> What:  # noqa: PLR0911 - one for each kind
    """Return what is asked for, or raise ValidationError naming the field that is missing."""
    version = asked.get("version")
    _demand_all(asked)
    match asked["subject"], asked["what"]:
        case "downtime", "reason":
            code = asked["reason_code"]
            reason = Reason.objects.filter(code=code).first() if code is not None else None
            if code is not None and reason is None:
                raise ValidationError({"reason_code": "There is no such reason."})
            return Reasoned(
                downtime_id=asked["subject_id"],
                reason=reason,
                note=asked.get("note"),
                version=version,
            )
        case "downtime", "split":
            return Split(
                downtime_id=asked["subject_id"],
                at=asked["at"],
                version=version,
            )
        case "downtime", "merge":
            return Merged(
                downtime_id=asked["subject_id"],
                other_id=asked["other_id"],
                version=version,
            )
        case "downtime", "ends":
            return Moved(
                downtime_id=asked["subject_id"],
                started_at=asked.get("started_at"),
                ended_at=asked.get("ended_at"),
                over_no_data=asked["over_no_data"],
                version=version,
            )
        case "count", "count" if "subject_id" in asked:
            return Requantified(count_id=asked["subject_id"], quantity=asked["quantity"])
        case "count", "count":
            return Adjusted(
                kind=asked["kind"],
                pieces=asked["pieces"],
                at=asked["at"],
            )
        case "span", "reason":
            return Planned(
                started_at=asked["started_at"],
                ended_at=asked["ended_at"],
                text=asked["planned_stop_reason"],
            )
    raise ValidationError({"what": "That cannot be done to such a record."})


_NEEDED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("downtime", "reason"): ("subject_id", "reason_code"),
    ("downtime", "split"): ("subject_id", "at"),
    ("downtime", "merge"): ("subject_id", "other_id"),
    ("downtime", "ends"): ("subject_id",),
    ("span", "reason"): ("equipment", "started_at", "ended_at", "planned_stop_reason"),
}


def _demand_all(asked: Mapping[str, Any]) -> None:
    """Raise ValidationError that names every field that is missing for what is asked."""
    what = (asked["subject"], asked["what"])
    wanted = _NEEDED.get(what, ())
    if what == ("count", "count"):
        wanted = (
            ("quantity",) if "subject_id" in asked else ("kind", "pieces", "at", "equipment")
        )
    missing = {name: "This field is required here." for name in wanted if name not in asked}
    if missing:
        raise ValidationError(missing, "required")


ROUTES: Sequence[tuple[str, type[ViewSetMixin]]] = (("corrections", Corrections),)
