"""What the readings of an equipment's tags say about it: state, speed, counts, product, faults (pure)."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from ms5.events.facts import State
from production.observation import (
    CODE_ROOM,
    CounterReading,
    FaultMessage,
    Observation,
    is_product,
)
from telemetry.drivers.base import Quality, Reading, Value
from telemetry.meaning import (
    WORD_BITS,
    Rule,
    TagMeaning,
    Unclear,
    engineering,
    known,
    number,
    pieces,
    scaled_modulus,
    whole,
)
from telemetry.movement import Seen
from telemetry.packml import mode_state, state_of
from telemetry.shortened import shortened

STATE_ROLES = ("state_word", "running", "speed", "message_bits", "starved", "blocked")
"""Roles that can tell a state, the most telling first."""
COUNTER_ROLES = {"good_count": "good", "total_count": "total", "reject_count": "reject"}

_BIT_WORD = 64
_ASK_FAULTS = frozenset({"fault_bits", "starved_bit", "blocked_bit"})


def interpret(
    equipment_id: int,
    tags: Sequence[tuple[TagMeaning, Reading]],
    *,
    running_above: float,
    received_at: datetime,
    rules: Sequence[Rule] = (),
    seen: Seen | None = None,
    polled_from: datetime | None = None,
    counts: frozenset[str] | None = None,
) -> Observation:
    """What one reading of all tags of an equipment says of it.

    The state is that of the first rule that applies:

    | rule | when                                                        | state              |
    |------|-------------------------------------------------------------|--------------------|
    | 1    | there is a state word, or a mode that decides               | as its map says    |
    | 2    | the running bit is on                                       | running            |
    | 3    | a fault bit of the machine itself is on                     | faulted            |
    | 4    | the starved bit, or a fault bit of what is upstream, is on  | starved            |
    | 5    | the blocked bit, or a fault bit of what is downstream, is on| blocked            |
    | 6    | there is no running bit and the speed is above the threshold| running            |
    | 7    | there is a running bit or a speed                           | stopped            |
    | 8    | otherwise                                                   | None: nobody tells |

    A number that the state map lacks is `no_data`, with a sentence. A mode that decides comes before the
    state word. An equipment with `rules` of its own and no state word has those instead, asked in their
    order; `seen` is how its counters moved. Prompts, status, info and unused bits and tags without a role
    change nothing.

    `counts` are the kinds that it has counters of, if that is known.

    A counter that was read before `polled_from` has the time of its own reading, which is no news; what was
    read in this poll is of one moment.

    A bad tag matters only when a rule has to ask it: then the whole observation is bad and says nothing, its
    counters and product neither, since they add up at the next good one. A bad tag that no rule asked
    loses only what it would have said; of several message arrays one bad makes the faults unknown, since
    half of them would clear the other half. Where no message bits are configured no fault is on: one that was,
    when they still were, would stand for ever and explain every later stop.
    """
    readings = _Readings(tags)
    try:
        state, reason = _state(readings, running_above, rules, seen)
    except Unclear as why:
        return Observation(
            equipment_id=equipment_id,
            # It is so now. The time of what is good beside it may be old, and then it would not be heard.
            source_at=received_at,
            received_at=received_at,
            quality=Quality.BAD.value,
            reason=str(why),
        )
    # A bad reading has no time of its own, only that of its failure.
    good = [reading.source_at for _, reading in tags if reading.value is not None]
    return Observation(
        equipment_id=equipment_id,
        source_at=max(good, default=received_at),
        received_at=received_at,
        quality=readings.quality.value,
        state=state,
        reason=reason,
        speed=readings.known_number("speed"),
        counters=tuple(readings.counters(polled_from)),
        counts=counts,
        product_number=readings.product_number(),
        changeover=readings.known_bit("changeover"),
        faults=readings.known_faults(),
    )


def _state(
    readings: "_Readings", running_above: float, rules: Sequence[Rule], seen: Seen | None
) -> tuple[State | None, str]:
    """The state by the rules of `interpret`. Raises Unclear when a rule asks a bad tag."""
    word = readings.state_word()
    if word is not None:
        return word
    if rules:
        return first_match(rules, readings, running_above, seen)
    running = readings.bit("running")
    if running:
        return "running", ""
    standing = _standing(readings)
    if standing is not None:
        return standing, ""
    speed = readings.number("speed") if running is None else None
    if speed is not None and speed > running_above:
        return "running", ""
    return (None, "") if running is None and speed is None else ("stopped", "")


def first_match(
    rules: Sequence[Rule], readings: "_Readings", running_above: float, seen: Seen | None
) -> tuple[State | None, str]:
    """The state of the first rule that applies; None as long as one before it cannot say yet.

    None applies: nobody can tell, and a sentence says so.
    """
    for rule in rules:
        applies = _applies(rule, readings, running_above, seen)
        if applies is None:
            return None, ""
        if applies:
            return rule.state, ""
    return "no_data", "None of the state rules applies."


def _applies(
    rule: Rule, readings: "_Readings", running_above: float, seen: Seen | None
) -> bool | None:
    sources = (
        {fault.source for fault in readings.faults()} if rule.when in _ASK_FAULTS else set()
    )
    applies: bool | None
    match rule.when:
        case "running_bit":
            applies = bool(readings.bit("running"))
        case "fault_bits":
            applies = "internal" in sources
        case "starved_bit":
            applies = bool(readings.bit("starved")) or "upstream" in sources
        case "blocked_bit":
            applies = bool(readings.bit("blocked")) or "downstream" in sources
        case "mode_word":
            mode = readings.number("mode")
            applies = mode is not None and whole(mode, "mode") == rule.number
        case "speed_above":
            speed = readings.number("speed")
            least = running_above if rule.above is None else rule.above
            applies = speed is not None and speed > least
        case "count_movement":
            readings.demand_counters()
            within = rule.within
            applies = None if seen is None or within is None else seen.moved(within)
        case "otherwise":
            applies = True
        case unknown:
            raise Unclear(f"'{unknown}' is no rule for a state.")
    return applies


def _standing(readings: "_Readings") -> State | None:
    """Why it stands, by rules 3 to 5; None when none of them applies."""
    sources = {fault.source for fault in readings.faults()}
    if "internal" in sources:
        return "faulted"
    if readings.bit("starved") or "upstream" in sources:
        return "starved"
    if readings.bit("blocked") or "downstream" in sources:
        return "blocked"
    return None


class _Readings:
    """The readings of one equipment by role; to ask for a bad one raises Unclear."""

    def __init__(self, tags: Sequence[tuple[TagMeaning, Reading]]) -> None:
        self._by_role = {tag.role: (tag, reading) for tag, reading in tags}
        self._tags = tags
        self._messages = [pair for pair in tags if pair[0].role == "message_bits"]

    @property
    def quality(self) -> Quality:
        uncertain = any(reading.quality == Quality.UNCERTAIN for _, reading in self._tags)
        return Quality.UNCERTAIN if uncertain else Quality.GOOD

    def state_word(self) -> tuple[State, str] | None:
        """The state by mode and state word; None where there is no state word and no mode decides."""
        pair = self._by_role.get("state_word")
        decided = self._mode(is_packml=pair is not None and bool(pair[0].numbering))
        if decided is not None or pair is None:
            return decided
        tag, reading = pair
        word = whole(number(tag.name, known(tag, reading)), tag.name)
        state = tag.state_map.get(word)
        if state is None and tag.numbering:
            starved, blocked = bool(self.known_bit("starved")), bool(self.known_bit("blocked"))
            state = state_of(tag.numbering, word, starved=starved, blocked=blocked)
        if state is None:
            named = "numbering" if tag.numbering else "state map"
            return "no_data", f"{tag.name} shows {word}, which its {named} does not name."
        return state, ""

    def _mode(self, *, is_packml: bool) -> tuple[State, str] | None:
        """What the mode decides before the state: by its own map, else as PackML has it."""
        pair = self._by_role.get("mode")
        if pair is None or not (is_packml or pair[0].state_map):
            return None
        tag, reading = pair
        mode = whole(number(tag.name, known(tag, reading)), tag.name)
        state = tag.state_map.get(mode)
        if state is None and is_packml:
            state = mode_state(mode)
        if state is None:
            return None
        unknown = f"{tag.name} shows {mode}, which is no unit mode."
        return state, unknown if state == "no_data" and mode not in tag.state_map else ""

    def demand_counters(self) -> None:
        """Raise Unclear when a counter is bad: whether it moved nobody knows."""
        for role in COUNTER_ROLES:
            self.number(role)

    def bit(self, role: str) -> bool | None:
        pair = self._by_role.get(role)
        return None if pair is None else number(pair[0].name, known(*pair)) != 0

    def number(self, role: str) -> float | None:
        pair = self._by_role.get(role)
        return None if pair is None else number(pair[0].name, engineering(*pair))

    def faults(self) -> tuple[FaultMessage, ...]:
        """The fault bits that are on."""
        return tuple(fault for pair in self._messages for fault in _active_faults(*pair))

    def counters(self, polled_from: datetime | None) -> Iterable[CounterReading]:
        """Every counter that shows pieces."""
        for role, kind in COUNTER_ROLES.items():
            pair = self._by_role.get(role)
            if pair is None:
                continue
            tag, reading = pair
            try:
                shown = pieces(tag, known(tag, reading))
            except Unclear:
                continue
            yield CounterReading(
                kind=kind,
                value=shown.value,
                modulus=scaled_modulus(tag.modulus, tag.scale),
                max_per_minute=tag.max_per_minute,
                count_after_reset=tag.count_after_reset,
                span=shown.span,
                read_at=reading.source_at if _is_before(reading, polled_from) else None,
                every=timedelta(seconds=tag.period_s),
                source=tag.source,
            )

    def known_number(self, role: str) -> float | None:
        try:
            return self.number(role)
        except Unclear:
            return None

    def known_whole(self, role: str) -> int | None:
        try:
            value = self.number(role)
            return None if value is None else whole(value, role)
        except Unclear:
            return None

    def product_number(self) -> int | None:
        """The number of the product; one that no product can have is none, as if it was not read."""
        number = self.known_whole("product")
        return number if number is not None and is_product(number) else None

    def known_bit(self, role: str) -> bool | None:
        try:
            return self.bit(role)
        except Unclear:
            return None

    def known_faults(self) -> tuple[FaultMessage, ...] | None:
        try:
            return self.faults()
        except Unclear:
            return None


def _is_before(reading: Reading, moment: datetime | None) -> bool:
    return moment is not None and reading.source_at < moment


def _active_faults(tag: TagMeaning, reading: Reading) -> Iterable[FaultMessage]:
    bits = _bits(tag, known(tag, reading))
    for meaning in tag.bits:
        # A meaning beyond the array's end is about a bit that is never on.
        if meaning.kind == "fault" and meaning.bit < len(bits) and bits[meaning.bit]:
            yield FaultMessage(
                code=fault_code(tag.name, meaning.bit),
                text=meaning.text,
                severity=meaning.severity,
                source=meaning.source,
                reason_code=meaning.reason_code,
            )


def fault_code(name: str, bit: int) -> str:
    """The code of a fault, such as `Fault[31]`; it fits its column, and no two bits have the same."""
    place = f"[{bit}]"
    return shortened(name, CODE_ROOM - len(place)) + place


def _bits(tag: TagMeaning, value: Value) -> Sequence[bool]:
    """The bits of an array of bits, of the bits of one word (bit 0 is 1, 2, 4...), or of one bit.

    A word has as many as its type: a sign is not repeated in bits that it does not have.
    """
    if isinstance(value, tuple) and all(isinstance(bit, bool) for bit in value):
        return [bool(bit) for bit in value]
    if isinstance(value, bool):
        return [value]
    if isinstance(value, int):
        width = WORD_BITS.get(tag.data_type, _BIT_WORD)
        return [bool(value >> place & 1) for place in range(width)]
    raise Unclear(f"{tag.name} holds no message bits: it is neither bits nor a word.")
