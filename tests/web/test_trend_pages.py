"""The chart page of an equipment and the trends behind it: right before any script, and bounded."""

import re

import pytest
from django.utils import timezone

from telemetry.models import Sample
from tests.floor import T0, later
from tests.web import plant

WINDOW = {"from": "2026-03-02T08:00:00Z", "to": "2026-03-02T08:10:00Z"}


@pytest.fixture
def watched(own):
    """A tag that read 10, then nothing, then 20, a minute each."""
    Sample.objects.all().delete()
    rows = ((0, 10.0, "good"), (60, None, "stale"), (120, 20.0, "good"), (180, None, "bad"))
    for second, value, quality in rows:
        at = later(second)
        Sample.objects.create(
            tag=own.tag, value=value, quality=quality, source_at=at, received_at=at
        )
    return own


def window(seconds):
    return {"from": T0.isoformat(), "to": later(seconds).isoformat()}


def test_a_trend_has_points_and_says_what_was_not_known(watched, root):
    body = root.get("/api/v1/trends/", window(240) | {"tag": watched.tag.pk}).json()
    assert (body["name"], body["unit"], body["source"]) == ("speed", "1/min", "raw")
    assert [(point["mean"], point["quality"]) for point in body["points"]] == [
        (10.0, "good"),
        (None, "stale"),
        (20.0, "good"),
        (None, "bad"),
    ]
    assert body["points"][0]["until"] == body["points"][1]["at"]


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({}, "tag"),
        ({"tag": 0}, "tag"),
        ({"tag": "x"}, "tag"),
        ({"tag": 1, "points": 9999}, "points"),
        ({"tag": 1, "from": "yesterday"}, "from"),
        ({"tag": 1, "form": "2026-03-02T08:00:00Z"}, "form"),
        ({"tag": 2**70}, "tag"),
    ],
)
def test_a_question_that_makes_no_sense_is_told_why(watched, root, asked, named):
    answer = root.get("/api/v1/trends/", asked)
    assert answer.status_code == 400
    assert named in answer.content.decode()


def test_a_trend_is_of_a_month_at_most(watched, root):
    asked = {
        "tag": watched.tag.pk,
        "from": "2026-01-01T00:00:00Z",
        "to": "2026-03-01T00:00:00Z",
    }
    answer = root.get("/api/v1/trends/", asked)
    assert answer.status_code == 400
    assert "at most 31 days" in answer.content.decode()


@pytest.mark.parametrize("to", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_time_at_the_end_of_the_calendar_is_told_why(watched, root, to):
    answer = root.get("/api/v1/trends/", {"tag": watched.tag.pk, "to": to})
    assert answer.status_code == 400


def page(client, own, **asked):
    return client.get(f"/equipment/{own.equipment.code}/trends/", asked)


def test_the_page_draws_what_was_read_and_hatches_what_was_not(watched, root):
    shown = page(root, watched, **window(240))
    text = shown.content.decode()
    assert shown.status_code == 200
    assert len(re.findall(r"<polyline ", text)) == 2
    assert len(re.findall(r'class="unknown"', text)) == 2
    assert "speed: from 10 to 20, last 20 1/min." in text
    # What the tag said last stands beside it, right before any script runs.
    assert re.search(r"data-value>99.5<", text)
    assert "<script>" not in text
    assert " style=" not in text


def test_a_part_of_the_page_is_the_charts_alone(watched, root):
    text = page(root, watched, range="1h", part="1").content.decode()
    assert text.count("<section") == 1
    assert "<html" not in text


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"range": "2y"}, "There is no range"),
        ({"from": "2026-03-02T08:00:00Z"}, "A time is written like"),
        ({"from": "2026-03-02T08:00:00", "to": "x"}, "A time is written like"),
        ({"from": "2026-01-01T00:00:00Z", "to": "2026-12-01T00:00:00Z"}, "at most 31 days"),
        ({"from": "0001-01-01T00:00:00Z", "to": "0001-01-01T01:00:00Z"}, "the years 2000 to"),
        ({"from": "9999-12-31T23:00:00Z", "to": "9999-12-31T23:59:00Z"}, "the years 2000 to"),
    ],
)
def test_a_time_that_makes_no_sense_is_told_why_and_the_last_hour_is_shown(
    watched, root, asked, why
):
    shown = page(root, watched, **asked)
    assert shown.status_code == 400
    assert why in shown.content.decode()
    assert shown.context["range"] == "1h"


def test_only_who_sees_the_line_sees_its_trends(own, foreign, as_user, client):
    viewer = as_user(plant.person("viewer", "viewer", own.line))
    assert page(viewer, own).status_code == 200
    assert page(viewer, foreign).status_code == 404
    assert page(client, own).status_code == 302


def test_texts_are_texts(own, root):
    own.tag.name = "<b>speed</b>"
    own.tag.unit = "<i>"
    own.tag.save()
    now = timezone.now()
    Sample.objects.create(tag=own.tag, value=5, quality="good", source_at=now, received_at=now)
    text = page(root, own).content.decode()
    assert "<b>speed" not in text
    assert "<i>" not in text
