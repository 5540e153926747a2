"""The pages as the server draws them: who sees what, and that it is right before any script runs."""

import json
import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ms5.events.facts import TYPES
from ms5.events.log import epoch
from ms5.events.models import Gauge, Stream
from production.actions import observe
from production.processors import production
from tests import factories as make
from tests.web import plant

pytestmark = pytest.mark.django_db


class Page(HTMLParser):
    """What a browser without scripts has of a page: its text by `data-f`, its elements, its board."""

    def __init__(self, response):
        super().__init__()
        self.fields: dict[str, list[str]] = {}
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.board = None
        self._field = None
        self._board = False
        self._templates = 0
        self.text = response.content.decode()
        self.feed(self.text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self._templates += tag == "template"
        if self._templates:
            return
        self.elements.append((tag, given))
        self._field = given.get("data-f")
        if self._field:
            self.fields.setdefault(self._field, []).append("")
        self._board = given.get("id") == "board"

    def handle_endtag(self, tag):
        self._templates -= tag == "template"
        self._field = None
        self._board = False

    def handle_data(self, data):
        if self._templates:
            return
        if self._board:
            self.board = json.loads(data)
        elif self._field:
            self.fields[self._field][-1] += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def bakery():
    """A line of two machines: the constraint in fault for four minutes, the other starved."""
    line = make.line(code="L-BAG1", name="Bagging line 1", time_zone="Europe/Berlin")
    bagger = make.equipment(
        line=line,
        code="M1",
        name="Bagger",
        position=1,
        is_constraint=True,
        no_data_after_s=3600,
    )
    loader = make.equipment(
        line=line, code="M2", name="Loader", position=2, no_data_after_s=3600
    )
    loaf = make.product(name="500 g loaf", plc_number=77)
    make.ideal_cycle(loaf, bagger, "0.6", timezone.now() - timedelta(days=9))
    now = timezone.now()

    def seen(on, ago_s, state, value, **fields):
        at = now - timedelta(seconds=ago_s)
        counters = (make.good_count(value),)
        observe(
            [
                make.observation(
                    on,
                    state=state,
                    source_at=at,
                    counters=counters,
                    product_number=77,
                    **fields,
                )
            ]
        )

    seen(bagger, 600, "running", 0, speed=98.0)
    seen(loader, 600, "running", 0)
    seen(bagger, 252, "faulted", 400, speed=0.0, faults=(make.fault(text="Bag jam"),))
    seen(loader, 30, "starved", 400)
    return line


@pytest.fixture
def operator(as_user):
    return as_user(plant.person("operator", "operator", all_lines=True))


def test_a_stranger_is_sent_to_the_login_and_back(bakery):
    plant.person("operator", "operator", all_lines=True)
    browser = Client()
    answer = browser.get("/lines/L-BAG1/")
    assert (answer.status_code, answer["Location"]) == (302, "/login/?next=/lines/L-BAG1/")
    login = browser.get(answer["Location"])
    assert login.status_code == 200
    assert b'name="next" value="/lines/L-BAG1/"' in login.content
    entered = {"username": "operator", "password": plant.PASSWORD, "next": "/lines/L-BAG1/"}
    answer = browser.post("/login/", entered)
    assert (answer.status_code, answer["Location"]) == (302, "/lines/L-BAG1/")


def test_a_wrong_password_is_told_without_saying_which_was_wrong(db):
    plant.person("operator", "operator")
    for entered in (
        {"username": "operator", "password": "no"},
        {"username": "nobody", "password": "no"},
    ):
        answer = Client().post("/login/", entered)
        assert answer.status_code == 200
        assert answer.content.count(b'class="wrong"') == 1
        assert b"correct username and password" in answer.content


def test_the_login_goes_to_no_other_site(db):
    plant.person("operator", "operator")
    entered = {"username": "operator", "password": plant.PASSWORD}
    answer = Client().post("/login/?next=https://evil.example/", entered)
    assert answer["Location"] == "/"


def test_signing_out_takes_a_post(operator):
    assert operator.get("/logout/").status_code == 405
    answer = operator.post("/logout/")
    assert (answer.status_code, answer["Location"]) == (302, "/login/")
    assert operator.get("/").status_code == 302


def test_the_overview_shows_the_lines_in_plant_order(bakery, operator):
    make.line(code="L-Z", name="First in the hall", position=0)
    bakery.position = 1
    bakery.save()
    make.line(code="L-A", name="Last in the hall", position=2)
    page = Page(operator.get("/"))
    assert [tile["data-line"] for tile in page.all("line-tile")] == ["L-Z", "L-BAG1", "L-A"]
    assert list(page.board["lines"]) == ["L-Z", "L-BAG1", "L-A"]


def test_a_tile_tells_state_timer_reason_and_figures(bakery, operator):
    page = Page(operator.get("/"))
    (tile,) = page.all("line-tile")
    assert tile["data-state"] == "faulted"
    assert page.fields["word"] == ["FAULT", "FAULT", "STARVED"]
    assert re.fullmatch("04:1[2-9]", page.fields["timer"][0])
    assert page.fields["reason"][:2] == ["Bag jam", "Bag jam"]
    assert page.fields["name"] == ["Bagger", "Loader"]
    assert page.fields["product"] == ["500 g loaf"]
    update = page.board["lines"]["L-BAG1"]["gauges"]["production:L-BAG1"]["data"]
    assert page.fields["actual"] == [str(update["good"])] == ["400"]
    assert page.fields["percent"] == [str(int(update["efficiency"] * 100 + 0.5))]


def test_only_the_first_out_machine_leads(bakery, operator):
    machines = [
        (item["data-key"], "data-lead" in item, "data-constraint" in item)
        for item in Page(operator.get("/lines/L-BAG1/")).all("li")
        if item.get("class") == "machine"
    ]
    assert machines == [("M1", True, True), ("M2", False, False)]


def test_the_line_board_tells_target_actual_efficiency_and_downtime(bakery, operator):
    page = Page(operator.get("/lines/L-BAG1/"))
    update = page.board["lines"]["L-BAG1"]["gauges"]["production:L-BAG1"]["data"]
    assert page.fields["actual"] == ["400"]
    assert page.fields["target"] == [f"{int(update['target'] + 0.5):,}".replace(",", "\u202f")]
    assert re.fullmatch(r"\d\d:\d\d", page.fields["downtime"][0])
    assert page.fields["text"] == ["Bag jam"]
    assert page.fields["first"] == ["FIRST OUT"]
    assert page.fields["speed"] == ["0.0"]


def test_the_board_of_the_script_is_what_the_page_was_drawn_from(bakery, operator):
    production(timezone.now())
    board = Page(operator.get("/lines/L-BAG1/")).board
    line = board["lines"]["L-BAG1"]
    assert board["epoch"] == epoch()
    assert line["positions"] == {"L-BAG1": Stream.objects.get(name="L-BAG1").head}
    gauge = line["gauges"]["production:L-BAG1"]
    assert gauge["ver"] == Gauge.objects.get(key="production:L-BAG1").ver
    assert gauge["data"].keys() == TYPES["production_update"].data.__annotations__.keys()
    assert [(item["type"], item["equipment_code"]) for item in line["items"]] == [
        ("equipment_state", "M1"),
        ("equipment_state", "M2"),
        ("equipment_fault", "M1"),
    ]
    assert line["freshness"] == {
        "plc": "none",
        "age_ms": None,
        "quality": "bad",
        "at": board["server_time"],
    }


def test_a_name_cannot_break_out_of_the_page(operator):
    evil = '</script><script>alert("x")</script>'
    line = make.line(code="L-E", name=evil)
    make.equipment(line=line, name=evil)
    for path in ("/", "/lines/L-E/"):
        text = operator.get(path).content.decode()
        assert evil not in text
        assert Page(operator.get(path)).board["lines"]["L-E"]["name"] == evil


def test_a_foreign_line_and_one_that_is_not_there_are_the_same(bakery, as_user):
    other = make.line(code="L-OTHER", name="Of someone else")
    viewer = as_user(plant.person("viewer", "viewer", bakery))
    assert [tile["data-line"] for tile in Page(viewer.get("/")).all("line-tile")] == ["L-BAG1"]
    foreign, missing = viewer.get(f"/lines/{other.code}/"), viewer.get("/lines/L-NONE/")
    assert (foreign.status_code, missing.status_code) == (404, 404)
    without_token = re.compile(rb'name="csrfmiddlewaretoken" value="\w+"')
    same = [without_token.sub(b"", answer.content) for answer in (foreign, missing)]
    assert same[0] == same[1]
    assert b"Nothing here" in foreign.content


def test_an_empty_plant_says_what_to_do_to_those_who_may(as_user):
    admin = as_user(plant.person("admin", "admin", all_lines=True, is_staff=True))
    newcomer = as_user(plant.person("newcomer", "viewer"))
    assert b'href="/admin/production/line/add/"' in admin.get("/").content
    page = newcomer.get("/").content
    assert b"/admin/" not in page
    assert b"No line is open to you yet" in page


def test_a_line_without_equipment_is_a_board_all_the_same(operator):
    make.line(code="L-NEW", name="New line")
    page = Page(operator.get("/lines/L-NEW/"))
    assert page.fields["word"] == ["NO DATA"]
    assert "This line has no equipment yet." in page.text
    assert page.fields["target"] == ["\u2013"]
    assert page.fields["why"] == [
        page.board["lines"]["L-NEW"]["gauges"]["production:L-NEW"]["data"]["why"]
    ]


def test_only_staff_are_shown_the_way_to_the_admin(bakery, operator, as_user):
    staff = as_user(plant.person("staff", "engineer", bakery, is_staff=True))
    assert b'href="/admin/"' in staff.get("/").content
    assert b'href="/admin/"' not in operator.get("/").content


@pytest.mark.parametrize("path", ["/", "/lines/L-BAG1/", "/login/", "/nowhere/"])
def test_no_page_has_a_script_or_a_style_of_its_own(bakery, operator, path):
    answer = operator.get(path)
    page = Page(answer)
    policy = answer["Content-Security-Policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    for script in page.all("script"):
        assert "src" in script or script["type"] == "application/json"
    assert page.all("style") == []
    for _, attributes in page.elements:
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)
        for link in ("src", "href"):
            assert not (attributes.get(link) or "").startswith(("http:", "https:", "//"))


def test_a_board_is_kept_by_no_cache(bakery, operator):
    for path in ("/", "/lines/L-BAG1/"):
        assert "no-store" in operator.get(path)["Cache-Control"]


def test_a_board_is_only_read(bakery, operator):
    for path in ("/", "/lines/L-BAG1/"):
        assert operator.post(path).status_code == 405
        assert operator.head(path).status_code == 200


def test_a_form_from_elsewhere_is_refused_with_a_sentence(db):
    answer = Client(enforce_csrf_checks=True).post(
        "/login/", {"username": "x", "password": "y"}
    )
    assert answer.status_code == 403
    assert b"Please try again" in answer.content


def test_an_error_of_the_server_has_a_page(operator, bakery, monkeypatch):
    def fails(*_):
        raise RuntimeError("an error of the test")

    monkeypatch.setattr("realtime.pages.board_of", fails)
    operator.raise_request_exception = False
    answer = operator.get("/")
    assert answer.status_code == 500
    assert b"That went wrong" in answer.content
    assert b"an error of the test" not in answer.content


def test_a_line_more_costs_a_fixed_number_of_queries(bakery, operator):
    def cost(path):
        with CaptureQueriesContext(connection) as queries:
            assert operator.get(path).status_code == 200
        return len(queries)

    def one_more(number):
        line = make.line(name=f"Line {number}")
        for position in range(4):
            make.equipment(line=line, position=position, is_constraint=position == 0)

    epoch()
    assert (cost("/"), cost("/lines/L-BAG1/")) == (48, 78)
    for number in range(3):
        one_more(number)
        assert cost("/") == 48
    for position in range(5):
        make.equipment(line=bakery, position=10 + position)
    assert cost("/lines/L-BAG1/") == 78
