"""Appends a second: one writer and eight, against the same rows inserted without positions."""

import json
import multiprocessing
import sys
import time

from benchmarks.stack import database, run

SECONDS = 4.0
LINES = 10
TEN = 10


def _write(mode: str, number: int, writers: int, start_at: float, out: object) -> None:
    import django  # noqa: PLC0415 - each writer is a process of its own

    django.setup()
    import uuid_utils.compat as uuid  # noqa: PLC0415
    from django.db import transaction  # noqa: PLC0415

    from ms5.events.log import append, recording  # noqa: PLC0415
    from ms5.events.models import Event, Stream  # noqa: PLC0415
    from tests.floor import T0, state_fact  # noqa: PLC0415

    data = state_fact()
    bare = Stream.objects.get_or_create(name="bare")[0]
    done = 0
    while time.time() < start_at:
        time.sleep(0.001)
    ends = time.perf_counter() + SECONDS
    while time.perf_counter() < ends:
        if mode != "bare":
            with recording():
                for _ in range(1 if mode == "log" else TEN):
                    append(
                        "equipment_state",
                        data,
                        occurred_at=T0,
                        line_id=f"L{(done * writers + number) % LINES}",
                    )
        else:
            with transaction.atomic():
                Event.objects.create(
                    stream=bare,
                    seq=(writers * 100 + number) * 10_000_000 + done + 1,
                    event_id=uuid.uuid7(),
                    type="equipment_state",
                    occurred_at=T0,
                    text="x" * 330,
                )
        done += 1
    out.put(done)  # type: ignore[attr-defined]


def measure(mode: str, writers: int) -> float:
    """Return commits a second of `writers` processes together."""
    spawn = multiprocessing.get_context("spawn")
    out = spawn.Queue()
    start_at = time.time() + 2.5
    processes = [
        spawn.Process(target=_write, args=(mode, number, writers, start_at, out))
        for number in range(writers)
    ]
    for each in processes:
        each.start()
    done = sum(out.get(timeout=60) for _ in processes)
    for each in processes:
        each.join()
    return done / SECONDS


def report() -> list[dict[str, object]]:
    """Measure both engines, in this run."""
    rows: list[dict[str, object]] = []
    for engine in ("sqlite", "postgresql"):
        with database(engine) as environment:
            said = run([sys.executable, "-m", "benchmarks.append"], environment)
        rows += [{"engine": engine, **row} for row in json.loads(said)]
    return rows


def main() -> None:
    rows = []
    for writers in (1, 8):
        rates = {mode: measure(mode, writers) for mode in ("log", "ten", "bare")}
        rows.append(
            {
                "writers": writers,
                "actions_of_one_fact": rates["log"],
                "bare_inserts": rates["bare"],
                "ratio": rates["log"] / rates["bare"],
                "facts_in_actions_of_ten": rates["ten"] * TEN,
            }
        )
    json.dump(rows, sys.stdout)


if __name__ == "__main__":
    main()
