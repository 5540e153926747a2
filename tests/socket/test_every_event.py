"""Each of the eighteen events, over a real socket: heard by every target that names it, by nobody else."""

from itertools import count

import pytest

from ms5.accounts.roles import Role
from ms5.events.facts import TYPES, Kind
from ms5.events.log import append, gauge, recording
from tests import factories
from tests.floor import T0, later
from tests.samples import sample

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])

FACTS = sorted(row.name for row in TYPES.values() if row.kind is Kind.FACT)
ME = ("user", "me")
JOB, OTHER_JOB, ESCALATION, OTHER_ESCALATION = "4711", "471", "9", "90"
PRODUCTION = (("production", "L-OWN"), ("production", "all"))
CHANGEOVER = (("changeover", "L-OWN"), ("changeover", "all"))
ON_JOB = (*PRODUCTION, ("job", JOB))
# The contract's table, beyond what every event of a line and an equipment goes to.
HEARD_BY = {
    "production_update": PRODUCTION,
    "equipment_state": PRODUCTION,
    "oee_update": (("oee", "L-OWN"), ("oee", "all")),
    "downtime_event": (
        ("downtime", "all"),
        ("downtime", "line:L-OWN"),
        ("downtime", "L-OWN"),
        ("downtime", "equipment:M.OWN"),
    ),
    "andon_event": (("andon", "L-OWN"), ("andon", "all")),
    "escalation_update": (
        ("escalation", "all"),
        ("escalation", f"escalation:{ESCALATION}"),
        ("escalation", "priority:high"),
        ("escalation", "high"),
        ("user", "me"),
    ),
    "quality_alert": (("quality", "L-OWN"), ("quality", "all")),
    "changeover_started": CHANGEOVER,
    "changeover_completed": CHANGEOVER,
    "job_assigned": (*ON_JOB, ("user", "me")),
    "job_started": ON_JOB,
    "job_completed": ON_JOB,
    "job_cancelled": (*ON_JOB, ("user", "me")),
    "job_progress": ON_JOB,
    "telemetry_update": (),
    "equipment_fault": (),
    "plc_status": (),
    "correction": (),
}
BY_LINE = ("line", "production", "oee", "downtime", "andon", "quality", "changeover")
WIDE = [
    *((family, "all") for family in (*BY_LINE, "escalation")),
    ("job", JOB),
    ("job", OTHER_JOB),
    ("escalation", f"escalation:{ESCALATION}"),
    ("escalation", f"escalation:{OTHER_ESCALATION}"),
    *(("escalation", f"priority:{name}") for name in ("low", "medium", "high", "critical")),
    *(("event", type_) for type_ in sorted(TYPES)),
    ("user", "me"),
]
# A code that begins with another one, and one that another begins with.
LINES = ("L-OWN", "L-OWN2", "L-O")
MACHINES = ("M.OWN", "M.OWN.BL", "M.O")
EVERY_TARGET = [
    *WIDE,
    ("escalation", "high"),
    *((family, line) for family in BY_LINE for line in LINES),
    *(("downtime", f"line:{line}") for line in LINES),
    *(("downtime", f"equipment:{code}") for code in MACHINES),
    *(("equipment", code) for code in MACHINES),
]


def heard_by(type_):
    always = (("line", "L-OWN"), ("line", "all"), ("equipment", "M.OWN"), ("event", type_))
    return [*always, *HEARD_BY[type_]]


class Plant:
    """The floor with neighbours whose codes are prefixes, and someone for each of them."""

    def __init__(self, floor):
        factories.equipment(line=floor.own, code="M.OWN.BL")
        for code, machine in (("L-OWN2", "M.OWN2"), ("L-O", "M.O")):
            line = factories.line(code=code)
            factories.equipment(line=line, code=machine)
            if code == "L-OWN2":
                self.next_door = line
        self.named = floor.engineer
        self.unnamed = factories.user(Role.VIEWER, username="unnamed")
        self.stranger = factories.user(Role.VIEWER, username="stranger", all_lines=False)
        self.stranger.line_access.create(line=self.next_door)
        self._seconds = count()

    def say(self, type_, line="L-OWN", machine="M.OWN", person=None):
        """Say one event that names `person`."""
        person = person or self.named
        row, data = TYPES[type_], sample(type_)
        fields = {"operator_id": person.pk, "recipient_ids": [person.pk]}
        named = {name: value for name, value in fields.items() if hasattr(data, name)}
        data = sample(type_, **named)
        where = {"line_id": line, "equipment_code": machine}
        with recording():
            if row.kind is Kind.FACT:
                append(type_, data, occurred_at=T0, **where)
            else:
                at = later(next(self._seconds))
                gauge(type_, data, key=f"{type_}:{line}", source_at=at, **where)


