"""Readings become states; time without readings becomes `no_data`, back to the last good one."""

import logging
from dataclasses import replace

import pytest
from django.db import DatabaseError
from django.db.models import ProtectedError

from ms5.events.log import recording
from ms5.events.models import Event
from production.actions import lose, observe, silence
from production.actions.observing import LINES_AT_ONCE
from production.models import Condition, Equipment, Job, JobRun, Span
from tests.factories import (
    at,
    equipment,
    facts_of,
    fault,
    good_count,
    line,
    observation,
    product,
    spans_of,
)

pytestmark = pytest.mark.django_db


def states_said(on):
    """Return (state, previous, occurred after T0, reason) of each fact about the state."""
    return [
        (fact["data"]["state"], fact["data"]["previous"], fact["timestamp"][17:23].strip("Z"))
        for fact in facts_of(on, "equipment_state")
    ]


def condition_of(on):
    return Condition.objects.get(pk=on.pk)


def test_the_first_reading_begins_the_timeline():
    machine = equipment()
    assert observe([observation(machine, 0, "running", speed=98.5)]) == 1
    assert spans_of(machine) == [("running", 0, None)]
    now = condition_of(machine)
    assert (now.state, now.since, now.previous) == ("running", at(0), "")
    assert (now.last_good_at, now.state_read_at, now.speed) == (at(0), at(0), 98.5)
    (fact,) = facts_of(machine)
    assert fact["type"] == "equipment_state"
    assert fact["line_id"] == fact["stream"] == machine.line.code
    assert fact["timestamp"] == "2026-11-23T10:00:00Z"
    assert fact["data"] == {
        "equipment_code": machine.code,
        "state": "running",
        "since": "2026-11-23T10:00:00Z",
        "previous": None,
        "reason": None,
    }


def test_a_reading_that_repeats_the_state_says_nothing():
    machine = equipment()
    assert observe([observation(machine, second) for second in range(10)]) == 1
    assert len(facts_of(machine)) == 1
    assert condition_of(machine).last_good_at == at(9)


def test_speeds_of_any_kind_of_number_are_taken_over_together():
    # Counts a minute come from a controller as a whole number, a fraction, or one bit.
    packing = line()
    machines = [equipment(line=packing) for _ in range(4)]
    for second in (0, 1):
        speeds = (120, 99.5, True, None if second else 2**63)
        seen = zip(machines, speeds, strict=True)
        observe([observation(machine, second, speed=speed) for machine, speed in seen])
    assert [condition_of(machine).speed for machine in machines] == [120.0, 99.5, 1.0, None]
    assert {condition_of(machine).last_good_at for machine in machines} == {at(1)}


def test_another_state_ends_the_span_and_begins_the_next():
    machine = equipment()
    observe([observation(machine, 0, "running"), observation(machine, 1, "running")])
    assert observe([observation(machine, 2.000001, "stopped")]) == 1
    assert spans_of(machine) == [("running", 0, 2.000001), ("stopped", 2.000001, None)]
    assert states_said(machine) == [("running", None, "00"), ("stopped", "running", "02.000")]


def test_an_observation_said_twice_changes_nothing_the_second_time():
    machine = equipment()
    seen = [observation(machine, 0, "running"), observation(machine, 1, "stopped")]
    assert observe(seen) == 2
    assert observe(seen) == 0
    assert observe([observation(machine, 1, "running")]) == 0
    assert observe([observation(machine, 0.5, "idle")]) == 0
    assert spans_of(machine) == [("running", 0, 1), ("stopped", 1, None)]
    assert len(facts_of(machine)) == 2


def test_observations_of_one_call_are_taken_in_the_order_of_their_source():
    machine = equipment()
    assert (
        observe([observation(machine, 2, "stopped"), observation(machine, 1, "running")]) == 2
    )
    assert spans_of(machine) == [("running", 1, 2), ("stopped", 2, None)]


def test_what_comes_back_after_a_gap_fills_it_with_no_data():
    machine = equipment(no_data_after_s=3)
    observe([observation(machine, 0, "running"), observation(machine, 1, "running")])
    assert observe([observation(machine, 60, "running")]) == 2
    assert spans_of(machine) == [("running", 0, 1), ("no_data", 1, 60), ("running", 60, None)]
    assert states_said(machine) == [
        ("running", None, "00"),
        ("no_data", "running", "01"),
        ("running", "no_data", "00"),
    ]


def test_a_pause_as_long_as_the_allowed_silence_is_no_gap():
    machine = equipment(no_data_after_s=3)
    observe([observation(machine, 0, "running"), observation(machine, 3, "running")])
    assert spans_of(machine) == [("running", 0, None)]


