"""Never a foreign byte: whatever one asks about another's line is answered as if there were no such line."""

import json

import pytest
from django.utils import timezone

from ms5.accounts.roles import Role
from ms5.events.facts import TYPES, Kind
from ms5.events.log import append, gauge, recording
from ms5.events.models import Event
from production.actions import observe
from telemetry.models import Plc, PlcLink, Tag
from tests import factories
from tests.figures import record
from tests.floor import later
from tests.rude import Rude
from tests.samples import sample
from tests.socket.conftest import serving
from tests.socket.fuzzed import ANSWERS
from tests.socket.rude_floor import key_of, lifted

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])

# Every name of the foreign tenant has it in it, and nothing else in the database has.
MARK = "ZULU9"
LINE, MACHINE = f"{MARK}-LN", f"{MARK}.M"
NO_LINE, NO_MACHINE = "NOBOD-LN", "NOBOD.M"
JOB, ESCALATION = 4711, 9
FACTS = sorted(row.name for row in TYPES.values() if row.kind is Kind.FACT)
GAUGES = sorted(row.name for row in TYPES.values() if row.kind is Kind.GAUGE)
BY_LINE = ("line", "production", "oee", "downtime", "andon", "quality", "changeover")
# All that a viewer may hear without a name of the other's being said.
UNNAMED = [
    *((family, "all") for family in (*BY_LINE, "escalation")),
    *(("job", str(number)) for number in (1, JOB - 1, JOB, JOB + 1)),
    *(("escalation", f"escalation:{number}") for number in (1, ESCALATION)),
    *(("escalation", f"priority:{name}") for name in ("low", "medium", "high", "critical")),
    *(("event", type_) for type_ in sorted(TYPES)),
    ("user", "me"),
    ("line", "L-OWN"),
    ("equipment", "M.OWN"),
]


@pytest.fixture
def tenants(db):
    """A line of each of two tenants, a person who sees one of them, and one who sees both."""
    own = factories.line(code="L-OWN")
    area = factories.line(code=LINE, name=f"{MARK} line").area
    area.name = f"{MARK} area"
    area.save()
    factories.equipment(line=own, code="M.OWN")
    machine = factories.equipment(
        line=type(own).objects.get(code=LINE), code=MACHINE, name=f"{MARK} machine"
    )
    observe([factories.observation(machine, state="running")])
    plc = Plc.objects.create(
        code=f"{MARK}-plc", name=f"{MARK} plc", protocol="logix", host="127.0.0.1"
    )
    Tag.objects.create(
        plc=plc, name=MARK, address="s", data_type="float32", equipment=machine, role="speed"
    )
    PlcLink.objects.create(plc=plc, status="lost", since=timezone.now(), error=MARK)
    viewer = factories.user(Role.VIEWER, username="viewer", all_lines=False)
    viewer.line_access.create(line=own)
    return viewer, factories.user(Role.ENGINEER, username="engineer")


def pour(viewer, times=1):
    """Let each of the eighteen events happen on the foreign line, and name the viewer where it can."""
    named = {
        "escalation_update": {"recipient_ids": [viewer.pk]},
        "job_assigned": {"operator_id": viewer.pk},
        "job_cancelled": {"operator_id": viewer.pk},
    }
    where = {"line_id": LINE, "equipment_code": MACHINE}
    for number in range(times):
        with recording():
            for type_ in FACTS:
                data = sample(type_, **named.get(type_, {}))
                append(type_, data, occurred_at=later(number), **where)
            for type_ in GAUGES:
                key = f"{type_}:{MARK}"
                gauge(type_, sample(type_), key=key, source_at=later(number), **where)


def test_eighteen_events_of_a_foreign_line_reach_the_other_and_not_a_byte_of_them_this_one(
    tenants,
):
    viewer, engineer = tenants
    pour(viewer)  # what a snapshot and a replay could bring
    with (
        serving(lifted()) as server,
        server.client(engineer) as control,
        Rude(server.port).open(key_of(viewer)) as fresh,
        Rude(server.port).open(key_of(viewer), protocol="ms5.v1+batch") as back,
    ):
        control.subscribe("line", LINE)
        epoch = fresh.expect("connection_established")["epoch"]
        for number, (type_, target) in enumerate(UNNAMED):
            fresh.say("subscribe", id=number, subscription_type=type_, target_id=target)
            fresh.expect("subscription_confirmed", id=number)
        back.say("resume", id=1, epoch=epoch, positions={}, subscriptions=_wishes(UNNAMED))
        back.expect("live", id=1)
        pour(viewer, times=5)
        heard = {control.expect(type_, within_s=20)["type"] for type_ in FACTS}
        while len(control.facts()) < 5 * len(FACTS):
            control.receive(20)
        for rude in (fresh, back):
            for type_ in ("get_stats", "get_subscriptions", "nonsense"):
                rude.say(type_)
            stats = rude.expect("connection_stats")
            beat = rude.expect("heartbeat", within_s=20)
            while not beat["degraded"]:
                beat = rude.expect("heartbeat", within_s=20)
            rude.say("ping", id=2)
            rude.expect("pong", id=2)
            assert MARK.encode() not in bytes(rude.received)
            assert "process" not in stats
            assert set(beat["positions"]) == {"L-OWN", "plant"}
            assert stats["facts_sent"] == 0
            assert len(rude.received) > 10_000
    assert heard == set(FACTS)
    assert {frame["type"] for frame in control.seen} >= set(GAUGES) | set(FACTS)
    assert all(MARK in json.dumps(frame) for frame in control.facts())
    record("foreign events produced, and seen by one who may", len(control.facts()), foreign=0)


