"""Polling as it is first written: connect at each poll, one request for each tag, one pool for all."""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks.plants import tag_names
from benchmarks.stack import percentile
from telemetry.drivers import driver_for
from telemetry.drivers.base import DataType, Endpoint, LinkDown, TagSpec

THREADS = 10
TIMEOUT_S = 1.0
TYPES = {"BOOL": DataType.BOOL, "REAL": DataType.FLOAT32, "DINT": DataType.INT32}


def poll(port: int, due: float, specs: list[TagSpec]) -> float:
    """Read one controller; return how many seconds late it began."""
    late_s = time.monotonic() - due
    driver = driver_for(Endpoint("logix", "127.0.0.1", port, timeout_s=TIMEOUT_S))
    try:
        driver.open()
        for spec in specs:
            driver.read([spec])
    except LinkDown:
        return late_s
    finally:
        driver.close()
    return late_s


def main(live: list[int], dead: list[int], seconds: float) -> None:
    """Poll all of them once a second for so long; what is late is put off and never dropped."""
    specs = [TagSpec(name, TYPES[kind]) for name, kind in tag_names()]
    late: list[float] = []
    began, burnt = time.monotonic(), time.process_time()
    with ThreadPoolExecutor(THREADS) as pool:
        waiting = []
        for second in range(int(seconds)):
            time.sleep(max(0.0, began + second - time.monotonic()))
            due = began + second
            waiting += [pool.submit(poll, port, due, specs) for port in live + dead]
        done = 0
        for job in waiting:
            if not job.cancel():
                late.append(job.result())
                done += 1
    elapsed = time.monotonic() - began
    wanted = seconds * (len(live) + len(dead))
    said = {
        "naive_cpu": (time.process_time() - burnt) / elapsed * 100,
        "naive_us_a_tag": (time.process_time() - burnt) * 1e6 / (done * len(specs)),
        "naive_late_p50_ms": percentile(late, 0.5) * 1000,
        "naive_late_p99_ms": percentile(late, 0.99) * 1000,
        "naive_polls_done": done / wanted,
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main(*json.loads(sys.argv[1]), float(sys.argv[2]))
