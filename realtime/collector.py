"""What a scrape finds: figures of the web processes of this machine, the log, processors, controllers."""

import platform
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any

import django
from django.db import DatabaseError, InterfaceError
from django.db.models import QuerySet
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from andon import clock
from andon.metrics import andon_metrics
from ms5.accounts.models import User
from ms5.events.log import PLANT, SYS
from ms5.events.metrics import log_metrics
from ms5.processes.leases import instance
from ms5.processes.models import Heartbeat
from ms5.processes.runs import told_here
from production.visibility import codes_visible_to
from realtime.figures import TOLD_EVERY_S, Figures, figures
from realtime.metric_table import ROWS, Row
from realtime.teller import WEB
from telemetry.choices import LinkStatus
from telemetry.models import Plc
from telemetry.visibility import plcs_of

# Typed as what they share, which is not yet the method that adds a sample.
_FAMILIES: Mapping[str, Callable[..., Any]] = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
    "histogram": HistogramMetricFamily,
}
# Where it cannot be seen whether a process has ended, its series end after so long without figures.
_TELLS_WITHIN = timedelta(seconds=6 * TOLD_EVERY_S)


class Everything(Collector):
    """All metrics as of `now`, lines and controllers as far as the user sees them; None sees all."""

    def __init__(self, user: User | None, now: datetime) -> None:
        self._user = user
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; without a database, those of this process alone."""
        up = GaugeMetricFamily("ms5_database_up", "1 while the database answers.")
        try:
            stored = list(self._stored())
            told = {run.instance: run for run in told_here(WEB, self._now, _TELLS_WITHIN)}
        except (DatabaseError, InterfaceError):
            stored, told = [], {}
            up.add_metric([], 0)
        else:
            up.add_metric([], 1)
        # One port may be that of several processes: whichever is asked answers for those of its machine.
        ages = {
            name: (self._now - run.told_at).total_seconds()
            for name, run in told.items()
            if run.told_at is not None
        }
        processes = {name: told[name].figures for name in ages}
        processes[instance()], ages[instance()] = figures(), 0.0
        yield up
        yield _build()
        yield _ages(ages)
        for row in ROWS:
            yield _metric(row, processes)
        yield from stored

    def _stored(self) -> Iterator[Metric]:
        user = self._user
        every = user is None or user.sees_all_lines
        streams = None if every or user is None else {PLANT, SYS, *codes_visible_to(user)}
        yield from log_metrics(self._now, streams)
        yield from andon_metrics(clock.now())
        yield from _processors()
        plcs = Plc.objects.filter(enabled=True).select_related("link").order_by("code")
        yield from _links(plcs if user is None else plcs_of(plcs, user), self._now)


def _build() -> Metric:
    build = GaugeMetricFamily(
        "ms5_build_info", "What runs; always 1.", labels=["python", "django"]
    )
    build.add_metric([platform.python_version(), django.get_version()], 1)
    return build


def _ages(ages: Mapping[str, float]) -> Metric:
    age = GaugeMetricFamily(
        "ms5_process_told_age_seconds",
        "Age of the figures of a web process; 0 for the one that answers.",
        labels=["process"],
    )
    for name, seconds in sorted(ages.items()):
        age.add_metric([name], seconds)
    return age


def _metric(row: Row, processes: Mapping[str, Figures]) -> Any:
    labels = ["process", row.label] if row.label else ["process"]
    metric = _FAMILIES[row.kind](row.name, row.help, labels=labels)
    for process, told in sorted(processes.items()):
        value = told.get(row.key)
        if value is None:
            continue
        if row.kind == "histogram":
            metric.add_metric([process], buckets=_buckets(value), sum_value=value["sum"])
        elif row.label:
            for name, count in sorted(value.items()):
                metric.add_metric([process, name], count)
        else:
            metric.add_metric([process], value)
    return metric


def _buckets(spread: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Return what Prometheus calls buckets: each counts all at or below its bound."""
    bounds = [*(str(float(bound)) for bound in spread["bounds"]), "+Inf"]
    return list(zip(bounds, accumulate(spread["counts"]), strict=True))


def _processors() -> Iterator[Metric]:
    ok = GaugeMetricFamily(
        "ms5_processor_last_success_timestamp_seconds",
        "When a processor last did its work.",
        labels=["processor"],
    )
    period = GaugeMetricFamily(
        "ms5_processor_period_seconds", "Time between two runs.", labels=["processor"]
    )
    took = GaugeMetricFamily(
        "ms5_processor_run_seconds", "Time the last run took.", labels=["processor"]
    )
    for beat in Heartbeat.objects.all():
        period.add_metric([beat.name], beat.period_s)
        took.add_metric([beat.name], beat.took_ms / 1000)
        if beat.ok_at is not None:
            ok.add_metric([beat.name], beat.ok_at.timestamp())
    yield from (ok, period, took)


def _links(plcs: "QuerySet[Plc]", now: datetime) -> Iterator[Metric]:
    up = GaugeMetricFamily("ms5_plc_up", "1 while a controller answers.", labels=["plc"])
    age = GaugeMetricFamily(
        "ms5_plc_reading_age_seconds", "Time since its last answer.", labels=["plc"]
    )
    failures = GaugeMetricFamily(
        "ms5_plc_failures_in_a_row", "Polls that failed since its last answer.", labels=["plc"]
    )
    for plc in plcs:
        link = getattr(plc, "link", None)
        up.add_metric([plc.code], int(link is not None and link.status == LinkStatus.CONNECTED))
        if link is None:
            continue
        failures.add_metric([plc.code], link.failures)
        if link.last_ok_at is not None:
            age.add_metric([plc.code], (now - link.last_ok_at).total_seconds())
    yield from (up, age, failures)
