"""How far the log has come and how much of it is kept, as metrics; read from the database."""

from collections.abc import Collection, Iterator
from datetime import datetime

from django.db.models import F
from prometheus_client.core import GaugeMetricFamily, Metric

from ms5.events.models import Event, Log, Stream


def log_metrics(now: datetime, streams: Collection[str] | None) -> Iterator[Metric]:
    """Yield the metrics of these streams, or of all. Raises what the database raises."""
    head = GaugeMetricFamily("ms5_log_head", "Position of the newest fact.", labels=["stream"])
    rows = GaugeMetricFamily("ms5_log_rows", "Facts that are kept.", labels=["stream"])
    oldest = GaugeMetricFamily(
        "ms5_log_oldest_seconds", "Age of the oldest fact that is kept.", labels=["stream"]
    )
    for stream in Stream.objects.order_by("name"):
        if streams is None or stream.name in streams:
            head.add_metric([stream.name], stream.head)
            rows.add_metric([stream.name], stream.head - stream.tail + 1)
    kept = Event.objects.filter(seq=F("stream__tail")).order_by("stream__name")
    for name, recorded_at in kept.values_list("stream__name", "recorded_at"):
        if streams is None or name in streams:
            oldest.add_metric([name], (now - recorded_at).total_seconds())
    epoch = GaugeMetricFamily(
        "ms5_log_epoch_begun_timestamp_seconds",
        "When the present life of the log began.",
        labels=["epoch"],
    )
    for life in Log.objects.all():
        epoch.add_metric([life.epoch], life.created_at.timestamp())
    yield from (head, rows, oldest, epoch)
