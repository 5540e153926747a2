"""What a shard polls: PLCs with their tags and what those mean, as plain values read from the database."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import get_args

from django.conf import settings
from django.db.models import Count, Max
from django.utils import timezone

from ms5.events.facts import State
from production.models import Equipment, IdealCycle
from telemetry import quarantine
from telemetry.choices import DeadbandKind, Role
from telemetry.drivers.base import Endpoint, TagSpec
from telemetry.interpret import COUNTER_ROLES, STATE_ROLES
from telemetry.load import Caps
from telemetry.meaning import BitMeaning, Rule, TagMeaning
from telemetry.models import MessageBit, Plc, StateRule, Tag
from telemetry.models.stamps import stamps
from telemetry.validation import state_map_error

# Which role's PLC is the home of an equipment: the most telling first.
_RANK = {role: rank for rank, role in enumerate((*STATE_ROLES, *COUNTER_ROLES))}
_STATES: Mapping[str, State] = {state: state for state in get_args(State)}


@dataclass(frozen=True, slots=True, kw_only=True)
class WiredTag:
    """A tag as it is polled, interpreted and kept."""

    id: int
    plc_id: int
    plc_code: str
    spec: TagSpec
    meaning: TagMeaning
    deadband: float
    longest_interval: timedelta
    deadband_is_percent: bool = False
    serves: tuple[str, str] | None = None
    """Codes of the line and the equipment that it speaks of, in a role or none."""
    period_s: float = 1.0
    phase_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WiredEquipment:
    """An equipment with all its tags that play a role, in whichever PLC.

    One of those PLCs is its home: the one with the most telling of the tags. The equipment is observed
    when its home has been read, with what the others said last; it is lost when its home is.
    """

    id: int
    running_above: float
    tags: tuple[WiredTag, ...]
    rules: tuple[Rule, ...] = ()
    counts: frozenset[str] = frozenset()
    """The kinds that it has counters of. Those of a disabled PLC too: they add up when it is read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WiredPlc:
    """A PLC as it is polled. `serves` are (line, equipment) codes; `homes` whose home it is."""

    id: int
    code: str
    name: str
    protocol: str
    endpoint: Endpoint
    period_s: float
    tags: tuple[WiredTag, ...]
    caps: Caps
    serves: tuple[tuple[str, str], ...]
    homes: tuple[WiredEquipment, ...]
    quarantine: str = ""
    """Why none of its values counts: its program changed, and nobody has accepted it yet."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """The enabled PLCs of a shard by id, and the disabled ones."""

    version: tuple[object, ...]
    plcs: Mapping[int, WiredPlc]
    disabled: Mapping[int, WiredPlc]


def version() -> tuple[object, ...]:
    """Return what changes with any edit, addition or removal that matters to polling; six small queries."""
    edited = tuple(stamps(model.objects.all()) for model in (Plc, Tag, MessageBit, StateRule))
    # Those in force: one may have been set for later.
    cycles = IdealCycle.objects.filter(effective_from__lte=timezone.now())
    in_force = tuple(cycles.aggregate(rows=Count("pk"), newest=Max("pk")).values())
    equipment = Equipment.objects.order_by("pk").values_list(
        "pk", "code", "line__code", "running_above"
    )
    return (*edited, in_force, tuple(equipment))


def load(shard: int) -> Wiring:
    """Read the wiring of a shard. What is edited meanwhile changes the version and is read next time."""
    # The version first: an edit between the two is then seen twice, and never missed.
    seen = version()
    tags, plcs = _tags(), {plc.pk: plc for plc in Plc.objects.order_by("pk")}
    equipment = {each.pk: each for each in Equipment.objects.select_related("line")}
    distrusted = quarantine.standing(plcs.keys())
    homes: dict[int, list[WiredEquipment]] = defaultdict(list)
    for home, each in _equipment(tags, plcs, equipment):
        homes[home].append(each)
    wired: dict[int, WiredPlc] = {}
    for plc in plcs.values():
        if plc.shard % settings.POLL_SHARDS != shard:
            continue
        served = {equipment[key] for _, key in tags[plc.pk] if key is not None}
        wired[plc.pk] = WiredPlc(
            id=plc.pk,
            code=plc.code,
            name=plc.name,
            protocol=plc.protocol,
            endpoint=plc.endpoint,
            period_s=plc.poll_period_s,
            caps=Caps(plc.max_requests_per_s, plc.max_bytes_per_s),
            tags=tuple(tag for tag, _ in tags[plc.pk]),
            serves=tuple(sorted((each.line.code, each.code) for each in served)),
            homes=tuple(homes[plc.pk]),
            quarantine=distrusted.get(plc.pk, ""),
        )
    # PLCs of a line are read one after another, so that what they say is written together.
    in_order = sorted(wired.items(), key=lambda item: (item[1].serves[:1], item[0]))
    return Wiring(
        version=seen,
        plcs={key: each for key, each in in_order if plcs[key].enabled},
        disabled={key: each for key, each in wired.items() if not plcs[key].enabled},
    )


def _tags() -> Mapping[int, list[tuple[WiredTag, int | None]]]:
    """Return the enabled tags by PLC, each with the equipment it plays a role for."""
    bits: dict[int, list[BitMeaning]] = defaultdict(list)
    for bit in MessageBit.objects.order_by("tag", "bit"):
        bits[bit.tag_id].append(
            BitMeaning(bit.bit, bit.text, bit.kind, bit.severity, bit.source, bit.reason_code)
        )
    found: dict[int, list[tuple[WiredTag, int | None]]] = defaultdict(list)
    rows = Tag.objects.filter(enabled=True).select_related("plc", "equipment__line")
    for tag in rows.order_by("plc", "pk"):
        meaning = TagMeaning(
            name=tag.name,
            role=tag.role,
            data_type=tag.spec.data_type,
            scale=tag.scale,
            offset=tag.offset,
            # With a map that is wrong no word means anything, and the equipment says so.
            state_map={}
            if state_map_error(tag.role, tag.state_map, tag.numbering)
            else {int(raw): state for raw, state in tag.state_map.items()},
            numbering=tag.numbering,
            modulus=tag.modulus,
            max_per_minute=tag.max_per_minute,
            count_after_reset=tag.count_after_reset,
            period_s=tag.period_s or tag.plc.poll_period_s,
            source=_source(tag),
            bits=tuple(bits[tag.pk]),
        )
        wired = WiredTag(
            id=tag.pk,
            plc_id=tag.plc_id,
            plc_code=tag.plc.code,
            spec=tag.spec,
            meaning=meaning,
            deadband=tag.deadband,
            longest_interval=timedelta(seconds=tag.longest_interval_s),
            period_s=meaning.period_s,
            phase_s=tag.phase_s,
            deadband_is_percent=tag.deadband_kind == DeadbandKind.PERCENT,
            serves=(tag.equipment.line.code, tag.equipment.code) if tag.equipment else None,
        )
        found[tag.plc_id].append((wired, None if tag.role == Role.NONE else tag.equipment_id))
    return found


def _source(tag: Tag) -> str:
    """Return the same for the same value of the same controller, in sixteen characters."""
    plc, spec = tag.plc, tag.spec
    there = (plc.protocol, plc.host, plc.port, plc.path, spec.device_id, spec.address)
    how = (str(spec.data_type), spec.length, str(spec.word_order), tag.scale)
    return blake2b(repr(there + how).encode(), digest_size=8).hexdigest()


def _equipment(
    tags: Mapping[int, list[tuple[WiredTag, int | None]]],
    plcs: Mapping[int, Plc],
    equipment: Mapping[int, Equipment],
) -> Iterator[tuple[int, WiredEquipment]]:
    """Return each equipment that an enabled PLC speaks of, with its home."""
    by_equipment: dict[int, list[WiredTag]] = defaultdict(list)
    counts: dict[int, set[str]] = defaultdict(set)
    for plc_id, wired in tags.items():
        for tag, equipment_id in wired:
            if equipment_id is None:
                continue
            if plcs[plc_id].enabled:
                by_equipment[equipment_id].append(tag)
            if tag.meaning.role in COUNTER_ROLES:
                counts[equipment_id].add(COUNTER_ROLES[tag.meaning.role])
    rules = _rules(timezone.now())
    for equipment_id, own in by_equipment.items():
        home = min(own, key=lambda tag: _RANK.get(tag.meaning.role, len(_RANK))).plc_id
        yield (
            home,
            WiredEquipment(
                id=equipment_id,
                running_above=equipment[equipment_id].running_above,
                tags=tuple(tag if tag.plc_id == home else _guest(tag) for tag in own),
                rules=tuple(rules.get(equipment_id, ())),
                counts=frozenset(counts[equipment_id]),
            ),
        )


def _rules(now: datetime) -> Mapping[int, list[Rule]]:
    """Return the state rules by equipment. A cycle of no length of its own is the slowest that is in force."""
    found: dict[int, list[Rule]] = defaultdict(list)
    rows = list(StateRule.objects.order_by("equipment", "position"))
    slowest: dict[int, float] = {}
    standards = IdealCycle.objects.filter(
        equipment__in={row.equipment_id for row in rows}, effective_from__lte=now
    )
    newest = {
        (row.equipment_id, row.product_id): float(row.seconds)
        for row in standards.order_by("effective_from")
    }
    for (equipment_id, _), seconds in newest.items():
        slowest[equipment_id] = max(seconds, slowest.get(equipment_id, 0.0))
    for row in rows:
        cycle_s = row.cycle_s or slowest.get(row.equipment_id)
        within = None
        if row.cycles is not None and cycle_s is not None:
            within = timedelta(seconds=row.cycles * cycle_s)
        found[row.equipment_id].append(
            Rule(
                when=row.when,
                state=_STATES[row.state],
                number=row.number,
                above=row.above,
                within=within,
            )
        )
    return found


def _guest(tag: WiredTag) -> WiredTag:
    """Name the tag with its PLC, so that the `Fault[3]` of two PLCs are two faults."""
    name = f"{tag.plc_code}.{tag.meaning.name}"
    return replace(tag, meaning=replace(tag.meaning, name=name))
