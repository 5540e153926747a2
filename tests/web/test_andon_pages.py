"""The Andon board as the server draws it: who waits, who comes, who is there, and that it is never blank."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from andon.actions import calls
from ms5.events.log import epoch
from tests import factories as make
from tests.web import plant
from tests.web.test_pages import Page

pytestmark = pytest.mark.django_db


@pytest.fixture
def line():
    found = make.line(code="L-BAG1", name="Bagging line 1", time_zone="Europe/Berlin")
    make.equipment(line=found, code="M1", name="Bagger", is_constraint=True)
    return found


@pytest.fixture
def boss():
    return plant.person("boss", "shift_manager", all_lines=True, first_name="Ayse")


@pytest.fixture
def board(boss, as_user):
    return as_user(boss)


def raised(line, ago_s=60, category="stop", priority="high", **said):
    at = timezone.now() - timedelta(seconds=ago_s)
    return calls.raise_call(line, category=category, priority=priority, at=at, **said)


def columns(page):
    """Return the texts of the field in each column, by the column."""
    sections = page.text.split('<section data-column="')[1:]
    return {part.split('"')[0]: part.split("<andon-recent")[0] for part in sections}


def test_calls_stand_in_the_column_of_their_status(line, boss, board):
    machine = line.equipment.get()
    waiting = raised(line, 600, equipment=machine, description="Film <torn>")
    coming = raised(line, 300, category="material")
    calls.acknowledge(coming, actor=boss, at=timezone.now())
    there = raised(line, 200, category="safety", priority="critical")
    calls.arrive(there, actor=boss, at=timezone.now())
    page = Page(board.get("/andon/"))
    told = columns(page)
    assert f'data-key="{waiting.pk}"' in told["waiting"]
    assert f'data-key="{coming.pk}"' in told["coming"]
    assert f'data-key="{there.pk}"' in told["there"]
    assert "Film &lt;torn&gt;" in told["waiting"]
    assert "Bagger" in told["waiting"]
    assert "10:0" in told["waiting"]
    assert "Ayse is coming" in told["coming"]
    assert "Ayse is there" in told["there"]
    assert page.board["lines"]["L-BAG1"]["items"][0]["type"] in {
        "andon_event",
        "equipment_state",
    }
    rail = Page(board.get("/"))
    assert [
        given["data-key"] for tag, given in rail.elements if given.get("class") == "short"
    ] == [
        str(waiting.pk),
        str(coming.pk),
        str(there.pk),
    ]


def test_the_board_is_never_blank(line, boss, board):
    assert "No open calls</b>" in board.get("/andon/").content.decode()
    call = raised(line, 3000)
    at = timezone.now() - timedelta(minutes=42, seconds=5)
    calls.resolve(call, actor=boss, at=at, text="new film")
    page = board.get("/andon/").content.decode()
    assert "No open calls: 42 min" in page
    assert "resolved by Ayse after 07:5" in page
    assert "new film" in page


def test_a_flood_is_told_above_ten_calls_in_ten_minutes(line, boss, board):
    for number in range(11):
        machine = make.equipment(line=line, code=f"X{number}")
        if number == 10:
            assert "FLOOD" not in board.get("/andon/recent/").content.decode()
        raised(line, 30, equipment=machine)
    assert "<b>FLOOD</b> 11 calls in 10 minutes" in board.get("/andon/recent/").content.decode()


def test_the_five_buttons_of_a_line_become_its_calls(line, boss, board):
    calls.acknowledge(raised(line, category="quality"), actor=boss, at=timezone.now())
    page = Page(board.get("/lines/L-BAG1/"))
    slots = [given for _, given in page.elements if given.get("class") == "slot"]
    assert [slot["data-category"] for slot in slots] == [
        "stop",
        "quality",
        "maintenance",
        "material",
        "safety",
    ]
    assert [slot.get("data-status") for slot in slots] == [
        None,
        "acknowledged",
        None,
        None,
        None,
    ]


def test_who_may_not_answer_is_shown_no_button_and_a_viewer_none_at_all(line, as_user):
    raised(line)
    operator = as_user(plant.person("operator", "operator", all_lines=True))
    page = operator.get("/andon/").content.decode()
    assert 'data-deed="comment"' in page
    assert 'data-deed="acknowledge"' not in page
    viewer = as_user(plant.person("viewer", "viewer", all_lines=True))
    assert "data-deed=" not in viewer.get("/andon/").content.decode()


def test_a_foreign_line_does_not_exist(line, as_user):
    other = make.line(code="L-OTHER")
    secret = raised(other, description="secret of the other line")
    here = as_user(plant.person("here", "shift_manager", line))
    assert here.get("/andon/?line=L-OTHER").status_code == 404
    assert here.get("/andon/recent/?line=L-OTHER").status_code == 404
    page = here.get("/andon/").content.decode()
    assert secret.description not in page
    assert here.get("/andon/?line=L-BAG1").status_code == 200


def test_a_call_more_costs_no_query_more(line, board):
    epoch()
    raised(line)

    def cost():
        with CaptureQueriesContext(connection) as queries:
            assert board.get("/andon/").status_code == 200
        return len(queries)

    before = cost()
    for category in ("quality", "material", "safety"):
        raised(line, category=category)
    assert cost() == before


def test_how_calls_were_answered_is_shown_and_saved(line, boss, board, as_user):
    call = raised(line, 600)
    calls.acknowledge(call, actor=boss, at=call.raised_at + timedelta(seconds=90))
    calls.resolve(call, actor=boss, at=call.raised_at + timedelta(seconds=300), text="done")
    raised(line, 100)
    page = board.get("/andon/analytics/?period=week&line=L-BAG1").content.decode()
    assert "01:30" in page
    assert "05:00" in page
    assert "1 never" in page  # nobody said that they had arrived
    assert "1 open" in page
    assert "whole line" in page
    told = board.get("/andon/analytics/?period=week&by=line&format=csv").content.decode()
    first, bagging, whole = told.splitlines()
    assert first.startswith(
        "line,calls,acknowledge taken,acknowledge never,acknowledge median s"
    )
    assert bagging == "Bagging line 1,2,1,0,90.0,90.0,0,1,,,1,0,300.0,300.0"
    assert whole == bagging.replace("Bagging line 1", "all")
    assert board.get("/andon/analytics/?by=colour").status_code == 400
    nobody = as_user(plant.person("nobody", "viewer"))
    assert "No line yet" in nobody.get("/andon/analytics/").content.decode()
