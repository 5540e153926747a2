"""Targets: each is spelled in one way, means one group, and nothing else is let in."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.targets import (
    CODE,
    EVENT_TYPES,
    FORMS,
    HEARS,
    NUMBER,
    PRIORITIES,
    RESERVED,
    BadTarget,
    Scope,
    SubscriptionType,
    Target,
    parse,
)

GROUP = re.compile(r"[A-Za-z0-9._-]{1,99}")
codes = st.from_regex(CODE, fullmatch=True).filter(lambda code: code.lower() not in RESERVED)
numbers = st.from_regex(NUMBER, fullmatch=True)
by_line = st.sampled_from(
    [
        SubscriptionType.LINE,
        SubscriptionType.PRODUCTION,
        SubscriptionType.OEE,
        SubscriptionType.DOWNTIME,
        SubscriptionType.ANDON,
        SubscriptionType.QUALITY,
        SubscriptionType.CHANGEOVER,
    ]
)
targets = st.one_of(
    st.builds(Target, by_line, st.just(Scope.LINE), codes),
    st.builds(Target, by_line | st.just(SubscriptionType.ESCALATION), st.just(Scope.ALL)),
    st.builds(
        Target,
        st.sampled_from([SubscriptionType.EQUIPMENT, SubscriptionType.DOWNTIME]),
        st.just(Scope.EQUIPMENT),
        codes,
    ),
    st.builds(Target, st.just(SubscriptionType.JOB), st.just(Scope.JOB), numbers),
    st.builds(Target, st.just(SubscriptionType.ESCALATION), st.just(Scope.ESCALATION), numbers),
    st.builds(
        Target,
        st.just(SubscriptionType.ESCALATION),
        st.just(Scope.PRIORITY),
        st.sampled_from(sorted(PRIORITIES)),
    ),
    st.builds(
        Target,
        st.just(SubscriptionType.EVENT),
        st.just(Scope.EVENT),
        st.sampled_from(sorted(EVENT_TYPES)),
    ),
    st.just(Target(SubscriptionType.USER, Scope.ME)),
)


@given(targets)
def test_what_is_printed_parses_to_the_same_target(target):
    assert parse(target.type, target.target_id) == target


@given(targets, targets, st.integers(1, 9))
def test_two_targets_never_share_a_group(one, other, user_id):
    assert (one == other) == (one.group(user_id) == other.group(user_id))


@given(targets, st.integers(1, 2**63 - 1))
def test_a_group_name_is_one_that_channels_allows(target, user_id):
    assert GROUP.fullmatch(target.group(user_id))


@given(st.sampled_from(list(SubscriptionType)), st.text(max_size=80))
def test_any_text_is_a_target_or_refused_by_name(type_, text):
    with suppress(BadTarget):
        target = parse(type_, text)
        assert parse(type_, target.target_id) == target


@pytest.mark.parametrize(
    ("type_", "target_id", "spelled", "group", "wide"),
    [
        ("line", "L-BAG1", "L-BAG1", "line.L-BAG1", False),
        ("line", "all", "all", "line.all", True),
        ("equipment", "BP01.PACK.BAG1", "BP01.PACK.BAG1", "equipment.BP01.PACK.BAG1", False),
        ("job", "4711", "4711", "job.4711", True),
        ("production", "L-BAG1", "L-BAG1", "production.L-BAG1", False),
        ("oee", "all", "all", "oee.all", True),
        ("downtime", "all", "all", "downtime.all", True),
        ("downtime", "L-BAG1", "line:L-BAG1", "downtime.line.L-BAG1", False),
        ("downtime", "line:L-BAG1", "line:L-BAG1", "downtime.line.L-BAG1", False),
        ("downtime", "equipment:E", "equipment:E", "downtime.equipment.E", False),
        ("andon", "L-BAG1", "L-BAG1", "andon.L-BAG1", False),
        ("escalation", "all", "all", "escalation.all", True),
        ("escalation", "escalation:7", "escalation:7", "escalation.escalation.7", True),
        ("escalation", "high", "priority:high", "escalation.priority.high", True),
        ("escalation", "priority:high", "priority:high", "escalation.priority.high", True),
        ("quality", "L-BAG1", "L-BAG1", "quality.L-BAG1", False),
        ("changeover", "all", "all", "changeover.all", True),
        ("event", "downtime_event", "downtime_event", "event.downtime_event", True),
        ("user", "me", "me", "user.17", True),
    ],
)
def test_each_form_of_the_contract_means_its_group(type_, target_id, spelled, group, wide):
    target = parse(SubscriptionType(type_), target_id)
    assert (target.target_id, target.group(17), target.is_wide) == (spelled, group, wide)


@pytest.mark.parametrize(
    ("type_", "target_id"),
    [
        ("line", ""),
        ("line", "plant"),
        ("line", "SYS"),
        ("line", "me"),
        ("line", "-L"),
        ("line", "L BAG"),
        ("line", "L-BAG1\n"),
        ("line", "L" * 65),
        ("line", "line:L"),
        ("line", "Ł1"),
        ("equipment", "all"),
        ("job", "all"),
        ("job", ""),
        ("job", "0"),
        ("job", "007"),
        ("job", "-1"),
        ("job", "1.0"),
        ("job", "٣"),
        ("job", "PO-2026-118"),
        ("job", "1" * 17),
        ("escalation", "escalation:07"),
        ("escalation", "escalation:high"),
        ("downtime", "line:"),
        ("downtime", "line:all"),
        ("downtime", "plant:X"),
        ("downtime", "equipment:a:b"),
        ("escalation", "urgent"),
        ("escalation", "priority:urgent"),
        ("escalation", "priority:"),
        ("escalation", "escalation:"),
        ("escalation", "L-BAG1"),
        ("event", "no_such_event"),
        ("event", "all"),
        ("user", "17"),
        ("user", "all"),
    ],
)
def test_what_the_contract_does_not_name_is_refused(type_, target_id):
    with pytest.raises(BadTarget):
        parse(SubscriptionType(type_), target_id)


def test_priorities_and_event_types_are_those_of_the_events():
    assert sorted(PRIORITIES) == ["critical", "high", "low", "medium"]
    assert len(EVENT_TYPES) == 18


def test_there_are_twelve_subscription_types_each_with_its_forms():
    assert len(SubscriptionType) == 12
    assert set(FORMS) == set(HEARS) == set(SubscriptionType)
