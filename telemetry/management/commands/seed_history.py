"""Write a believable past of the demo plant."""

import time
from argparse import ArgumentParser
from datetime import datetime, timedelta
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from telemetry.history.writing import DataIsThere, NoPlant, write_history

LONGEST_DAYS = 400


class Command(BaseCommand):
    help = (
        "Write a past of the demo plant through the same actions as its present: states, pieces, stops with"
        " their reasons, changeovers, jobs and checks. Only before the first observation; the same for the"
        " same --seed and --until."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=float, default=30.0)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument(
            "--until", help="Where it ends, such as 2026-11-24T06:00+01:00; now if not given."
        )
        parser.add_argument(
            "--if-empty", action="store_true", help="Do nothing, and say so, where data are."
        )

    def handle(self, *_: Any, **options: Any) -> None:
        until = _moment(options["until"])
        days = options["days"]
        if not 0 < days <= LONGEST_DAYS:
            raise CommandError(f"--days must be above 0 and at most {LONGEST_DAYS}.")
        start = (until - timedelta(days=days)).replace(minute=0, second=0, microsecond=0)
        began_s = time.monotonic()

        def say(at: datetime) -> None:
            self.stdout.write(
                f"written until {at:%Y-%m-%d %H:%M} UTC ({time.monotonic() - began_s:.0f} s)"
            )

        try:
            turns = write_history(start, until, options["seed"], say)
        except DataIsThere as error:
            if not options["if_empty"]:
                raise CommandError(str(error)) from error
            self.stdout.write("There are data already: no history was written.")
            return
        except NoPlant as error:
            raise CommandError(str(error)) from error
        # By its name: calls are what controllers know nothing of.
        call_command("seed_calls", verbosity=0)
        passed_s = time.monotonic() - began_s
        self.stdout.write(f"A history of {days:g} days, {turns} turns, in {passed_s:.0f} s.")


def _moment(text: str | None) -> datetime:
    if text is None:
        return timezone.now().replace(microsecond=0)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"--until: {text!r} is not a time in ISO 8601.") from error
    if moment.tzinfo is None:
        raise CommandError("--until needs a time zone, such as +01:00 or Z.")
    if moment > timezone.now():
        raise CommandError("--until lies in the future.")
    return moment
