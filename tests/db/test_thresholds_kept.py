"""A threshold holds for stops that begin from now on: no edit moves a figure or a downtime of the past."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ms5.events.log import recording
from production import processors
from production.accounting import accounts
from production.actions import observe
from production.actions.standards import thresholds_kept
from production.models import Equipment, IdealCycle, PastThreshold
from production.oee import Bucket
from production.settling import settle
from production.standing import stop_after
from production.timelines import Extent, known
from tests.factories import at, equipment, ideal_cycle, observation, product

pytestmark = pytest.mark.django_db


class Rolled(Exception):
    """The rows of an example go."""


def figures(on, until):
    """Return the account up to then, after demanding that settled quarters and rows give the same."""
    own = Equipment.objects.get(pk=on.pk)
    settle(at(until + 120))
    found = accounts([own], at(0), at(until), at(until + 120))[on.pk]
    assert found == accounts([own], at(0), at(until), at(until + 120), exact=True)[on.pk]
    # What is no micro-stop is a downtime, and the other way round.
    (each,) = known([Extent(own, at(0), at(until))])
    small = {(stop.started_at, stop.ended_at) for stop in each.timeline.small}
    ended = {(stop.started_at, stop.ended_at) for stop in each.stops if not stop.lasts}
    rows = set(on.downtimes.values_list("started_at", "ended_at"))
    assert rows == ended - small
    assert found.small_stops == len(small)
    return found, rows


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["stop", "machine", "product", "version", "forget"]),
        st.integers(10, 400),
    ),
    min_size=2,
    max_size=10,
)


@pytest.mark.timeout(600)
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(STEPS)
def test_no_edit_of_a_threshold_moves_the_past(steps):
    with pytest.raises(Rolled):
        example(steps)


def example(steps):
    with recording():
        live(steps)
        raise Rolled


def live(steps):
    on, loaf = (
        equipment(is_constraint=True, no_data_after_s=10_000, stop_after_s=120),
        product(),
    )
    ideal_cycle(loaf, on, "1", effective_from=at(-60))
    observe([observation(on, 0, product_number=loaf.plc_number)])
    now = 0
    for deed, seconds in steps:
        if deed == "stop":
            observe([observation(on, now + 10, "stopped"), observation(on, now + 10 + seconds)])
            now += 20 + seconds
            observe([observation(on, now)])
            continue
        before = figures(on, now)
        with thresholds_kept(at(now)):
            edit(on, loaf, deed, seconds, now)
        assert figures(on, now) == before
    figures(on, now)


def edit(on, loaf, deed, seconds, now):
    cycles = IdealCycle.objects.filter(equipment=on).order_by("effective_from")
    match deed:
        case "machine":
            Equipment.objects.filter(pk=on.pk).update(stop_after_s=seconds, slow_after_s=5)
        case "product":
            cycles.filter(pk=cycles.last().pk).update(stop_after_s=seconds)
        case "version":
            since = at(now - seconds)
            if not cycles.filter(effective_from=since).exists():
                row = ideal_cycle(loaf, on, "1", effective_from=since)
                IdealCycle.objects.filter(pk=row.pk).update(stop_after_s=seconds)
        case "forget" if cycles.count() > 1:
            cycles.last().delete()


def test_a_stop_that_lasts_while_it_is_edited_keeps_what_held_when_it_began():
    on = equipment(is_constraint=True, no_data_after_s=10_000, stop_after_s=120)
    observe(
        [observation(on, 0), observation(on, 10, "stopped"), observation(on, 100, "stopped")]
    )
    with thresholds_kept(at(100)):
        Equipment.objects.update(stop_after_s=60)
    assert processors.downtime(at(100)) == 0
    observe([observation(on, 131, "stopped")])
    assert processors.downtime(at(131)) == 1
    observe([observation(on, 140), observation(on, 150, "stopped"), observation(on, 211)])
    assert on.downtimes.count() == 2
    on.refresh_from_db()
    found = accounts([on], at(0), at(211), at(300), exact=True)[on.pk]
    assert Bucket.SMALL_STOP not in found.time
    assert stop_after(on, None, at(99)).total_seconds() == 120
    assert stop_after(on, None, at(100)).total_seconds() == 60


def test_what_changes_no_threshold_writes_nothing_down():
    on = equipment()
    with thresholds_kept(at(100)):
        ideal_cycle(product(), on)
        Equipment.objects.update(name="Another")
    assert PastThreshold.objects.count() == 0
