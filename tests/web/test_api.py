"""The API as a program meets it: shapes, codes, filters, pages, tokens, the log and the schema."""

import json
import re
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from ms5.accounts.models import ApiToken, AuditEntry
from ms5.events.log import append, recording
from ms5.events.models import Stream
from production.models import Equipment, Line, Span
from tests.floor import T0, later, state_fact
from tests.web import plant

API = "/api/v1/"


@pytest.fixture
def reader(own, with_key):
    """Someone who may read all there is of one line, and change nothing."""
    return with_key(plant.person("reader", "maintenance", own.line))


def get(client, path, **query):
    answer = client.get(API + path, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_a_line_names_its_place_and_its_equipment_in_flow_order(reader, own):
    second = Equipment.objects.create(line=own.line, code="L-OWN.A", name="First", position=0)
    assert get(reader, "lines/L-OWN/") == {
        "code": "L-OWN",
        "name": "Line L-OWN",
        "site": "S-L-OWN",
        "area": "PACK",
        "position": 1,
        "oee_method": "constraint",
        "no_data_is_stop": False,
        "changeover_good_needed": 10,
        "equipment": [second.code, own.equipment.code],
    }


def test_the_board_of_a_line_is_what_its_page_begins_with(reader, own):
    board = get(reader, "lines/L-OWN/board/")
    assert board["positions"] == {"L-OWN": 1}
    figures = board["gauges"]["production:L-OWN"]["data"]
    assert [each["equipment_code"] for each in figures["equipment"]] == [own.equipment.code]
    assert {item["type"] for item in board["items"]} >= {"equipment_state", "equipment_fault"}


@pytest.mark.parametrize("code", ["L-FOREIGN", "nowhere", "%00"])
def test_no_other_line_has_a_board(reader, foreign, code):
    assert reader.get(f"{API}lines/{code}/board/").status_code == 404


def test_an_equipment_shows_its_present_condition(reader, own):
    shown = get(reader, f"equipment/{own.equipment.code}/")
    assert shown["line"] == "L-OWN"
    assert shown["condition"] == {
        "state": "running",
        "since": "2026-03-02T08:00:00Z",
        "stopped_since": None,
        "reason": "",
        "speed": 99.5,
        "quality": "good",
        "last_good_at": "2026-03-02T08:01:00Z",
    }


def test_an_equipment_without_data_has_no_condition(reader, own):
    Equipment.objects.create(line=own.line, code="L-OWN.NEW", name="New")
    assert get(reader, "equipment/L-OWN.NEW/")["condition"] is None


def test_an_ideal_cycle_is_an_exact_decimal(reader, own):
    assert get(reader, "ideal-cycles/")["results"][0]["seconds"] == "0.600000"


def test_a_tag_shows_its_newest_reading_and_its_controller_the_last_error(reader, own):
    assert get(reader, f"tags/{own.tag.pk}/")["latest"]["value"] == 99.5
    assert get(reader, f"plcs/{own.plc.code}/")["link"]["error"] == "refused"


def test_samples_are_asked_for_by_tag(reader, own):
    refused = reader.get(API + "samples/")
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["tag"])
    assert get(reader, "samples/", tag=own.tag.pk)["count"] == 1


