"""Load the calls of the demo bakery."""

from typing import Any

from django.core.management.base import BaseCommand

from andon import clock
from andon.demo import load_rule, write_past


class Command(BaseCommand):
    help = (
        "Let the jams of the demo bakery raise calls, and write those of its last day's long stops. A second"
        " run changes nothing."
    )

    def handle(self, *_: Any, **options: Any) -> None:
        is_new, written = load_rule(), write_past(clock.now())
        if options["verbosity"]:
            self.stdout.write(f"{'A' if is_new else 'No'} new rule, {written} calls.")
