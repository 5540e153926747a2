"""What people did in the past: jobs, reasons said and confirmed, checks; by the actions they use today."""

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from ms5.accounts.models import User
from production.actions import corrections, downtimes, job_queue, jobs, quality, set_context
from production.actions.corrections import Adjusted, Reasoned, Split
from production.models import Defect, Downtime, Equipment, Job, Line, Product, Reason
from telemetry.history.causes import Profile
from telemetry.history.course import Turn

CHECK_EVERY = timedelta(hours=2)
SAID, CONFIRMED, CORRECTED = 0.85, 0.7, 0.1
"""How many of the stops somebody explains, of these how many a supervisor confirms, of these corrects."""
AT_ONCE = 0.4
"""How many of those that get confirmed the supervisor explains alone."""
SPLIT, SPLIT_FROM = 0.4, timedelta(minutes=12)
"""How many of the long stops turn out to be two, and what a long one is."""
RECOUNTED = 0.25
"""How often a check that failed shows rejects that no counter saw."""
WANTED = (0.8, 0.98)
"""What is ordered, of what the line makes at its best in the campaign: some orders are missed."""
CHECKED = 30
SECOND_THOUGHTS = {"MAT_JAM": "SENSOR_FAIL", "MECH_FAULT": "BELT_BREAK"}
"""What a stop turned out to be afterwards."""
AFTER_A_SPLIT = "MAT_SHORTAGE"
WHY = {
    Reasoned: "Maintenance found another cause.",
    Split: "It was mended, and then the bags were missing.",
    Adjusted: "A basket that was held back is not to be sold.",
}
"""What the supervisor writes beside a correction."""
HELD_BACK = timedelta(minutes=5)
REMEMBERED = timedelta(days=4)
"""Longer than the bakery's longest rest."""


