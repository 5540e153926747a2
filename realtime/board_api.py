"""The board of a line over HTTP: what its page draws and its socket sends."""

from typing import Any

import msgspec
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request

from production.models import Line
from production.visibility import limited
from realtime.boards import board_of


class LineBoard(GenericAPIView[Line]):
    """The line now: figures, open subjects, freshness, and the positions from which the socket goes on."""

    queryset = Line.objects.select_related("area__site")

    def get_queryset(self) -> "QuerySet[Line]":
        return limited(super().get_queryset(), self.request.user, "pk")

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, code: str) -> HttpResponse:
        line = self.get_queryset().filter(code=code).first()
        if line is None:
            raise Http404
        board: dict[str, Any] = board_of([line], timezone.now()).public()
        body = {"epoch": board["epoch"], "server_time": board["server_time"]} | board["lines"][
            code
        ]
        return HttpResponse(msgspec.json.encode(body), content_type="application/json")
