"""Polling simulated controllers of 50 tags, ten of them dead, beside the naive way of doing it."""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from subprocess import CalledProcessError

from benchmarks.plants import TAGS, tag_names
from benchmarks.stack import cpu_s, database, process, redis, run, wait_until
from ms5.demo import commands
from telemetry.address import logix_target
from telemetry.drivers.base import DataType, TagSpec
from telemetry.drivers.logix import PACKET_OVERHEAD
from telemetry.drivers.logix_reads import REQUEST_OVERHEAD
from telemetry.packets import ReadSize, plan_packets
from telemetry.plan import (
    LOGIX_REPLY_OVERHEAD,
    BlockLimits,
    Limits,
    LogixLimits,
    Point,
    SlcLimits,
    logix_point,
    modbus_point,
    plan_blocks,
    slc_point,
)

WARM_UP_S = 15.0
SECONDS = 40.0
NAIVE_SECONDS = 15.0
DEAD = 10

SEED = """
import json, sys
from datetime import timedelta
import django; django.setup()
from benchmarks.plants import tag_names
from django.utils import timezone
from production.actions import set_context
from production.models import Area, Equipment, IdealCycle, Job, JobRun, Line, Product, Site
from telemetry.models import Plc, Tag
(live, dead), shards = json.loads(sys.argv[1]), int(sys.argv[2])
site = Site.objects.create(code="S", name="S")
area = Area.objects.create(site=site, code="A", name="A")
product = Product.objects.create(code="P", name="P")
now = timezone.now() - timedelta(minutes=float((sys.argv[3:] or ["0"])[0]))
roles = {"Running": "running", "Speed": "speed", "Total": "total_count", "Reject": "reject_count"}
types = {"BOOL": "bool", "REAL": "float32", "DINT": "int32"}
for number, port in enumerate(live + dead):
    line, is_new = Line.objects.get_or_create(
        code=f"L{number // 5}", defaults={"name": "L", "area": area}
    )
    if is_new:
        job = Job.objects.create(
            line=line, product=product, number=f"J{number}", target=10**9, status="running",
            started_at=now,
        )
        JobRun.objects.create(job=job, started_at=now)
    machine = Equipment.objects.create(
        line=line, code=f"M{number}", name="M", position=number, is_constraint=number % 5 == 0
    )
    IdealCycle.objects.create(equipment=machine, product=product, seconds=1, effective_from=now)
    set_context(machine, actor=None, at=now, product=product)
    plc = Plc.objects.create(
        code=f"plc{number}", name=f"PLC {number}", protocol="logix", host="127.0.0.1", port=port,
        shard=number // 5 % shards,
    )
    Tag.objects.bulk_create(
        Tag(
            plc=plc, name=name, address=name, data_type=types[kind], role=roles.get(name, "none"),
            equipment=machine if name in roles else None, deadband=1.0 if kind == "REAL" else 0,
        )
        for name, kind in tag_names()
    )
"""

_RESULT = """
import json
import django; django.setup()
from django.db.models import Max
from ms5.processes.models import Heartbeat
from production.models import Count
from telemetry.models import PlcLink, Sample
beats = [beat.detail for beat in Heartbeat.objects.filter(name__startswith="poll.")]
print(json.dumps({
    "late_p50_ms": max((beat.get("late_p50_ms", 0) for beat in beats), default=0),
    "late_p99_ms": max((beat.get("late_p99_ms", 0) for beat in beats), default=0),
    "connected": PlcLink.objects.filter(status="connected").count(),
    "samples": Sample.objects.count(), "totals": Count.objects.filter(kind="total").count(),
}))
"""


