"""Single flight: a lease in the database that a dead holder loses by itself."""

import functools
import os
import socket
import threading
from datetime import timedelta
from pathlib import Path

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from ms5.processes.models import Lease


def instance() -> str:
    """Return `host:pid`, which names this process in heartbeats and leases."""
    return f"{socket.gethostname()}:{os.getpid()}"


@functools.cache
def home() -> str:
    """Return where this process's pid means something: two containers may share a host's name."""
    namespace = Path("/proc/self/ns/pid")
    return f"{socket.gethostname()} {namespace.readlink()}" if namespace.is_symlink() else ""


def has_ended(where: str, who: str) -> bool:
    """Return whether the process `who` (an `instance()`) at `where` (a `home()`) is known to be no more."""
    if not where or where != home():
        return False
    try:
        os.kill(int(who.rpartition(":")[2]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it runs as somebody else
        return False
    return False


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


def give_back(name: str, holder: str) -> None:
    """Release the lease if it is still ours, so that the next need not wait for its end."""
    Lease.objects.filter(name=name, holder=holder).update(until=F("until") - timedelta(days=1))
