"""Explain over the API: a figure down to spans, increments, readings and ideal cycles, page by page."""

from collections import Counter
from datetime import timedelta

import pytest

from production import explain as explaining
from production.accounting import accounts
from production.actions import observe
from production.calendars import calendar_of
from production.groups import Scope
from production.models import IdealCycle, Line
from production.observation import CounterReading
from production.oee import Account
from production.ratios import figures
from production.settling import settle
from realtime.explained import explained
from realtime.periods import period_of
from telemetry import explained as projection
from telemetry.models import Plc, Sample, Tag
from tests.factories import at, equipment, good_count, ideal_cycle, line, observation, product
from tests.factories import user as person

pytestmark = pytest.mark.django_db
HOUR = 3600
WINDOW = {"from": at(0).isoformat(), "to": at(HOUR).isoformat()}
LATER = at(2 * HOUR)


def total_count(value):
    return CounterReading(kind="total", value=value)


def machine(on, every=60, *, stops=((600, 900), (2000, 2010)), **fields):
    """Return a machine that made a piece a second for an hour, but in its stops, with kept readings."""
    own = equipment(line=on, no_data_after_s=600, stop_after_s=60, **fields)
    loaf = product()
    ideal_cycle(loaf, own, "0.5", effective_from=at(-86_400))
    plc = Plc.objects.create(
        code=f"plc-{own.pk}", name="Plc", protocol="modbus_tcp", host="127.0.0.1"
    )
    tag = Tag.objects.create(
        plc=plc, name="Total", address="hr:0", data_type="uint16", equipment=own
    )
    seconds = sorted({*range(0, HOUR + 1, every), *(s for stop in stops for s in stop)})
    seen, good = [], 0
    for before, second in zip([0, *seconds], seconds, strict=False):
        stood = any(began <= before < ended for began, ended in stops)
        good += 0 if stood else second - before
        state = (
            "stopped" if any(began <= second < ended for began, ended in stops) else "running"
        )
        seen.append(
            observation(
                own, second, state, counters=(good_count(good),), product_number=loaf.plc_number
            )
        )
        Sample.objects.create(
            tag=tag, value=good, quality="good", source_at=at(second), received_at=at(second)
        )
    observe(seen)
    return own


@pytest.fixture
def ask(client):
    client.force_login(person())

    def get(code=200, **query):
        answer = client.get("/api/v1/oee/explain/", WINDOW | query)
        assert answer.status_code == code, answer.content
        return answer.json()

    return get


def test_the_figure_of_an_equipment_is_told_to_its_rows(ask):
    own = machine(line(), is_constraint=True)
    told = ask(equipment=own.code)
    assert sum(leaf["seconds"] for leaf in told["leaves"]) == HOUR
    by_bucket = Counter()
    for leaf in told["leaves"]:
        by_bucket[leaf["bucket"]] += leaf["seconds"]
    assert dict(by_bucket) == told["seconds"]
    spans = {span.pk: span for span in own.spans.all()}
    for leaf in told["leaves"]:
        row = leaf["span_row"]
        assert row["id"] == leaf["span"]
        assert (row["state"], spans[row["id"]].state) == (leaf["state"], leaf["state"])
    (made,) = told["pieces"]
    cycle = IdealCycle.objects.get()
    assert (made["ideal_cycle"], made["seconds_each"]) == (cycle.pk, 0.5)
    assert made["effective_from"] == "2026-11-22T10:00:00Z"
    assert (
        made["good_s"] == told["good_s"] == sum(made["pieces"] for made in told["pieces"]) / 2
    )
    readings = told["readings"]
    assert sum(count["quantity"] for count in readings["counts"]) == made["pieces"]
    assert {count["ideal_cycle"] for count in readings["counts"]} <= {cycle.pk, None}
    assert len(readings["samples"]) == Sample.objects.count()
    assert readings["more_after"] is None
    assert told["oee"] == told["good_s"] / told["waterfall"]["ppt"]


def test_the_readings_of_a_stretch_are_told_by_a_moment_in_it(ask):
    own = machine(line(), is_constraint=True)
    told = ask(equipment=own.code, at=at(700).isoformat())["readings"]
    assert (told["started_at"], told["ended_at"]) == (
        "2026-11-23T10:10:00Z",
        "2026-11-23T10:15:00Z",
    )
    assert [count["quantity"] for count in told["counts"] if count["quantity"]] == []
    assert [row["value"] for row in told["samples"]] == [600.0] * 6


