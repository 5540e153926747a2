"""Tickets: made by whoever is signed in, redeemed once by a socket, gone soon after."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from ms5.accounts.keys import BadKey, digest
from ms5.accounts.models import ApiToken, Ticket, User

PREFIX = "ms5t_"
LIFE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Maker:
    """Who asked for a ticket, and what with: a token, or else a session."""

    user: User
    token: ApiToken | None = None
    session_key: str = ""


def issue_ticket(maker: Maker, now: datetime) -> str:
    """Return a ticket for one socket of the maker's, good for `LIFE`; tickets that were not used in time go."""
    Ticket.objects.filter(expires_at__lte=now).delete()
    ticket = PREFIX + secrets.token_urlsafe(32)
    Ticket.objects.create(
        digest=digest(ticket),
        user=maker.user,
        token=maker.token,
        session_key="" if maker.token else maker.session_key,
        password_stamp="" if maker.token else maker.user.get_session_auth_hash(),
        expires_at=now + LIFE,
    )
    return ticket


def redeem(ticket: str, now: datetime) -> Ticket:
    """Return the ticket and use it up. Raises BadKey for one that is wrong, expired or used.

    Of two sockets that show it at once, in whichever processes, one statement lets exactly one in.
    Whether its maker is still signed in is for the caller to ask.
    """
    shown = digest(ticket)
    live = Ticket.objects.filter(digest=shown, used_at__isnull=True, expires_at__gt=now)
    if live.update(used_at=now) != 1:
        raise BadKey("the ticket is not valid")
    return Ticket.objects.get(digest=shown)
