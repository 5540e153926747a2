"""Endpoints of jobs: the list of each line, its queue, and the moves of people as POST."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.viewsets import ViewSetMixin

from production.actions import jobs
from production.actions.job_guards import ANY, OWN
from production.api import job_bodies as bodies
from production.api.acting import IDEMPOTENCY_KEY, MayAct, Versioned, act
from production.api.base import ByLine, LineLimited, moment
from production.choices import JobStatus
from production.jobs import OVER, QUEUED
from production.models import Job, Line


class JobFilter(ByLine):
    """Jobs in a status, of an operator or a product, over or not, planned to begin in a half-open window."""

    status = filters.MultipleChoiceFilter(choices=JobStatus.choices)
    operator = filters.CharFilter(field_name="operator__username", label="Their user name.")
    product = filters.CharFilter(field_name="product__code", label="Code of the product.")
    open = filters.BooleanFilter(method="only_open", label="Whether it is not over.")
    after = moment("planned_start_at", "gte", "Planned to begin at or after this time.")
    before = moment("planned_start_at", "lt", "Planned to begin before this time.")

    def only_open(self, rows: "QuerySet[Job]", _: str, is_open: bool) -> "QuerySet[Job]":  # noqa: FBT001 - as the filters call it
        return rows.exclude(status__in=OVER) if is_open else rows.filter(status__in=OVER)


_ACTS: dict[str, Any] = {"responses": bodies.JobSerializer, "parameters": [IDEMPOTENCY_KEY]}


class Jobs(LineLimited[Job]):
    """Jobs by line, the queue first, then the newest. Its operator or a supervisor moves a job."""

    queryset = Job.objects.select_related("line", "product", "operator", "by")
    serializer_class = bodies.JobSerializer
    filterset_class = JobFilter
    search_fields = ("number", "product__name")
    permission_classes = (MayAct,)
    within = "line"
    deeds: ClassVar = {
        **dict.fromkeys(("create", "partial_update", "assign", "cancel", "reorder"), ANY),
        **dict.fromkeys(("accept", "start", "pause", "resume", "complete", "note"), OWN),
    }

    @extend_schema(
        request=bodies.PlanBody, **{**_ACTS, "responses": {201: bodies.JobSerializer}}
    )
    def create(self, request: Request) -> Response:
        """Plan a job at the end of its line's queue."""
        said = _said(bodies.PlanBody, request)
        line = said.pop("line")
        return act(
            request,
            lambda user: jobs.plan(line, actor=user, at=timezone.now(), **said),
            self._told,
            created=True,
        )

    @extend_schema(request=bodies.ChangeBody, **_ACTS)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change what is wanted, before it begins."""
        said = _said(bodies.ChangeBody, request, partial=True)
        return self._move(request, jobs.change, **said)

    @extend_schema(request=bodies.AssignBody, **_ACTS)
    @action(detail=True, methods=["post"])
    def assign(self, request: Request, pk: str) -> Response:
        """Give it to an operator, or take it back."""
        said = _said(bodies.AssignBody, request)
        operator = said.pop("operator")
        if operator is None:
            return self._move(request, jobs.unassign, **said)
        return self._move(request, jobs.assign, operator=operator, **said)

    @extend_schema(request=Versioned, **_ACTS)
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, pk: str) -> Response:
        """Say that its operator will do it."""
        return self._move(request, jobs.accept, **_said(Versioned, request))

    @extend_schema(request=Versioned, **_ACTS)
    @action(detail=True, methods=["post"])
    def start(self, request: Request, pk: str) -> Response:
        """Let it run; 409 names the job that runs on the line, or is run by its operator."""
        return self._move(request, jobs.start, **_said(Versioned, request))

    @extend_schema(request=bodies.PauseBody, **_ACTS)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """Let it rest."""
        return self._move(request, jobs.pause, **_said(bodies.PauseBody, request))

    @extend_schema(request=Versioned, **_ACTS)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Let it go on."""
        return self._move(request, jobs.resume, **_said(Versioned, request))

    @extend_schema(request=Versioned, **_ACTS)
    @action(detail=True, methods=["post"])
    def complete(self, request: Request, pk: str) -> Response:
        """Say that it is done, whatever its target."""
        return self._move(request, jobs.complete, **_said(Versioned, request))

    @extend_schema(request=bodies.CancelBody, **_ACTS)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Call it off."""
        return self._move(request, jobs.cancel, **_said(bodies.CancelBody, request))

    @extend_schema(request=bodies.NoteBody, **_ACTS)
    @action(detail=True, methods=["post"])
    def note(self, request: Request, pk: str) -> Response:
        """Note something about it."""
        said = _said(bodies.NoteBody, request)
        return self._move(request, jobs.note, text=said.pop("note"), **said)

    @extend_schema(
        request=bodies.ReorderBody,
        responses=bodies.QueueSerializer,
        parameters=[IDEMPOTENCY_KEY],
    )
    @action(detail=False, methods=["post"], filterset_class=None, pagination_class=None)
    def reorder(self, request: Request) -> Response:
        """Give a line's queue another order; 409 tells the present one if it is of other jobs by now."""
        said = _said(bodies.ReorderBody, request)
        line = said["line"]
        return act(
            request,
            lambda user: jobs.reorder(line, said["jobs"], actor=user, at=timezone.now()),
            _queue,
        )

    def _move(self, request: Request, move: Any, **said: Any) -> Response:
        job = self.get_object()
        return act(
            request,
            lambda user: move(job, actor=user, at=timezone.now(), **said),
            self._told,
        )

    def _told(self, job: Job) -> dict[str, Any]:
        """Return it as the detail shows it, read anew with what hangs on it."""
        fresh = super().get_queryset().get(pk=job.pk)
        return dict(bodies.JobSerializer(fresh).data)


def _queue(line: Line) -> dict[str, Any]:
    waiting = Job.objects.filter(line=line, status__in=QUEUED).order_by("position", "pk")
    return {"line": line.code, "jobs": list(waiting.values_list("pk", flat=True))}


def _said(
    body: type[Serializer[Any]], request: Request, *, partial: bool = False
) -> dict[str, Any]:
    """Return what the body says, checked."""
    checked = body(data=request.data, partial=partial, context={"request": request})
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


ROUTES: Sequence[tuple[str, type[ViewSetMixin]]] = (("jobs", Jobs),)
