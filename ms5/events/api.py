"""The log by page, for programs that would rather ask than listen."""

import json
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from ms5.database import reading
from ms5.events.log import PLANT, epoch
from ms5.events.models import Event, Stream

MOST = 1000
_LARGEST = 2**63 - 1


class Ask(serializers.Serializer[dict[str, Any]]):
    """Which part of which stream."""

    stream = serializers.CharField(
        max_length=64, help_text="The code of a line, or `plant` for what concerns no line."
    )
    after = serializers.IntegerField(
        min_value=0, max_value=_LARGEST, default=0, help_text="The position you have."
    )
    limit = serializers.IntegerField(min_value=1, max_value=MOST, default=100)


def nobody(_user: AbstractBaseUser | AnonymousUser, _line: str) -> bool:
    """Let nobody read any line; whoever routes to the view says who may."""
    return False


class Events(APIView):
    """Facts of a stream in order, from the position you have.

    `next` is the position to ask with again; you have all when it equals `head`. Facts older than `tail` are
    no longer kept: if there are such after the position you have, `missing` is their range.
    """

    permission_classes = [IsAuthenticated]
    may_read: Callable[[Any, str], bool] = staticmethod(nobody)

    @extend_schema(parameters=[Ask], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> HttpResponse:
        ask = Ask(data=request.query_params)
        ask.is_valid(raise_exception=True)
        name: str = ask.validated_data["stream"]
        # `sys` is nobody's line, so it is not found like any other that does not exist.
        if name != PLANT and not self.may_read(request.user, name):
            raise NotFound("There is no such stream.")
        text = page(name, ask.validated_data["after"], ask.validated_data["limit"])
        return HttpResponse(text, content_type="application/json")


def page(name: str, after: int, limit: int) -> str:
    """Return the JSON of one page: its facts are the very texts that went over the wire."""
    life = epoch()
    with reading():
        stream = Stream.objects.filter(name=name).first() or Stream(name=name)
        rows = Event.objects.filter(stream__name=name, seq__gt=after).order_by("seq")[:limit]
        facts = list(rows.values_list("seq", "text"))
    head = {
        "stream": name,
        "epoch": life,
        "head": stream.head,
        "tail": stream.tail,
        "next": facts[-1][0] if facts else after,
        "missing": [after + 1, stream.tail - 1] if after + 1 < stream.tail else None,
    }
    texts = ",".join(text for _, text in facts)
    return f'{json.dumps(head)[:-1]}, "events": [{texts}]}}'
