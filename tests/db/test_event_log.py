"""What the log promises: dense positions, all or nothing, and one text for everyone."""

import json

import msgspec
import pytest
from django.db import IntegrityError, transaction

from ms5.events import log
from ms5.events.facts import EquipmentState
from ms5.events.log import BadEvent, NotRecording, append, gauge, recording
from ms5.events.models import Event, Gauge, Stream
from tests.floor import T0, later, state_fact, update_gauge

pytestmark = pytest.mark.django_db


def say(line: str | None = "L1", state: str = "running") -> None:
    append("equipment_state", state_fact(state=state), occurred_at=T0, line_id=line)


def positions(stream: str) -> list[int]:
    return list(
        Event.objects.filter(stream__name=stream).order_by("seq").values_list("seq", flat=True)
    )


def test_positions_of_a_stream_begin_at_one_and_leave_none_out():
    for _ in range(3):
        with recording():
            say()
            say()
    assert positions("L1") == [1, 2, 3, 4, 5, 6]
    assert Stream.objects.get(name="L1").head == 6


def test_each_line_has_its_own_positions_and_what_concerns_no_line_goes_to_plant():
    with recording():
        say("L2")
        say(None)
        say("L1")
        say("L2")
    assert positions("L1") == [1]
    assert positions("L2") == [1, 2]
    assert positions("plant") == [1]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("count", [1, 3, 4, 12])
def test_many_streams_get_together_what_each_would_get_alone(count, heard):
    lines = [f"L{number}" for number in range(count)]
    with recording():  # the first use of each, one of which is new the second time
        for line in lines[1:]:
            say(line)
    for turn in (1, 2):
        with recording():
            for number, line in enumerate(lines):
                for _ in range(number % 3):
                    say(line)
                for key in ("a", "b")[: number % 2 + 1]:
                    gauge(
                        "production_update",
                        update_gauge(turn),
                        key=f"{key}:{line}",
                        source_at=later(turn),
                        line_id=line,
                    )
    for number, line in enumerate(lines):
        facts, gauges = (number > 0) + 2 * (number % 3), 2 * (number % 2 + 1)
        assert positions(line) == list(range(1, facts + 1))
        stream = Stream.objects.get(name=line)
        assert (stream.head, stream.gauge_head) == (facts, gauges)
        assert max(stream.gauges.values_list("ver", flat=True)) == gauges
        assert stream.gauges.count() == number % 2 + 1
        assert all(f'"{line}"' in event.text for event in stream.events.all())
    told = heard[-1]
    assert [each.stream for each in told] == sorted(lines)
    assert {each.stream: len(each.gauges) for each in told} == {
        line: number % 2 + 1 for number, line in enumerate(lines)
    }
    for each in told:
        assert each.head == positions(each.stream)[-1] if each.facts else True
        assert all(fact.line_id == each.stream for fact in each.facts)


@pytest.mark.django_db(transaction=True)
def test_of_many_streams_only_the_gauge_that_is_too_old_is_not_announced(heard):
    for at in (10, 5):
        with recording():
            for number in range(6):
                late = at if number == 3 else 10
                gauge(
                    "production_update",
                    update_gauge(),
                    key="same",
                    source_at=later(late),
                    line_id=f"L{number}",
                )
    assert [len(each.gauges) for each in heard[0]] == [1] * 6
    assert [len(each.gauges) for each in heard[1]] == [1, 1, 1, 0, 1, 1]


def test_an_action_that_fails_leaves_no_fact_and_gives_its_position_back():
    with recording():
        say()

    def fail():
        with recording():
            say()
            raise ValueError("the action failed")

    with pytest.raises(ValueError, match="the action failed"):
        fail()
    with recording():
        say()
    assert positions("L1") == [1, 2]


def test_an_inner_action_that_fails_takes_only_its_own_facts_with_it():
    def fail():
        with recording():
            say(state="stopped")
            Stream.objects.create(name="L9", head=-5)

    with recording():
        say(state="running")
        with pytest.raises(IntegrityError):
            fail()
        say(state="idle")
    texts = Event.objects.order_by("seq").values_list("text", flat=True)
    assert [json.loads(text)["data"]["state"] for text in texts] == ["running", "idle"]
    assert positions("L1") == [1, 2]


def test_actions_within_an_action_are_written_once_in_the_order_in_which_they_spoke():
    with recording():
        say(state="running")
        with recording():
            say(state="stopped")
        say(state="idle")
    texts = Event.objects.order_by("seq").values_list("text", flat=True)
    assert [json.loads(text)["data"]["state"] for text in texts] == [
        "running",
        "stopped",
        "idle",
    ]


