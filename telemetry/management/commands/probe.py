"""`manage.py probe`: read one address of a controller once, in every way in which it could be meant."""

from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from telemetry.address import AddressError, parse_serial
from telemetry.choices import Protocol
from telemetry.drivers import base
from telemetry.models import Plc
from telemetry.probing import probe, shown
from telemetry.route import parse_route
from telemetry.validation import address_error

LONGEST_S = 30
"""As long as a controller's own timeout may be."""


class Command(BaseCommand):
    help = (
        "Read one address of a controller once and show value, type and quality; for Modbus in all byte"
        " orders, and at the register before, which a manual that counts from one means."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("host")
        parser.add_argument("address", help="Such as Speed, N7:0 or holding:100.")
        parser.add_argument(
            "--protocol", required=True, choices=[str(value) for value in Protocol.values]
        )
        parser.add_argument("--port", type=int, default=0, help="Else that of the protocol.")
        parser.add_argument(
            "--type",
            default=None,
            choices=[each.value for each in base.DataType],
            help="Else every type that takes as much room as one or two registers is tried.",
        )
        parser.add_argument("--length", type=int, default=1, help="Elements of an array.")
        parser.add_argument("--path", default="", help="Logix only: slot or CIP path.")
        parser.add_argument("--device-id", type=int, default=1, help="Modbus only.")
        parser.add_argument(
            "--serial", default="", help="Modbus RTU only: speed and format, such as 9600 8N1."
        )
        parser.add_argument(
            "--timeout", type=_seconds, default=2.0, help="Seconds, at most 30."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        protocol = options["protocol"]
        try:
            parse_serial(options["serial"])
            parse_route(options["path"])
        except AddressError as unreadable:
            raise CommandError(str(unreadable)) from unreadable
        port = options["port"] or (502 if protocol.startswith("modbus") else 44818)
        endpoint = Plc(
            protocol=protocol,
            host=options["host"],
            port=port,
            path=options["path"],
            serial=options["serial"],
            timeout_s=options["timeout"],
        ).endpoint
        self.stdout.write(f"{'address':24} {'type':14} {'value':24} quality")
        answered, why = 0, ""
        for data_type in _types(protocol, options["type"]):
            spec = base.TagSpec(
                options["address"],
                data_type,
                length=options["length"],
                device_id=options["device_id"],
            )
            if wrong := address_error(protocol, spec):
                why = why or wrong
                continue
            try:
                found = probe(endpoint, spec)
            except base.LinkDown as down:
                raise CommandError(str(down)) from down
            for address, kind, value, quality in shown(found):
                # Without a type in the question, an answer of another type is no news.
                if options["type"] is None and value == "-" and not quality.startswith("good"):
                    why = why or quality
                    continue
                answered += 1
                self.stdout.write(f"{address:24} {kind:14} {value[:60]:24} {quality}")
        if not answered:
            raise CommandError(why or "Nothing was read.")


def _seconds(written: str) -> float:
    """Return how long an answer may take. Raises what the parser makes a sentence of."""
    try:
        seconds = float(written)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= LONGEST_S:
        raise ArgumentTypeError(
            f"'{written}' is no time of more than 0 and up to {LONGEST_S} s"
        )
    return seconds


def _types(protocol: str, asked: str | None) -> list[base.DataType]:
    if asked is not None:
        return [base.DataType(asked)]
    names: tuple[str, ...]
    if protocol.startswith("modbus"):
        names = ("bool", "uint16", "int16", "uint32", "int32", "float32")
    elif protocol == "slc":
        names = ("bool", "int16", "int32", "float32", "string")
    else:
        names = ("bool", "int8", "int16", "int32", "int64", "float32", "float64", "string")
    return [base.DataType(name) for name in names]
