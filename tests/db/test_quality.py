"""Checks, and alerts that open beyond a threshold, worsen, and clear once within another."""

import json
import random
import threading
from collections import Counter as Tallied

import msgspec
import pytest
from django.core.exceptions import ValidationError
from django.db import connection, connections
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from ms5.accounts.models import AuditEntry
from ms5.events.models import Event
from production import processors
from production.actions import observe, set_context
from production.actions.entries import enter, give_defects
from production.actions.quality import check
from production.models import (
    Count,
    Defect,
    Job,
    QualityAlert,
    QualityCheck,
    QualityThreshold,
)
from production.observation import CounterReading
from production.refusals import ActionRefused
from production.snapshot import items
from production.yields import figure, values
from tests.factories import at, equipment, observation, product, user

pytestmark = pytest.mark.django_db


@pytest.fixture
def machine():
    return equipment(is_constraint=True, no_data_after_s=86_400)


@pytest.fixture
def person():
    return user()


def defect(code="torn", **fields):
    return Defect.objects.create(**{"code": code, "name": code.title()} | fields)


def threshold(on, **fields):
    """Return one on the reject rate of the last ten minutes: warning beyond 5 %, critical beyond 10 %."""
    defaults = {
        "name": "Rejects",
        "metric": "reject_rate",
        "line": on.line,
        "window_size": 10,
        "least_items": 20,
        "warning": 0.05,
        "warning_clears": 0.03,
        "critical": 0.10,
        "critical_clears": 0.07,
    }
    return QualityThreshold.objects.create(**defaults | fields)


def yield_threshold(on, **fields):
    limits = {
        "metric": "first_pass_yield",
        "warning": 0.95,
        "warning_clears": 0.97,
        "critical": 0.90,
        "critical_clears": 0.93,
    }
    return threshold(on, **limits | fields)


class Made:
    """What the counters of a machine show as it makes more and more, read by read."""

    def __init__(self, on):
        self.on, self.sums = on, Tallied(good=0, reject=0)
        self.read(0)

    def read(self, seconds, good=0, reject=0, **fields):
        self.sums += Tallied(good=good, reject=reject)
        counters = tuple(
            CounterReading(kind=kind, value=self.sums[kind]) for kind in ("good", "reject")
        )
        observe([observation(self.on, seconds, counters=counters, **fields)])


def alerts_said():
    rows = Event.objects.filter(type="quality_alert").order_by("pk")
    return [json.loads(row.text)["data"] for row in rows]


def told():
    return [
        (data["status"], data["severity"], data["value"], data["threshold"], data["clears_at"])
        for data in alerts_said()
    ]


# Checks


def looked(line, actor, checked, failed=0, seconds=60.0, **fields):
    given = {"kind": "in_process", "defects": {}, "at": at(seconds), "now": at(86_400)}
    return check(line, checked=checked, failed=failed, actor=actor, **given | fields)


def test_a_check_is_of_the_running_job_and_its_result_follows_its_numbers(machine, person):
    loaf, torn = product(), defect()
    job = Job.objects.create(line=machine.line, number="J1", product=loaf, status="running")
    found = looked(machine.line, person, 20, 2, defects={torn: 3}, note="after the jam")
    assert (found.result, found.job, found.product, found.by) == ("fail", job, loaf, person)
    assert [(row.defect, row.quantity) for row in found.defects.all()] == [(torn, 3)]
    assert looked(machine.line, person, 20).result == "pass"
    assert looked(machine.line, person, 20, 2, conditional=True).result == "conditional"
    entry = AuditEntry.objects.filter(action="qualitycheck.add").order_by("pk").first()
    assert (entry.line_id, entry.after["failed"]) == (machine.line.code, 2)
    assert entry.after["defects"] == {"torn": 3}