@pytest.fixture
def plant(floor):
    return Plant(floor)


def subscribe(client, targets):
    """Subscribe to all of them in one message, without snapshots; each must be confirmed."""
    wishes = [{"subscription_type": family, "target_id": target} for family, target in targets]
    client.send("subscribe", subscriptions=wishes, snapshot=False)
    for _ in wishes:
        client.expect("subscription_confirmed")


def events(client):
    """Return the events seen, in order."""
    return [frame for frame in client.seen if frame["type"] in TYPES]


@pytest.mark.parametrize("type_", sorted(TYPES))
def test_an_event_is_heard_by_each_of_its_targets_and_by_no_other(server, plant, type_):
    heard = heard_by(type_)
    with (
        server.client(plant.named) as every,
        server.client(plant.named) as one,
        server.client(plant.unnamed) as rest,
    ):
        subscribe(every, heard)
        subscribe(
            rest, [target for target in EVERY_TARGET if target not in {*heard, ME}] + [ME]
        )
        for target in heard:
            subscribe(one, [target])
            plant.say(type_)
            assert one.expect(type_)["line_id"] == "L-OWN"
            assert one.pong() == []
            one.send("unsubscribe", subscription_type=target[0], target_id=target[1])
            one.expect("unsubscription_confirmed", was_subscribed=True)
        for _ in heard:
            every.expect(type_)
        assert every.pong() == []
        assert [frame["type"] for frame in events(every)] == [type_] * len(heard)
        # The control: the one who heard nothing hears what is for them.
        plant.say(type_, line="L-OWN2", machine="M.OWN2")
        assert rest.expect(type_)["line_id"] == "L-OWN2"
        assert rest.pong() == []
        assert len(events(rest)) == 1


@pytest.mark.parametrize("type_", sorted(TYPES))
def test_an_event_of_a_foreign_line_is_not_heard_by_any_target(server, plant, type_):
    with server.client(plant.named) as control, server.client(plant.stranger) as stranger:
        subscribe(control, [("event", type_)])
        subscribe(stranger, WIDE)
        # They are the operator and the recipient: access decides, not who is named.
        plant.say(type_, person=plant.stranger)
        assert control.expect(type_)["line_id"] == "L-OWN"
        plant.say(type_, line="L-OWN2", machine="M.OWN2", person=plant.stranger)
        assert stranger.expect(type_)["line_id"] == "L-OWN2"
        assert stranger.pong() == []
        assert [frame["line_id"] for frame in events(stranger)] == ["L-OWN2"]
        assert control.expect(type_)["line_id"] == "L-OWN2"


@pytest.mark.parametrize("type_", ["escalation_update", "job_assigned", "job_cancelled"])
def test_who_is_named_hears_it_as_user_me_and_nobody_else_does(server, plant, type_):
    with server.client(plant.named) as named, server.client(plant.unnamed) as unnamed:
        subscribe(named, [ME])
        subscribe(unnamed, [ME])
        plant.say(type_)
        named.expect(type_)
        plant.say(type_, person=plant.unnamed)
        unnamed.expect(type_)
        assert named.pong() == unnamed.pong() == []
        assert [frame["seq"] for frame in events(named)] == [1]
        assert [frame["seq"] for frame in events(unnamed)] == [2]


@pytest.mark.parametrize("type_", FACTS)
def test_what_concerns_no_line_is_told_to_all_lines_and_to_its_type(server, plant, type_):
    with server.client(plant.stranger) as stranger:
        subscribe(stranger, [("line", "all"), ("event", type_), ("line", "L-OWN2")])
        plant.say(type_, line=None, machine=None)
        told = stranger.expect(type_)
        assert (told["line_id"], told["stream"], told["seq"]) == (None, "plant", 1)
        assert stranger.pong() == []
        assert len(events(stranger)) == 1
