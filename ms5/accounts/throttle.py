"""Attempts to sign in, counted per account and per address before a password is looked at."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from ms5.accounts.models import SignInAttempts, User


@dataclass(frozen=True, slots=True)
class Rule:
    """So many wrong passwords cost nothing; each further one costs a pause, twice as long as the one before."""

    free: int
    first_pause: timedelta = timedelta(seconds=30)
    longest_pause: timedelta = timedelta(minutes=15)

    def pause(self, failures: int) -> timedelta:
        """Return how long to wait after so many failures."""
        beyond = failures - self.free
        if beyond < 0:
            return timedelta(0)
        # Beyond ten doublings the longest has long been reached.
        doublings: int = 2 ** min(beyond, 10)
        return min(self.longest_pause, self.first_pause * doublings)


# An address may be that of a whole plant, an account is one person's.
ACCOUNT = Rule(free=5)
ADDRESS = Rule(free=50)
# Who has been quiet for so long begins anew.
FORGOTTEN_AFTER = timedelta(hours=1)


class TooMany(Exception):
    """Nothing was tried. The same is said of accounts that exist and of those that do not.

    `from_address` says that the address must wait longest, and not the account.
    """

    def __init__(self, wait: timedelta, *, from_address: bool) -> None:
        super().__init__(wait)
        self.wait = wait
        self.from_address = from_address


@dataclass(frozen=True, slots=True)
class Attempt:
    """One that was let through: the rows it was counted in."""

    account: int
    address: int


def admit(username: str, address: str, now: datetime) -> Attempt:
    """Count an attempt as if it were wrong, and let it through. Raises TooMany, and counts nothing.

    It is counted before the password is looked at, with both rows locked: of a hundred guesses at once no
    more than the free ones are tried. `succeeded` takes it back.
    """
    user = User.objects.filter(username__iexact=username).only("pk").first()
    with transaction.atomic():
        SignInAttempts.objects.filter(last_at__lt=now - FORGOTTEN_AFTER).delete()
    by_name = _row(_key("account", username.casefold()), now, user=user)
    by_address = _row(_key("address", address), now, address=address)
    with transaction.atomic():
        ids = [by_name.pk, by_address.pk]
        rows = {
            row.pk: row
            for row in SignInAttempts.objects.select_for_update()
            .filter(pk__in=ids)
            .order_by("pk")
        }
        until = max((row.again_at for row in rows.values()), default=now)
        if until > now:
            of_account = rows.get(by_name.pk)
            from_address = of_account is None or of_account.again_at < until
            raise TooMany(until - now, from_address=from_address)
        for pk, rule in ((by_name.pk, ACCOUNT), (by_address.pk, ADDRESS)):
            # A row that was forgotten in between starts again with the next attempt.
            row = rows.get(pk)
            if row is not None:
                row.failures += 1
                row.last_at = now
                row.again_at = now + rule.pause(row.failures)
                row.save(update_fields=["failures", "last_at", "again_at"])
    return Attempt(by_name.pk, by_address.pk)


def succeeded(attempt: Attempt) -> None:
    """Take the attempt back: the password was right.

    The account begins anew; the address does not, or one who has an account could guess at others for ever.
    """
    with transaction.atomic():
        SignInAttempts.objects.filter(pk=attempt.account).delete()
        row = SignInAttempts.objects.select_for_update().filter(pk=attempt.address).first()
        if row is not None:
            row.failures = max(0, row.failures - 1)
            row.again_at = row.last_at + ADDRESS.pause(row.failures)
            row.save(update_fields=["failures", "again_at"])


def _row(
    key: str, now: datetime, *, user: User | None = None, address: str = ""
) -> SignInAttempts:
    fresh = {"user": user, "address": address, "last_at": now, "again_at": now}
    row, _ = SignInAttempts.objects.get_or_create(key=key, defaults=fresh)
    return row


def _key(kind: str, value: str) -> str:
    text = f"{kind}:{value}".encode()
    return hmac.new(settings.SECRET_KEY.encode(), text, hashlib.sha256).hexdigest()
