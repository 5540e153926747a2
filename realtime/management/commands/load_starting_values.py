"""Add the starting set of a plant, once: reasons and defects, and who is told of calls when."""

from typing import Any

from django.core.management.base import BaseCommand

from andon import starting as calls
from production import starting


class Command(BaseCommand):
    """Adds the reasons, defects, escalation policies and rules of calls that are missing."""

    help = (
        "Add the starting reasons of downtime, defects, escalation policies and rules that raise calls."
        " What people edited stays."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        reasons, defects = starting.load()
        policies, rules = calls.load()
        if options["verbosity"]:
            self.stdout.write(
                f"{reasons} reasons and {defects} defects, {policies} policies and {rules} rules were added."
            )
