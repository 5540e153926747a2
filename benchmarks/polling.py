"""Polling simulated controllers of 50 tags: CPU of worker, beat and Redis, and how late reads start."""

import json
import os
import sys
import time
from contextlib import ExitStack

from benchmarks.stack import cpu_s, database, process, redis, run, wait_until
from ms5.demo import commands

WARM_UP_S = 15.0
SECONDS = 40.0

_SEED = """
import json, sys
import django; django.setup()
from benchmarks.plants import tag_names
from production.models import Area, Equipment, Line, Site
from telemetry.models import Plc, Tag
ports = json.loads(sys.argv[1])
site = Site.objects.create(code="S", name="S")
area = Area.objects.create(site=site, code="A", name="A")
roles = {"Running": "running", "Speed": "speed", "Total": "total_count", "Reject": "reject_count"}
types = {"BOOL": "bool", "REAL": "float32", "DINT": "int32"}
for number, port in enumerate(ports):
    line, _ = Line.objects.get_or_create(code=f"L{number // 5}", defaults={"name": "L", "area": area})
    machine = Equipment.objects.create(
        line=line, code=f"M{number}", name="M", position=number, is_constraint=number % 5 == 0
    )
    plc = Plc.objects.create(
        code=f"plc{number}", name=f"PLC {number}", protocol="logix", host="127.0.0.1", port=port
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
beat = Heartbeat.objects.get(name="poll.0")
print(json.dumps({
    "detail": beat.detail, "took_ms": beat.took_ms,
    "connected": PlcLink.objects.filter(status="connected").count(),
    "samples": Sample.objects.count(), "counts": Count.objects.count(),
}))
"""


def measure(engine: str, plcs: int) -> dict[str, object]:
    """Return CPU in per cent of one core, and lateness in ms, of polling for 40 s."""
    python = sys.executable
    with ExitStack() as stack:
        environment = stack.enter_context(database(engine))
        url, redis_pid = stack.enter_context(redis())
        environment["REDIS_URL"] = url
        plants = stack.enter_context(
            process((python, "-m", "benchmarks.plants", str(plcs)), environment)
        )
        ports = plants.stdout.readline() if plants.stdout else ""
        run([python, "-c", _SEED, ports], environment)
        pids = {"redis": redis_pid}
        for name, command in (
            ("poll", commands.POLL),
            ("worker", commands.WORKER),
            ("beat", commands.BEAT),
        ):
            pids[name] = stack.enter_context(process((python, *command), environment)).pid

        def all_connected() -> bool:
            try:
                said = json.loads(run([python, "-c", _RESULT], environment))
            except OSError:
                return False
            return bool(said["connected"] == plcs)

        time.sleep(5)
        wait_until(all_connected, 60)
        time.sleep(WARM_UP_S)
        before = {name: cpu_s(pid) for name, pid in pids.items()}
        first = json.loads(run([python, "-c", _RESULT], environment))
        began = time.monotonic()
        time.sleep(SECONDS)
        elapsed = time.monotonic() - began
        used = {name: (cpu_s(pid) - before[name]) / elapsed * 100 for name, pid in pids.items()}
        last = json.loads(run([python, "-c", _RESULT], environment))
    return {
        "engine": engine,
        "plcs": plcs,
        **{f"{name}_cpu": share for name, share in used.items()},
        "polling_cpu": used["poll"] + used["beat"] + used["redis"],
        "samples_per_s": (last["samples"] - first["samples"]) / elapsed,
        "late_p50_ms": last["detail"].get("late_p50_ms"),
        "late_p99_ms": last["detail"].get("late_p99_ms"),
        "cores": os.cpu_count(),
    }


def report() -> list[dict[str, object]]:
    return [measure(engine, plcs) for engine in ("sqlite", "postgresql") for plcs in (20, 100)]
