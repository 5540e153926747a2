"""Rows read and written past the ORM are those that the ORM reads and writes."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from django.forms.models import model_to_dict

from ms5 import rows
from ms5.events.models import Gauge, Stream
from production.choices import State
from production.models import Condition, Context, Equipment, IdealCycle, Line, Product, Span
from telemetry.models import Plc, Sample, Tag
from tests.factories import at, equipment, product

pytestmark = pytest.mark.django_db

SAMPLE = ("tag_id", "raw", "value", "text", "quality", "error", "source_at", "received_at")
# What would end a text, a list or a line of COPY too early, if it were not put right.
ODD = (
    "",
    "it's",
    'a "b"',
    "{1,2}",
    "NULL",
    "\\.",
    "a\tb\nc",
    "\\N",
    "ü€😀",
    "%s %b",
    "x" * 400,
)


def tag():
    plc = Plc.objects.create(code="P", name="P", protocol="logix", host="127.0.0.1")
    return Tag.objects.create(plc=plc, name="T", address="T", data_type="float32")


def sample_rows(count):
    adapt = rows.time_adapter()
    of = tag().pk
    return [
        (
            of,
            None if n % 3 else 0.1 * n,
            1e300 * n,
            ODD[n % len(ODD)],
            "good",
            "",
            adapt(at(n)),
            adapt(at(0)),
        )
        for n in range(count)
    ]


def test_a_row_is_read_as_the_orm_reads_it():
    machine = equipment(running_above=0.1)
    Condition.objects.create(
        equipment=machine, state="running", since=at(1), speed=1.5, changeover_bit=False
    )
    (read,) = rows.read(Condition, "WHERE equipment_id = %s", [machine.pk])
    asked = Condition.objects.get(pk=machine.pk)
    assert model_to_dict(read) == model_to_dict(asked)
    assert (read.since, read.changeover_bit, read.last_good_at) == (at(1), False, None)
    assert not read._state.adding


def test_what_was_read_can_be_saved_again():
    machine = equipment()
    (read,) = rows.read(Equipment, "WHERE id = %s", [machine.pk])
    read.name = "Another"
    read.save()
    assert Equipment.objects.get(pk=machine.pk).name == "Another"


def test_rows_of_joined_models_are_instances_of_each_and_none_where_nothing_was_found():
    bread = product()
    with_, without = equipment(), equipment()
    Context.objects.create(equipment=with_, product=bread)
    Context.objects.create(equipment=without)
    found = rows.read_beside(
        (Context, Product),
        "FROM production_context LEFT JOIN production_product"
        " ON production_product.id = production_context.product_id ORDER BY equipment_id",
        [],
    )
    assert [(context.pk, of) for context, of in found] == [
        (with_.pk, bread),
        (without.pk, None),
    ]


def test_a_model_whose_columns_need_the_orm_is_refused():
    with pytest.raises(TypeError, match="read it by the ORM"):
        rows.read(IdealCycle, "WHERE id = %s", [1])


def test_no_key_is_in_an_empty_list():
    assert rows.read(Line, f"WHERE id IN ({rows.marks([])})", []) == []


# On PostgreSQL fifty rows and more go by COPY.
@pytest.mark.parametrize("count", [1, 49, 50, 501, 1203])
def test_what_is_inserted_is_what_the_orm_reads(count):
    given = sample_rows(count)
    rows.insert_values(Sample, SAMPLE, given)
    kept = Sample.objects.order_by("pk").values_list(
        "tag_id", "raw", "value", "text", "source_at"
    )
    assert list(kept) == [(*row[:4], at(number)) for number, row in enumerate(given)]


def test_nothing_inserted_is_no_query(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert rows.insert_values(Sample, SAMPLE, []) == []
        rows.insert([], ["equipment_id"])


@pytest.mark.parametrize("count", [2, 60])
def test_a_twin_without_a_key_is_an_integrity_error_of_django(count):
    given = [("S", 0, 0)] * count
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.insert_values(Stream, ("name", "head", "gauge_head"), given)
    assert not Stream.objects.exists()


def test_instances_are_inserted_with_their_times_in_any_zone():
    machine = equipment()
    elsewhere = at(5).astimezone(timezone(timedelta(hours=-7)))
    rows.insert(
        [Span(equipment=machine, state=State.RUNNING, started_at=elsewhere, reason="")],
        ("equipment_id", "state", "started_at", "ended_at", "reason"),
    )
    span = Span.objects.get()
    assert (span.started_at, span.ended_at, span.state) == (at(5), None, "running")


def test_a_row_with_the_same_key_takes_over_the_others():
    first, second = equipment(), equipment()
    attributes = ("equipment_id", "state", "reason", "quality", "trouble", "previous")
    rows.insert([Condition(equipment=first, reason="old")], attributes, key=("equipment_id",))
    both = [
        Condition(equipment=each, reason="new", state=State.IDLE) for each in (first, second)
    ]
    rows.insert(both, attributes, key=("equipment_id",))
    now = Condition.objects.order_by("pk").values_list("pk", "reason", "state")
    assert list(now) == [(first.pk, "new", "idle"), (second.pk, "new", "idle")]


def test_a_row_takes_over_the_others_only_where_it_may_and_says_so():
    stream = Stream.objects.create(name="S")
    columns = ("stream_id", "key", "ver", "type", "source_at", "recorded_at", "text")
    adapt = rows.time_adapter()

    def put(ver, *keys_and_seconds):
        return rows.insert_values(
            Gauge,
            columns,
            [
                (stream.pk, key, ver, "t", adapt(at(second)), adapt(at(0)), '{"a": "b\'c"}')
                for key, second in keys_and_seconds
            ],
            key=("stream_id", "key"),
            provided="excluded.source_at >= events_gauge.source_at",
            returning="key, ver",
        )

    assert put(1, ("a", 5), ("b", 5)) == [("a", 1), ("b", 1)]
    assert put(2, ("a", 4), ("b", 5), ("c", 0)) == [("b", 2), ("c", 2)]
    assert dict(Gauge.objects.values_list("key", "ver")) == {"a": 1, "b": 2, "c": 2}
    assert Gauge.objects.get(key="a").text == '{"a": "b\'c"}'


def test_a_time_without_a_zone_is_one_of_utc():
    naive = datetime(2026, 11, 29, 12)  # noqa: DTZ001 - as SQLite's driver gives it
    assert rows.aware(naive) == datetime(2026, 11, 29, 12, tzinfo=UTC)
    assert rows.aware(at(3)) is not None


def test_a_lock_is_asked_for_where_there_are_locks():
    is_there = connection.features.has_select_for_update
    assert rows.lock("t") == (" FOR UPDATE OF t" if is_there else "")


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no lengths of text")
@pytest.mark.parametrize("count", [2, 60])
def test_a_text_that_is_too_long_is_refused_and_not_cut(count):
    given = [(f"{number:-<65}" * 9, 0, 0) for number in range(count)]
    with pytest.raises(DataError), transaction.atomic():
        rows.insert_values(Stream, ("name", "head", "gauge_head"), given)
