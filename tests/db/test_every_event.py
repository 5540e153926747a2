"""Every event type through the one door of the log: stored as it was said, in the form that is published."""

import json

import jsonschema
import msgspec
import pytest

from ms5.events.facts import MAX_BYTES, TYPES, Kind
from ms5.events.log import BadEvent, append, gauge, recording
from ms5.events.models import Event, Gauge
from realtime.schemas import server_schemas
from tests.floor import T0, later
from tests.samples import SAMPLES, largest, sample

pytestmark = pytest.mark.django_db(transaction=True)

FACTS = sorted(row.name for row in TYPES.values() if row.kind is Kind.FACT)
GAUGES = sorted(row.name for row in TYPES.values() if row.kind is Kind.GAUGE)
WHERE = {"line_id": "L-OWN", "equipment_code": "M.OWN"}


def plain(value):
    return json.loads(
        json.dumps(value, default=lambda time: time.strftime("%Y-%m-%dT%H:%M:%SZ"))
    )


@pytest.mark.parametrize("type_", FACTS)
def test_a_fact_is_in_the_log_as_it_was_said(type_):
    for data in (sample(type_), largest(type_)):
        with recording():
            append(type_, data, occurred_at=T0, **WHERE)
    first, second = Event.objects.order_by("seq")
    for seq, row in ((1, first), (2, second)):
        said = json.loads(row.text)
        jsonschema.Draft202012Validator(server_schemas()[type_]).validate(said)
        assert (row.seq, said["seq"], row.type, row.line_id) == (seq, seq, type_, "L-OWN")
        assert (said["timestamp"], said["equipment_code"]) == ("2026-03-02T08:00:00Z", "M.OWN")
    assert json.loads(first.text)["data"] == plain(SAMPLES[type_])


@pytest.mark.parametrize("type_", GAUGES)
def test_of_a_gauge_the_log_keeps_the_newest(type_):
    for seconds, data in ((0, largest(type_)), (2, sample(type_)), (1, largest(type_))):
        with recording():
            gauge(type_, data, key=f"{type_}:L-OWN", source_at=later(seconds), **WHERE)
    (row,) = Gauge.objects.all()
    said = json.loads(row.text)
    jsonschema.Draft202012Validator(server_schemas()[type_]).validate(said)
    assert (said["ver"], said["source_at"]) == (2, "2026-03-02T08:00:02Z")
    assert said["data"] == plain(SAMPLES[type_])


@pytest.mark.parametrize("type_", FACTS)
def test_a_fact_is_no_gauge(type_):
    with recording(), pytest.raises(BadEvent, match="is not a declared gauge"):
        gauge(type_, sample(type_), key="k", source_at=T0)
    assert Gauge.objects.count() == 0


@pytest.mark.parametrize("type_", GAUGES)
def test_a_gauge_is_no_fact(type_):
    with recording(), pytest.raises(BadEvent, match="is not a declared fact"):
        append(type_, sample(type_), occurred_at=T0)
    assert Event.objects.count() == 0


@pytest.mark.parametrize(
    ("type_", "why"),
    [("equipment_state", "the limit is 8192"), ("correction", "of length <= 500")],
)
def test_what_is_too_large_leaves_nothing_behind(type_, why):
    data = msgspec.structs.replace(sample(type_), reason="x" * MAX_BYTES)
    with pytest.raises(BadEvent, match=why), recording():
        append(type_, data, occurred_at=T0, **WHERE)
    assert Event.objects.count() == 0
