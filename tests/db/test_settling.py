"""Quarters are settled once nothing but a correction can change them, and taken back by one."""

import threading
from datetime import timedelta

import pytest
from django.db import connections, transaction

from production.accounting import accounts
from production.actions import lose, observe
from production.models import Changeover, Settlement, Span, TimeTally
from production.settling import settle, unsettle
from tests.factories import at, equipment, observation, product

QUARTER = 900

pytestmark = pytest.mark.django_db


def machine_of(**fields):
    return equipment(is_constraint=True, no_data_after_s=10_000, **fields)


def see(on, *states):
    """Observe (second, state) each."""
    observe([observation(on, second, state) for second, state in states])


def settled(on):
    """Return which quarters are settled, by their number from T0 on."""
    rows = TimeTally.objects.filter(equipment=on).order_by("started_at")
    return [(row.started_at - at(0)) // timedelta(seconds=QUARTER) for row in rows]


def take_back(on, second):
    with transaction.atomic():
        unsettle([on.pk], at(second))


def test_quarters_before_the_last_reading_are_settled_and_only_once():
    machine = machine_of()
    see(machine, (60, "running"), (2000, "running"))
    assert settle(at(2100)) == 2
    assert settle(at(2100)) == 0
    assert settled(machine) == [0, 1]
    first = TimeTally.objects.get(equipment=machine, started_at=at(0))
    assert (first.no_data_us, first.running_us) == (60_000_000, 840_000_000)
    assert Settlement.objects.get().until == at(1800)


def test_a_quarter_is_not_settled_before_actions_that_were_decided_in_it_have_committed():
    machine = machine_of()
    see(machine, (0, "running"), (930, "running"))
    assert settle(at(930)) == 0
    assert settle(at(960)) == 1


def test_a_stop_that_lasts_is_not_settled_since_its_length_is_not_known():
    machine = machine_of()
    see(machine, (0, "running"), (1000, "stopped"), (5000, "idle"))
    settle(at(6000))
    assert settled(machine) == [0]
    lose([machine.pk], "lost", at(5500))
    settle(at(9000))
    assert settled(machine) == [0], "time without data does not end a stop"
    see(machine, (5600, "running"), (9000, "running"))
    settle(at(9100))
    assert settled(machine) == list(range(10))


def test_a_running_changeover_keeps_its_time_open():
    machine = machine_of()
    see(machine, (0, "running"), (5000, "running"))
    change = Changeover.objects.create(
        line=machine.line,
        to_product=product(),
        started_at=at(2000),
        started_with="person",
        good_needed=1,
    )
    settle(at(5100))
    assert settled(machine) == [0, 1]
    change.status, change.ended_at = "completed", at(4000)
    change.save()
    settle(at(5100))
    assert settled(machine) == [0, 1, 2, 3, 4]


def test_a_history_that_was_never_settled_is_settled_bit_by_bit():
    machine = machine_of()
    days = 5 * 96
    see(machine, (-days * QUARTER, "running"), (0, "running"))
    assert [settle(at(100)) for _ in range(4)] == [192, 192, 96, 0]


def test_taking_back_leaves_what_is_before_and_what_is_settled_again_is_the_same():
    machine = machine_of()
    see(machine, (0, "running"), (2000, "stopped"), (2060, "running"), (6000, "running"))
    settle(at(6100))
    before = list(TimeTally.objects.order_by("started_at").values().all())
    take_back(machine, 2800)
    assert settled(machine) == [0, 1, 2]
    assert Settlement.objects.get().until == at(2700)
    settle(at(6100))

    def plain(rows):
        return [{key: value for key, value in row.items() if key != "id"} for row in rows]

    assert plain(TimeTally.objects.order_by("started_at").values()) == plain(before)


def test_taking_back_goes_to_where_the_stop_began_since_its_length_decides():
    machine = machine_of()
    see(machine, (0, "running"), (850, "stopped"), (1000, "running"), (4000, "running"))
    settle(at(4100))
    take_back(machine, 950)
    assert settled(machine) == []


def test_taking_all_back_begins_again_where_the_data_began():
    machine = machine_of()
    see(machine, (0, "running"), (2000, "running"))
    settle(at(2100))
    take_back(machine, -1_000_000)
    assert (settled(machine), Settlement.objects.count()) == ([], 0)
    assert settle(at(2100)) == 2
    take_back(machine, 5000)
    assert settled(machine) == [0, 1]


def test_equipment_without_data_has_nothing_to_settle():
    machine_of()
    assert settle(at(5000)) == 0


def test_a_correction_of_a_span_is_seen_once_it_is_taken_back():
    machine = machine_of()
    see(machine, (0, "running"), (4000, "running"))
    settle(at(4100))
    with transaction.atomic():
        Span.objects.update(ended_at=at(1000))
        Span.objects.create(
            equipment=machine, state="stopped", started_at=at(1000), ended_at=at(2000)
        )
        Span.objects.create(equipment=machine, state="running", started_at=at(2000))
        unsettle([machine.pk], at(1000))
    window = at(0), at(3600), at(4100)
    corrected = accounts([machine], *window)[machine.pk]
    assert corrected == accounts([machine], *window, exact=True)[machine.pk]
    settle(at(4100))
    assert accounts([machine], *window)[machine.pk] == corrected


@pytest.mark.django_db(transaction=True)
def test_two_that_settle_while_a_third_takes_back_leave_no_hole():
    machines = [machine_of() for _ in range(2)]
    for each in machines:
        see(each, (0, "running"), (20_000, "running"))
    start, failures = threading.Barrier(3), []

    def run(work):
        try:
            start.wait(timeout=10)
            for _ in range(8):
                work()
        except Exception as error:  # noqa: BLE001 - raised below, in the test's own thread
            failures.append(error)
        finally:
            connections.close_all()

    def back():
        take_back(machines[0], 9000)

    works = [lambda: settle(at(20_100)), lambda: settle(at(20_100)), back]
    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert failures == []
    settle(at(20_100))
    for each in machines:
        assert settled(each) == list(range(22))
        assert Settlement.objects.get(pk=each.pk).until == at(22 * QUARTER)