def test_silence_ends_the_span_at_the_last_good_reading():
    machine = equipment(no_data_after_s=3)
    observe([observation(machine, second, speed=50.0) for second in range(3)])
    assert silence(at(5)) == 0
    assert silence(at(5.1)) == 1
    assert silence(at(6)) == 0
    assert spans_of(machine) == [("running", 0, 2), ("no_data", 2, None)]
    now = condition_of(machine)
    assert (now.reason, now.quality, now.speed) == ("no good reading for 3 s", "bad", None)
    assert states_said(machine)[-1] == ("no_data", "running", "02")


@pytest.mark.parametrize("seconds", [0.5, 1, 1.5, 3, 3.5, 60, 61])
def test_each_is_lost_after_a_silence_of_its_own_length(seconds):
    """Which of them are looked at is decided by the shortest of all."""
    patience = {equipment(no_data_after_s=each).pk: each for each in (60, 3, 1, 3)}
    observe([observation(Equipment(pk=pk), 0) for pk in patience])
    lost = {pk for pk, each in patience.items() if seconds > each}
    assert silence(at(seconds)) == len(lost)
    assert {row.pk for row in Condition.objects.filter(state="no_data")} == lost


def test_a_state_that_a_single_reading_told_was_so_for_an_instant():
    machine = equipment(no_data_after_s=3)
    observe([observation(machine, 0, "running")])
    silence(at(10))
    assert observe([observation(machine, 12.5, "stopped")]) == 1
    assert spans_of(machine) == [
        ("running", 0, 0.000001),
        ("no_data", 0.000001, 12.5),
        ("stopped", 12.5, None),
    ]


def test_what_came_back_before_a_loss_was_noticed_leaves_no_overlap():
    machine = equipment(no_data_after_s=3)
    observe([observation(machine, 0, "running")])
    lose([machine.pk], "PLC does not answer", at(0))
    observe([observation(machine, 0.000001, "running")])
    assert spans_of(machine) == [("running", 0, 0.000001), ("running", 0.000001, None)]


def test_what_held_before_a_loss_is_told_from_the_loss_on():
    machine = equipment(no_data_after_s=3)
    observe([observation(machine, 10, "running")])
    lose([machine.pk], "PLC does not answer", at(10))
    observe([observation(machine, 11, "stopped", held_from=at(5))])
    assert spans_of(machine) == [("running", 10, 10.000001), ("stopped", 10.000001, None)]


@pytest.mark.parametrize(
    ("ahead", "length"),
    [(5.6, "6 s"), (600, "10 min"), (36000, "10 h"), (864000, "10 days")],
)
def test_a_reading_from_the_future_is_a_bad_one_that_says_so(ahead, length):
    machine = equipment(no_data_after_s=3)
    observe([observation(machine, 0), observation(machine, 1)])
    odd = replace(observation(machine, 2 + ahead, "stopped"), received_at=at(2))
    assert observe([odd]) == 0
    now = condition_of(machine)
    assert (now.state, now.last_good_at, now.quality) == ("running", at(1), "bad")
    assert now.trouble == f"the source's clock is {length} ahead"
    observe([observation(machine, 3, "stopped")])
    assert spans_of(machine) == [("running", 0, 3), ("stopped", 3, None)]


def test_a_reading_up_to_five_seconds_ahead_is_believed():
    machine = equipment()
    observe([replace(observation(machine, 7), received_at=at(2))])
    assert condition_of(machine).last_good_at == at(7)


def test_where_our_clock_was_set_back_nothing_is_known_until_it_has_caught_up(caplog):
    machine = equipment(no_data_after_s=3)
    observe([observation(machine, 3600), observation(machine, 3601)])
    assert silence(at(3541)) == 0
    with caplog.at_level(logging.WARNING):
        assert silence(at(3540)) == 1
    assert silence(at(3540)) == 0
    assert [record.message for record in caplog.records] == [
        "readings lie ahead of the clock: it was set back"
    ]
    assert condition_of(machine).reason == (
        "our clock was set back; readings count again after 2026-11-23 11:00:01 UTC"
    )
    assert observe([observation(machine, 3550)]) == 0
    observe([observation(machine, 3610, "stopped")])
    assert spans_of(machine) == [
        ("running", 3600, 3601),
        ("no_data", 3601, 3610),
        ("stopped", 3610, None),
    ]


def test_equipment_that_never_had_data_is_not_lost():
    machine = equipment()
    assert silence(at(3600)) == 0
    assert lose([machine.pk], "PLC does not answer", at(3600)) == 0
    assert spans_of(machine) == []
    assert facts_of(machine) == []
    assert condition_of(machine).reason == "PLC does not answer"


