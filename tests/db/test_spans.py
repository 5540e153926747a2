"""Spans of an equipment never overlap and leave no hole, whatever is observed and by how many at once."""

import threading
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import IntegrityError, connection, connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from production.actions import lose, observe, silence
from production.models import Condition, Span
from production.timeline import Stretch, merge
from tests.factories import T0, at, equipment, facts_of, observation, spans_of

SILENCE_S = 3.0


def span(on, began, ended, state="running"):
    return Span.objects.create(
        equipment=on,
        state=state,
        started_at=at(began),
        ended_at=None if ended is None else at(ended),
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((10, 20), (15, 25)),  # the end of one in the other
        ((10, 20), (5, 15)),
        ((10, 20), (12, 18)),  # within
        ((10, 20), (5, 25)),  # around
        ((10, 20), (19.999999, 30)),  # by a microsecond
        ((10, 20), (5, None)),
        ((10, None), (15, 20)),  # after the beginning of one that lasts
        ((10, None), (5, 11)),
    ],
)
def test_the_database_refuses_spans_that_overlap(first, second):
    machine = equipment()
    span(machine, *first)
    with pytest.raises(IntegrityError, match="spans of an equipment do not overlap"):
        span(machine, *second)


@pytest.mark.django_db
def test_the_database_refuses_to_move_a_span_into_another():
    machine = equipment()
    span(machine, 0, 10)
    later = span(machine, 10, 20)
    with (
        pytest.raises(IntegrityError, match="spans of an equipment do not overlap"),
        transaction.atomic(),
    ):
        Span.objects.filter(pk=later.pk).update(started_at=at(9.999999))
    assert Span.objects.filter(pk=later.pk).update(ended_at=None) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("first", "second"), [((10, 20), (20, 30)), ((10, 20), (5, 10)), ((10, None), (5, 10))]
)
def test_spans_that_touch_do_not_overlap(first, second):
    machine = equipment()
    span(machine, *first)
    span(machine, *second)
    assert len(spans_of(machine)) == 2


@pytest.mark.django_db
def test_spans_of_two_machines_have_nothing_to_do_with_each_other():
    span(equipment(), 10, 20)
    span(equipment(), 10, 20)
    assert Span.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(("began", "ended"), [(10, 10), (10, 9)])
def test_the_database_refuses_a_span_that_ends_before_it_began(began, ended):
    with pytest.raises(IntegrityError):
        span(equipment(), began, ended)


@pytest.mark.django_db
def test_the_database_refuses_two_present_spans_and_an_unknown_state():
    machine = equipment()
    span(machine, 0, None)
    for wrong in ((5, None, "running"), (-5, -1, "flying")):
        with pytest.raises(IntegrityError), transaction.atomic():
            span(machine, *wrong)


def naive(readings, until):
    """Return the timeline by the slow way: what is known of each stretch between two readings.

    `readings` are (microseconds, state or None when bad). A state holds from its reading to the next good
    one, if that comes soon enough; else nothing is known between the two. One that a single reading told, so
    another than held until then, still was so for a microsecond.
    """
    good = {moment: state for moment, state in reversed(readings) if state is not None}
    moments = sorted(good)
    if not moments:
        return []
    stretches = []
    held = None

    def hold(state, began, ended):
        if began < ended:
            times = (T0 + timedelta(microseconds=each) for each in (began, ended))
            stretches.append(Stretch(state, *times))

    for moment, following in zip(moments, [*moments[1:], until], strict=True):
        if following - moment <= SILENCE_S * 1_000_000:
            held = good[moment]
            hold(held, moment, following)
            continue
        lost = moment if good[moment] in {held, "no_data"} else moment + 1
        hold(good[moment], moment, lost)
        hold("no_data", lost, following)
        held = "no_data"
    return merge(stretches)


readings_ = st.lists(
    st.tuples(
        st.integers(1, 6_000_000),
        st.sampled_from(["running", "stopped", "faulted", "idle", "no_data", None]),
        st.sampled_from(["once", "twice", "with silence", "with an older one", "in a batch"]),
    ),
    min_size=1,
    max_size=14,
)


