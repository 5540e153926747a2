"""Single flight: a lease in the database that a dead holder loses by itself."""

import functools
import os
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from ms5.processes.models import Lease

# The start of a process is told in hundredths of a second, and the wall clock is set now and then.
_CLOCKS_DIFFER = timedelta(seconds=5)


def instance() -> str:
    """Return `host:pid`, which names this process in heartbeats and leases."""
    return f"{socket.gethostname()}:{os.getpid()}"


@functools.cache
def home() -> str:
    """Return where this process's pid means something: two containers may share a host's name."""
    namespace = Path("/proc/self/ns/pid")
    return f"{socket.gethostname()} {namespace.readlink()}" if namespace.is_symlink() else ""


def has_ended(where: str, who: str, heard_at: datetime | None = None) -> bool:
    """Return whether the process `who` (an `instance()`) at `where` (a `home()`) is known to be no more.

    With `heard_at`, when it was last heard of, another that was given its pid later is not taken for it.
    """
    if not where or where != home():
        return False
    pid = int(who.rpartition(":")[2])
    try:
        os.kill(pid, 0)
        began_at = _began_at(pid)
    except (ProcessLookupError, FileNotFoundError):
        return True
    except PermissionError:  # it runs as somebody else
        return False
    return heard_at is not None and began_at > heard_at + _CLOCKS_DIFFER


def _began_at(pid: int) -> datetime:
    """Return when a process began: field 22 of proc(5)'s stat, in clock ticks since the boot."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    since_boot_s = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - since_boot_s
    return datetime.now(UTC) - timedelta(seconds=age_s)


def thread_instance() -> str:
    """Return `host:pid:thread`, for work that two threads of a process must not do at once."""
    return f"{instance()}:{threading.get_ident()}"


def take(name: str, holder: str, ttl: timedelta) -> bool:
    """Take or renew the lease; False while another holds it. Times are the database's own."""
    until = Now() + ttl
    free = Lease.objects.filter(Q(holder=holder) | Q(until__lt=Now()), name=name)
    if free.update(holder=holder, until=until):
        return True
    if Lease.objects.filter(name=name).exists():
        return False
    try:
        with transaction.atomic():
            Lease.objects.create(name=name, holder=holder, until=until)
    except IntegrityError:  # another was first
        return False
    return True


def holds(name: str, holder: str) -> bool:
    """Return whether nobody has taken the lease over since `take`, its end or not.

    A process that is stopped, or waits for the database, may find another at its work when it goes on.
    """
    return Lease.objects.filter(name=name, holder=holder).exists()


def give_back(name: str, holder: str) -> None:
    """Release the lease if it is still ours, so that the next need not wait for its end."""
    Lease.objects.filter(name=name, holder=holder).update(until=F("until") - timedelta(days=1))