def questions(line, machine, job, escalation):
    """Return all that can be asked with the name of a line, of a machine, and the number of a call or job."""
    targets = [
        *((family, line) for family in BY_LINE),
        *(("downtime", target) for target in (f"line:{line}", f"equipment:{machine}")),
        ("equipment", machine),
        ("job", str(job)),
        ("escalation", f"escalation:{escalation}"),
        *(("event", target) for target in (line, machine)),
        *(("line", f"{line}{tail}") for tail in (".", "-", ".all", " ", "\n", "*", ":x")),
        *(("line", spelling) for spelling in (line.lower(), f"line.{line}", f"line:{line}")),
    ]
    for type_, target in targets:
        for verb in ("subscribe", "unsubscribe"):
            yield {"type": verb, "id": 1, "subscription_type": type_, "target_id": target}
    yield {"type": "subscribe", "id": 2, "subscriptions": _wishes(targets)}
    event = str(Event.objects.filter(stream__name=LINE).latest("seq").event_id)
    everything = [{"subscription_type": "line", "target_id": "all"}]
    for seq, event_id in ((0, None), (1, None), (3, event), (3, None), (10**9, None), (-1, 1)):
        for wishes in (
            everything,
            _wishes([("line", line)]),
            _wishes([("equipment", machine)]),
        ):
            positions = {line: {"seq": seq, "event_id": event_id}}
            for epoch in ("EPOCH", "e-none"):
                ask = {"epoch": epoch, "positions": positions, "subscriptions": wishes}
                yield {"type": "resume", "id": 3} | ask


def test_a_guess_is_answered_like_a_question_about_nothing(tenants):
    viewer, engineer = tenants
    pour(viewer, times=2)
    asked = 0
    with serving(lifted()) as server:
        key = key_of(viewer)
        guesses = list(questions(LINE, MACHINE, JOB, ESCALATION))
        nothings = list(questions(NO_LINE, NO_MACHINE, JOB + 1, ESCALATION - 1))
        for guess, nothing in zip(guesses, nothings, strict=True):
            answer, other = _answers(server, key, guess), _answers(server, key, nothing)
            assert answer, guess
            assert _plain(answer) == _plain(other), guess
            asked += 1
        with server.client(engineer) as control:
            assert MARK in json.dumps(control.subscribe("line", LINE)["items"])
            assert MARK in json.dumps(control.subscribe("equipment", MACHINE)["items"])
    assert asked == 85
    record("guesses about a foreign line", asked, told=0)


def test_the_api_of_the_log_knows_no_foreign_stream(tenants, client):
    viewer, engineer = tenants
    pour(viewer)
    key, permitted = key_of(viewer), key_of(engineer)
    for query in ("", "&after=1", "&limit=1", "&after=999999", "&limit=0", "&after=x"):
        foreign = _get(client, key, f"stream={LINE}{query}")
        assert foreign == _get(client, key, f"stream={NO_LINE}{query}")
        assert foreign[0] in {400, 404}
    for stream in ("sys", "plant", "L-OWN", "all", "", LINE.lower(), f"{LINE}%00", "%25", "*"):
        assert MARK not in _get(client, key, f"stream={stream}")[1]
    status, text = _get(client, permitted, f"stream={LINE}")
    assert status == 200
    assert text.count(MARK) >= len(FACTS)


def _wishes(targets):
    return [{"subscription_type": type_, "target_id": target} for type_, target in targets]


def _answers(server, key, question):
    """Return what a new connection of the viewer is answered, up to a ping that follows."""
    with Rude(server.port).open(key) as rude:
        epoch = rude.expect("connection_established")["epoch"]
        rude.say(question["type"], **_fields(question, epoch))
        rude.say("ping", id=9)
        answers = []
        for message in rude.messages():
            if message["type"] == "pong":
                return answers
            if message["type"] in ANSWERS | {"snapshot", "live"}:
                answers.append(message)
    raise AssertionError


def _fields(question, epoch):
    fields = {name: value for name, value in question.items() if name != "type"}
    return fields | ({"epoch": epoch} if fields.get("epoch") == "EPOCH" else {})


def _plain(answers):
    """Return the answers without the times, and with the names that were asked for made alike."""
    text = json.dumps([{**answer, "timestamp": None} for answer in answers])
    for name in (MARK, MARK.lower(), "NOBOD", "nobod"):
        text = text.replace(name, "?")
    text = text.replace(f'"{JOB}"', '"?"').replace(f'"{JOB + 1}"', '"?"')
    return text.replace(f':{ESCALATION}"', ':?"').replace(f':{ESCALATION - 1}"', ':?"')


def _get(client, key, query):
    headers = {"Authorization": f"Token {key}"}
    answer = client.get(f"/api/v1/events/?{query}", headers=headers)
    return answer.status_code, answer.content.decode()