def test_readings_are_told_page_by_page_and_none_is_left_out_or_told_twice(ask, monkeypatch):
    own = machine(line(), is_constraint=True)
    monkeypatch.setattr(projection, "MOST_READINGS", 7)
    counts, samples, after, pages = [], [], {}, 0
    while after is not None and pages < 100:
        told = ask(equipment=own.code, **after)["readings"]
        assert max(len(told["counts"]), len(told["samples"])) <= 7
        counts += [row["id"] for row in told["counts"]]
        samples += [row["id"] for row in told["samples"]]
        after = {"after": told["more_after"]} if told["more_after"] else None
        pages += 1
    assert sorted(counts) == sorted(
        own.counts.filter(at__gt=at(0)).values_list("pk", flat=True)
    )
    assert len(counts) == len(set(counts))
    assert sorted(samples) == sorted(Sample.objects.values_list("pk", flat=True))
    assert pages > 5


def test_leaves_are_told_page_by_page_and_each_page_adds_up_with_its_rest(ask, monkeypatch):
    own = machine(line(), is_constraint=True)
    whole = ask(equipment=own.code)
    monkeypatch.setattr(explaining, "MOST", 2)
    pages = [ask(equipment=own.code, page=number) for number in (1, 2, 3)]
    assert {told["pages"] for told in pages} == {3}
    for told in pages:
        summed = Counter(told["rest"]["seconds"])
        for leaf in told["leaves"]:
            summed[leaf["bucket"]] += leaf["seconds"]
        assert dict(summed) == told["seconds"] == whole["seconds"]
    leaves = [leaf for told in pages for leaf in told["leaves"]]
    assert sorted(leaves, key=lambda leaf: leaf["started_at"]) == whole["leaves"]
    assert ask(equipment=own.code, page=9)["leaves"] == []
    ask(400, equipment=own.code, page=0)


@pytest.fixture
def hall():
    """A line that is the sum of two machines, and another by its constraint, in one area."""
    summed = line(oee_method="sum", position=1)
    fast = machine(summed, is_constraint=True, position=1)
    slow = machine(summed, stops=((0, 1200),), position=2)
    plain = line(area=summed.area, position=2)
    alone = machine(plain, is_constraint=True, stops=((3000, 3300),))
    machine(plain)
    settle(LATER)
    return summed, plain, (fast, slow), alone


def test_a_line_by_its_constraint_is_told_as_that(ask, hall):
    _, plain, _, alone = hall
    of_line, of_machine = ask(line=plain.code), ask(equipment=alone.code)
    assert (of_line["method"], of_line["equipment"]) == ("constraint", alone.code)
    assert of_line == of_machine


def adds_up(told):
    """Demand that the parts are the whole, in seconds by bucket and in ideal seconds."""
    time = Counter(told["rest"]["seconds"])
    for part in told["parts"]:
        time.update(part["seconds"])
    assert {bucket: round(s, 6) for bucket, s in time.items()} == told["seconds"]
    for name in ("good_s", "total_s", "stops", "small_stops"):
        assert sum(part[name] for part in told["parts"]) == told[name]
    assert told["oee"] == pytest.approx(told["good_s"] / told["waterfall"]["ppt"], abs=1e-12)


def test_a_line_that_is_a_sum_is_told_by_its_equipment(ask, hall):
    summed, _, machines, _ = hall
    told = ask(line=summed.code)
    assert (told["method"], told["equipment"]) == ("sum", None)
    assert [part["equipment"] for part in told["parts"]] == [each.code for each in machines]
    adds_up(told)
    found = accounts(machines, at(0), at(HOUR), LATER, exact=True)
    assert told["oee"] == float(figures(sum(found.values(), Account())).oee)
    for part in told["parts"]:
        own = ask(equipment=part["equipment"])
        for name in ("oee", "seconds", "good_s", "total_s", "stops", "waterfall"):
            assert own[name] == part[name], name


