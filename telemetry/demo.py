"""The demo bakery as rows: plant, products, controllers where the simulated ones listen, and users."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from django.contrib.auth.hashers import make_password
from django.db import transaction

from ms5.accounts.models import User
from ms5.accounts.roles import Role
from ms5.events.log import recording
from production.actions import set_context
from production.models import (
    Area,
    Context,
    Equipment,
    IdealCycle,
    Line,
    LineAccess,
    Product,
    Site,
)
from telemetry.demo_rules import load_rules
from telemetry.models import MessageBit, Plc, Tag
from telemetry.simulator.bakery_tags import BAG, CASE, LOAD, PLCS, WEIGH, PlcRow, TagRow

LOOPBACK = "127.0.0.1"
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)

LINES = (("L-BAG1", "Bagging 1"), ("L-PACK2", "Packing 2"))
# Code, name, line, position in the flow, whether it is the constraint.
EQUIPMENT = (
    (BAG, "Bagger 1", "L-BAG1", 1, True),
    (LOAD, "Basket loader 1", "L-BAG1", 2, False),
    (WEIGH, "Checkweigher 1", "L-PACK2", 1, False),
    (CASE, "Case packer 1", "L-PACK2", 2, True),
)
# Code, name, number in the controllers, seconds a piece in bagger and loader.
PRODUCTS = (
    ("P500", "500 g loaf", 1, "0.6"),
    ("P750", "750 g loaf", 2, "0.75"),
    ("SPEC", "Speciality loaf", 3, "1"),
)
UNNAMED = (LOAD, WEIGH, CASE)
"""The machines whose controllers do not name the product."""
PACK_SECONDS = {WEIGH: "0.7", CASE: "7.5"}
# Name, role, whether it may enter the admin, whether it sees every line.
USERS = (
    ("admin", Role.ADMIN, True, True),
    ("supervisor", Role.PRODUCTION_MANAGER, True, True),
    ("manager", Role.SHIFT_MANAGER, True, True),
    ("engineer", Role.ENGINEER, True, True),
    ("maintenance", Role.MAINTENANCE, False, True),
    ("operator", Role.OPERATOR, False, True),
    ("viewer", Role.VIEWER, False, False),
)


@dataclass(frozen=True, slots=True)
class SimulatedPorts:
    """The first ports of the simulated controllers: on EtherNet/IP, and of Modbus; the second is next."""

    logix: int
    modbus: int

    def of(self, code: str) -> int:
        """Return the port on which the simulated PLC of this code listens."""
        row = next(row for row in PLCS if row.code == code)
        is_modbus = row.protocol == "modbus_tcp"
        alike = [each.code for each in PLCS if (each.protocol == "modbus_tcp") == is_modbus]
        return (self.modbus if is_modbus else self.logix) + alike.index(code)


@recording()
def load_plant(ports: SimulatedPorts) -> None:
    """Make what is missing of the demo plant. What people edited stays.

    Only the port of a PLC that still points at this machine follows the simulator, which takes another
    one when its own is in use.
    """
    site, _ = Site.objects.get_or_create(
        code="BP01", defaults={"name": "Bakery", "time_zone": "Europe/Berlin"}
    )
    area, _ = Area.objects.get_or_create(site=site, code="PACK", defaults={"name": "Packing"})
    lines = {
        code: Line.objects.get_or_create(
            code=code, defaults={"area": area, "name": name, "position": position}
        )[0]
        for position, (code, name) in enumerate(LINES, 1)
    }
    machines = {
        code: Equipment.objects.get_or_create(
            code=code,
            defaults={
                "line": lines[line],
                "name": name,
                "position": position,
                "is_constraint": is_constraint,
            },
        )[0]
        for code, name, line, position, is_constraint in EQUIPMENT
    }
    first = _products(machines)
    load_rules(site, lines)
    for code in UNNAMED:
        # Their controllers do not name the product; a person would. It holds for a past as well.
        if not Context.objects.filter(equipment=machines[code]).exists():
            set_context(machines[code], actor=None, at=BEGINNING, product=first)
    for row in PLCS:
        _plc(row, ports.of(row.code), machines)


def _products(machines: dict[str, Equipment]) -> Product:
    """Make the products with their ideal cycles; return the first."""
    for code, name, number, seconds in PRODUCTS:
        product, _ = Product.objects.get_or_create(
            code=code, defaults={"name": name, "plc_number": number}
        )
        for machine in machines.values():
            IdealCycle.objects.get_or_create(
                equipment=machine,
                product=product,
                effective_from=BEGINNING,
                defaults={"seconds": Decimal(PACK_SECONDS.get(machine.code, seconds))},
            )
    return Product.objects.get(code=PRODUCTS[0][0])


def _plc(row: PlcRow, port: int, machines: dict[str, Equipment]) -> None:
    plc, is_new = Plc.objects.get_or_create(
        code=row.code,
        defaults={"name": row.name, "protocol": row.protocol, "host": LOOPBACK, "port": port},
    )
    if is_new:
        for tag in row.tags:
            _tag(plc, row, tag, machines)
    elif plc.host == LOOPBACK and (plc.port, plc.protocol) != (port, row.protocol):
        if plc.protocol != row.protocol:
            _readdress(plc, row)
        plc.port, plc.protocol = port, row.protocol
        plc.save()


def _readdress(plc: Plc, row: PlcRow) -> None:
    """Let the tags of a demo made before its simulated PLC spoke another protocol follow it."""
    for tag in plc.tags.filter(name__in=[each.name for each in row.tags]):
        now = next(each for each in row.tags if each.name == tag.name)
        tag.address, tag.data_type, tag.modulus = now.address, now.data_type, now.modulus
        tag.save()


def _tag(plc: Plc, row: PlcRow, tag: TagRow, machines: dict[str, Equipment]) -> None:
    made = Tag.objects.create(
        plc=plc,
        name=tag.name,
        address=tag.address,
        data_type=tag.data_type,
        length=tag.length,
        byte_order=tag.byte_order,
        device_id=row.device_id,
        equipment=machines[tag.equipment],
        role=tag.role,
        scale=tag.scale,
        offset=tag.offset,
        unit=tag.unit,
        state_map={str(raw): state for raw, state in tag.state_map.items()},
        numbering=tag.numbering,
        modulus=tag.modulus,
        max_per_minute=tag.max_per_minute,
        # A speed that has settled trembles by less than this.
        deadband=0.5 if tag.role == "speed" else 0,
    )
    MessageBit.objects.bulk_create(
        MessageBit(
            tag=made,
            bit=bit.bit,
            text=bit.description,
            kind=bit.kind,
            severity=bit.severity,
            source=bit.source,
            reason_code=bit.reason,
        )
        for bit in tag.bits
    )


@transaction.atomic
def load_users(password: str) -> list[str]:
    """Make the demo's users where they are missing and give each this password; return their names."""
    hashed = make_password(
        password
    )  # once: hashing is slow by intent, and the demo is waited for
    for name, role, is_staff, sees_all in USERS:
        user, is_new = User.objects.get_or_create(
            username=name,
            defaults={
                "role": role,
                "is_staff": is_staff,
                "is_superuser": role == Role.ADMIN,
                "all_lines": sees_all,
            },
        )
        user.password = hashed
        user.save(update_fields=["password"])
        if is_new and not sees_all:
            LineAccess.objects.create(user=user, line=Line.objects.get(code=LINES[0][0]))
    return [name for name, *_ in USERS]
