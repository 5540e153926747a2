"""Single flight: a lease in the database that a dead holder loses by itself."""

import os
import socket
import threading
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from ms5.processes.models import Lease


def instance() -> str:
    """Return `host:pid`, which names this process in heartbeats and leases."""
    return f"{socket.gethostname()}:{os.getpid()}"


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