def test_the_stored_text_is_the_message_of_the_wire():
    with recording():
        append(
            "equipment_state",
            state_fact("BP01.PACK.BAG1", "stopped", later(1.5)),
            occurred_at=later(1.5),
            line_id="L-BAG1",
            equipment_code="BP01.PACK.BAG1",
        )
    event = Event.objects.get()
    assert json.loads(event.text) == {
        "type": "equipment_state",
        "timestamp": "2026-03-02T08:00:01.500000Z",
        "line_id": "L-BAG1",
        "equipment_code": "BP01.PACK.BAG1",
        "event_id": str(event.event_id),
        "stream": "L-BAG1",
        "seq": 1,
        "data": {
            "equipment_code": "BP01.PACK.BAG1",
            "state": "stopped",
            "since": "2026-03-02T08:00:01.500000Z",
            "previous": None,
            "reason": None,
        },
    }


def test_nothing_is_said_outside_of_an_action():
    with pytest.raises(NotRecording):
        say()
    assert Event.objects.count() == 0


@pytest.mark.parametrize(
    ("kind", "data", "sentence"),
    [
        ("no_such_type", state_fact(), "not a declared fact"),
        ("production_update", update_gauge(), "not a declared fact"),
        ("equipment_state", state_fact(state="exploded"), "Invalid enum value 'exploded'"),
        ("equipment_state", update_gauge(), "unknown field"),
        (
            "equipment_state",
            EquipmentState(
                equipment_code="M1", state="idle", since=T0, previous=None, reason="x" * 9000
            ),
            "the limit is 8192",
        ),
    ],
)
def test_an_event_that_is_not_as_declared_is_refused_and_fails_its_action(kind, data, sentence):
    with pytest.raises(BadEvent, match=sentence), recording():
        append(kind, data, occurred_at=T0, line_id="L1")
    assert Event.objects.count() == 0
    assert not Stream.objects.filter(name="L1").exists()


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(BadEvent, match="without a time zone"), recording():
        append("equipment_state", state_fact(), occurred_at=T0.replace(tzinfo=None))


def test_the_database_itself_refuses_a_position_given_twice():
    with recording():
        say()
    event = Event.objects.get()
    event.pk, event.event_id = None, "0199b3c6-9d10-7b7a-8e00-11aa22bb33cc"
    with pytest.raises(IntegrityError), transaction.atomic():
        event.save(force_insert=True)


def test_a_gauge_keeps_the_latest_value_and_its_version_grows():
    for good in (1, 2):
        with recording():
            gauge(
                "production_update",
                update_gauge(good),
                key="production:L1",
                source_at=later(good),
                line_id="L1",
            )
    stored = Gauge.objects.get()
    assert stored.ver == 2
    message = json.loads(stored.text)
    assert (message["key"], message["ver"], message["data"]["good"]) == ("production:L1", 2, 2)
    assert message["source_at"] == "2026-03-02T08:00:02Z"
    assert Event.objects.count() == 0


def test_an_older_source_time_never_overwrites_a_newer_one():
    for good, at in ((9, 10), (8, 5)):
        with recording():
            gauge(
                "production_update",
                update_gauge(good),
                key="production:L1",
                source_at=later(at),
                line_id="L1",
            )
    stored = Gauge.objects.get()
    assert json.loads(stored.text)["data"]["good"] == 9
    assert stored.ver == 1


@pytest.mark.django_db(transaction=True)
def test_a_gauge_that_was_refused_is_not_announced(heard):
    for at in (10, 5):
        with recording():
            gauge(
                "production_update",
                update_gauge(),
                key="production:L1",
                source_at=later(at),
                line_id="L1",
            )
    assert [len(appended.gauges) for commit in heard for appended in commit] == [1, 0]


@pytest.fixture
def heard():
    """Everything that listeners of the log heard during the test."""
    commits = []
    log.on_append(commits.append)
    yield commits
    log._listeners.remove(commits.append)


@pytest.mark.django_db(transaction=True)
def test_listeners_hear_of_a_commit_and_of_no_rollback(heard):
    def fail():
        with recording():
            say()
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert heard == []
    with recording():
        say("L1")
        say("L2")
    [commit] = heard
    assert [(one.stream, one.head, len(one.facts)) for one in commit] == [
        ("L1", 1, 1),
        ("L2", 1, 1),
    ]
    assert commit[0].facts[0].text == Event.objects.get(stream__name="L1").text


@pytest.mark.django_db(transaction=True)
def test_a_listener_that_fails_does_not_fail_the_action(caplog):
    def fail(_):
        raise RuntimeError("a deaf listener")

    log.on_append(fail)
    try:
        with recording():
            say()
    finally:
        log._listeners.remove(fail)
    assert positions("L1") == [1]
    assert "a listener of the log failed" in caplog.text


def test_a_new_epoch_is_another_one():
    before = log.epoch()
    assert log.epoch() == before
    after = log.renew("a backup was restored")
    assert after != before
    assert log.epoch() == after


def test_a_line_of_a_hundred_machines_has_its_gauge():
    one = update_gauge()
    whole = msgspec.structs.replace(one, equipment=one.equipment * 100)
    with recording():
        gauge("production_update", whole, key="production:L1", source_at=T0, line_id="L1")
    assert len(json.loads(Gauge.objects.get().text)["data"]["equipment"]) == 100
