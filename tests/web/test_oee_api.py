"""The API of OEE: figures over windows that a reader chooses, and where they come from."""

from datetime import timedelta

import pytest
from django.utils import timezone

from production.accounting import accounts
from production.actions import observe
from production.models import Job, JobRun, Product, Shift, TimeTally
from production.ratios import figures
from production.settling import settle
from tests.factories import T0, equipment, good_count, ideal_cycle, line, observation, product
from tests.factories import user as person

pytestmark = pytest.mark.django_db

# Far from midnight, whenever the tests run: shifts and days are cut there.
NOW = timezone.now().replace(hour=15, minute=0, second=0, microsecond=0) - timedelta(days=1)
START = NOW - timedelta(hours=4)


@pytest.fixture
def bagger():
    machine, loaf = equipment(is_constraint=True, no_data_after_s=600), product()
    ideal_cycle(loaf, machine, "0.5", effective_from=START - timedelta(days=1))
    first = round((START - T0).total_seconds())
    observe(
        [
            observation(
                machine,
                first + s,
                "stopped" if 3600 <= s < 5400 else "running",
                counters=(good_count(s),),
                product_number=loaf.plc_number,
            )
            for s in range(0, 4 * 3600 + 1, 300)
        ]
    )
    settle(NOW + timedelta(minutes=5))
    return machine


@pytest.fixture
def ask(client):
    client.force_login(person())

    def get(path="oee", **query):
        answer = client.get(f"/api/v1/{path}/", query)
        return answer.status_code, answer.json()

    return get


def window():
    return {"from": START.isoformat(), "to": NOW.isoformat()}


def test_the_figures_of_a_window_are_those_of_the_accounts(bagger, ask):
    status, body = ask(equipment=bagger.code, **window())
    assert (status, body["count"]) == (200, 1)
    (row,) = body["results"]
    plain = figures(accounts([bagger], START, NOW, NOW)[bagger.pk])
    assert row["oee"] == float(plain.oee)
    assert row["availability"] == 0.875
    assert (row["scope"], row["equipment"], row["good"]) == ("equipment", bagger.code, 14400)
    _, of_line = ask(line=bagger.line.code, **window())
    assert of_line["results"][0]["oee"] == row["oee"]
    assert of_line["results"][0]["equipment"] is None


@pytest.mark.parametrize(("by", "count"), [("hour", 4), ("equipment", 1), ("product", 1)])
def test_a_window_is_cut_and_its_parts_add_up(bagger, ask, by, count):
    status, body = ask(line=bagger.line.code, by=by, **window())
    assert (status, body["count"]) == (200, count)
    assert sum(row["good"] for row in body["results"]) == 14400
    assert sum(row["seconds"]["run"] for row in body["results"]) == 12600.0


def test_days_and_shifts_cover_the_window(bagger, ask):
    for by in ("day", "shift"):
        _, body = ask(line=bagger.line.code, by=by, **window())
        assert sum(row["seconds"]["all"] for row in body["results"]) == 14400.0


def test_a_job_is_the_time_in_which_it_ran(bagger, ask):
    job = Job.objects.create(line=bagger.line, number="J1", product=product())
    JobRun.objects.create(
        job=job,
        started_at=START + timedelta(hours=1),
        ended_at=START + timedelta(hours=2),
    )
    JobRun.objects.create(job=job, started_at=START + timedelta(hours=3))
    _, body = ask(line=bagger.line.code, by="job", **window())
    (row,) = body["results"]
    assert (row["job"], row["seconds"]["all"], row["good"]) == ("J1", 7200.0, 7200)


def test_an_area_and_a_site_are_the_sums_of_their_lines(bagger, ask):
    area = bagger.line.area
    other = equipment(line=line(area=area), is_constraint=True)
    _, body = ask(site=area.site.code, area=area.code, **window())
    (row,) = body["results"]
    assert row["seconds"]["all"] == 2 * 14400.0
    assert (row["line"], row["good"], row["confidence"]) == (None, 14400, 0.5)
    other.line.no_data_is_stop = True
    other.line.save()
    _, body = ask(site=area.site.code, **window())
    assert body["results"][0]["seconds"]["stop"] == 14400.0 + 1800.0


def test_without_times_it_is_the_present_shift(bagger, ask):
    status, body = ask(line=bagger.line.code)
    assert (status, body["count"]) == (200, 1)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"line": "L", "equipment": "E"},
        {"line": "L", "from": "yesterday"},
        {"line": "L", "to": "2026-01-01T00:00:00Z"},
        {"line": "L", "from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"},
        {"line": "L", "from": "2020-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"},
        {"line": "L", "by": "moon"},
    ],
)
def test_a_bad_question_is_told_so(ask, query):
    assert ask(**query)[0] == 400


def test_more_rows_than_anybody_reads_are_refused(bagger, ask):
    long_ago = (NOW - timedelta(days=30)).isoformat()
    status, body = ask(line=bagger.line.code, by="hour", **{"from": long_ago})
    assert status == 400
    assert "at most 400" in str(body)


