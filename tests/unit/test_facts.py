"""Every event type: complete, strict, within its size, and told to the browser as it is here."""

import json
import re
from datetime import datetime
from pathlib import Path

import jsonschema
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from ms5.events.facts import JOB_FACTS, MAX_BYTES, MAX_GAUGE_BYTES, TYPES, JobStatus, Kind
from ms5.events.log import BadEvent, _encoded
from realtime.schemas import server_schemas
from tests.samples import SAMPLES, data_of, largest, sample

FACTS_JS = Path(__file__).parents[2] / "static" / "js" / "facts.js"
FACTS = {
    "job_assigned",
    "job_started",
    "job_completed",
    "job_cancelled",
    "downtime_event",
    "andon_event",
    "escalation_update",
    "quality_alert",
    "changeover_started",
    "changeover_completed",
    "equipment_state",
    "equipment_fault",
    "plc_status",
    "correction",
}
GAUGES = {"production_update", "oee_update", "job_progress", "telemetry_update"}


def named(kind):
    return {row.name for row in TYPES.values() if row.kind is kind}


def test_there_are_fourteen_facts_and_four_gauges():
    assert (named(Kind.FACT), named(Kind.GAUGE)) == (FACTS, GAUGES)
    assert list(TYPES) == [row.name for row in TYPES.values()]


def test_a_fact_has_a_subject_among_its_fields_and_a_gauge_has_a_key_instead():
    for row in TYPES.values():
        fields = row.data.__struct_fields__
        assert (row.subject in fields) is (row.kind is Kind.FACT), row.name
        assert row.ended_when in {"", *fields}, row.name


def test_a_family_is_one_subject_told_by_one_class():
    families = {}
    for row in TYPES.values():
        if row.kind is Kind.FACT:
            families.setdefault(row.family, []).append(row)
    several = {
        family: {row.name for row in rows} for family, rows in families.items() if rows[1:]
    }
    assert several == {
        "job": {"job_assigned", "job_started", "job_completed", "job_cancelled"},
        "changeover": {"changeover_started", "changeover_completed"},
    }
    for rows in families.values():
        assert len({(row.data, row.subject, row.ended_when) for row in rows}) == 1
    assert TYPES["downtime_event"].family == "downtime_event"


def test_every_status_of_a_job_is_told_by_one_of_its_four_facts():
    assert set(JOB_FACTS) == set(JobStatus.__args__)
    assert set(JOB_FACTS.values()) == {
        row.name for row in TYPES.values() if row.family == "job"
    }


def test_subjects_are_whole_numbers_or_codes_that_a_group_name_may_hold():
    schemas = {row.name: row.schema()["$defs"][row.data.__name__] for row in TYPES.values()}
    kinds = {
        name: schemas[name]["properties"][TYPES[name].subject]["type"] for name in sorted(FACTS)
    }
    assert {name for name, kind in kinds.items() if kind == "string"} == {
        "equipment_state",
        "plc_status",
    }
    assert set(kinds.values()) == {"string", "integer"}


def test_there_is_a_sample_of_every_type():
    assert set(SAMPLES) == set(TYPES)


@pytest.mark.parametrize("type_", sorted(TYPES))
def test_a_sample_names_every_field_and_fits_the_published_schema(type_):
    row = TYPES[type_]
    assert set(SAMPLES[type_]) == set(row.data.__struct_fields__)
    said = json.loads(bytes(_encoded(row.kind, type_, sample(type_))))
    jsonschema.Draft202012Validator(row.schema()).validate(said)


@pytest.mark.parametrize("type_", sorted(TYPES))
def test_a_field_that_is_not_declared_is_refused(type_):
    with pytest.raises(msgspec.ValidationError):
        sample(type_, more=1)


@pytest.mark.parametrize("type_", sorted(TYPES))
def test_a_time_without_a_zone_is_refused_wherever_it_stands(type_):
    fields = {name: value for name, value in SAMPLES[type_].items() if _is_time(value)}
    assert fields or type_ in {"production_update", "oee_update", "telemetry_update"}
    for name, value in fields.items():
        with pytest.raises(msgspec.ValidationError):
            sample(type_, **{name: value.replace(tzinfo=None).isoformat()})


def _is_time(value):
    return isinstance(value, datetime)


@pytest.mark.parametrize("type_", sorted(TYPES))
def test_anything_of_its_class_goes_over_the_wire_and_comes_back_as_it_was(type_):
    row = TYPES[type_]
    schema = jsonschema.Draft202012Validator(row.schema())

    @given(data_of(type_))
    @settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
    def check(data):
        text = msgspec.json.encode(data)
        assert msgspec.json.decode(text, type=row.data) == data
        schema.validate(json.loads(text))

    check()


@pytest.mark.parametrize("type_", sorted(TYPES))
def test_the_largest_that_its_class_allows_fits(type_):
    row = TYPES[type_]
    size = len(bytes(_encoded(row.kind, type_, largest(type_))))
    assert size <= (MAX_BYTES if row.kind is Kind.FACT else MAX_GAUGE_BYTES)


@pytest.mark.parametrize(
    ("type_", "field", "most"),
    [
        ("escalation_update", "recipient_ids", 200),
        ("escalation_update", "recipients", 12),
        ("quality_alert", "breakdown", 16),
        ("changeover_started", "steps", 20),
        ("telemetry_update", "readings", 64),
        ("correction", "after", 12),
    ],
)
def test_a_list_ends_where_its_event_would_grow_too_large(type_, field, most):
    data = largest(type_)
    assert len(getattr(data, field)) == most
    members = getattr(data, field)
    longer = (
        members | {"one_more": None} if isinstance(members, dict) else [*members, members[0]]
    )
    with pytest.raises(BadEvent, match=f"of length <= {most}"):
        _encoded(TYPES[type_].kind, type_, msgspec.structs.replace(data, **{field: longer}))


def test_a_fact_above_eight_kib_is_refused_with_its_size():
    controllers = sample("plc_status", equipment_codes=["E" * 64] * 200)
    with pytest.raises(
        BadEvent, match=r"plc_status has 13\d\d\d bytes of data; the limit is 8192"
    ):
        _encoded(Kind.FACT, "plc_status", controllers)


def test_every_published_event_schema_stands_alone():
    for type_ in TYPES:
        schema = server_schemas()[type_]
        named_in_it = set(re.findall(r"#/\$defs/(\w+)", json.dumps(schema)))
        assert named_in_it == set(schema["$defs"])


def test_the_browsers_table_of_facts_is_this_one():
    rows = re.findall(
        r'^  (\w+): \{ family: "(\w+)", subject: "(\w+)", endedWhen: "(\w*)" \},$',
        FACTS_JS.read_text(),
        re.MULTILINE,
    )
    assert rows == [
        (row.name, row.family, row.subject, row.ended_when)
        for row in TYPES.values()
        if row.kind is Kind.FACT
    ]
    assert FACTS_JS.read_text().count("family:") == len(FACTS)
