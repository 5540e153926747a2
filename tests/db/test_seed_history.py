"""A past of the bakery, by the actions of today: believable, and never over what is there."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum

from production.accounting import accounts
from production.models import (
    Changeover,
    Condition,
    Count,
    Downtime,
    Equipment,
    Job,
    QualityCheck,
    Span,
    Tally,
)
from production.ratios import figures
from telemetry.demo import SimulatedPorts, load_plant, load_users
from telemetry.history.causes import BAGGING
from telemetry.history.course import Course

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])

UNTIL = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOURS = 16
START = UNTIL - timedelta(hours=HOURS)


@pytest.fixture
def plant():
    load_plant(SimulatedPorts(logix=1, modbus=3))
    load_users("only-for-this-test")


def write(hours=HOURS, **options):
    call_command(
        "seed_history", days=hours / 24, until=UNTIL.isoformat(), verbosity=0, **options
    )


def digest():
    spans = list(Span.objects.order_by("equipment", "started_at").values_list(
        "equipment__code", "state", "started_at", "ended_at", "reason"))  # fmt: skip
    downtimes = list(Downtime.objects.order_by("equipment", "started_at").values_list(
        "equipment__code", "started_at", "ended_at", "reason__code", "confirmed_at"))  # fmt: skip
    pieces = list(Tally.objects.order_by("equipment", "started_at", "kind", "product", "job")
                  .values_list("equipment__code", "started_at", "kind", "quantity"))  # fmt: skip
    return spans, downtimes, pieces


def test_a_past_is_whole_and_believable_and_leaves_nothing_out(plant):
    write(seed=4)
    for machine in Equipment.objects.all():
        spans = list(machine.spans.order_by("started_at"))
        assert spans[0].started_at == START
        assert [span.ended_at for span in spans[:-1]] == [span.started_at for span in spans[1:]]
        # Only a constraint's controller is lost now and then, and not for long.
        lost = [span for span in spans if span.state == "no_data"]
        assert all(span.ended_at - span.started_at < timedelta(minutes=6) for span in lost)
        assert machine.is_constraint or not lost
        assert machine.condition.last_good_at <= UNTIL
        account = accounts([machine], START, machine.condition.last_good_at, UNTIL)[machine.pk]
        assert (
            account
            == accounts([machine], START, machine.condition.last_good_at, UNTIL, exact=True)[
                machine.pk
            ]
        )
        if machine.is_constraint:
            found = figures(account)
            assert 0.4 < found.oee < 0.9
            assert found.warning is None
            assert account.small_stops > 20
            assert account.stops > 3
    tallied = Tally.objects.aggregate(Sum("quantity"))["quantity__sum"]
    assert Count.objects.aggregate(Sum("quantity"))["quantity__sum"] == tallied > 50_000
    assert Count.objects.filter(decision__in=["reset", "jump"]).count() == 0
    said = Downtime.objects.filter(reason__isnull=False)
    assert 0.5 < said.count() / Downtime.objects.count() < 1
    assert 0 < said.filter(confirmed_at__isnull=False).count() < said.count()
    assert Downtime.objects.filter(reason__code="BREAK_TIME").count() >= 4
    assert Job.objects.filter(status="running").count() == 2
    done = Job.objects.filter(status="completed")
    assert done.count() >= 2
    assert all(0.5 < job.good / job.target < 1.3 for job in done)
    # What is made is known from the first piece on, also where no controller says so.
    assert not Downtime.objects.filter(product=None).exists()
    assert not Tally.objects.filter(product=None, quantity__gt=0).exists()
    loader = Equipment.objects.get(code="BP01.PACK.BAG1.BL")
    assert loader.downtimes.values("product").distinct().count() >= 2
    assert Changeover.objects.filter(status="completed").count() >= 1
    assert QualityCheck.objects.count() >= 10
    # The live bakery begins with its first product.
    assert Condition.objects.get(equipment__code="BP01.PACK.BAG1").product_number == 1


def test_a_past_is_not_written_over_what_was_seen(plant):
    write(hours=2, seed=4)
    before = digest()
    assert [len(rows) > 0 for rows in before] == [True, True, True]
    with pytest.raises(CommandError, match="observations already"):
        write(hours=2, seed=5)
    write(hours=2, seed=5, if_empty=True)
    assert digest() == before


def test_without_the_plant_and_with_a_time_to_come_it_says_what_is_wrong(db):
    with pytest.raises(CommandError, match="seed_demo"):
        write()
    for until, why in (
        ("2999-01-01T00:00Z", "future"),
        ("noon", "ISO"),
        ("2026-01-01", "zone"),
    ):
        with pytest.raises(CommandError, match=why):
            call_command("seed_history", until=until)
    with pytest.raises(CommandError, match="above 0"):
        call_command("seed_history", days=0)


def test_the_course_of_a_line_is_the_same_for_the_same_seed_and_has_no_hole():
    from production.oee import Plan
    from production.timeline import Stretch

    plan = [
        Stretch(Plan.SCHEDULED, START, START + timedelta(hours=4)),
        Stretch(Plan.PLANNED, START + timedelta(hours=4), START + timedelta(hours=4.5)),
        Stretch(Plan.SCHEDULED, START + timedelta(hours=4.5), START + timedelta(days=3)),
    ]
    turns = [
        list(Course(BAGGING, seed, START + timedelta(days=3)).turns(plan)) for seed in (1, 1, 2)
    ]
    assert turns[0] == turns[1] != turns[2]
    for each in turns:
        assert each[0].began_at == START
        assert each[-1].ended_at == START + timedelta(days=3)
        assert [turn.ended_at for turn in each[:-1]] == [turn.began_at for turn in each[1:]]
        assert all(turn.seconds > 0 for turn in each)
        assert {turn.product for turn in each} == {1, 2, 3}
        assert each[-1].product == 1


def test_a_lost_constraint_runs_on_unseen_and_its_order_is_what_the_campaign_can_make():
    from production.oee import Plan
    from production.timeline import Stretch

    plan = [Stretch(Plan.SCHEDULED, START, START + timedelta(days=5))]
    turns = list(Course(BAGGING, 1, START + timedelta(days=5)).turns(plan))
    lost = [turn for turn in turns if turn.state == "no_data"]
    assert 2 <= len(lost) <= 20
    assert all(turn.rate > 0 and turn.seconds <= 300 for turn in lost)
    numbers = [turn.campaign.number for turn in turns]
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(1, numbers[-1] + 1))
    # All but the last, which has not ended: it ran for as long as it was to, or a break longer.
    for number in range(1, numbers[-1]):
        own = [turn for turn in turns if turn.campaign.number == number]
        ran_s = sum(turn.seconds for turn in own if turn.rate)
        assert own[0].campaign.run_s - 60 < ran_s < own[0].campaign.run_s + 3600
    # The last half hour is told by the minute.
    assert max(turn.seconds for turn in turns[-20:] if turn.state == "running") <= 60