class People:
    """The crew of a line: an operator who says why it stood, a supervisor who plans and confirms."""

    def __init__(
        self,
        profile: Profile,
        line: Line,
        crew: Mapping[str, User],
        *,
        seed: int,
        until: datetime,
    ) -> None:
        self._chance = random.Random(f"people {profile.line} {seed}")  # noqa: S311 - no secrets
        self._profile = profile
        self._line = line
        self._until = until
        self._operator = crew["operator"]
        self._supervisor = crew["supervisor"]
        self._products = {product.plc_number: product for product in Product.objects.all()}
        self._reasons = {reason.code: reason for reason in Reason.objects.all()}
        self._defects = list(Defect.objects.filter(is_active=True))
        self._job: Job | None = None
        self._campaign = 0
        self._unnamed = list(Equipment.objects.filter(code__in=profile.unnamed))
        self._rejects_at = Equipment.objects.get(code=profile.rejects_at)
        self._checks_at: datetime | None = None
        self._told: dict[datetime, str] = {}
        self._newest_seen = 0

    def needs(self, turn: Turn) -> bool:
        """Whether `begin` would do something at this turn, so that what was seen before is written first."""
        if self._job is None:
            return turn.state == "running"
        return turn.campaign.number != self._campaign

    def begin(self, turn: Turn) -> None:
        """Change the job with the campaign; the first one begins when the line first runs."""
        if not self.needs(turn):
            return
        at = turn.began_at
        if self._job is not None:
            jobs.complete(self._job, actor=self._supervisor, at=at)
        self._campaign = turn.campaign.number
        product = self._products[turn.product]
        for machine in self._unnamed:
            set_context(machine, actor=self._operator, at=at, product=product)
        best = self._profile.speeds[turn.product] * turn.campaign.run_s / 60
        job = job_queue.plan(
            self._line,
            actor=self._supervisor,
            at=at,
            number=f"{self._profile.line[2:]}-{at:%y%m%d}-{self._campaign}",
            product=product,
            target=max(1, round(best * self._chance.uniform(*WANTED) / 100)) * 100,
        )
        # One has one running job: those of the packing line are the supervisor's.
        worker = self._operator if self._profile.names_product else self._supervisor
        job = jobs.assign(job, worker, actor=self._supervisor, at=at)
        self._job = jobs.start(job, actor=self._supervisor, at=at)

    def after(self, turns: Sequence[Turn], now: datetime) -> None:
        """Explain the stops that ended in these turns, and check some pieces when it is time."""
        self._told |= {turn.began_at: turn.reason for turn in turns if turn.reason}
        # In the past a downtime is found when it has ended, so its row is newer than those seen before.
        ended = Downtime.objects.filter(
            equipment__line=self._line, ended_at__isnull=False, pk__gt=self._newest_seen
        ).select_related("suggested", "equipment__line")
        for downtime in ended.order_by("pk"):
            self._explain(downtime, self._told.get(downtime.started_at, ""))
            self._newest_seen = max(self._newest_seen, downtime.pk)
        long_ago = now - REMEMBERED
        self._told = {at: reason for at, reason in self._told.items() if at > long_ago}
        if self._checks_at is None or now >= self._checks_at:
            self._checks_at = now + CHECK_EVERY
            if any(turn.state == "running" for turn in turns):
                self._check(now)

    def _explain(self, downtime: Downtime, told: str) -> None:
        suggested = downtime.suggested.code if downtime.suggested else ""
        reason = self._reasons.get(told or suggested)
        # A break is on the calendar: it is always known. Else some stay without a reason.
        is_known = told in {"BREAK_TIME", "CHANGEOVER"} or self._chance.random() < SAID
        if reason is None or not is_known or downtime.ended_at is None:
            return
        at = downtime.ended_at + timedelta(minutes=self._chance.uniform(0.5, 9))
        if at > self._until:  # they have not come to it yet
            return
        is_confirmed = self._chance.random() < CONFIRMED
        if not is_confirmed or self._chance.random() > AT_ONCE:
            downtimes.say_reason(downtime, reason, actor=self._operator, at=at)
        at += timedelta(minutes=20)
        if not is_confirmed or at > self._until:
            return
        downtimes.confirm(downtime, actor=self._supervisor, at=at, reason=reason)
        at += timedelta(minutes=25)
        what = self._second_thought(downtime, told) if at <= self._until else None
        if what is not None:
            self._correct(downtime.equipment, what, at)
        if isinstance(what, Split):
            second = Downtime.objects.get(equipment=downtime.equipment, started_at=what.at)
            waited = Reasoned(downtime_id=second.pk, reason=self._reasons[AFTER_A_SPLIT])
            self._correct(downtime.equipment, waited, at)
            self._newest_seen = second.pk

    def _second_thought(self, downtime: Downtime, told: str) -> Reasoned | Split | None:
        """Return what a supervisor finds out later about few of the stops."""
        if told in SECOND_THOUGHTS and self._chance.random() < CORRECTED:
            reason = self._reasons[SECOND_THOUGHTS[told]]
            return Reasoned(downtime_id=downtime.pk, reason=reason)
        lasted = (downtime.ended_at or downtime.started_at) - downtime.started_at
        if told in SECOND_THOUGHTS and lasted > SPLIT_FROM and self._chance.random() < SPLIT:
            share = self._chance.uniform(0.4, 0.8)
            seconds = round(lasted.total_seconds() * share)
            moment = downtime.started_at + timedelta(seconds=seconds)
            return Split(downtime_id=downtime.pk, at=moment)
        return None

    def _correct(
        self, equipment: Equipment, what: Reasoned | Split | Adjusted, at: datetime
    ) -> None:
        corrections.correct(
            equipment, what, actor=self._supervisor, at=at, reason=WHY[type(what)]
        )

    def _check(self, now: datetime) -> None:
        failed = self._chance.choices([0, 1, 2], [12, 3, 1])[0]
        defects = (
            {self._chance.choice(self._defects): failed} if failed and self._defects else {}
        )
        quality.check(
            self._line,
            kind="in_process",
            checked=CHECKED,
            failed=failed,
            defects=defects,
            actor=self._supervisor,
            at=now,
            now=now,
        )
        if failed and self._chance.random() < RECOUNTED:
            found = Adjusted(
                kind="reject", pieces=self._chance.randint(3, 25), at=now - HELD_BACK
            )
            self._correct(self._rejects_at, found, now)