def test_a_check_without_a_job_is_of_the_product_in_the_context(machine, person):
    loaf, roll = product(), product()
    other = equipment(line=machine.line)
    set_context(machine, actor=None, at=at(0), product=loaf)
    set_context(other, actor=None, at=at(0), product=roll)
    assert looked(machine.line, person, 1).product == loaf
    assert looked(machine.line, person, 1, equipment=other).product == roll
    assert looked(equipment().line, person, 1).product is None


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"checked": 0}, "impossible"),
        ({"checked": 3, "failed": 4}, "impossible"),
        ({"checked": 3, "failed": -1}, "impossible"),
        ({"checked": 3, "now": at(59)}, "in_future"),
    ],
)
def test_a_check_that_cannot_be_is_refused(machine, person, fields, code):
    with pytest.raises(ActionRefused) as refused:
        looked(machine.line, person, **fields)
    assert refused.value.code == code
    assert QualityCheck.objects.count() == 0


def test_a_check_names_only_what_is_of_its_line_and_in_use(machine, person):
    for fields, code in (
        ({"equipment": equipment()}, "other_line"),
        ({"defects": {defect(): 4}}, "impossible"),
        ({"defects": {defect("gone", is_active=False): 1}}, "not_used"),
    ):
        with pytest.raises(ActionRefused) as refused:
            looked(machine.line, person, 3, **fields)
        assert refused.value.code == code


# Figures


def test_the_reject_rate_is_of_the_measured_pieces_within_the_minutes(machine):
    made = Made(machine)
    made.read(60, good=100)
    made.read(120, good=50, reject=50)
    seen = figure(threshold(machine), at(600))
    assert (seen.value, seen.items, seen.why) == (0.25, 200, "")
    assert (seen.started_at, seen.to) == (at(0), at(600))
    # The reading at its start is not of the window any more: it ended before.
    assert figure(threshold(machine), at(660)).value == 0.5


def test_pieces_that_nobody_measured_say_nothing(machine):
    machine.no_data_after_s = 3
    machine.save()
    made = Made(machine)
    made.read(1, good=30)
    made.read(300, reject=500)
    assert figure(threshold(machine), at(300)).value == 0.0


def test_the_rate_of_the_last_items_takes_whole_readings_until_there_are_enough(machine):
    made = Made(machine)
    made.read(1, reject=50)
    made.read(2, good=30, reject=10)
    made.read(3, good=60)
    seen = figure(threshold(machine, window_kind="items", window_size=100), at(1000))
    assert (seen.value, seen.items) == (0.1, 100)
    seen = figure(threshold(machine, window_kind="items", window_size=101), at(1000))
    assert (seen.value, seen.items) == (0.4, 150)
    assert seen.started_at < at(1) < seen.to


def test_a_rate_is_of_an_equipment_or_a_product_where_one_is_named(machine):
    other = equipment(line=machine.line, no_data_after_s=86_400)
    loaf, roll = product(), product()
    Made(machine).read(60, good=100)
    made = Made(other)
    set_context(other, actor=None, at=at(1), product=loaf)
    made.read(60, good=30, reject=10)
    set_context(other, actor=None, at=at(61), product=roll)
    made.read(120, good=30, reject=30)
    assert figure(threshold(machine), at(200)).value == 0.0
    assert figure(threshold(machine, equipment=other), at(200)).value == 0.4
    assert figure(threshold(machine, equipment=other, product=loaf), at(200)).value == 0.25


@pytest.mark.parametrize("minutes", [1, 14, 15, 16, 29, 30, 31, 45, 61, 90])
def test_whole_quarters_come_from_the_tallies_and_nothing_is_counted_twice(machine, minutes):
    made = Made(machine)
    rng = random.Random(minutes)
    # On the quarters' very ends as well, where a piece is still of the quarter that ends.
    moments = {900 * number for number in range(1, 7)} | {
        rng.randrange(1, 5400) for _ in range(60)
    }
    for seconds in sorted(moments):
        made.read(seconds, good=rng.randrange(5), reject=rng.randrange(3))
    watched = threshold(machine, window_size=minutes, least_items=0)
    for now in [5400, 5399, 4500, 4501, *(rng.randrange(60, 5400) for _ in range(5))]:
        rows = Count.objects.within(at(now - 60 * minutes), at(now))
        sums = dict(rows.order_by().values_list("kind").annotate(Sum("quantity")))
        seen = figure(watched, at(now))
        assert seen.items == sum(sums.values())
        assert seen.value == (sums.get("reject", 0) / seen.items if seen.items else None)
        assert values([watched], at(now)) == [seen.value]


