"""A slip of the finger in one field must not stop the others: the form refuses it, and so does the database."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from production.models import Equipment
from telemetry.choices import Role
from telemetry.models import Plc, Tag
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def plc():
    return Plc.objects.create(
        code="P", name="P", protocol="modbus_tcp", host="127.0.0.1", port=502
    )


@pytest.mark.parametrize("field", ["slow_after_s", "stop_after_s", "no_data_after_s"])
@pytest.mark.parametrize("value", [1e14, 86_401, -1])
def test_no_threshold_of_an_equipment_lies_beyond_a_day(field, value):
    machine = factories.equipment()
    setattr(machine, field, value)
    with pytest.raises(ValidationError) as refused:
        machine.full_clean()
    assert field in refused.value.message_dict
    if value > 0 and field != "slow_after_s":
        with pytest.raises(IntegrityError), transaction.atomic():
            Equipment.objects.filter(pk=machine.pk).update(**{field: value})


def test_a_tag_is_stored_once_a_day_at_least(plc):
    row = Tag(
        plc=plc, name="T", address="holding:1", data_type="uint16", longest_interval_s=1e20
    )
    with pytest.raises(ValidationError) as refused:
        row.full_clean()
    assert "longest_interval_s" in refused.value.message_dict
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


@pytest.mark.parametrize("values", [{"poll_period_s": 1e300}, {"timeout_s": 31}])
def test_the_database_refuses_a_period_no_clock_can_count(plc, values):
    with pytest.raises(IntegrityError), transaction.atomic():
        Plc.objects.filter(pk=plc.pk).update(**values)


@pytest.mark.parametrize(("modulus", "scale"), [(1, 0.5), (100, 0.001), (1, 1)])
def test_a_counter_rolls_over_at_two_pieces_or_more(plc, modulus, scale):
    row = Tag(
        plc=plc,
        name="T",
        address="holding:1",
        data_type="uint16",
        role=Role.TOTAL_COUNT,
        equipment=factories.equipment(),
        modulus=modulus,
        scale=scale,
    )
    with pytest.raises(ValidationError) as refused:
        row.full_clean()
    assert "less than two pieces" in refused.value.message_dict["modulus"][0]