def measure(engine: str, plcs: int) -> dict[str, object]:
    """Return CPU in per cent of one core, and lateness in ms, of polling for 40 s; ten PLCs are dead."""
    python = sys.executable
    with ExitStack() as stack:
        environment = stack.enter_context(database(engine))
        url, redis_pid = stack.enter_context(redis())
        # One thread of Python reads about 300 controllers; SQLite has one writer, whoever that is.
        shards = 1 + plcs // 150 if engine == "postgresql" else 1
        environment |= {"REDIS_URL": url, "MS5_POLL_SHARDS": str(shards)}
        live = plcs - DEAD
        plants = stack.enter_context(
            process((python, "-m", "benchmarks.plants", str(live), str(DEAD)), environment)
        )
        ports = plants.stdout.readline() if plants.stdout else ""
        run([python, "-c", SEED, ports, str(shards)], environment)
        naive = json.loads(
            run([python, "-m", "benchmarks.naive", ports, str(NAIVE_SECONDS)], environment)
        )
        pids = {"redis": redis_pid, "plants": plants.pid}
        for name, command in (
            ("poll", commands.POLL),
            ("worker", commands.WORKER),
            ("beat", commands.BEAT),
        ):
            pids[name] = stack.enter_context(process((python, *command), environment)).pid

        def all_connected() -> bool:
            try:
                said = json.loads(run([python, "-c", _RESULT], environment))
            except (OSError, CalledProcessError):
                return False
            return bool(said["connected"] == live)

        time.sleep(5)
        wait_until(all_connected, 120)
        time.sleep(WARM_UP_S)
        before = {name: cpu_s(pid) for name, pid in pids.items()}
        first = json.loads(run([python, "-c", _RESULT], environment))
        began = time.monotonic()
        time.sleep(SECONDS)
        elapsed = time.monotonic() - began
        used = {name: (cpu_s(pid) - before[name]) / elapsed * 100 for name, pid in pids.items()}
        last = json.loads(run([python, "-c", _RESULT], environment))
    polling = used["poll"] + used["beat"] + used["redis"]
    # The total of each controller moves every second, and what moved is counted once a poll.
    polls_done = (last["totals"] - first["totals"]) / elapsed / live
    return {
        "engine": engine,
        "plcs": plcs,
        "dead": DEAD,
        "shards": shards,
        **{f"{name}_cpu": share for name, share in used.items()},
        "polling_cpu": polling,
        "us_a_tag": polling / 100 * 1e6 / (live * TAGS * polls_done),
        "polls_done": polls_done,
        "samples_per_s": (last["samples"] - first["samples"]) / elapsed,
        "late_p50_ms": last["late_p50_ms"],
        "late_p99_ms": last["late_p99_ms"],
        **naive,
        "load": os.getloadavg()[0],
        "cores": os.cpu_count(),
    }


def report() -> list[dict[str, object]]:
    return [measure(engine, plcs) for engine in ("sqlite", "postgresql") for plcs in (100, 500)]


def plans() -> list[dict[str, object]]:
    """Return how many requests a set of tags needs one by one, and as planned."""
    holding = [TagSpec(f"holding:{n}", DataType.UINT16) for n in range(100)]
    sparse = [TagSpec(f"holding:{20 * n}", DataType.FLOAT32) for n in range(50)]
    words = [TagSpec(f"N7:{n}", DataType.INT16) for n in range(100)]
    array = [TagSpec(f"Hours[{n}]", DataType.INT32) for n in range(100)]
    faults = [TagSpec(f"Fault[{n}]", DataType.BOOL) for n in range(64)]
    limit = 4000 - PACKET_OVERHEAD
    tags = [
        ReadSize(len(name) + 3 + REQUEST_OVERHEAD, 4 + LOGIX_REPLY_OVERHEAD)
        for name, _ in tag_names()
    ]
    rows = {
        "50 tags of a Logix": (len(tags), len(plan_packets(tags, limit)[0])),
        "100 elements of a Logix array, reads in the packet": (
            100,
            _blocks(_logix_point, array, LogixLimits(limit)),
        ),
        "64 bits of a Logix array, reads in the packet": (
            64,
            _blocks(_logix_point, faults, LogixLimits(limit)),
        ),
        "100 registers in a row": (100, _blocks(modbus_point, holding, Limits())),
        "50 floats, one in twenty registers": (
            50,
            _blocks(modbus_point, sparse, Limits(max_gap=18)),
        ),
        "100 words of an SLC file": (100, _blocks(slc_point, words, SlcLimits())),
    }
    return [
        {"tags": name, "one by one": before, "planned": after}
        for name, (before, after) in rows.items()
    ]


def _logix_point(key: int, spec: TagSpec) -> Point:
    return logix_point(key, spec, logix_target(spec))


def _blocks(
    point: Callable[[int, TagSpec], Point], specs: Sequence[TagSpec], limits: BlockLimits
) -> int:
    return len(plan_blocks([point(key, spec) for key, spec in enumerate(specs)], limits))
