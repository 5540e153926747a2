"""`POST /api/v1/ws-tickets/`: a ticket for a socket that can show neither cookie nor header."""

from typing import Any, cast

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ms5.accounts.models import ApiToken, User
from ms5.accounts.permissions import MayRead
from ms5.accounts.tickets import LIFE, Maker, issue_ticket


class TicketSerializer(serializers.Serializer[dict[str, Any]]):
    """A ticket, and for how many seconds it can be used, once."""

    ticket = serializers.CharField()
    expires_in = serializers.IntegerField()


class Tickets(APIView):
    """Make a ticket: the socket that sends it in its first frame within 5 s is let in as me."""

    permission_classes = [MayRead]

    @extend_schema(request=None, responses={201: TicketSerializer})
    def post(self, request: Request) -> Response:
        token = request.auth if isinstance(request.auth, ApiToken) else None
        key = "" if token else request.session.session_key or ""
        maker = Maker(cast("User", request.user), token, key)
        made = {
            "ticket": issue_ticket(maker, timezone.now()),
            "expires_in": int(LIFE.total_seconds()),
        }
        return Response(
            TicketSerializer(made).data,
            status=status.HTTP_201_CREATED,
            headers={"Cache-Control": "no-store"},
        )
