"""The pages about the past: they are right without any script, say what is missing, and keep lines apart."""

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from production.actions import observe, set_context
from production.models import Downtime, IdealCycle, Reason
from tests import factories as make
from tests.web import plant

pytestmark = pytest.mark.django_db
# Long enough ago that no clock of a site is in the middle of it.
START = make.T0


@pytest.fixture
def line():
    return make.line(code="L-ONE", name="Line one", time_zone="Europe/Berlin")


@pytest.fixture
def machine(line):
    """An hour: 40 minutes run and 2,400 pieces of a second, a downtime of 15, and 5 nobody measured."""
    machine = make.equipment(line=line, is_constraint=True, name="Bagger", code="L-ONE.M1")
    product = make.product(name="Loaf")
    make.ideal_cycle(product, machine, "1")
    set_context(machine, actor=None, at=make.at(-60), product=product)

    def seen(began_min, ended_min, state, good):
        return make.observation(
            machine,
            60 * ended_min,
            state=state,
            held_from=make.at(60 * began_min),
            counters=(make.good_count(good),),
        )

    observe([make.observation(machine, 0, state="running", counters=(make.good_count(0),))])
    observe([seen(0, 20, "running", 1200), seen(20, 35, "faulted", 1200)])
    observe([seen(40, 60, "running", 2400)])
    observe([make.observation(machine, 3601, state="stopped", held_from=make.at(3600))])
    return machine


@pytest.fixture
def manager(line, client):
    client.force_login(plant.person("manager", "shift_manager", line))
    return client


def window(start=START, hours=1):
    return {"from": start.isoformat(), "to": (start + timedelta(hours=hours)).isoformat()}


def test_the_sheet_of_an_hour_adds_up(manager, machine):
    page = manager.get(reverse("oee", args=["L-ONE"]), window())
    assert page.status_code == 200
    sheet = page.context["sheet"]
    bars = {bar.name: bar.seconds for bar in sheet.bars}
    assert bars["All time"] == "3600"
    assert bars["No data"] == "300"
    assert bars["Planned production time"] == "3300"
    assert bars["Unplanned stops"] == "900"
    assert bars["Run time"] == "2400"
    # What was counted after the gap stands behind no measured time.
    assert [ratio.percent for ratio in sheet.ratios[1:2]] == ["72.7"]
    assert sheet.total[0] == sheet.ratios[0].percent
    assert dict(sheet.facts)["Stops"] == "1"
    assert [row.name for row in sheet.rows] == ["11:00 to 12:00"]
    assert "11:00" in page.content.decode()  # by the clock of the site


def test_explain_adds_up_to_the_figure_and_opens_a_stretch(manager, machine):
    page = manager.get(
        reverse("oee", args=["L-ONE"]), window() | {"at": make.at(60).isoformat()}
    )
    told = page.context["explained"]
    assert (
        sum(Decimal(bucket.seconds) for bucket in told.buckets) == Decimal(told.total) == 3600
    )
    for bucket in told.buckets:
        assert sum(Decimal(leaf.seconds) for leaf in bucket.leaves) == Decimal(bucket.seconds)
    assert told.chosen is not None
    assert [count.quantity for count in told.chosen.readings.counts] == [1200]
    assert "No reading of it was kept" in page.content.decode()


def test_the_csv_has_plain_numbers_and_no_formula(manager, machine, line):
    answer = manager.get(reverse("oee", args=["L-ONE"]), window() | {"format": "csv"})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [(row["from"], row["Run min"], row["Good"]) for row in rows] == [
        ("2026-11-23T11:00:00+01:00", "40.0", "1200")
    ]
    Downtime.objects.update(reason=Reason.objects.create(code="X", name="=cmd()"))
    answer = manager.get(reverse("downtime"), window() | {"format": "csv"})
    (row,) = csv.DictReader(io.StringIO(answer.content.decode()))
    assert (row["name"], row["minutes"]) == ("'=cmd()", "15.0")


def test_a_missing_ideal_cycle_is_said_and_invents_no_figure(manager, machine):
    machine.counts.update(ideal_cycle=None)
    machine.tallies.update(ideal_cycle=None)
    IdealCycle.objects.all().delete()
    page = manager.get(reverse("oee", args=["L-ONE"]), window())
    assert page.context["sheet"].why == "no ideal cycle for Loaf"
    assert "no ideal cycle for Loaf" in page.content.decode()
    assert page.context["sheet"].ratios[0].percent == "–"  # noqa: RUF001 - as printed


def test_a_line_without_a_constraint_says_so(manager, line):
    page = manager.get(reverse("oee", args=["L-ONE"]))
    assert page.status_code == 200
    assert page.context["sheet"].why == "no equipment is the constraint of this line"