@pytest.mark.django_db
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(readings_, st.integers(1, 10_000_000))
def test_whatever_is_observed_the_timeline_is_that_of_the_slow_way(drawn, last):
    machine = equipment(no_data_after_s=SILENCE_S)
    moment, readings, waiting = 0, [], []
    for step, state, how in drawn:
        moment += step
        if how == "with silence":
            # All that was read before is written: what silence has given up stays given up.
            observe(waiting)
            waiting = []
            silence(T0 + timedelta(microseconds=moment - 1))
        readings.append((moment, state))
        seen = observation(
            machine,
            moment / 1_000_000,
            state or "running",
            quality="bad" if state is None else "good",
            source_at=T0 + timedelta(microseconds=moment),
        )
        waiting.append(seen)
        if how == "in a batch":
            continue
        observe(waiting[::-1])
        if how == "twice":
            assert observe(waiting) == 0
        if how == "with an older one":
            observe([observation(machine, -5, "setup")] if spans_of(machine) else [])
        waiting = []
    observe(waiting)
    until = moment + last
    silence(T0 + timedelta(microseconds=until))

    rows = list(machine.spans.order_by("started_at"))
    for earlier, later in pairwise(rows):
        assert earlier.ended_at == later.started_at
    end = T0 + timedelta(microseconds=until)
    stays = [Stretch(row.state, row.started_at, row.ended_at or end) for row in rows]
    assert merge(stays) == naive(readings, until)
    if rows:
        now = Condition.objects.get(pk=machine.pk)
        assert (now.state, now.since) == (rows[-1].state, rows[-1].started_at)
        last_said = facts_of(machine, "equipment_state")[-1]["data"]
        assert (last_said["state"], last_said["previous"]) == (now.state, now.previous or None)


def in_threads(*works):
    """Run the works at once, each with a connection of its own; raise what any of them raised."""
    start, failures = threading.Barrier(len(works)), []

    def run(work):
        try:
            start.wait(timeout=10)
            work()
        except Exception as error:  # noqa: BLE001 - raised below, in the test's own thread
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    assert failures == []


@pytest.mark.django_db(transaction=True)
def test_two_that_observe_the_same_machine_at_once_leave_one_timeline():
    machine = equipment(no_data_after_s=SILENCE_S)
    other = equipment(line=machine.line)

    def watch(offset):
        states = ["running", "stopped", "faulted"]
        for number in range(25):
            seconds = number * 0.5 + offset
            state = states[(number + int(offset * 10)) % 3]
            observe([observation(machine, seconds, state), observation(other, seconds, state)])

    def give_up():
        for number in range(25):
            lose([other.pk, machine.pk], "lost", at(number * 0.5))
            silence(at(number * 0.5))

    in_threads(lambda: watch(0.0), lambda: watch(0.2), give_up)

    for each in (machine, other):
        spans = spans_of(each)
        assert len(spans) > 1
        for earlier, later in pairwise(spans):
            assert earlier[2] == later[1]
        assert spans[-1][2] is None
        now = Condition.objects.get(pk=each.pk)
        assert now.state == spans[-1][0]
        said = facts_of(each, "equipment_state")
        # One span for each move, but for those that were left in the moment in which they began.
        assert len(spans) <= len(said)
        assert said[-1]["data"]["state"] == now.state
    positions = [fact["seq"] for fact in facts_of(machine) + facts_of(other)]
    assert sorted(positions) == list(range(1, len(positions) + 1))


@pytest.mark.django_db(transaction=True)
def test_two_that_see_a_machine_for_the_first_time_make_one_condition():
    machine = equipment()
    seen = [observation(machine, 0, "running")]
    in_threads(lambda: observe(seen), lambda: observe(seen), lambda: observe(seen))
    assert spans_of(machine) == [("running", 0, None)]
    assert len(facts_of(machine)) == 1


@pytest.mark.django_db
def test_an_overlap_is_found_by_an_index_and_not_by_reading_the_history():
    plan = {
        "sqlite": "EXPLAIN QUERY PLAN SELECT 1 FROM production_span other"
        " WHERE other.equipment_id = 1 AND other.ended_at > '2026-11-23'",
        "postgresql": "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conname = 'spans of an equipment do not overlap'",
    }
    found = {
        "sqlite": "INDEX span_equipment_ended (equipment_id=? AND ended_at>?)",
        "postgresql": "EXCLUDE USING gist",
    }
    with connection.cursor() as cursor:
        cursor.execute(plan[connection.vendor])
        rows = " ".join(str(row) for row in cursor.fetchall())
    assert found[connection.vendor] in rows
