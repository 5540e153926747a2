"""The course of a line as chance has it, hour after hour, the same for the same seed (pure)."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from production.oee import Plan
from production.timeline import Stretch
from telemetry.history.causes import Cause, Profile

QUARTER = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)
AT_LAST = timedelta(minutes=30)
"""So long before the end it is told by the minute: a live board shows the rate of the last minutes."""
EPOCH = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
BAD_QUARTER = 0.012
"""How many of the quarters something was wrong with the bread."""
ROOM = timedelta(minutes=30)
"""What a changeover needs before a break."""
SHORTEST, RUNS_AGAIN = timedelta(seconds=5), timedelta(seconds=30)
LAST_PRODUCT_S = 8 * 3600
"""So long before the end the line goes back to its first product, with which the live bakery begins."""
LOST_S = (20, 300)
"""How long a controller is not reached, at least and at most."""
NO_DATA = "no_data"


@dataclass(frozen=True, slots=True)
class Campaign:
    """A product without a change, for about so many seconds of running; numbered from 1."""

    number: int
    product: int
    run_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What the constraint does in [began_at, ended_at)."""

    state: str
    began_at: datetime
    ended_at: datetime
    campaign: Campaign
    rate: float = 0.0
    """Pieces a minute; those made while nobody reads it are seen when it is read again."""
    reject_share: float = 0.0
    bit: int | None = None
    reason: str = ""
    """What somebody who saw it would say; empty while it runs."""

    @property
    def product(self) -> int:
        """The number of the product."""
        return self.campaign.product

    @property
    def seconds(self) -> float:
        return (self.ended_at - self.began_at).total_seconds()


