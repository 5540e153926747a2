"""The scripts and their answer keys: written down, and worked out from the acts."""

from fractions import Fraction

import pytest

from telemetry.scripted import expected
from telemetry.scripted.days import BRIEF, DAY, GLIMPSE, SCRIPTS
from telemetry.scripted.key import key
from telemetry.scripted.script import SECOND_US
from telemetry.simulator.script import ScriptedBakery, lost, values


@pytest.fixture(scope="module")
def day():
    return key(DAY, expected.LOSSES)


def test_the_day_is_a_shift_and_both_machines_fill_every_script():
    assert DAY.seconds == 8 * 3600
    for script in SCRIPTS.values():
        assert script.bagger.seconds == script.loader.seconds


def test_the_time_written_down_for_the_day_is_what_its_acts_add_up_to(day):
    assert day.seconds == expected.DAY_SECONDS
    assert sum(expected.DAY_SECONDS.values()) == DAY.seconds


def test_the_pieces_written_down_for_the_day_are_what_its_acts_make(day):
    assert {
        product: (made.total, made.reject, made.aside_total, made.aside_reject)
        for product, made in day.made.items()
    } == expected.DAY_MADE
    assert day.loader_made == expected.DAY_LOADER_MADE


def test_the_stops_changeover_and_jobs_written_down_are_those_of_the_acts(day):
    long = tuple((stand.began, stand.ended) for stand in day.stands if not stand.is_small)
    assert long == expected.DAY_DOWNTIMES
    assert sum(stand.is_small for stand in day.stands) == expected.DAY_SMALL_STOPS
    assert day.changeover == expected.DAY_CHANGEOVER
    assert day.jobs == expected.DAY_JOBS


def test_the_ratios_written_down_are_exact_and_their_product_is_the_oee(day):
    assert day.availability == expected.DAY_AVAILABILITY
    assert day.performance == expected.DAY_PERFORMANCE
    assert day.quality == expected.DAY_QUALITY
    assert day.oee == expected.DAY_OEE == Fraction(158_413, 179_200)
    assert day.availability * day.performance * day.quality == day.oee


def test_the_storm_is_twenty_micro_stops_and_two_states_in_a_row_are_one_stop(day):
    storm = [stand for stand in day.stands if 9_600 <= stand.began < 10_800]
    assert [stand.ended - stand.began for stand in storm] == [15] * 20
    assert all(stand.is_small for stand in storm)
    last = day.stands[-1]
    assert (last.ended - last.began, last.is_small) == (121, False)
    assert [stay.state for stay in day.stays[-3:]] == ["faulted", "stopped", "running"]


@pytest.mark.parametrize("script", [DAY, BRIEF, GLIMPSE], ids=lambda script: script.name)
def test_a_counter_never_falls_but_where_it_turns_over_and_ends_at_the_sum_of_the_acts(script):
    total = rejects = 0
    shown = values(script, 0)["bagger"]
    for second in range(1, script.seconds + 1, 1 if script.seconds < 1000 else 13):
        before, shown = shown, values(script, second * SECOND_US)["bagger"]
        rise = (shown["Count_Blade_PEC.ACC"] - before["Count_Blade_PEC.ACC"]) % 1_000_000
        assert 0 <= shown["Reject_Count"] - before["Reject_Count"] <= rise + 1 <= 60
    shown = values(script, script.seconds * SECOND_US)["bagger"]
    total = sum(act.made for act in script.bagger.acts)
    rejects = sum(act.rejects for act in script.bagger.acts)
    assert shown["Count_Blade_PEC.ACC"] == (script.bags_at_first + total) % 1_000_000
    assert shown["Reject_Count"] == rejects


def test_the_counter_of_the_day_turns_over_once():
    total = sum(act.made for act in DAY.bagger.acts)
    assert DAY.bags_at_first < 1_000_000 < DAY.bags_at_first + total < 2_000_000


def test_a_lost_controller_answers_at_the_second_it_goes_and_at_the_second_it_returns():
    acts = tuple(DAY.bagger.placed())
    assert [lost(acts, second * SECOND_US) for second in (16_800, 16_801, 17_039, 17_040)] == [
        False,
        True,
        True,
        False,
    ]


def test_the_scripted_bakery_waits_for_its_beginning_and_stands_at_its_end():
    bakery = ScriptedBakery(GLIMPSE)
    at_first = bakery.values()["bagger"]
    bakery.step(100.0)
    assert bakery.played_s is None
    assert bakery.values()["bagger"] == at_first
    bakery.play()
    bakery.step(5.0)
    assert bakery.played_s == 5.0
    assert bakery.values()["bagger"] == values(GLIMPSE, 5 * SECOND_US)["bagger"]
    bakery.step(100.0)
    assert bakery.values()["bagger"] == values(GLIMPSE, GLIMPSE.seconds * SECOND_US)["bagger"]
    assert set(bakery.values()) == {"bagger", "loader", "checkweigher", "casepacker"}
