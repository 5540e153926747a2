"""Who a connection is, which lines it sees, and whether that still holds."""

from collections.abc import Collection
from copy import copy
from dataclasses import dataclass
from datetime import datetime

from django.contrib.sessions.models import Session
from django.db.models import Q

from ms5.accounts.models import ApiToken, User
from ms5.accounts.roles import SEES_OPERATIONS
from ms5.database import chunks
from ms5.events.log import PLANT
from production.visibility import codes_visible_to_each
from realtime.protocol import CloseCode
from realtime.targets import Scope, Target

_OF_USERS = ("username", "password", "is_active", "is_superuser", "role", "all_lines")


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
    """Return what the user may see now, within the limits of the token they carry."""
    return _access(user, codes_visible_to_each([user])[0])


def look_again(
    credentials: Collection[Credential], now: datetime
) -> dict[Credential, Access | CloseCode]:
    """Return for each credential what it sees now, or with which code its connections end.

    Sessions, tokens, users and lines are read together, however many connections there are.
    A session holds while its row is there, unexpired, and the password is that of the sign-in. A token holds
    until it is revoked or expires; one that may not read any more ends as a disabled account does.
    """
    people = User.objects.only(*_OF_USERS).in_bulk({each.user_id for each in credentials})
    sessions = _live_sessions(
        {each.session_key for each in credentials if each.session_key}, now
    )
    tokens = _live_tokens(
        {each.token_id for each in credentials if each.token_id is not None}, now
    )
    stamps: dict[int, str] = {}
    found: dict[Credential, Access | CloseCode] = {}
    holding: list[tuple[Credential, User]] = []
    for credential in credentials:
        user = people.get(credential.user_id)
        if user is None:
            found[credential] = CloseCode.NOT_AUTHENTICATED
            continue
        if not user.is_active:
            found[credential] = CloseCode.DISABLED
            continue
        if credential.token_id is not None:
            user = copy(user)
            user.token = tokens.get(credential.token_id)
            holds = user.token is not None
        else:
            if user.pk not in stamps:
                stamps[user.pk] = user.get_session_auth_hash()
            right = credential.password_stamp == stamps[user.pk]
            holds = right and credential.session_key in sessions
        if not holds:
            found[credential] = CloseCode.NOT_AUTHENTICATED
        elif not user.may_read:
            found[credential] = CloseCode.DISABLED
        else:
            holding.append((credential, user))
    lines = codes_visible_to_each([user for _, user in holding])
    for (credential, user), codes in zip(holding, lines, strict=True):
        found[credential] = _access(user, codes)
    return found


_sets: dict[frozenset[str], frozenset[str]] = {}
_MOST_SETS = 1_000


def _one_for_all(lines: frozenset[str]) -> frozenset[str]:
    """Return the set that all who see these lines share: of a large plant it weighs kilobytes."""
    if len(_sets) > _MOST_SETS:
        _sets.clear()
    return _sets.setdefault(lines, lines)


def _access(user: User, lines: frozenset[str]) -> Access:
    return Access(
        user_id=user.pk,
        name=user.get_username(),
        lines=_one_for_all(lines),
        sees_operations=user.has_perm(SEES_OPERATIONS),
    )


def _live_sessions(keys: Collection[str], now: datetime) -> set[str]:
    return {
        key
        for some in chunks(keys)
        for key in Session.objects.filter(
            session_key__in=some, expire_date__gt=now
        ).values_list("session_key", flat=True)
    }


def _live_tokens(ids: Collection[int], now: datetime) -> dict[int, ApiToken]:
    unexpired = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
    return {
        token.pk: token
        for some in chunks(ids)
        for token in ApiToken.objects.only("scopes", "lines").filter(
            unexpired, pk__in=some, revoked_at__isnull=True
        )
    }


def streams_of(target: Target, equipment_line: str | None, access: Access) -> frozenset[str]:
    """Return the streams whose events the target may bring. Raises NotVisible.

    `equipment_line` is the line of the equipment that the target names, None if there is no such equipment.
    What a job or an escalation is about is not looked up: it may be on any line the user sees.
    """
    if target.is_wide:
        return access.lines | {PLANT}
    line = target.value if target.scope is Scope.LINE else equipment_line
    if line is None or line not in access.lines:
        raise NotVisible(target.target_id)
    return frozenset({line})
