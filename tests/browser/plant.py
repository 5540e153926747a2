"""A small plant in a process of its own: it observes its machines every second, as the poll would.

Commands come as JSON lines on standard input, each is answered by one line; the process ends with its input.
"""

import contextlib
import json
import selectors
import sys
import time
from datetime import timedelta

import django

django.setup()

from django.db import transaction  # noqa: E402 - the apps must be loaded first
from django.utils import timezone  # noqa: E402

from andon import clock  # noqa: E402
from andon.actions import calls  # noqa: E402
from andon.models import AndonCall  # noqa: E402
from andon.sweep import sweep  # noqa: E402
from ms5.accounts.models import User  # noqa: E402
from production.actions import lose, observe  # noqa: E402
from production.models import Area, Equipment, IdealCycle, Line, LineAccess, Product, Site  # noqa: E402
from production.observation import CounterReading, FaultMessage, Observation  # noqa: E402
from production.processors import production  # noqa: E402
from telemetry.models import Plc, PlcLink, Tag  # noqa: E402

PERIOD_S = 1.0
MACHINES = (
    ("BP01.PACK.BAG1", "Bread bagger", "L-BAG1", True),
    ("BP01.PACK.BAG1.BL", "Basket loader", "L-BAG1", False),
    ("BP01.PACK.CW1", "Checkweigher", "L-PACK2", False),
    ("BP01.PACK.CP1", "Case packer", "L-PACK2", True),
)


class Plant:
    """What each machine shows at present, and whether the controllers answer."""

    def __init__(self):
        self.shown = {}
        self.counts = {}
        self.answering = set()

    def build(self, password):
        """Make site, lines, machines, controllers and people."""
        now = timezone.now()
        area = Area.objects.create(
            site=Site.objects.create(code="BP01", name="Bakery", time_zone="Europe/Berlin"),
            code="PACK",
            name="Packing",
        )
        lines = {
            code: Line.objects.create(area=area, code=code, name=name, position=position)
            for position, (code, name) in enumerate(
                (("L-BAG1", "Bagging line 1"), ("L-PACK2", "Packing line 2"))
            )
        }
        loaf = Product.objects.create(code="P500", name="500 g loaf", plc_number=1)
        for position, (code, name, line, is_constraint) in enumerate(MACHINES):
            machine = Equipment.objects.create(
                line=lines[line],
                code=code,
                name=name,
                position=position,
                is_constraint=is_constraint,
            )
            IdealCycle.objects.create(
                equipment=machine,
                product=loaf,
                seconds="0.6",
                effective_from=now - timedelta(days=1),
            )
            plc = Plc.objects.create(
                code=code.rpartition(".")[2].lower(),
                name=f"{name} PLC",
                protocol="modbus_tcp",
                host="127.0.0.1",
            )
            Tag.objects.create(
                plc=plc,
                name="Running",
                address="coil:1",
                data_type="bool",
                equipment=machine,
                role="running",
            )
            PlcLink.objects.create(plc=plc, status="connected", since=now, last_ok_at=now)
            self.shown[code] = {"state": "running", "faults": ()}
            self.counts[code] = 0
            self.answering.add(code)
        for name, role, all_lines, staff in (
            ("supervisor", "admin", True, True),
            ("operator", "operator", True, False),
            ("ayse", "shift_manager", True, False),
            ("max", "maintenance", True, False),
            ("viewer", "viewer", False, False),
            ("newcomer", "viewer", False, False),
        ):
            User.objects.create_user(
                name, password=password, role=role, all_lines=all_lines, is_staff=staff
            )
        LineAccess.objects.create(
            user=User.objects.get(username="viewer"), line=lines["L-BAG1"]
        )
        self.tick()

    def show(self, code, state, faults=()):
        """Let a machine show a state and its faults, now."""
        self.shown[code] = {"state": state, "faults": faults}
        self._observe([code])

    def mute(self, code):
        """Let the controller of a machine fall silent."""
        self.answering.discard(code)
        PlcLink.objects.filter(plc__tags__equipment__code=code).update(status="lost")
        machine = Equipment.objects.get(code=code)
        lose([machine.pk], "its controller does not answer", timezone.now())

    def unmute(self, code):
        """Let it answer again."""
        PlcLink.objects.filter(plc__tags__equipment__code=code).update(status="connected")
        self.answering.add(code)
        self._observe([code])

    def add_line(self, code, name):
        """Add a line without equipment at the end of the hall."""
        Line.objects.create(area=Area.objects.get(), code=code, name=name, position=99)

    def remove_line(self, code):
        """Take a line without equipment away."""
        Line.objects.get(code=code).delete()

    def end_session_of(self, username):
        """Change the password, which ends every session of that person."""
        with transaction.atomic():
            user = User.objects.get(username=username)
            user.set_password("another one, made up")
            user.save()

    def call(self, line, category, ago_s=0, machine=None, by="operator", **said):
        """Let a person call for help, some seconds ago."""
        at = clock.now() - timedelta(seconds=ago_s)
        calls.raise_call(
            Line.objects.get(code=line),
            equipment=machine and Equipment.objects.get(code=machine),
            category=category,
            priority=said.pop("priority", "high"),
            actor=User.objects.get(username=by),
            at=at,
            **said,
        )
        sweep()

    def answer(self, category, deed, ago_s=0, by="supervisor", **said):
        """Let a person answer the open call of the category."""
        call = AndonCall.objects.open().get(category=category)
        at = clock.now() - timedelta(seconds=ago_s)
        getattr(calls, deed)(call, actor=User.objects.get(username=by), at=at, **said)

    def no_calls(self):
        """Let every call be over and forgotten by its board."""
        for call in AndonCall.objects.open():
            boss = User.objects.get(username="supervisor")
            calls.resolve(call, actor=boss, at=clock.now(), text="over")

    def tick(self):
        """Do what the poll, the production processor and the sweep do every second."""
        self._observe(sorted(self.answering))
        production(timezone.now())
        sweep()

    def _observe(self, codes):
        now = timezone.now()
        machines = {
            machine.code: machine for machine in Equipment.objects.filter(code__in=codes)
        }
        said = []
        for code in codes:
            shown = self.shown[code]
            runs = shown["state"] == "running"
            self.counts[code] += 2 if runs else 0
            faults = tuple(
                FaultMessage(code=bit, text=text, severity="high", source="internal")
                for bit, text in shown["faults"]
            )
            said.append(
                Observation(
                    equipment_id=machines[code].pk,
                    source_at=now,
                    received_at=now,
                    quality="good",
                    state=shown["state"],
                    speed=92.0 if runs else 0.0,
                    counters=(CounterReading(kind="good", value=self.counts[code]),),
                    product_number=1,
                    faults=faults,
                )
            )
        observe(said)


def main():
    """Answer commands; between them, tick."""
    plant = Plant()
    waiting = selectors.DefaultSelector()
    waiting.register(sys.stdin, selectors.EVENT_READ)
    due = time.monotonic() + PERIOD_S
    while True:
        if waiting.select(max(0.0, due - time.monotonic())):
            line = sys.stdin.readline()
            if not line:
                return
            command = json.loads(line)
            getattr(plant, command.pop("do"))(**command)
            sys.stdout.write(json.dumps({"at": timezone.now().isoformat()}) + "\n")
            sys.stdout.flush()
        if time.monotonic() >= due:
            due += PERIOD_S
            plant.tick()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