def test_spans_are_those_that_share_time_with_a_half_open_window(reader, own):
    Span.objects.all().delete()
    for number in range(3):
        Span.objects.create(
            equipment=own.equipment,
            state="stopped",
            started_at=later(10 * number),
            ended_at=later(10 * number + 10),
        )

    def count(start, end):
        window = {"after": later(start).isoformat(), "before": later(end).isoformat()}
        return get(reader, "spans/", **window)["count"]

    assert [count(0, 30), count(10, 20), count(5, 15), count(30, 99)] == [3, 1, 2, 0]


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("faults/", {"open": "true"}, 1),
        ("faults/", {"open": "false"}, 0),
        ("faults/", {"severity": "high", "line": "L-OWN"}, 1),
        ("faults/", {"search": "jam"}, 1),
        ("counts/", {"equipment": "L-OWN.M1", "product": "P500"}, 1),
        ("counts/", {"after": T0.isoformat(), "before": later(60).isoformat()}, 0),
        ("equipment/", {"state": "running"}, 1),
        ("tags/", {"plc": "plc-L-OWN.M1", "quality": "good"}, 1),
        ("lines/", {"site": "S-L-OWN", "area": "PACK"}, 1),
        ("spans/", {"line": "L-FOREIGN"}, 0),
        ("spans/", {"line": "no such line"}, 0),
    ],
)
def test_lists_are_narrowed_by_what_is_asked(reader, foreign, path, query, expected):
    assert get(reader, path, **query)["count"] == expected


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("spans/", {"after": "yesterday"}),
        ("faults/", {"severity": "enormous"}),
        ("counts/", {"equipment": "a\x00b"}),
        ("samples/", {"tag": "NaN"}),
        ("lines/", {"lien": "L-OWN"}),
        ("spans/", {"afetr": "2026-01-01T00:00:00Z"}),
        ("spans/", {"page": "2", "pagesize": "3"}),
        ("oee/", {"lien": "L-OWN"}),
        ("downtimes/pareto/", {"lien": "L-OWN"}),
        ("calendar/", {"lien": "L-OWN"}),
        ("products/", {"lien": "L-OWN"}),
        ("reasons/", {"lien": "L-OWN"}),
        ("events/", {}),
        ("events/", {"stream": "plant", "limit": 100_000}),
        ("events/", {"stream": "plant", "after": -1}),
        ("events/", {"stream": "plant", "after": 10**30}),
        ("events/", {"stream": "a\x00b"}),
    ],
)
def test_a_question_that_means_nothing_is_400(reader, own, path, query):
    answer = reader.get(API + path, query)
    assert answer.status_code == 400, answer.content
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "path",
    [
        "spans/999999999999999999/",
        "lines/nowhere/",
        "lines/%00/",
        "plcs/a.b/",
        "spans/x/",
        "x/y/",
    ],
)
def test_what_is_not_there_is_404_as_json(reader, own, path):
    answer = reader.get(API + path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_path_without_its_slash_leads_to_the_path_with_it(reader, own):
    answer = reader.get(API + "lines", follow=True)
    assert (answer.status_code, answer.json()["count"]) == (200, 1)


def test_an_error_has_a_sentence_and_a_code(reader, own, client):
    assert reader.get(API + "lines/nowhere/").json() == {
        "detail": "There is no such line.",
        "code": "not_found",
    }
    refused = client.get(API + "lines/")
    assert refused.json()["code"] == "not_authenticated"
    assert refused.headers["WWW-Authenticate"] == "Token"


def test_nothing_but_tokens_can_be_written(reader, own):
    for path in ("lines/", "lines/L-OWN/", "spans/", "events/?stream=plant"):
        for method in (reader.post, reader.put, reader.patch, reader.delete):
            assert method(API + path).status_code in {403, 405}
    assert Line.objects.get().name == "Line L-OWN"


def test_pages_hold_a_hundred_and_at_most_a_thousand(reader, own):
    Span.objects.all().delete()
    Span.objects.bulk_create(
        Span(
            equipment=own.equipment,
            state="stopped",
            started_at=later(number),
            ended_at=later(number + 1),
        )
        for number in range(1010)
    )
    first = get(reader, "spans/")
    assert (first["count"], len(first["results"])) == (1010, 100)
    assert len(get(reader, "spans/", page_size=5000)["results"]) == 1000
    seen = [
        row["id"]
        for page in range(1, 12)
        for row in get(reader, "spans/", page=page)["results"]
    ]
    assert len(seen) == len(set(seen)) == 1010


def test_me_says_who_i_am_and_where(reader, own, foreign):
    me = get(reader, "me/")
    assert (me["username"], me["role"], me["all_lines"]) == ("reader", "maintenance", False)
    assert me["lines"] == ["L-OWN"]
    assert "production.view_line" in me["permissions"]
    assert "production.change_line" not in me["permissions"]


def test_health_answers_anybody(client, db):
    assert client.get(API + "health/").status_code in {200, 503}


def say(line, number):
    with recording():
        append(
            "equipment_state",
            state_fact(at=later(number)),
            occurred_at=later(number),
            line_id=line.code,
            equipment_code="M1",
        )


def test_the_log_is_read_by_page_to_its_end(reader, own):
    for number in range(5):
        say(own.line, number)
    position, seqs = 0, []
    while True:
        page = get(reader, "events/", stream="L-OWN", after=position, limit=2)
        seqs += [event["seq"] for event in page["events"]]
        if page["next"] == page["head"]:
            break
        position = page["next"]
    assert seqs == [1, 2, 3, 4, 5, 6]
    assert (page["tail"], page["missing"]) == (1, None)


def test_an_event_of_the_log_is_the_text_of_the_wire(reader, own):
    body = reader.get(API + "events/", {"stream": "L-OWN"}).content.decode()
    text = Stream.objects.get(name="L-OWN").events.get().text
    assert text in body
    assert json.loads(body)["events"] == [json.loads(text)]


def test_who_asks_for_facts_no_longer_kept_is_told_which_are_missing(reader, own):
    for number in range(5):
        say(own.line, number)
    stream = Stream.objects.get(name="L-OWN")
    stream.events.filter(seq__lte=4).delete()
    Stream.objects.filter(pk=stream.pk).update(tail=5)
    page = get(reader, "events/", stream="L-OWN", after=1)
    assert page["missing"] == [2, 4]
    assert [event["seq"] for event in page["events"]] == [5, 6]
    assert get(reader, "events/", stream="L-OWN", after=4)["missing"] is None


def test_a_stream_that_nothing_was_said_on_is_empty(reader, own):
    quiet = plant.line("L-QUIET", 3)
    viewer_of_it = plant.person("second", "viewer", quiet)
    page = get(_with(viewer_of_it), "events/", stream="L-QUIET")
    assert (page["head"], page["tail"], page["events"]) == (0, 1, [])


def _with(user):
    from django.test import Client

    browser = Client()
    browser.force_login(user)
    return browser


def test_the_stream_of_the_system_is_not_there_for_anybody(own, as_user):
    Stream.objects.create(name="sys")
    admin = plant.person("root", "admin", all_lines=True, is_superuser=True)
    assert as_user(admin).get(API + "events/", {"stream": "sys"}).status_code == 404


def test_a_new_token_shows_its_key_once_and_works_until_it_is_revoked(own, as_user, client):
    admin = plant.person("admin", "admin", all_lines=True)
    browser = as_user(admin)
    made = browser.post(API + "tokens/", {"name": "MES export"})
    assert made.status_code == 201
    key = made.json()["key"]
    auth = {"Authorization": f"Token {key}"}
    assert client.get(API + "me/", headers=auth).json()["username"] == "admin"
    listed = browser.get(API + "tokens/")
    assert key not in listed.content.decode()
    assert listed.json()["results"][0]["name"] == "MES export"

    path = f"{API}tokens/{made.json()['id']}/"
    assert [browser.delete(path).status_code for _ in range(2)] == [204, 204]
    assert client.get(API + "me/", headers=auth).status_code == 401
    actions = list(AuditEntry.objects.order_by("pk").values_list("actor_name", "action"))
    assert actions == [("admin", "apitoken.add"), ("admin", "apitoken.revoke")]
    assert key not in json.dumps(list(AuditEntry.objects.values_list("after", flat=True)))


def test_a_token_that_is_over_before_it_begins_is_refused(own, as_user):
    browser = as_user(plant.person("admin", "admin"))
    past = (timezone.now() - timedelta(hours=1)).isoformat()
    answer = browser.post(API + "tokens/", {"name": "late", "expires_at": past})
    assert answer.status_code == 400
    assert ApiToken.objects.count() == 0


def test_tokens_of_others_are_not_there(own, as_user):
    other = ApiToken.objects.create(
        user=plant.person("other", "admin"), name="theirs", prefix="ms5_", digest="x"
    )
    browser = as_user(plant.person("admin", "admin", all_lines=True))
    assert browser.get(API + "tokens/").json()["count"] == 0
    assert browser.delete(f"{API}tokens/{other.pk}/").status_code == 404
    other.refresh_from_db()
    assert other.revoked_at is None


def test_a_role_without_tokens_makes_none(own, as_user):
    browser = as_user(plant.person("reader", "viewer", own.line))
    assert browser.post(API + "tokens/", {"name": "mine"}).status_code == 403
    assert ApiToken.objects.count() == 0


def test_a_browser_needs_the_csrf_token_to_write(own):
    from django.test import Client

    browser = Client(enforce_csrf_checks=True)
    browser.force_login(plant.person("admin", "admin"))
    assert browser.post(API + "tokens/", {"name": "forged"}).status_code == 403
    assert ApiToken.objects.count() == 0


def test_the_schema_names_every_endpoint_and_is_not_public(reader, own, client):
    assert client.get(API + "schema/").status_code == 401
    text = reader.get(API + "schema/").content.decode()
    paths = set(re.findall(r"^  (/api/v1/[^:]*):$", text, re.MULTILINE))
    assert {f"/api/v1/{name}/" for name in own.paths()} <= paths
    assert {"/api/v1/me/", "/api/v1/tokens/", "/api/v1/samples/", "/api/v1/events/"} <= paths
    assert "/api/v1/lines/{code}/" in paths


def test_the_schema_is_valid_and_without_a_warning(tmp_path):
    call_command(
        "spectacular", file=str(tmp_path / "api.yaml"), validate=True, fail_on_warn=True
    )


def test_the_browsable_page_loads_nothing_from_another_host(own, as_user):
    answer = as_user(plant.person("reader", "viewer", own.line)).get(API + "schema/docs/")
    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
    loaded = re.findall(r'(?:src|href)="([^"]*)"', answer.content.decode())
    assert loaded
    assert all(url.startswith("/static/") for url in loaded), loaded


@pytest.mark.parametrize("path", ["plcs/", "tags/", "message-bits/"])
@pytest.mark.parametrize("role", ["operator", "viewer", "quality", "integrator"])
def test_where_controllers_are_is_told_only_to_those_who_tend_them(own, with_key, role, path):
    person = with_key(plant.person(role, role, own.line))
    assert person.get(API + path).status_code == 403
