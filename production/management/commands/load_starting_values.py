"""Add the starting set of reasons and defects, once."""

from typing import Any

from django.core.management.base import BaseCommand

from production import starting


class Command(BaseCommand):
    """Adds the reasons of downtime and the defects whose codes are missing."""

    help = "Add the starting reasons of downtime and the starting defects. What people edited stays."

    def handle(self, *args: Any, **options: Any) -> None:
        reasons, defects = starting.load()
        self.stdout.write(f"{reasons} reasons and {defects} defects were added.")