def test_to_lose_equipment_goes_back_to_its_last_reading_and_says_why():
    machine = equipment()
    observe([observation(machine, 0, "running"), observation(machine, 1.25, "running")])
    assert lose([machine.pk], "PLC bagger does not answer", at(2)) == 1
    assert lose([machine.pk], "PLC bagger does not answer", at(3)) == 0
    assert spans_of(machine) == [("running", 0, 1.25), ("no_data", 1.25, None)]
    assert [fact["data"]["reason"] for fact in facts_of(machine)] == [
        None,
        "PLC bagger does not answer",
    ]


def test_a_better_reason_for_the_same_loss_is_said_without_a_new_span():
    machine = equipment()
    observe([observation(machine, 0, "running"), observation(machine, 1, "running")])
    silence(at(5))
    assert lose([machine.pk], "PLC bagger does not answer", at(6)) == 0
    last = facts_of(machine)[-1]
    assert last["timestamp"] == "2026-11-23T10:00:06Z"
    assert last["data"] == {
        "equipment_code": machine.code,
        "state": "no_data",
        "since": "2026-11-23T10:00:01Z",
        "previous": "running",
        "reason": "PLC bagger does not answer",
    }
    assert spans_of(machine)[-1] == ("no_data", 1, None)
    assert Span.objects.get(state="no_data").reason == "PLC bagger does not answer"


def test_a_loss_that_was_decided_before_the_newest_reading_is_void():
    machine = equipment()
    observe([observation(machine, 0), observation(machine, 10)])
    observe([observation(machine, 10.5)])
    assert lose([machine.pk], "late news", at(10.2)) == 0
    assert condition_of(machine).state == "running"


def test_nothing_is_known_by_a_bad_reading():
    machine = equipment(no_data_after_s=3)
    observe([observation(machine, 0, "running"), observation(machine, 1, "running")])
    bad = {"quality": "bad", "reason": "state word is 42, which nobody explained"}
    assert observe([observation(machine, 2, "stopped", **bad)]) == 0
    now = condition_of(machine)
    assert (now.state, now.last_good_at, now.quality) == ("running", at(1), "bad")
    assert now.trouble == "state word is 42, which nobody explained"
    assert observe([observation(machine, 4.5, None, **bad)]) == 1
    assert spans_of(machine) == [("running", 0, 1), ("no_data", 1, None)]
    assert facts_of(machine)[-1]["data"]["reason"] == bad["reason"]
    assert observe([observation(machine, 5.5, None, **bad)]) == 0
    assert len(facts_of(machine)) == 2


def test_silence_after_bad_readings_says_what_was_bad_about_them():
    machine = equipment()
    observe([observation(machine, 0), observation(machine, 1)])
    observe([observation(machine, 2, None, quality="bad", reason="tag Speed does not exist")])
    assert silence(at(6)) == 1
    assert condition_of(machine).reason == "tag Speed does not exist"


def test_an_uncertain_reading_is_a_reading():
    machine = equipment()
    observe([observation(machine, 0, "running", quality="uncertain")])
    assert spans_of(machine) == [("running", 0, None)]
    assert condition_of(machine).quality == "uncertain"


def test_a_reading_that_tells_no_state_leaves_it_as_it_is():
    machine = equipment()
    observe([observation(machine, 0, "running"), observation(machine, 1, None, speed=7.0)])
    now = condition_of(machine)
    assert (now.state, now.last_good_at, now.state_read_at, now.speed) == (
        "running",
        at(1),
        at(0),
        7.0,
    )


def test_readings_that_tell_no_state_do_not_keep_one_alive():
    machine = equipment(no_data_after_s=3)
    observe([observation(machine, 0), observation(machine, 1)])
    assert observe([observation(machine, second, None) for second in (2, 3, 4, 5)]) == 1
    assert spans_of(machine) == [("running", 0, 1), ("no_data", 1, None)]
    assert observe([observation(machine, 6, None)]) == 0
    assert observe([observation(machine, 7, "running")]) == 1
    assert spans_of(machine)[1:] == [("no_data", 1, 7), ("running", 7, None)]


def test_data_that_tells_no_state_begins_the_timeline_in_no_data():
    machine = equipment()
    observe([observation(machine, 0, None), observation(machine, 1, None)])
    observe([observation(machine, 2, "running")])
    assert spans_of(machine) == [("no_data", 0, 2), ("running", 2, None)]


