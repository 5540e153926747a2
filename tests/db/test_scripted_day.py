"""A scripted shift, observed in its own time, gives its answer key to the microsecond and the piece."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from production import processors
from production.accounting import accounts
from production.actions import observe
from production.models import Equipment, Line
from production.ratios import figures
from telemetry.demo import SimulatedPorts, load_plant
from telemetry.scripted import expected
from telemetry.scripted.comparing import Allowance, compare
from telemetry.scripted.days import BRIEF, DAY, GLIMPSE
from telemetry.scripted.feeding import Feed
from telemetry.scripted.key import key
from telemetry.scripted.live import rules
from telemetry.scripted.measuring import measure
from telemetry.scripted.people import deeds
from telemetry.simulator.bakery_tags import BAG, LOAD
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "snapshot"])

# Monday, 06:00 in Berlin: the early shift begins.
BEGAN = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
BATCH_S = 120
EVERY_S = 3


def seconds_read():
    """The seconds at which the day is read: every third, and each one where something is decided."""
    edges = {each.ended for track in (DAY.bagger, DAY.loader) for each in track.placed()}
    near = {
        second
        for decided in (DAY.changed_over_at() + 600, expected.DAY_JOBS["DAY-2"][0])
        for second in range(decided - 100, decided + 100)
    }
    return sorted({*range(0, DAY.seconds + 1, EVERY_S), *edges, *near})


def play(feed, people, read, batch_s=BATCH_S):
    """Let a script pass: readings, what people do between them, and the processors after each batch."""
    ends = {
        *range(batch_s, feed.script.seconds, batch_s),
        feed.script.seconds,
        *(deed.second for deed in people),
    }
    begun = -1
    for last in sorted(ends):
        observe(list(feed.observations(second for second in read if begun < second <= last)))
        for deed in people:
            if deed.second == last:
                deed.act(feed.at(last))
        for name in processors.__all__:
            getattr(processors, name)(feed.at(last))
        begun = last


@pytest.fixture
def line():
    load_plant(SimulatedPorts(logix=1, modbus=3))
    return Line.objects.select_related("area__site").get(code="L-BAG1")


# Eight hours of two machines: nearly a minute of a core, and more of a busy one.
@pytest.mark.timeout(600)
def test_the_scripted_day_gives_its_answer_key(line):
    supervisor = factories.user(role="production_manager")
    feed = Feed.of(DAY, BEGAN)
    play(feed, deeds(DAY, line, BEGAN, supervisor), seconds_read())

    found = measure(DAY, BEGAN, feed.at(DAY.seconds))
    rows = compare(DAY, key(DAY, expected.LOSSES), found, Allowance())
    assert [row for row in rows if not row.is_right] == []
    assert len(rows) == 29

    # The same once more against the figures that were written down by hand.
    assert {bucket: length.total_seconds() for bucket, length in found.time.items()} == {
        bucket: float(seconds) for bucket, seconds in expected.DAY_SECONDS.items()
    }
    pieces = Counter()
    for product, (total, reject, aside, aside_reject) in expected.DAY_MADE.items():
        pieces[product, "total", True] = total
        pieces[product, "reject", True] = reject
        pieces[product, "total", False] = aside
        pieces[product, "reject", False] = aside_reject
    assert +pieces == Counter(
        {
            (product, *kind): quantity
            for product, kinds in found.made.items()
            for kind, quantity in kinds.items()
            if quantity
        }
    )
    assert found.loader_made == expected.DAY_LOADER_MADE
    assert found.oee == expected.DAY_OEE

    bagger = Equipment.objects.get(code=BAG)
    window = (BEGAN, feed.at(DAY.seconds), feed.at(DAY.seconds))
    account = accounts([bagger], *window)[bagger.pk]
    assert accounts([bagger], *window, exact=True)[bagger.pk] == account
    assert (account.stops, account.small_stops) == expected.DAY_STOPS_COUNTED
    ratios = figures(account)
    assert Fraction(ratios.availability).limit_denominator(10**6) == expected.DAY_AVAILABILITY
    assert Fraction(ratios.performance).limit_denominator(10**6) == expected.DAY_PERFORMANCE
    assert Fraction(ratios.quality).limit_denominator(10**6) == expected.DAY_QUALITY


# It begins between two seconds, and what a reading decides is so from its own moment on.
ODDLY = BEGAN.replace(hour=10, microsecond=123_457)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("script", [BRIEF, GLIMPSE], ids=lambda script: script.name)
def test_what_is_played_live_gives_its_answer_key_when_it_is_read_on_the_second(line, script):
    supervisor = factories.user(role="production_manager")
    machines = list(Equipment.objects.filter(code__in=(BAG, LOAD)).order_by("pk"))
    rules(script, line, machines, ODDLY)
    feed = Feed.of(script, ODDLY)
    people = deeds(script, line, ODDLY, supervisor)
    play(feed, people, range(script.seconds + 1), batch_s=15)

    found = measure(script, ODDLY, feed.at(script.seconds))
    rows = compare(script, key(script, expected.LOSSES), found, Allowance())
    assert [row for row in rows if not row.is_right] == []
    assert all(length % timedelta(seconds=1) == timedelta() for length in found.time.values())
    assert any(act.lost for act in script.bagger.acts) == ("no_data" in found.time)


def test_the_day_has_all_that_can_befall_a_line():
    """Speeds, jams, starving, rejects, a changeover with test pieces, a storm, a break, a lost controller."""
    acts = DAY.bagger.acts
    placed = list(DAY.bagger.placed())
    assert len({Fraction(act.made, act.seconds) for act in acts if act.made}) >= 9
    assert {act.state for act in (*acts, *DAY.loader.acts)} == {
        "running", "faulted", "blocked", "stopped", "starved",
    }  # fmt: skip
    assert sum(act.lost for act in acts) == 1
    began, ended = expected.DAY_CHANGEOVER
    in_it = [each.act for each in placed if began < each.began < ended and each.act.made]
    assert [act.made < DAY.good_needed or act.rejects > 0 for act in in_it[:2]] == [True, True]
    assert sum(stand.is_small for stand in key(DAY, expected.LOSSES).stands) > 20
    assert any(each.began < DAY.pause[0] < each.ended for each in placed)
