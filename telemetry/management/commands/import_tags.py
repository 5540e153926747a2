"""`manage.py import_tags`: tags or message bits of a file into a controller, once it was seen what changes."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from ms5.accounts.models import User
from production.models import Equipment
from production.refusals import ActionRefused
from telemetry import importing
from telemetry.importers.rows import MOST_BYTES
from telemetry.models import Plc


class Command(BaseCommand):
    help = (
        "Show what a tag export of RSLogix 5000, Studio 5000 or RSLogix 500, or a list of message bits,"
        " would change of a controller; with --apply, change it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--plc", required=True, help="Code of the controller.")
        parser.add_argument(
            "--equipment", default="", help="Code of the equipment that its tags speak of."
        )
        parser.add_argument("--apply", action="store_true", help="Change it; else only show.")
        parser.add_argument(
            "--user", default="", help="Whose deed it is; needed to apply, for the audit."
        )
        parser.add_argument(
            "--everything",
            action="store_true",
            help="Poll new tags without a role too; else they are imported disabled.",
        )
        parser.add_argument(
            "--retire", action="store_true", help="Disable tags that the file has no more."
        )
        parser.add_argument(
            "--no-roles", action="store_true", help="Take none of the suggested roles."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        plc = Plc.objects.filter(code=options["plc"]).first()
        if plc is None:
            raise CommandError(f"There is no controller '{options['plc']}'.")
        equipment = Equipment.objects.filter(code=options["equipment"]).first()
        if options["equipment"] and equipment is None:
            raise CommandError(f"There is no equipment '{options['equipment']}'.")
        data = _data(options["file"])
        try:
            seen = importing.preview(data, plc, equipment)
            roles = {} if options["no_roles"] else dict(seen.roles)
            self._show(seen, roles)
            if not options["apply"]:
                self.stdout.write("Nothing was changed; --apply changes it.")
                return
            actor = User.objects.filter(username=options["user"], is_active=True).first()
            if actor is None:
                raise CommandError("Say with --user whose deed it is.")
            at = timezone.now()
            imported = importing.upload(
                plc, data, name=options["file"].name, equipment=equipment, actor=actor, at=at
            )
            importing.apply(
                imported,
                roles=roles,
                everything=options["everything"],
                retire=options["retire"],
                seen=seen.digest,
                actor=actor,
                at=at,
            )
        except ActionRefused as refused:
            raise CommandError(refused.sentence) from refused
        self.stdout.write("Applied.")

    def _show(self, seen: importing.Preview, roles: dict[str, str]) -> None:
        guessed = roles | seen.kinds
        for change in seen.changes:
            if change.what in {"unchanged", "passed over"}:
                continue
            line = "-" if change.line is None else str(change.line)
            guess = f" as {guessed[change.name]}" if change.name in guessed else ""
            told = change.why or ", ".join(
                f"{name}: {old!r} becomes {new!r}" for name, (old, new) in change.fields.items()
            )
            self.stdout.write(
                f"{line:>6}  {change.what:10} {change.name}{guess}  {told}".rstrip()
            )
        for tag, bits in seen.missing.items():
            told = ", ".join(bits)
            self.stdout.write(f"{'-':>6}  missing    {tag}: bits {told} are not in the file")
        counts = ", ".join(f"{count} {what}" for what, count in seen.counts.items() if count)
        self.stdout.write(f"{seen.found.kind}: {counts or 'nothing'}.")


def _data(path: Path) -> bytes:
    """Return the bytes of the file, and of one that is too big no more than show that it is."""
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as wrong:
        raise CommandError(f"{path} cannot be read: {wrong.strerror}.") from wrong