def test_a_controller_may_say_that_the_state_is_not_known():
    machine = equipment()
    reason = "state word is 42, which the map does not have"
    observe([observation(machine, 0), observation(machine, 1, "no_data", reason=reason)])
    assert spans_of(machine) == [("running", 0, 1), ("no_data", 1, None)]
    assert facts_of(machine)[-1]["data"]["reason"] == reason


def test_each_line_has_its_own_stream_with_dense_positions():
    first, second = equipment(), equipment()
    observe([observation(machine, 0) for machine in (second, first)])
    observe([observation(machine, 1, "stopped") for machine in (second, first)])
    for machine in (first, second):
        said = Event.objects.filter(stream__name=machine.line.code).order_by("seq")
        assert [event.seq for event in said] == [1, 2]


def test_equipment_of_one_line_is_taken_over_in_one_action():
    packing = line()
    machines = [equipment(line=packing) for _ in range(3)]
    assert observe([observation(machine, 0) for machine in machines]) == 3
    assert [spans_of(machine) for machine in machines] == [[("running", 0, None)]] * 3


def test_a_broken_line_does_not_silence_the_others():
    # Its fault has a severity that does not exist; an earlier line and a later one are well.
    before, broken, after = equipment(), equipment(), equipment()
    odd = observation(broken, 0, "faulted", faults=(fault(severity="terrible"),))
    with pytest.raises(ExceptionGroup) as raised:
        observe([observation(after, 0), odd, observation(before, 0)])
    assert len(raised.value.exceptions) == 1
    assert [len(facts_of(machine)) for machine in (before, broken, after)] == [1, 0, 1]
    assert spans_of(broken) == []
    assert not Condition.objects.filter(pk=broken.pk).exists()


def test_equipment_that_is_gone_is_left_out_with_a_warning(caplog):
    machine, gone = equipment(), equipment()
    seen = observation(gone, 0)
    gone.delete()
    with caplog.at_level(logging.WARNING):
        assert observe([seen, observation(machine, 0)]) == 1
    assert [record.message for record in caplog.records] == ["no such equipment"]


def test_equipment_with_a_history_cannot_be_deleted():
    machine = equipment()
    observe([observation(machine, 0)])
    with pytest.raises(ProtectedError):
        machine.delete()


def test_an_action_that_fails_leaves_neither_state_nor_fact():
    machine = equipment()

    def observe_and_fail():
        with recording():
            observe([observation(machine, 0)])
            raise DatabaseError("gone")

    with pytest.raises(DatabaseError):
        observe_and_fail()
    assert spans_of(machine) == []
    assert facts_of(machine) == []


def test_a_tick_of_many_machines_costs_as_many_queries_as_one(django_assert_num_queries):
    packing = line()
    machines = [equipment(line=packing) for _ in range(8)]
    observe([observation(machine, 0) for machine in machines])
    # The lines; then, between savepoint and release, the line's equipment, locks, contexts and conditions.
    with django_assert_num_queries(7):
        observe([observation(machine, 1) for machine in machines[:1]])
    with django_assert_num_queries(7):
        observe([observation(machine, 2) for machine in machines])


def test_a_tick_of_many_lines_costs_as_many_queries_as_one(django_assert_num_queries):
    machines = [equipment(line=line(), is_constraint=True) for _ in range(8)]
    for machine in machines:
        Job.objects.create(
            line=machine.line,
            product=product(),
            number=machine.code,
            target=99,
            status="running",
        )
        JobRun.objects.create(job=Job.objects.get(number=machine.code), started_at=at(-1))

    def seen(second, those):
        observe(
            [
                observation(each, second, counters=(good_count(10 * second),), faults=())
                for each in those
            ]
        )

    seen(0, machines)
    # The lines; then, between savepoint and release, their equipment, locks, contexts, counters, faults, jobs,
    # what was counted for them, what counts, changeovers; counters, counts, tallies, conditions, pieces.
    with django_assert_num_queries(16):
        seen(1, machines[:1])
    with django_assert_num_queries(16):
        seen(2, machines)
    assert [job.good for job in Job.objects.order_by("pk")] == [20] * 8


def test_more_lines_than_are_taken_over_at_once_are_all_taken_over():
    machines = [equipment(line=line()) for _ in range(2 * LINES_AT_ONCE + 1)]
    broken = machines[LINES_AT_ONCE]
    odd = fault(severity="terrible")
    seen = [
        observation(each, 0, "faulted", faults=(odd if each is broken else fault(),))
        for each in machines
    ]
    with pytest.raises(ExceptionGroup) as raised:
        observe(seen)
    assert len(raised.value.exceptions) == 1
    assert Condition.objects.count() == len(machines) - 1
    assert spans_of(broken) == []
