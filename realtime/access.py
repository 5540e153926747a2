"""Who a connection is, which lines it sees, and whether that still holds."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.contrib.sessions.models import Session
from django.db.models import Q

from ms5.accounts.models import ApiToken, User
from ms5.events.log import PLANT
from production.models import Equipment, Line
from realtime.protocol import CloseCode
from realtime.targets import Scope, Target

SEES_OPERATIONS = "processes.view_heartbeat"
# SQLite takes a limited number of values in one query.
_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What a connection was let in with: a session, or else a token."""

    user_id: int
    session_key: str = ""
    password_stamp: str = ""
    """Changes with the user's password; sessions end then, tokens do not."""
    token_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a user may see, as of the last look."""

    user_id: int
    name: str
    lines: frozenset[str]
    sees_operations: bool

    def sees(self, line_id: str | None) -> bool:
        """Whether an event of this line may be told; what concerns no line is for everyone signed in."""
        return line_id is None or line_id in self.lines


class NotVisible(LookupError):
    """The target does not exist, or is not for this user; which one is not told."""


def access_of(user: User) -> Access:
    """Return what the user may see now."""
    return Access(
        user_id=user.pk,
        name=user.get_username(),
        lines=frozenset(Line.objects.visible_to(user).values_list("code", flat=True)),
        sees_operations=user.has_perm(SEES_OPERATIONS),
    )


def look_again(
    credentials: Collection[Credential], now: datetime
) -> dict[Credential, Access | CloseCode]:
    """Return for each credential what it sees now, or with which code its connections end.

    Sessions, tokens and users are read together, lines once per user, however many connections there are.
    A session holds while its row is there, unexpired, and the password is that of the sign-in.
    """
    users = User.objects.in_bulk({credential.user_id for credential in credentials})
    sessions = _live_sessions({c.session_key for c in credentials if c.session_key}, now)
    tokens = _live_tokens({c.token_id for c in credentials if c.token_id is not None}, now)
    seen: dict[int, Access] = {}
    found: dict[Credential, Access | CloseCode] = {}
    for credential in credentials:
        user = users.get(credential.user_id)
        if user is None:
            found[credential] = CloseCode.NOT_AUTHENTICATED
        elif not user.is_active:
            found[credential] = CloseCode.DISABLED
        elif not (
            credential.token_id in tokens
            if credential.token_id is not None
            else credential.session_key in sessions
            and credential.password_stamp == user.get_session_auth_hash()
        ):
            found[credential] = CloseCode.NOT_AUTHENTICATED
        else:
            if user.pk not in seen:
                seen[user.pk] = access_of(user)
            found[credential] = seen[user.pk]
    return found


def _live_sessions(keys: Collection[str], now: datetime) -> set[str]:
    ordered = list(keys)
    return {
        key
        for start in range(0, len(ordered), _CHUNK)
        for key in Session.objects.filter(
            session_key__in=ordered[start : start + _CHUNK], expire_date__gt=now
        ).values_list("session_key", flat=True)
    }


def _live_tokens(ids: Collection[int], now: datetime) -> set[int]:
    ordered = list(ids)
    unexpired = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
    return {
        pk
        for start in range(0, len(ordered), _CHUNK)
        for pk in ApiToken.objects.filter(
            unexpired, pk__in=ordered[start : start + _CHUNK], revoked_at__isnull=True
        ).values_list("pk", flat=True)
    }


def streams_of(target: Target, access: Access) -> frozenset[str]:
    """Return the streams whose events the target may bring. Raises NotVisible.

    Jobs and escalations cannot be named yet: there are none.
    """
    if target.is_wide:
        return access.lines | {PLANT}
    match target.scope:
        case Scope.LINE:
            line: str | None = target.value
        case Scope.EQUIPMENT:
            line = (
                Equipment.objects.filter(code=target.value)
                .values_list("line__code", flat=True)
                .first()
            )
        case _:
            line = None
    if line is None or line not in access.lines:
        raise NotVisible(target.target_id)
    return frozenset({line})