def test_a_total_counter_tells_rejects_that_nobody_has_named(machine):
    for seconds, good, total in ((0, 0, 0), (60, 90, 100)):
        counters = (
            CounterReading(kind="good", value=good),
            CounterReading(kind="total", value=total),
        )
        observe([observation(machine, seconds, counters=counters)])
    seen = figure(threshold(machine), at(60))
    assert (seen.value, seen.items) == (0.1, 100)
    assert [(reason.code, reason.count) for reason in seen.reasons] == [(None, 10)]


def test_the_yield_is_of_the_items_that_passed_when_first_looked_at(machine, person):
    line, torn = machine.line, defect()
    looked(line, person, 30, 3, defects={torn: 2})
    looked(line, person, 20, 1, kind="final")
    looked(line, person, 100, 100, kind="incoming")
    looked(line, person, 100, 100, kind="audit")
    looked(line, person, 50, 50, seconds=-1)  # before the window
    seen = figure(yield_threshold(machine), at(600))
    assert (seen.value, seen.items) == (0.92, 50)
    assert [(reason.code, reason.count) for reason in seen.reasons] == [(None, 2), ("torn", 2)]
    last = yield_threshold(machine, window_kind="items", window_size=60)
    assert figure(last, at(600)).items == 100


def test_a_yield_is_of_the_checks_of_its_equipment_and_product(machine, person):
    loaf = product()
    looked(machine.line, person, 50, 5)
    looked(machine.line, person, 20, 2, equipment=machine)
    looked(machine.line, person, 20, 4, equipment=machine, product=loaf)
    assert figure(yield_threshold(machine), at(600)).items == 90
    assert figure(yield_threshold(machine, equipment=machine), at(600)).value == 0.85
    of_product = yield_threshold(machine, equipment=machine, product=loaf)
    assert figure(of_product, at(600)).value == 0.8


def test_the_share_of_a_defect_is_of_rejects_and_checks_together(machine, person):
    torn, burnt = defect(), defect("burnt")
    made = Made(machine)
    made.read(60, good=70, reject=10)
    give_defects(machine, defect=torn, quantity=6, actor=person, at=at(60), now=at(60))
    looked(machine.line, person, 20, 2, defects={torn: 4, burnt: 9})
    wanted = {"metric": "defect", "defect": torn}
    seen = figure(threshold(machine, **wanted), at(600))
    assert (seen.value, seen.items) == (0.1, 100)
    assert [(reason.code, reason.count) for reason in seen.reasons] == [
        ("torn", 10),
        ("burnt", 9),
        (None, 4),
    ]
    items_ = threshold(machine, **wanted, window_kind="items", window_size=100)
    assert figure(items_, at(600)).value == 0.1


def test_only_the_most_frequent_reasons_are_named(machine, person):
    rejects = {defect(f"d{number:02}"): 1 + (number < 16) for number in range(20)}
    Made(machine)
    enter(machine, good=80, rejects=rejects, actor=person, at=at(60), now=at(60))
    seen = figure(threshold(machine), at(60))
    assert [reason.code for reason in seen.reasons] == [f"d{number:02}" for number in range(16)]
    assert {reason.count for reason in seen.reasons} == {2}
    assert seen.others == 4
    assert seen.items == 116


@pytest.mark.parametrize(("least", "good", "value"), [(20, 19, None), (20, 20, 0.0)])
def test_fewer_items_than_the_least_have_no_figure(machine, least, good, value):
    Made(machine).read(60, good=good)
    seen = figure(threshold(machine, least_items=least), at(60))
    assert (seen.value, seen.items) == (value, good)
    assert seen.why == ("" if value == 0 else "fewer than 20 items in the window")


