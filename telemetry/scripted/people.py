"""What people do in a script: they start and complete jobs, and say why the line stood."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from ms5.accounts.models import User
from production.actions import downtimes, job_queue, jobs
from production.models import Downtime, Job, Line, Product, Reason
from telemetry.scripted.script import Order, Said, Script
from telemetry.simulator.bakery_tags import BAG


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that somebody does at a second of the script."""

    second: int
    act: Callable[[datetime], object]


def deeds(script: Script, line: Line, began_at: datetime, actor: User) -> list[Deed]:
    """Plan the script's jobs, and return what is to be done in the course of it, in order."""
    found = [Deed(said.at, _says(said, began_at, actor)) for said in script.reasons]
    for order in script.orders:
        found += _of(order, _planned(order, line, began_at, actor), actor)
    return sorted(found, key=lambda deed: deed.second)


def _planned(order: Order, line: Line, at: datetime, actor: User) -> Job:
    job = job_queue.plan(
        line,
        actor=actor,
        at=at,
        number=order.number,
        product=Product.objects.get(plc_number=order.product),
        target=order.target,
        completes_at_target=order.ends is None,
    )
    return jobs.assign(job, actor, actor=actor, at=at)


def _of(order: Order, job: Job, actor: User) -> Iterator[Deed]:
    yield Deed(order.starts, lambda at: jobs.start(job, actor=actor, at=at))
    if order.ends is not None:
        yield Deed(order.ends, lambda at: jobs.complete(job, actor=actor, at=at))


def _says(said: Said, began_at: datetime, actor: User) -> Callable[[datetime], object]:
    def say(at: datetime) -> object:
        # Live, it began up to a poll's period after the script says so.
        downtime = (
            Downtime.objects.filter(
                equipment__code=BAG, started_at__gte=began_at + timedelta(seconds=said.of - 1)
            )
            .order_by("started_at")
            .first()
        )
        if downtime is None:
            raise LookupError(f"the stop at {said.of} s has not become a downtime")
        reason = Reason.objects.get(code=said.reason)
        return downtimes.say_reason(downtime, reason, actor=actor, at=at)

    return say
