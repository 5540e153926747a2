"""A tag that is given another role, or none: what it counts from then on is read by what there is then."""

import pytest

from production.made import outputs
from production.models import Count, Counter
from production.timelines import Extent
from telemetry.models import Tag
from tests import factories
from tests.controllers import modbus, plc, tag, ticks

pytestmark = pytest.mark.django_db(transaction=True)


def made(on):
    """Return good pieces and all that were ever made, measured or not."""
    rows = Count.objects.filter(equipment=on).order_by("at")
    first, last = rows.first().at, rows.last().at
    (found,) = outputs([Extent(on, first, last)], last)
    return found.good + found.aside_good, found.total + found.aside_total


def count_up(poll, server, name, values):
    for value in values:
        server.set(name, value)
        ticks(poll, 1)


def save(row, poll):
    """Save an edit, and let it be noticed."""
    row.save()
    ticks(poll, 2)


def kinds():
    return set(Counter.objects.values_list("kind", flat=True))


@pytest.fixture
def good(poll, wired, server, bagger):
    """The counter of good pieces of a machine that has made twenty."""
    count_up(poll, server, "Good", [1000, 1010, 1020])
    assert made(bagger) == (20, 20)
    return Tag.objects.get(role="good_count")


def test_good_pieces_that_become_all_pieces_spoil_no_figure(poll, server, bagger, good):
    good.role = "total_count"
    save(good, poll)
    count_up(poll, server, "Good", [1030])
    assert (kinds(), made(bagger)) == ({"total"}, (30, 30))
    good.role = "good_count"
    save(good, poll)
    count_up(poll, server, "Good", [1035])
    assert (kinds(), made(bagger)) == ({"good"}, (35, 35))


@pytest.mark.parametrize("how", ["disabled", "without a role", "deleted"])
def test_a_counter_that_is_not_read_any_more_is_none(poll, server, bagger, good, how):
    match how:
        case "disabled":
            good.enabled = False
        case "without a role":
            good.role = "none"
    if how == "deleted":
        good.delete()
    else:
        good.save()
    ticks(poll, 2)
    count_up(poll, server, "Good", [1030, 1040])
    assert (kinds(), made(bagger)) == (set(), (20, 20))


def test_a_counter_of_a_disabled_controller_adds_up_when_it_is_read_again(
    poll, server, bagger, good
):
    """Its machine is fed by two: the other one goes on telling of it."""
    places = [("rejected", "holding", 1, "uint16")]
    with modbus(places, {"rejected": 5}) as scale:
        row = plc(scale, code="scale")
        tag(
            row,
            "rejected",
            address="holding:1",
            data_type="uint16",
            of=bagger,
            role="reject_count",
        )
        ticks(poll, 2)
        row.enabled = False
        save(row, poll)
        scale.set("rejected", 8)
        count_up(poll, server, "Good", [1030, 1040])
        assert (kinds(), made(bagger)) == ({"good", "reject"}, (40, 40))
        row.enabled = True
        save(row, poll)
        assert made(bagger) == (40, 43)


def test_a_counter_of_another_machine_leaves_the_one_that_had_it(poll, server, bagger, good):
    other = factories.equipment(code="BAG2", line=bagger.line)
    good.equipment = other
    save(good, poll)
    count_up(poll, server, "Good", [1030, 1040])
    assert set(Counter.objects.values_list("equipment__code", "kind")) == {("BAG2", "good")}
    assert (made(bagger), made(other)) == ((20, 20), (20, 20))


@pytest.mark.parametrize("how", ["its tags", "its controller"])
def test_a_machine_without_any_tag_has_no_counter(poll, bagger, wired, good, how):
    if how == "its tags":
        Tag.objects.filter(equipment=bagger).delete()
    else:
        wired.delete()
    ticks(poll, 3)
    assert (kinds(), made(bagger)) == (set(), (20, 20))