def test_nothing_at_all_has_no_figure_even_where_no_least_is_set(machine):
    assert figure(threshold(machine, least_items=0), at(60)).value is None
    without = equipment()
    assert figure(threshold(without), at(60)).why == (
        "no equipment is the constraint of this line"
    )


# Alerts


def test_an_alert_opens_worsens_falls_and_clears_once_with_its_figure_each_time(machine):
    made = Made(machine)
    threshold(machine)
    made.read(60, good=95, reject=5)
    assert processors.quality(at(60)) == 0  # on the limit is not beyond it
    made.read(120, good=85, reject=15)
    assert processors.quality(at(120)) == 1
    made.read(180, good=64, reject=36)
    assert processors.quality(at(180)) == 1
    assert processors.quality(at(185)) == 0
    made.read(800, good=92, reject=8)
    assert processors.quality(at(800)) == 0  # 8 % has cleared neither level
    made.read(1420, good=94, reject=6)
    assert processors.quality(at(1420)) == 1
    made.read(2040, good=98, reject=2)
    assert processors.quality(at(2040)) == 1
    assert processors.quality(at(2045)) == 0
    assert told() == [
        ("open", "warning", 0.1, 0.05, 0.03),
        ("open", "critical", 56 / 300, 0.10, 0.07),
        ("open", "warning", 0.06, 0.05, 0.03),
        ("cleared", "warning", 0.02, 0.05, 0.03),
    ]
    alert = QualityAlert.objects.get()
    assert (alert.opened_at, alert.cleared_at) == (at(120), at(2040))
    assert {data["id"] for data in alerts_said()} == {alert.pk}


def test_what_an_alert_says_is_its_whole_state(machine, person):
    torn, loaf = defect(), product()
    set_context(machine, actor=None, at=at(-1), product=loaf)
    job = Job.objects.create(line=machine.line, number="J1", product=loaf, status="running")
    Made(machine).read(60, good=80, reject=20)
    give_defects(machine, defect=torn, quantity=15, actor=person, at=at(60), now=at(60))
    threshold(machine, equipment=machine)
    processors.quality(at(61))
    (data,) = alerts_said()
    assert data == {
        "id": QualityAlert.objects.get().pk,
        "status": "open",
        "severity": "critical",
        "metric": "reject_rate",
        "defect_code": None,
        "value": 0.2,
        "why": None,
        "threshold": 0.1,
        "clears_at": 0.07,
        "equipment_code": machine.code,
        "product_code": loaf.code,
        "product": loaf.name,
        "job_id": job.pk,
        "opened_at": "2026-11-23T10:01:01Z",
        "cleared_at": None,
        "window": {
            "kind": "time",
            "started_at": "2026-11-23T09:51:01Z",
            "to": "2026-11-23T10:01:01Z",
            "items": 100,
        },
        "breakdown": [
            {"reason_code": "torn", "reason": "Torn", "count": 15},
            {"reason_code": None, "reason": None, "count": 5},
        ],
        "others": 0,
        "andon_id": None,
    }
    event = Event.objects.get(type="quality_alert")
    assert (event.line_id, event.equipment_code) == (machine.line.code, machine.code)


def test_a_window_that_has_run_empty_leaves_the_alert_as_it_is(machine):
    Made(machine).read(60, good=50, reject=50)
    threshold(machine)
    processors.quality(at(60))
    assert processors.quality(at(100_000)) == 0
    assert QualityAlert.objects.get().cleared_at is None


def test_a_yield_opens_below_its_limit_and_clears_above_the_other(machine, person):
    yield_threshold(machine)
    for seconds, failed in ((60, 8), (1000, 4), (2000, 3)):
        looked(machine.line, person, 100, failed, seconds)
        processors.quality(at(seconds))
    assert told() == [
        ("open", "warning", 0.92, 0.95, 0.97),
        ("cleared", "warning", 0.97, 0.95, 0.97),
    ]


