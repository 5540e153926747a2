"""A new controller by the README: from the exported files in docs/examples to states, pieces and faults."""

from pathlib import Path

import pytest
from django.core.management import call_command

from production.models import Condition, Count, Fault
from telemetry.models import MessageBit, Plc, Tag, TagLatest
from telemetry.simulator.plant import BakeryPorts, Plant
from tests import factories
from tests.controllers import Clock, polling, ticks
from tests.web.plant import person

pytestmark = pytest.mark.django_db(transaction=True)

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture
def plant():
    found = Plant(BakeryPorts(bagger=0, loader=0, checkweigher=0, casepacker=0), seed=7)
    found.start()
    yield found
    found.stop()


def test_the_files_of_the_readme_make_a_machine_that_tells_state_pieces_and_faults(plant):
    factories.equipment(code="PRESS7", line=factories.line(code="L-NEW"))
    port = plant.servers["bagger"].port
    Plc.objects.create(
        code="press7", name="Press 7", protocol="logix", host="127.0.0.1", port=port
    )
    person("engineer", "engineer", all_lines=True)
    said = {"plc": "press7", "equipment": "PRESS7", "apply": True, "user": "engineer"}
    for name in ("bagger-tags.csv", "bagger-messages.csv"):
        call_command("import_tags", EXAMPLES / name, verbosity=0, **said)
    roles = dict(Tag.objects.exclude(role="none").values_list("name", "role"))
    assert roles == {
        "MC_Avg_Speed": "speed",
        "Current_Product": "product",
        "Count_Blade_PEC.ACC": "total_count",
        "Reject_Count": "reject_count",
        "Fault": "message_bits",
        "Machine_Running": "running",
    }
    assert MessageBit.objects.filter(tag__name="Fault").exists()
    with polling(clock=Clock()) as poll:
        for _ in range(30):
            plant.tick(1.0)
            ticks(poll, 1)
        assert not TagLatest.objects.exclude(quality="good").exists()
        assert Condition.objects.get().state == "running"
        # What a message means is a guess until a person has looked: "Double loaf" says neither.
        jam = MessageBit.objects.get(text="Double loaf")
        assert jam.kind == "info"
        jam.kind = "fault"
        jam.save()
        plant.hold("bagger")
        for _ in range(4):
            plant.tick(1.0)
            ticks(poll, 1)
    assert Condition.objects.get().state == "faulted"
    assert Fault.objects.get(first_out=True).text == "Double loaf"
    assert Count.objects.filter(kind="total").exists()
