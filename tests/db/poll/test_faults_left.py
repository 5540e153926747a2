"""Faults whose message bits nobody reads any more: they end, and explain no later stop."""

import pytest

from production.models import Condition, Fault
from telemetry.models import Tag
from tests import factories
from tests.controllers import polling, tag, ticks

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broken(poll, wired, server):
    """A machine that stands for a fault, and its array of messages."""
    ticks(poll, 1)
    server.set("Running", value=False)
    server.set("Fault", [place == 31 for place in range(64)])
    ticks(poll, 2)
    assert (Condition.objects.get().state, Fault.objects.get().cleared_at) == ("faulted", None)
    return Tag.objects.get(role="message_bits")


@pytest.mark.parametrize("how", ["disabled", "without a role", "of another machine", "deleted"])
def test_a_fault_ends_when_its_messages_are_not_read_any_more(
    poll, server, bagger, broken, how
):
    match how:
        case "disabled":
            broken.enabled = False
        case "without a role":
            broken.role = "none"
        case "of another machine":
            broken.equipment = factories.equipment(code="BAG2", line=bagger.line)
    if how == "deleted":
        broken.delete()
    else:
        broken.save()
    ticks(poll, 3)
    first = Fault.objects.filter(equipment=bagger).get()
    assert first.cleared_at is not None
    # What stands later stands for a reason of its own.
    for running in (True, False):
        server.set("Running", value=running)
        ticks(poll, 2)
    condition = Condition.objects.get(equipment=bagger)
    assert (condition.state, condition.reason) == ("stopped", "")


def test_a_fault_ends_with_its_controller(poll, wired, broken):
    wired.delete()
    ticks(poll, 3)
    assert Fault.objects.get().cleared_at is not None
    assert Condition.objects.get().state == "no_data"


@pytest.mark.parametrize("how", ["disabled", "without a role", "deleted", "by nobody"])
def test_a_fault_ends_with_the_last_tag_of_its_machine(poll, wired, bagger, broken, how):
    other = factories.equipment(code="BAG2", line=bagger.line)
    tag(wired, "Another", address="Running", of=other, role="running")
    if how == "by nobody":
        poll.close()
    of_it = Tag.objects.filter(equipment=bagger)
    for each in of_it:
        match how:
            case "disabled":
                each.enabled = False
                each.save()
            case "without a role":
                each.role = "none"
                each.save()
            case _:
                each.delete()
    if how == "by nobody":
        with polling(holder="another:1") as later:
            ticks(later, 1)
    else:
        ticks(poll, 4)
    assert Fault.objects.get().cleared_at is not None
    condition = Condition.objects.get(equipment=bagger)
    assert (condition.state, condition.reason) == ("no_data", "No tag tells of it any more.")
    assert Condition.objects.get(equipment=other).state == "stopped"


def test_a_fault_stands_while_its_controller_is_disabled(poll, wired, broken):
    wired.enabled = False
    wired.save()
    ticks(poll, 4)
    assert Condition.objects.get().state == "no_data"
    assert Fault.objects.get().cleared_at is None


def test_a_fault_stands_while_its_controller_does_not_answer(poll, wired, server, broken):
    server.stop()
    ticks(poll, 4)
    assert Condition.objects.get().state == "no_data"
    assert Fault.objects.get().cleared_at is None
