"""Words the tests are written in: a moment, and small events."""

from datetime import UTC, datetime, timedelta

from ms5.events.facts import EquipmentNow, EquipmentState, ProductionUpdate, Window

T0 = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def later(seconds: float) -> datetime:
    """Return T0 plus seconds."""
    return T0 + timedelta(seconds=seconds)


def state_fact(code: str = "M1", state: str = "running", at: datetime = T0) -> EquipmentState:
    """Return the data of an `equipment_state`."""
    return EquipmentState(equipment_code=code, state=state, since=at, previous=None)


def update_gauge(good: int = 0, at: datetime = T0) -> ProductionUpdate:
    """Return the data of a `production_update` of a line with one machine."""
    machine = EquipmentNow(
        equipment_code="M1",
        name="Machine 1",
        state="running",
        since=T0,
        speed=60.0,
        target_speed=None,
        good=good,
        reject=0,
    )
    return ProductionUpdate(
        equipment=[machine],
        constraint="M1",
        state="running",
        speed=60.0,
        target_speed=None,
        good=good,
        reject=0,
        target=None,
        efficiency=None,
        downtime_s=0,
        measured_s=0,
        why="no ideal cycle",
        job=None,
        product=None,
        rate=None,
        rate_before=None,
        window=Window(started_at=T0, to=at),
    )