class Course:
    """Chance, and where the line stands: its product, its next troubles, how good the day is."""

    def __init__(self, profile: Profile, seed: int, until: datetime) -> None:
        self._profile = profile
        self._chance = random.Random(f"{profile.line} {seed}")  # noqa: S311 - bread, not secrets
        self._until = until
        self._campaign = Campaign(1, 1, self._campaign_s())
        self._short_s = self._wait(profile.short_every_s)
        self._long_s = self._wait(profile.long_every_s)
        self._lost_s = self._wait(profile.lost_every_s)
        self._product_s = self._campaign.run_s
        self._day: object = None
        self._pace = 0.92

    def turns(self, plan: Sequence[Stretch[Plan]]) -> Iterator[Turn]:
        """Yield what happens in the stretches of a calendar, without a hole."""
        for stretch in plan:
            if stretch.what is Plan.SCHEDULED:
                yield from self._works(stretch.started_at, stretch.ended_at)
            else:
                reason = "BREAK_TIME" if stretch.what is Plan.PLANNED else "CLEANING"
                yield self._stands(stretch.started_at, stretch.ended_at, "stopped", reason)

    def _works(self, at: datetime, end: datetime) -> Iterator[Turn]:
        while at < end:
            self._new_day(at)
            lasts = min(self._short_s, self._long_s, self._lost_s, self._product_s)
            for turn in self._runs(at, min(end, at + timedelta(seconds=round(lasts)))):
                yield turn
                at = turn.ended_at
                self._short_s -= turn.seconds
                self._long_s -= turn.seconds
                self._lost_s -= turn.seconds
                self._product_s -= turn.seconds
            for turn in self._trouble(at, end) if at < end else ():
                yield turn
                at = turn.ended_at

    def _runs(self, at: datetime, end: datetime) -> Iterator[Turn]:
        """Yield running turns that end with each quarter of an hour, as pieces are tallied; at last, minute."""
        end = max(end, at + timedelta(seconds=1))
        while at < end:
            step = MINUTE if self._until - at < AT_LAST else QUARTER
            ended = min(end, EPOCH + ((at - EPOCH) // step + 1) * step)
            share = self._profile.reject_share * self._chance.uniform(0.4, 1.8)
            if self._chance.random() < BAD_QUARTER:
                share *= 6
            yield Turn(
                state="running",
                began_at=at,
                ended_at=ended,
                campaign=self._campaign,
                rate=self._rate(),
                reject_share=share,
            )
            at = ended

    def _trouble(self, at: datetime, end: datetime) -> Iterator[Turn]:
        if self._product_s <= 0.5 and end - at < ROOM:
            self._product_s = (
                end - at
            ).total_seconds() + 60  # nobody begins one before a break
        elif self._product_s <= 0.5:
            yield from self._changes_over(at, end)
        elif self._long_s <= 0.5:
            self._long_s = self._wait(self._profile.long_every_s)
            yield self._stops(at, end, self._profile.long)
        elif self._short_s <= 0.5:
            self._short_s = self._wait(self._profile.short_every_s)
            yield self._stops(at, end, self._profile.short)
        elif self._lost_s <= 0.5:
            self._lost_s = self._wait(self._profile.lost_every_s)
            yield self._is_lost(at, end)

    def _is_lost(self, at: datetime, end: datetime) -> Turn:
        """Return a while in which it runs, and nobody reads it."""
        lasts = timedelta(seconds=round(self._chance.triangular(*LOST_S, LOST_S[0])))
        return Turn(
            state=NO_DATA,
            began_at=at,
            ended_at=min(end, at + lasts),
            campaign=self._campaign,
            rate=self._rate(),
        )

    def _stops(self, at: datetime, end: datetime, causes: Sequence[Cause]) -> Turn:
        cause = self._chance.choices(causes, [cause.weight for cause in causes])[0]
        # The square makes most of them short, and few very long.
        share = self._chance.random() ** 2.5
        lasts = timedelta(seconds=round(cause.least_s + (cause.most_s - cause.least_s) * share))
        # It runs again before the break, so that no jam lasts for a weekend.
        latest = max(at + SHORTEST, end - RUNS_AGAIN)
        turn = self._stands(at, min(end, latest, at + lasts), cause.state, cause.reason)
        return replace(turn, bit=cause.bit)

    def _changes_over(self, at: datetime, end: datetime) -> Iterator[Turn]:
        """Begin a campaign. One of another product begins with a changeover.

        The line stands, test pieces are rejected, then it runs at rate.
        """
        before = self._campaign
        self._campaign = Campaign(before.number + 1, self._following(at), self._campaign_s())
        self._product_s = self._campaign.run_s
        if self._campaign.product == before.product:
            return
        stands = timedelta(seconds=round(self._chance.triangular(180, 900, 330)))
        yield self._stands(at, min(end, at + stands), "stopped", "CHANGEOVER")
        at = at + stands
        best = self._profile.speeds[self._campaign.product]
        for seconds, rejects in ((20, 0.5), (25, 0.15), (30, 0.0)):
            ended = min(end, at + timedelta(seconds=seconds))
            if at >= ended:
                return
            yield Turn(
                state="running",
                began_at=at,
                ended_at=ended,
                campaign=self._campaign,
                rate=best * 0.8,
                reject_share=rejects,
            )
            at = ended

    def _following(self, at: datetime) -> int:
        """Return the product that comes next: another one, if the controller can say so."""
        if not self._profile.names_product:
            return self._campaign.product
        if (self._until - at).total_seconds() < LAST_PRODUCT_S:
            return 1
        others = [each for each in self._profile.speeds if each != self._campaign.product]
        return self._chance.choice(others)

    def _rate(self) -> float:
        best = self._profile.speeds[self._campaign.product]
        return best * min(1.0, self._pace * self._chance.gauss(1, 0.02))

    def _stands(self, at: datetime, end: datetime, state: str, reason: str) -> Turn:
        return Turn(
            state=state, began_at=at, ended_at=end, campaign=self._campaign, reason=reason
        )

    def _new_day(self, at: datetime) -> None:
        """Give each day a pace of its own: crews, flour and weather differ."""
        if self._day != at.date():
            self._day = at.date()
            self._pace = self._chance.triangular(0.7, 0.98, 0.88)

    def _wait(self, mean_s: float) -> float:
        return 30 + self._chance.expovariate(1 / mean_s)

    def _campaign_s(self) -> float:
        return self._chance.uniform(3 * 3600, 6 * 3600)
