"""Redis gone, restarted, emptied, frozen, full, and the wire to it cut, silent or lying."""

from redis import Redis

from tests.faults.case import Case, Lost
from tests.faults.proc import wait_for
from tests.faults.proxy import Mode


def _degrades(case: Case) -> None:
    wait_for(
        lambda: case.stack.healths() == {"degraded"}, 20, "health says that the layer is gone"
    )


def _well(case: Case) -> None:
    took = case.stack.await_health("ok")
    case.notes.append(f"health ok {took:.1f} s after the end")


def killed(case: Case) -> None:
    """kill -9, away for eight seconds, back."""
    redis = case.stack.procs["redis"]
    redis.kill9()
    case.injections += 1
    _degrades(case)
    case.flow(8.0)
    redis.start()
    _well(case)


def restarted(case: Case, times: int = 4) -> None:
    """kill -9 and back at once, again and again."""
    for _ in range(times):
        case.stack.procs["redis"].restart()
        case.injections += 1
        case.flow(1.5)
    _well(case)


def restarted_quietly(case: Case) -> None:
    """The same twice, whatever health says."""
    for _ in range(2):
        case.stack.procs["redis"].restart()
        case.injections += 1
        case.flow(2.5)


def emptied(case: Case) -> None:
    """FLUSHALL: queues, and what Celery keeps there, are gone."""
    with Redis.from_url(case.stack.redis_url) as client:
        for _ in range(10):
            client.flushall()
            case.injections += 1
            case.flow(0.5)
    _well(case)


def frozen(case: Case) -> None:
    """SIGSTOP for eight seconds: every call hangs."""
    redis = case.stack.procs["redis"]
    redis.stop()
    case.injections += 1
    try:
        _degrades(case)
        case.flow(8.0)
    finally:
        redis.cont()
    _well(case)


def full(case: Case) -> None:
    """maxmemory reached under noeviction: every write is refused."""
    with Redis.from_url(case.stack.redis_url) as client:
        client.config_set("maxmemory", "1")
        case.injections += 1
        try:
            client.set("ms5-faults", "x")
        except Exception as refused:  # noqa: BLE001 - which class depends on the version of the client
            case.notes.append(f"Redis refused: {str(refused)[:40]}")
        else:
            raise Lost("a full Redis took a write: nothing was hurt")
        case.flow(8.0)
        client.config_set("maxmemory", str(256 * 2**20))
    _well(case)


def wire(case: Case) -> None:
    """Between the web processes and Redis: refused, half open, reset, garbled, slow."""
    proxy = case.stack.redis_proxy
    for mode, delay_s in (
        (Mode.REFUSE, 0.0),
        (Mode.BLACKHOLE, 0.0),
        (Mode.RESET, 0.0),
        (Mode.GARBAGE, 0.0),
        (Mode.DELAY, 2.0),
    ):
        proxy.behave(mode, delay_s)
        case.injections += 1
        case.flow(5.0)
        proxy.heal()
        case.flow(1.0)
    _well(case)
