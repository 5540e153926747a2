"""Actions as POST: one deed a key, 409 with the present object, 403 and 400 with a sentence."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.db import models
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers, status
from rest_framework.exceptions import APIException, PermissionDenied, ValidationError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ms5.accounts.idempotency import LONGEST_KEY, Answer, KeyReused, digest, once
from ms5.accounts.models import User
from ms5.accounts.permissions import MayView, missing
from production.api.bodies import Body
from production.refusals import ActionRefused, NotAllowed

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description=(
        "Up to 100 characters of the caller's choosing, new for each deed. Asked again with the same key"
        " within two days, the deed is not done twice: its answer is given again, with the header"
        " `Idempotent-Replay: true`. The same key with another request is 400 `key_reused`; what was refused"
        " leaves the key unused."
    ),
)
Serialize = Callable[[Any], dict[str, Any]]


class Refusal(APIException):
    """A refused action: the sentence, the code, and the present object where one stands against it."""

    def __init__(self, refused: ActionRefused, present: dict[str, Any] | None) -> None:
        self.status_code = (
            status.HTTP_400_BAD_REQUEST if present is None else status.HTTP_409_CONFLICT
        )
        detail: dict[str, Any] = {"detail": refused.sentence, "code": refused.code}
        if present is not None:
            detail["present"] = present
        self.detail = detail


class MayAct(MayView):
    """Reading by the model's permission; an action by the one that its view names in `deeds`."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if request.method in SAFE_METHODS:
            return super().has_permission(request, view)
        # Of who is not signed in the framework then asks that first: 401, not 403.
        if not isinstance(request.user, User):
            return False
        deed = getattr(view, "action", None)
        if deed is None:
            return True  # there is no such method here, as the framework then says
        deeds: Mapping[str, str] = getattr(view, "deeds", {})
        wanted = deeds.get(deed)
        if wanted is None:
            return False
        self.message = missing(request.user, [wanted])
        return request.user.has_perm(wanted)


def actor_of(request: Request) -> User:
    """Return who asks; views of actions let nobody in who is not signed in."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def act(
    request: Request,
    deed: Callable[[User], models.Model],
    serialize: Serialize,
    *,
    created: bool = False,
) -> Response:
    """Do the deed once per `Idempotency-Key` and answer with its object.

    What the deed refuses is a problem: 403, 400, or 409 with the present object. Without a key every request
    is a deed of its own; the actions are idempotent by themselves where they can be.
    """
    user = actor_of(request)
    code = status.HTTP_201_CREATED if created else status.HTTP_200_OK
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > LONGEST_KEY:
        raise ValidationError(
            {"detail": f"An Idempotency-Key has up to {LONGEST_KEY} characters."}
        )
    try:
        if not key:
            return Response(serialize(deed(user)), status=code)
        asked = digest(request.method or "", request.path, _plain(request.data).encode())
        answer = once(user, key, asked, lambda: Answer(code, _json(serialize(deed(user)))))
    except NotAllowed as refused:
        raise PermissionDenied(refused.sentence) from refused
    except ActionRefused as refused:
        present = serialize(refused.row) if refused.row is not None else None
        raise Refusal(refused, present) from refused
    except KeyReused as reused:
        raise ValidationError({"detail": str(reused), "code": "key_reused"}) from reused
    headers = {"Idempotent-Replay": "true"} if answer.replayed else {}
    return Response(answer.body, status=answer.status, headers=headers)


def _plain(body: Any) -> str:
    return json.dumps(body, sort_keys=True, default=str)


def _json(body: dict[str, Any]) -> dict[str, Any]:
    """Return what the body is once it has been over the wire, as it will be replayed."""
    plain: dict[str, Any] = json.loads(json.dumps(body, cls=_Encoder))
    return plain


class _Encoder(json.JSONEncoder):
    def default(self, value: object) -> object:
        from rest_framework.utils.encoders import JSONEncoder  # noqa: PLC0415 - loads settings

        return JSONEncoder().default(value)


class Versioned(Body):
    """The body of an action that may say which version of the object it was decided by."""

    version = serializers.IntegerField(required=False, min_value=1)
