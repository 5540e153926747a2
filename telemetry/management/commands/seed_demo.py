"""Load the demo bakery."""

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from ms5.accounts.models import User
from telemetry.demo import SimulatedPorts, load_plant, load_users
from telemetry.demo_rules import plan_jobs


class Command(BaseCommand):
    help = (
        "Load the demo bakery: plant, products, simulated controllers and users. A second run changes nothing"
        " that people edited; passwords are set anew, to MS5_DEMO_PASSWORD."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        for protocol, first in (("logix", "24818"), ("modbus", "25020")):
            variable = f"MS5_SIM_{protocol.upper()}_PORT"
            parser.add_argument(
                f"--{protocol}-port",
                type=int,
                default=int(os.environ.get(variable, first)),
                help=f"First of two ports of the simulator ({variable}).",
            )

    def handle(self, *_: Any, **options: Any) -> None:
        password = os.environ.get("MS5_DEMO_PASSWORD", "")
        if not password:
            raise CommandError(
                "MS5_DEMO_PASSWORD is not set: the demo's users need a password."
            )
        load_plant(SimulatedPorts(logix=options["logix_port"], modbus=options["modbus_port"]))
        # By its name: it is composed of what controllers know nothing of.
        call_command("load_starting_values", verbosity=0)
        users = load_users(password)
        call_command("seed_calls", verbosity=0)
        plan_jobs(User.objects.get(username="supervisor"), timezone.now())
        self.stdout.write(f"Demo users: {', '.join(users)}.")
