"""The bakery by itself: what a day in it looks like, and that its tags are what it serves."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.address import Table, parse_modbus
from telemetry.drivers.base import DataType, TagSpec
from telemetry.plan import modbus_point
from telemetry.simulator.bakery import Bakery
from telemetry.simulator.bakery_tags import BAGGER, BAGGER_BITS, CASEPACKER_BITS, PLCS
from telemetry.simulator.line_bag import JAMS
from telemetry.simulator.line_pack import PackML

SHIFT_S = 8 * 3600
STATES = {"running", "idle", "stopped", "faulted", "starved", "blocked", "setup", "no_data"}


@pytest.fixture(scope="module")
def shift():
    """What was seen each second of one shift, and the bakery at its end."""
    bakery = Bakery(seed=7)
    seen = []
    for _ in range(SHIFT_S):
        bakery.step(1.0)
        seen.append((bakery.bagger.phase, bakery.values(), bakery.offline()))
    return bakery, seen


def test_the_same_seed_makes_the_same_day_and_another_seed_another():
    days = []
    for seed in (3, 3, 4):
        bakery = Bakery(seed)
        bakery.step(3600)
        days.append(bakery.values())
    assert days[0] == days[1] != days[2]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0.01, 20), min_size=1, max_size=30))
def test_time_may_pass_in_any_pieces(pieces):
    in_pieces, at_once = Bakery(1), Bakery(1)
    for piece in pieces:
        in_pieces.step(piece)
    at_once.step(sum(pieces))
    made = [b.bagger.total + b.checkweigher.total for b in (in_pieces, at_once)]
    # Rounding may move the last quarter second, which is one piece of each machine.
    assert abs(made[0] - made[1]) <= 2


def test_counters_only_rise_and_rejects_are_a_couple_of_per_cent(shift):
    bakery, seen = shift
    bags = [values["bagger"]["Count_Blade_PEC.ACC"] for _, values, _ in seen]
    assert bags == sorted(bags)
    assert 20_000 < bakery.bagger.total < 48_000
    assert 0.015 < bakery.bagger.rejects / bakery.bagger.total < 0.025
    assert 0.01 < bakery.checkweigher.rejects / bakery.checkweigher.total < 0.02


def test_loaves_are_neither_lost_nor_made_up_between_the_machines(shift):
    bakery, _ = shift
    good = bakery.bagger.total - bakery.bagger.rejects
    assert good + Bakery().loader.lane == bakery.loader.count + bakery.loader.lane


def test_the_bagger_jams_now_and_then_and_recovers_through_its_prompts(shift):
    _, seen = shift
    phases = [phase for phase, _, _ in seen]
    starts = [n for n in range(1, SHIFT_S) if phases[n] == "jammed" != phases[n - 1]]
    assert 40 < len(starts) < 120
    for start in starts[:-1]:
        stopped = next(n for n in range(start, SHIFT_S) if phases[n] == "running") - start
        assert 20 <= stopped <= 100
        assert "reset" in phases[start : start + stopped]
        assert "start" in phases[start : start + stopped]


def test_the_running_bit_the_speed_and_the_phase_agree(shift):
    _, seen = shift
    for phase, values, _ in seen:
        bits = values["bagger"]["Fault"]
        assert len(bits) == 64
        assert bits[59] == (phase == "running")
        if any(bits[jam.bit] for jam in JAMS):
            assert phase == "jammed"
    standing = [v["bagger"]["MC_Avg_Speed"] for p, v, _ in seen if p == "setup"]
    assert Counter(speed == 0 for speed in standing)[False] < len(standing) / 50


def test_the_loader_is_starved_when_the_bagger_stands_and_blocked_when_no_basket_leaves(shift):
    _, seen = shift
    loader = [values["loader"] for _, values, _ in seen]
    for values in loader:
        assert values["BL_Running"] + values["BL_Starved"] + values["BL_Blocked"] == 1
    assert 0.05 < sum(v["BL_Starved"] for v in loader) / SHIFT_S < 0.4
    assert 0.02 < sum(v["BL_Blocked"] for v in loader) / SHIFT_S < 0.15


def test_the_checkweigher_drops_off_the_network_for_twenty_seconds_every_some_minutes(shift):
    _, seen = shift
    offline = [bool(off) for _, _, off in seen]
    losses = sum(now and not before for before, now in pairwise(offline))
    assert 40 < losses < 80
    assert sum(offline) / losses == pytest.approx(20, abs=1)


def test_the_product_changes_a_few_times_a_shift_after_a_setup(shift):
    _, seen = shift
    products = [values["bagger"]["Current_Product"] for _, values, _ in seen]
    changes = [n for n in range(1, SHIFT_S) if products[n] != products[n - 1]]
    assert 4 <= len(changes) <= 12
    assert all(seen[n][0] == "setup" for n in changes)
    assert set(products) == {1, 2, 3}


def test_a_held_machine_stays_jammed_until_it_is_released():
    bakery = Bakery()
    bakery.step(10)
    bakery.hold("bagger")
    bakery.hold("casepacker")
    bakery.step(600)
    assert bakery.values()["bagger"]["Fault"][36] is True
    assert bakery.values()["casepacker"]["State"] == PackML.ABORTED
    bakery.release("bagger")
    bakery.release("casepacker")
    bakery.step(10)
    assert bakery.values()["bagger"]["Fault"][59] is True
    assert bakery.values()["casepacker"]["Alarms"] == 0


def test_every_tag_can_be_asked_for_and_every_role_is_played_once():
    for plc in PLCS:
        assert len({tag.name for tag in plc.tags}) == len(plc.tags)
        roles = Counter((t.equipment, t.role) for t in plc.tags if t.role != "none")
        assert set(roles.values()) == {1}
        for tag in plc.tags:
            assert tag.data_type in set(DataType)
            assert set(tag.state_map.values()) <= STATES
            assert (tag.role == "state_word") == bool(tag.state_map or tag.numbering)
            if plc.protocol == "modbus_tcp":
                assert parse_modbus(tag.address).table in {Table.INPUT, Table.HOLDING}
                modbus_point(0, TagSpec(tag.address, DataType(tag.data_type), tag.length))


def test_every_bit_has_one_meaning_and_only_faults_stand_for_a_reason():
    for bits in (BAGGER_BITS, CASEPACKER_BITS):
        assert len({row.bit for row in bits}) == len(bits)
        assert all(bool(row.reason) == (row.kind == "fault") for row in bits)
    told = {row.bit for row in BAGGER_BITS}
    bakery = Bakery(7)
    for _ in range(SHIFT_S):
        bakery.step(1.0)
        assert {n for n, on in enumerate(bakery.bagger.bits()) if on} <= told
    assert BAGGER.tags[-1].bits is BAGGER_BITS