@pytest.mark.parametrize("scope", ["area", "site"])
def test_an_area_and_a_site_are_told_by_their_lines(ask, hall, scope):
    summed, plain, _, _ = hall
    Line.objects.filter(pk=plain.pk).update(no_data_is_stop=True)
    code = {"area": summed.area.code, "site": summed.area.site.code}[scope]
    told = ask(**{scope: code})
    assert (told["line"], told["method"]) == (None, "sum")
    assert [part["line"] for part in told["parts"]] == [summed.code, plain.code]
    adds_up(told)
    assert told["parts"][0]["oee"] == ask(line=summed.code)["oee"]


def test_parts_are_told_page_by_page(ask, hall, monkeypatch):
    monkeypatch.setattr("production.summed.MOST", 1)
    monkeypatch.setattr(explaining, "MOST", 1)
    pages = [ask(line=hall[0].code, page=number) for number in (1, 2)]
    assert [len(told["parts"]) for told in pages] == [1, 1]
    for told in pages:
        time = Counter(told["rest"]["seconds"])
        time.update(told["parts"][0]["seconds"])
        assert (dict(time), told["pages"]) == (told["seconds"], 2)


def test_a_line_without_equipment_that_counts_says_so_and_invents_nothing(ask):
    told = ask(line=line().code)
    assert (told["oee"], told["parts"], told["pages"]) == (None, [], 1)


def test_one_thing_is_to_be_named_and_a_foreign_one_is_not_there(client, hall):
    client.force_login(person(all_lines=False))
    path = "/api/v1/oee/explain/"
    assert client.get(path, WINDOW | {"line": hall[0].code}).status_code == 404
    assert client.get(path, WINDOW | {"site": hall[0].area.site.code}).status_code == 404
    assert client.get(path, WINDOW).status_code == 400
    named = {"line": hall[0].code, "equipment": hall[3].code}
    assert client.get(path, WINDOW | named).status_code == 400


def test_the_page_and_the_api_tell_the_same(ask, hall):
    summed, plain, machines, alone = hall
    period = period_of({"from": WINDOW["from"], "to": WINDOW["to"]}, calendar_of(summed), LATER)
    drawn = explained(Scope(lines=[summed], equipment=list(machines)), period, LATER)
    told = ask(line=summed.code)
    assert dict(drawn.formula) == told["formula"]
    assert [float(part.good) for part in drawn.parts] == [
        part["good_s"] for part in told["parts"]
    ]
    assert float(drawn.total.good) == told["good_s"]
    own = Scope(lines=[plain], equipment=[alone], is_equipment=True)
    drawn = explained(own, period, LATER, at(3100))
    told = ask(equipment=alone.code, at=at(3100).isoformat())
    assert dict(drawn.formula) == told["formula"]
    assert {len(bucket.leaves) for bucket in drawn.buckets} == {1, 2}
    assert [row.pk for row in drawn.chosen.readings.samples] == [
        row["id"] for row in told["readings"]["samples"]
    ]
    assert [row.pk for row in drawn.chosen.readings.counts] == [
        row["id"] for row in told["readings"]["counts"]
    ]
    assert timedelta(seconds=float(drawn.total)) == timedelta(hours=1)


def test_pieces_of_other_counters_are_told_apart(ask):
    own = machine(line(), is_constraint=True)
    tallied = own.counts.filter(quantity__gt=0)
    assert [row["counters"] for row in ask(equipment=own.code)["pieces"]] == ["good"]
    observe(
        [
            observation(own, HOUR + second, counters=(total_count(second),), counts={"total"})
            for second in (60, 120)
        ]
    )
    until = at(HOUR + 120)
    told = ask(equipment=own.code, to=until.isoformat())
    assert {(row["kind"], row["counters"], row["pieces"]) for row in told["pieces"]} == {
        ("good", "good", sum(tallied.filter(kind="good").values_list("quantity", flat=True))),
        ("total", "total", 60),
    }
    window = {"from": WINDOW["from"], "to": until.isoformat()}
    period = period_of(window, calendar_of(own.line), LATER)
    scope = Scope(lines=[own.line], equipment=[own], is_equipment=True)
    drawn = explained(scope, period, LATER)
    assert {row.note for row in drawn.pieces} == {"counters then: good", "counters then: total"}