@pytest.fixture
def other(bagger, ask):
    """A second line of the area, with shifts of its own; it makes twice as many of the same product."""
    loaf = Product.objects.get()
    machine = equipment(
        line=line(area=bagger.line.area), is_constraint=True, no_data_after_s=600
    )
    ideal_cycle(loaf, machine, "0.25", effective_from=START - timedelta(days=1))
    first = round((START - T0).total_seconds())
    observe(
        [
            observation(
                machine,
                first + s,
                counters=(good_count(2 * s),),
                product_number=loaf.plc_number,
            )
            for s in range(0, 4 * 3600 + 1, 300)
        ]
    )
    begins = START + timedelta(hours=1)
    Shift.objects.create(
        site=machine.line.area.site,
        line=machine.line,
        name="Early",
        starts=begins.time(),
        ends=(begins + timedelta(hours=2)).time(),
    )
    Shift.objects.create(
        site=bagger.line.area.site,
        name="Early",
        starts=START.time(),
        ends=(START + timedelta(hours=2)).time(),
    )
    return machine


def together(rows):
    """Return planned production seconds, good pieces and productive seconds of all rows."""
    return tuple(
        sum(pick(row) for row in rows)
        for pick in (
            lambda row: row["seconds"]["ppt"],
            lambda row: row["good"],
            lambda row: row["seconds"]["productive"],
        )
    )


def test_an_area_is_cut_by_the_shifts_of_each_line_and_each_row_is_a_ratio_of_sums(
    bagger, other, ask
):
    area = bagger.line.area
    where = {"site": area.site.code, "area": area.code}
    _, body = ask(by="shift", **where, **window())
    (row,) = [row for row in body["results"] if row["label"] == "Early"]
    # Two hours of each: of one from the start, half an hour of which it stood; of the other an hour later.
    assert (row["line"], row["seconds"]["ppt"], row["seconds"]["run"]) == (
        None,
        14400.0,
        12600.0,
    )
    assert row["good"] == 7200 + 14400
    assert row["oee"] == row["seconds"]["productive"] / 14400
    ends = START + timedelta(hours=3)
    assert row["window"] == {
        "started_at": START.isoformat().replace("+00:00", "Z"),
        "to": ends.isoformat().replace("+00:00", "Z"),
    }


@pytest.mark.parametrize("by", ["hour", "day", "product", "job", "equipment"])
def test_the_rows_of_an_area_add_up_to_it_however_it_is_cut(bagger, other, ask, by):
    for machine in (bagger, other):
        job = Job.objects.create(
            line=machine.line, number=f"J{machine.pk}", product=Product.objects.get()
        )
        JobRun.objects.create(job=job, started_at=START)
    where = {"site": bagger.line.area.site.code}
    _, whole = ask(**where, **window())
    _, body = ask(by=by, **where, **window())
    assert together(body["results"]) == together(whole["results"])
    lines = {row["line"] for row in body["results"]}
    wanted = {bagger.line.code, other.line.code} if by == "job" else {None}
    assert lines == wanted
    if by == "product":
        assert body["count"] == 1


def test_the_names_of_iso_22400_are_told_of_the_same_buckets(bagger, ask):
    _, body = ask(equipment=bagger.code, **window())
    (row,) = body["results"]
    iso = row["iso"]
    assert (iso["pbt_s"], iso["apt_s"], iso["adet_s"]) == (14400.0, 12600.0, 1800.0)
    names = {"availability": "availability", "effectiveness": "performance", "nee": "nee"}
    assert {iso[one] == row[other] for one, other in names.items()} == {True}
    assert (iso["quality_ratio"], iso["allocation_ratio"]) == (1.0, None)
    Job.objects.create(line=bagger.line, number="J1", product=Product.objects.get())
    JobRun.objects.create(job=Job.objects.get(), started_at=START)
    _, body = ask(line=bagger.line.code, by="job", **window())
    assert body["results"][0]["iso"]["allocation_ratio"] == 1.0


def test_a_foreign_line_is_not_there(bagger, client):
    stranger = person(all_lines=False)
    client.force_login(stranger)
    for query in ({"line": bagger.line.code}, {"equipment": bagger.code}):
        assert client.get("/api/v1/oee/", query).status_code == 404
    path = "/api/v1/oee/explain/"
    assert client.get(path, {"equipment": bagger.code}).status_code == 404
    assert client.get("/api/v1/time-tallies/").json()["count"] == 0


def test_a_figure_is_explained_to_its_rows(bagger, ask):
    status, body = ask("oee/explain", equipment=bagger.code, **window())
    assert status == 200
    assert body["oee"] == 14400 * 0.5 / 14400
    assert sum(leaf["seconds"] for leaf in body["leaves"]) == 14400.0
    assert [leaf["state"] for leaf in body["leaves"]] == ["running", "stopped", "running"]
    assert body["leaves"][1]["downtime"] == bagger.downtimes.get().pk
    (row,) = body["pieces"]
    assert (row["pieces"], row["good_s"], row["seconds_each"]) == (14400, 7200.0, 0.5)
    assert body["rest"] == {"leaves": 0, "seconds": {}}
    assert ask("oee/explain")[0] == 400
    assert ask("oee/explain", equipment=bagger.code)[0] == 200


def test_settled_quarters_are_listed(bagger, ask):
    _, body = ask("time-tallies", equipment=bagger.code)
    assert body["count"] == TimeTally.objects.count() == 16
    assert body["results"][0]["running_us"] == 900_000_000
