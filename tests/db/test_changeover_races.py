"""However many begin, end and announce a changeover at once, it happens once."""

import threading

import pytest
from django.db import connection, connections

from ms5.accounts.roles import Role
from ms5.events.models import Event
from production import processors
from production.actions import changeovers, job_queue, jobs, observe
from production.models import Changeover
from tests import factories
from tests.factories import at, equipment, good_count, observation, product, user

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*works):
    """Run them in threads of their own, each with its connection; return what they raised."""
    ready, raised = threading.Barrier(len(works)), []

    def run(work):
        try:
            ready.wait(10)
            work()
        except Exception as error:  # noqa: BLE001 - said by the test
            raised.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return raised


@pytest.fixture
def machine():
    return equipment(line=factories.line(changeover_good_needed=3), is_constraint=True)


def seen(machine, seconds, of, value=0):
    fields = {"product_number": of.plc_number, "counters": (good_count(value),)}
    return observation(machine, seconds, **fields)


def told(kind):
    return Event.objects.filter(type=f"changeover_{kind}").count()


def test_a_person_a_reading_and_another_person_begin_one(machine):
    loaf, roll = product(), product()
    observe([seen(machine, 0, loaf)])
    people = [user(), user()]
    raised = at_once(
        lambda: changeovers.start(machine.line, roll, actor=people[0], at=at(1)),
        lambda: changeovers.start(machine.line, roll, actor=people[1], at=at(1)),
        lambda: observe([seen(machine, 1, roll)]),
    )
    assert raised == []
    assert Changeover.objects.get().to_product == roll
    assert (told("started"), told("completed")) == (1, 0)


def test_a_person_and_the_last_good_piece_end_it_once(machine):
    loaf, roll = product(), product()
    observe([seen(machine, 0, loaf), seen(machine, 1, roll), seen(machine, 2, roll, 2)])
    changeover, person = Changeover.objects.get(), user()
    raised = at_once(
        lambda: changeovers.complete(changeover, actor=person, at=at(3)),
        lambda: observe([seen(machine, 3, roll, 3)]),
        lambda: changeovers.complete(changeover, actor=person, at=at(3)),
    )
    assert raised == []
    changeover.refresh_from_db()
    assert (changeover.status, changeover.ended_at) == ("completed", at(3))
    assert told("completed") == 1


def test_copies_of_the_processor_say_once_that_it_is_over_its_target(machine):
    loaf, roll = product(), product()
    observe([seen(machine, 0, loaf), seen(machine, 1, roll)])
    Changeover.objects.update(target_s=10)
    raised = at_once(*[lambda: processors.changeover(at(60))] * 4)
    assert raised == []
    assert Changeover.objects.get().over_target_at == at(11)
    assert told("started") == 2


def deadlocks():
    """Return how many the server has seen in this database; a retried action does not tell."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        )
        return cursor.fetchone()[0]


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer")
def test_observers_of_one_line_wait_for_each_other_and_never_in_a_circle(machine):
    """A changeover begins in the reading of one, while another reads what is behind it on the line."""
    loaf, roll, person = product(), product(), user(Role.SHIFT_MANAGER)
    behind = [equipment(line=machine.line) for _ in range(2)]
    observe([seen(machine, 0, loaf), *(seen(each, 0, loaf) for each in behind)])
    job = job_queue.plan(machine.line, actor=person, at=at(0), number="J", product=loaf)
    job = jobs.assign(job, person, actor=person, at=at(0))
    jobs.start(job, actor=person, at=at(0))
    before = deadlocks()
    for number in range(1, 13):
        now = number * 10
        raised = at_once(
            lambda now=now, of=(loaf, roll)[number % 2]: observe([seen(machine, now, of, now)]),
            *(
                lambda now=now, each=each: observe([seen(each, now, loaf, now)])
                for each in behind
            ),
            lambda now=now: observe(
                [seen(each, now + 1, loaf, now + 1) for each in reversed(behind)]
            ),
        )
        assert raised == []
    assert deadlocks() == before
    assert Changeover.objects.count() >= 1
    assert told("started") >= 6