def test_the_pareto_asks_about_what_nobody_has_explained(manager, machine):
    page = manager.get(reverse("downtime"), window())
    (bar,) = page.context["pareto"].bars
    assert (bar.name, bar.minutes, bar.count, bar.parts) == ("Unassigned", "15.0", "1", "900")
    assert bar.unassigned
    Downtime.objects.update(reason=Reason.objects.create(code="JAM", name="Jam"))
    page = manager.get(reverse("downtime"), window() | {"line": "L-ONE"})
    (bar,) = page.context["pareto"].bars
    assert (bar.name, bar.unassigned) == ("Jam", False)
    assert {row[0]: row[1] for row in page.context["means"]}[
        "Mean time to restore"
    ] == "15.0 min"


@pytest.mark.parametrize(
    "query",
    [
        {"from": "x", "to": "y"},
        {"period": "never"},
        {"by": "mood"},
        {"from": "0001-01-01T00:00", "to": "0001-01-02T00:00"},
    ],
)
def test_a_question_that_makes_no_sense_gets_a_sentence_and_a_page(manager, machine, query):
    page = manager.get(reverse("downtime"), query)
    assert page.status_code == 400
    assert 'role="alert"' in page.content.decode()


def test_what_is_not_mine_is_not_there(manager, machine, line):
    other = make.line(code="L-TWO", name="Line two")
    theirs = make.equipment(line=other, is_constraint=True, name="Foreign bagger")
    Downtime.objects.create(
        equipment=theirs, started_at=START, ended_at=START + timedelta(minutes=30)
    )
    assert manager.get(reverse("oee", args=["L-TWO"])).status_code == 404
    assert manager.get(reverse("line-shift", args=["L-TWO"])).status_code == 404
    for query in ({}, {"line": "L-TWO"}, {"by": "equipment"}, {"equipment": theirs.code}):
        page = manager.get(reverse("downtime"), window() | query)
        assert "Foreign" not in page.content.decode()
        assert "Line two" not in page.content.decode()


def test_who_sees_no_line_is_told_so(client, machine):
    client.force_login(plant.person("nobody", "viewer"))
    assert "No line yet" in client.get(reverse("downtime")).content.decode()


def test_the_shift_part_says_when_it_was_drawn_and_what_was_made(manager, machine):
    part = manager.get(reverse("line-shift", args=["L-ONE"]))
    assert part.status_code == 200
    text = part.content.decode()
    assert "as of" in text
    assert part.context["shift"].title == "Today"
    assert len([hour for hour in part.context["shift"].hours if hour.now]) == 1
    assert timezone.now() - part.context["shift"].at < timedelta(minutes=1)


def test_an_area_and_a_site_are_the_sums_of_their_lines(manager, line, machine):
    user = manager.get(reverse("place-oee")).wsgi_request.user
    other = make.line(area=line.area, code="L-TWO", name="Line two")
    user.line_access.create(line=other)
    make.equipment(line=other, is_constraint=True)
    place = f"{line.area.site.code}/{line.area.code}"
    of_line = manager.get(reverse("oee", args=["L-ONE"]), window()).context["sheet"]
    for by, count in (("hour", 1), ("shift", 1), ("day", 1), ("product", 2), ("equipment", 2)):
        page = manager.get(reverse("place-oee"), window() | {"place": place, "by": by})
        assert page.status_code == 200
        sheet = page.context["sheet"]
        assert (sheet.part, len(sheet.rows)) == (by.capitalize(), count)
        assert [ratio.percent for ratio in sheet.ratios] == [
            ratio.percent for ratio in of_line.ratios
        ]
        bars = {bar.name: bar.seconds for bar in sheet.bars}
        assert (bars["All time"], bars["No data"], bars["Run time"]) == ("7200", "3900", "2400")
    text = page.content.decode()
    assert "Technical efficiency" in text
    assert reverse("oee", args=["L-TWO"]) in text
    rows = csv.reader(
        io.StringIO(
            manager.get(
                reverse("place-oee"), window() | {"by": "hour", "format": "csv"}
            ).content.decode()
        )
    )
    assert [row[2] for row in rows] == ["name", "11:00 to 12:00"]


def test_a_place_that_is_not_theirs_is_not_there(manager, line):
    foreign = make.line()
    for place in (foreign.area.site.code, "nowhere"):
        assert manager.get(reverse("place-oee"), {"place": place}).status_code == 404
    for wrong in ({"by": "moon"}, {"by": "hour", "period": "month"}):
        page = manager.get(reverse("place-oee"), wrong)
        assert (page.status_code, page.context["by"]) == (400, "day")
    manager.logout()
    assert manager.get(reverse("place-oee")).status_code == 302
    stranger = plant.person("stranger", "viewer")
    manager.force_login(stranger)
    assert "No line yet" in manager.get(reverse("place-oee")).content.decode()