def test_a_threshold_that_is_made_inactive_clears_its_alert_once(machine):
    Made(machine).read(60, good=50, reject=50)
    watched = threshold(machine)
    processors.quality(at(60))
    QualityThreshold.objects.update(is_active=False)
    assert processors.quality(at(61)) == 1
    assert processors.quality(at(62)) == 0
    assert [(data["status"], data["value"], data["why"]) for data in alerts_said()] == [
        ("open", 0.5, None),
        ("cleared", None, "the threshold is not in use"),
    ]
    QualityThreshold.objects.update(is_active=True)
    assert processors.quality(at(63)) == 1  # in use again, and still beyond
    assert watched.alerts.count() == 2


def test_a_tick_that_comes_late_opens_nothing_again(machine):
    made = Made(machine)
    threshold(machine)
    made.read(60, good=50, reject=50)
    processors.quality(at(60))
    made.read(120, good=5000)
    assert processors.quality(at(120)) == 1
    assert processors.quality(at(119)) == 0
    assert processors.quality(at(60)) == 0
    assert [data["status"] for data in alerts_said()] == ["open", "cleared"]


def test_a_threshold_that_fails_does_not_stop_the_others(machine, caplog):
    Made(machine).read(60, good=50, reject=50)
    broken = threshold(machine, name="broken")
    # As if edited past all forms.
    QualityThreshold.objects.filter(pk=broken.pk).update(window_size=2_000_000_000)
    threshold(machine)
    with pytest.raises(ExceptionGroup, match="not every quality threshold was done"):
        processors.quality(at(60))
    assert len(alerts_said()) == 1
    assert [record.threshold for record in caplog.records] == [broken.pk]


def folded():
    board = {}
    for data in alerts_said():
        board[data["id"]] = data
        if data["cleared_at"] is not None:
            del board[data["id"]]
    return board


def test_the_facts_folded_are_the_snapshot_after_every_step(machine, person):
    other = equipment(line=machine.line, no_data_after_s=86_400)
    torn = defect()
    made, beside = Made(machine), Made(other)
    threshold(machine)
    threshold(machine, equipment=other, name="Other", window_kind="items", window_size=50)
    yield_threshold(machine)
    threshold(machine, metric="defect", defect=torn, name="Torn")
    steps = [
        lambda: made.read(60, good=90, reject=10),
        lambda: beside.read(120, good=10, reject=40),
        lambda: looked(machine.line, person, 40, 10, 180, defects={torn: 10}),
        lambda: looked(machine.line, person, 400, 0, 240),
        lambda: beside.read(300, good=60),
        lambda: made.read(360, good=30, reject=90),
        lambda: QualityThreshold.objects.filter(defect=torn).update(is_active=False),
        lambda: made.read(1500, good=5000),
        lambda: looked(machine.line, person, 4000, 0, 1560),
    ]
    opened = set()
    for number, step in enumerate(steps, 1):
        step()
        processors.quality(at(60 * number if number < 8 else 1440 + 60 * (number - 7)))
        shown = {
            item.data.id: json.loads(msgspec.json.encode(item.data))
            for item in items(machine.line)
            if item.type == "quality_alert"
        }
        assert folded() == shown
        opened |= shown.keys()
    assert len(opened) == 4
    assert folded() == {}


@pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])
@pytest.mark.skipif(
    "connections['default'].vendor == 'sqlite'",
    reason="a memory database has one writer anyway",
)
def test_of_several_copies_at_once_one_opens_the_alert_and_one_clears_it(machine):
    made = Made(machine)
    threshold(machine)

    def at_once(now):
        changed = []

        def run():
            try:
                changed.append(processors.quality(now))
            finally:
                connections.close_all()

        threads = [threading.Thread(target=run) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        return sorted(changed)

    made.read(60, good=50, reject=50)
    assert at_once(at(60)) == [0, 0, 0, 0, 1]
    made.read(700, good=500)
    assert at_once(at(700)) == [0, 0, 0, 0, 1]
    assert [data["status"] for data in alerts_said()] == ["open", "cleared"]


# What a threshold may be


def invalid(on, **fields):
    """Return what the model's own validation says, by field; empty if nothing."""
    row = threshold(on, **fields)
    try:
        row.full_clean()
    except ValidationError as wrong:
        return wrong.message_dict
    finally:
        row.delete()
    return {}


def test_limits_that_contradict_each_other_are_refused_by_field(machine):
    assert invalid(machine) == {}
    assert set(invalid(machine, warning_clears=0.06)) == {"warning_clears"}
    assert set(invalid(machine, critical_clears=0.11)) == {"critical_clears"}
    assert set(invalid(machine, critical=0.05, critical_clears=0.05)) == {"critical"}
    assert set(invalid(machine, metric="first_pass_yield")) == {
        "warning_clears",
        "critical_clears",
        "critical",
    }
    assert set(invalid(machine, warning=1.5, critical=1.6)) == {"warning", "critical"}


def test_a_defect_is_named_where_its_share_is_watched_and_nowhere_else(machine):
    torn = defect()
    assert set(invalid(machine, metric="defect")) == {"defect"}
    assert set(invalid(machine, defect=torn)) == {"defect"}
    assert invalid(machine, metric="defect", defect=torn) == {}


def test_the_equipment_is_of_the_line_and_the_window_is_bounded(machine):
    assert set(invalid(machine, equipment=equipment())) == {"equipment"}
    assert invalid(machine, equipment=machine) == {}
    assert set(invalid(machine, window_size=1441)) == {"window_size"}
    assert invalid(machine, window_kind="items", window_size=10_000) == {}
    assert set(invalid(machine, window_kind="items", window_size=10_001)) == {"window_size"}


def test_what_a_threshold_watches_stays_once_it_has_raised_an_alert(machine):
    Made(machine).read(60, good=50, reject=50)
    watched = threshold(machine)
    watched.equipment = machine
    watched.full_clean()
    processors.quality(at(60))
    with pytest.raises(ValidationError, match="what it watches stays"):
        watched.full_clean()
    watched.equipment = None
    watched.warning = 0.06
    watched.full_clean()


def test_a_tick_costs_as_many_queries_for_thirty_thresholds_as_for_three(person):
    def costs():
        with CaptureQueriesContext(connection) as seen:
            assert processors.quality(at(300)) == 0
        return len(seen)

    def watch_more(lines):
        for _ in range(lines):
            on = equipment(is_constraint=True, no_data_after_s=600)
            Made(on).read(60, good=90, reject=1)
            looked(on.line, person, 50)
            threshold(on)
            threshold(on, window_kind="items", window_size=10_000, equipment=on)
            yield_threshold(on)

    watch_more(1)
    of_three = costs()
    watch_more(9)
    assert costs() == of_three <= 30


def test_thresholds_looked_at_together_have_the_figures_of_each_alone(machine, person):
    crumbs = defect("crumbs")
    other, loaf = equipment(line=machine.line, no_data_after_s=600), product()
    made = Made(machine)
    made.read(30, good=10, reject=2)
    made.read(1000, good=40, reject=7)
    Made(other).read(500, good=10, reject=5)
    looked(machine.line, person, 40, 4, seconds=900, defects={crumbs: 3})
    watched = [
        threshold(machine),
        threshold(machine, equipment=other),
        threshold(machine, product=loaf),
        threshold(machine, window_kind="items", window_size=20),
        threshold(machine, window_kind="items", window_size=1_000),
        yield_threshold(machine),
        threshold(machine, metric="defect", defect=crumbs),
    ]
    alone = [figure(each, at(1100)).value for each in watched]
    assert values(watched, at(1100)) == alone
    assert len({value for value in alone if value is not None}) >= 4
