"""Counters that were shown with an offset or rounded begin anew when they are shown otherwise."""

from importlib import import_module

import pytest
from django.apps import apps

from production.actions import observe
from production.models import Count, Counter
from telemetry.models import Plc
from tests.controllers import tag
from tests.factories import equipment, good_count, observation

pytestmark = pytest.mark.django_db

begin_anew = import_module("telemetry.migrations.0007_scaled_counters").begin_anew


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"offset": 5000}, [(0, "baseline"), (0, "baseline")]),
        ({"scale": 0.1}, [(0, "baseline"), (0, "baseline")]),
        ({}, [(0, "baseline"), (12, "reset")]),
    ],
    ids=["offset", "scale", "neither"],
)
def test_the_next_value_of_a_scaled_counter_is_a_baseline(fields, said):
    machine = equipment()
    row = Plc.objects.create(code="plc", name="The PLC", protocol="logix", host="127.0.0.1")
    tag(row, "Good", data_type="int32", of=machine, role="good_count", **fields)
    observe([observation(machine, 0, counters=(good_count(5012),))])
    begin_anew(apps, None)
    assert Counter.objects.get().begins_anew is bool(fields)
    observe([observation(machine, 1, counters=(good_count(12),))])
    assert list(Count.objects.order_by("pk").values_list("quantity", "decision")) == said
