"""The limits of the sockets: read from words, and counted."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from realtime.checks import configured_limits
from realtime.crowd import Crowd, Full
from realtime.limits import BadLimits, Bucket, Limits, Recent, limits_of

NAMES = [each.name for each in fields(Limits)]


def test_the_defaults_are_those_of_the_contract():
    limits = limits_of({})
    assert limits == Limits()
    assert (limits.messages_per_second, limits.burst, limits.refusals_per_minute) == (
        20,
        40,
        200,
    )
    assert (limits.subscriptions, limits.frame_bytes, limits.depth) == (200, 16_384, 8)
    assert (limits.keys, limits.string_length, limits.malformed_per_minute) == (64, 512, 10)
    assert (limits.connections_per_user, limits.connections_per_address) == (10, 50)
    assert (limits.connections, limits.tickets_waiting, limits.ticket_s) == (6_000, 50, 5)
    assert (limits.handshakes_per_second, limits.handshake_burst) == (5, 20)
    assert (limits.life_s, limits.resume_events) == (86_400, 2_000)


@pytest.mark.parametrize("name", NAMES)
def test_each_limit_can_be_replaced_and_keeps_its_type(name):
    found = limits_of({name: "77" if name != "frame_bytes" else "7777"})
    value = getattr(found, name)
    assert value == (77 if name != "frame_bytes" else 7777)
    assert isinstance(value, float) == name.endswith(("_s", "_per_second"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"burst": "0"}, "burst must be a whole number above zero, and is '0'"),
        ({"burst": "-1"}, "burst must be"),
        ({"burst": "4.5"}, "burst must be"),
        ({"burst": ""}, "burst must be"),
        ({"heartbeat_s": "nan"}, "heartbeat_s must be a number above zero, and is 'nan'"),
        ({"heartbeat_s": "inf"}, "heartbeat_s must be"),
        ({"connection": "5"}, "there is no limit connection"),
        ({"burst": "9"}, "burst is at least 10, what a resume costs"),
        (
            {"frame_bytes": "65537"},
            "frame_bytes is at most 65536, what the server itself takes",
        ),
    ],
)
def test_a_limit_that_cannot_be_kept_is_named_and_refused_at_the_start(
    words, sentence, settings
):
    with pytest.raises(BadLimits, match=sentence):
        limits_of(words)
    settings.SOCKET_LIMITS = words
    with pytest.raises(ImproperlyConfigured, match=sentence):
        configured_limits()
    found = [message for message in run_checks(tags=["security"]) if message.id == "ms5.E005"]
    assert [sentence in message.msg for message in found] == [True]


def test_the_example_of_the_environment_names_every_limit_with_its_default():
    example = (Path(__file__).parents[2] / ".env.example").read_text()
    told = dict(re.findall(r"^# MS5_LIMIT_([A-Z_]+)=(.+)$", example, re.MULTILINE))
    assert {name.lower() for name in told} == set(NAMES)
    assert limits_of({name.lower(): value for name, value in told.items()}) == Limits()


def test_every_mistake_is_named_at_once():
    with pytest.raises(BadLimits) as refused:
        limits_of({"burst": "x", "no_such": "1", "keys": "0"})
    assert str(refused.value).count(";") == 2


def test_proxies_are_counted_from_none_upwards(settings):
    def ids():
        return {message.id for message in run_checks(tags=["security"])}

    settings.TRUSTED_PROXIES = 2
    assert "ms5.E006" not in ids()
    settings.TRUSTED_PROXIES = -1
    assert "ms5.E006" in ids()


@given(st.dictionaries(st.sampled_from([*NAMES, "other"]), st.text(max_size=6)))
def test_whatever_the_words_are_the_limits_are_above_zero_or_refused(words):
    try:
        found = limits_of(words)
    except BadLimits:
        return
    assert all(getattr(found, name) > 0 for name in NAMES)


@given(st.lists(st.tuples(st.floats(0, 5), st.sampled_from([1, 4, 9]))))
def test_a_bucket_gives_no_more_than_its_burst_and_its_rate(takes):
    bucket, now, taken = Bucket(2, 10), 0.0, 0
    for pause, cost in takes:
        now += pause
        wait_ms = bucket.take(now, cost)
        if wait_ms == 0:
            taken += cost
        else:
            # The time it names is enough, and one millisecond less than the one before is not.
            again = Bucket(2, 10, at=now)
            again.tokens = bucket.tokens
            assert again.take(now + (wait_ms + 1) / 1000, cost) == 0
            early = Bucket(2, 10, at=now)
            early.tokens = bucket.tokens
            assert early.take(now + (wait_ms - 2) / 1000, cost) > 0 or wait_ms <= 2
        assert taken <= 10 + 2 * now + 1e-6


@given(st.lists(st.floats(0, 100), max_size=50).map(sorted))
def test_recent_counts_what_lies_within_the_window(times):
    recent = Recent(60)
    for number, now in enumerate(times):
        expected = sum(1 for before in times[: number + 1] if before > now - 60)
        assert recent.add(now) == expected


def test_a_full_house_lets_in_who_comes_after_one_left():
    crowd = Crowd(Limits(connections=1))
    crowd.come()
    with pytest.raises(Full):
        crowd.come()
    crowd.go()
    crowd.come()
    assert crowd.inside == 1


def test_a_refused_one_is_counted_neither_for_its_user_nor_for_its_address():
    crowd = Crowd(Limits(connections_per_user=2, connections_per_address=1))
    crowd.sit(1, "a")
    for _ in range(3):
        with pytest.raises(Full, match="address"):
            crowd.sit(1, "a")
    crowd.sit(1, None)
    with pytest.raises(Full, match="user"):
        crowd.sit(1, "b")
    crowd.sit(2, "b")
    crowd.rise(1, "a")
    crowd.sit(1, "a")


@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from([None, "a", "b"]))))
def test_counts_never_pass_the_limits_and_end_at_nothing(comers):
    crowd, seated = Crowd(Limits(connections_per_user=2, connections_per_address=3)), []
    for user, address in comers:
        try:
            crowd.sit(user, address)
        except Full:
            of_user = sum(1 for each, _ in seated if each == user)
            at_address = sum(1 for _, each in seated if each == address)
            assert of_user == 2 or (address is not None and at_address == 3)
        else:
            seated.append((user, address))
    for user, address in seated:
        crowd.rise(user, address)
    assert (crowd._users, crowd._addresses) == ({}, {})


def test_an_address_may_knock_as_fast_as_its_bucket_fills():
    crowd = Crowd(Limits(handshakes_per_second=5, handshake_burst=20))
    assert sum(crowd.knock("a", 100.0) for _ in range(40)) == 20
    assert crowd.knock("b", 100.0)
    assert sum(crowd.knock("a", 101.0) for _ in range(40)) == 5


def test_addresses_that_have_been_quiet_are_forgotten():
    crowd = Crowd(Limits(handshakes_per_second=5, handshake_burst=20))
    for number in range(3_000):
        crowd.knock(f"address {number}", 0.1 * number)
    assert len(crowd._handshakes) <= 1_001
    # Those that are still being watched are not.
    crowd = Crowd(Limits(handshakes_per_second=0.001, handshake_burst=1))
    for number in range(1_500):
        crowd.knock(f"address {number}", 0.0)
    assert not crowd.knock("address 0", 0.1)
