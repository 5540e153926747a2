"""Play a script on the running demo plant and compare what comes out with its answer key."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ms5.accounts.models import User
from telemetry.scripted.days import SCRIPTS
from telemetry.scripted.live import DoorRefused, NothingRead, TooSlow, play


class Command(BaseCommand):
    help = (
        "Let the simulated controllers play a script, and compare states, pieces, stops, time and OEE with its"
        " answer key. It changes the plant's rules: use `make demo-verify`, which has a database of its own."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--script", choices=sorted(SCRIPTS), default="brief")
        parser.add_argument("--control-port", type=int, required=True)

    def handle(self, *_: Any, **options: Any) -> None:
        script = SCRIPTS[options["script"]]
        actor = User.objects.get(username="supervisor")
        try:
            rows = play(script, options["control_port"], actor, self.stdout.write)
        except (NothingRead, DoorRefused, TooSlow, LookupError) as error:
            raise CommandError(str(error)) from error
        width = max(len(row.what) for row in rows)
        middle = max(len(row.expected) for row in rows)
        self.stdout.write(f"{'':6} {'':{width}}  {'expected':{middle}}  measured")
        for row in rows:
            mark = "ok" if row.is_right else "WRONG"
            self.stdout.write(
                f"{mark:6} {row.what:{width}}  {row.expected:{middle}}  {row.measured}"
            )
        if wrong := sum(not row.is_right for row in rows):
            raise CommandError(f"{wrong} of {len(rows)} differ from the answer key.")
        self.stdout.write(f"All {len(rows)} agree with the answer key.")
