"""What a returning client may ask, and when the log can answer it."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.frames import Refused
from realtime.protocol import ErrorCode, Missing, Resume, ResumeReason, SubscriptionRequest
from realtime.resume import Kept, Place, asked_in, missing, verdict

WISH = SubscriptionRequest(subscription_type="line", target_id="L")
ONE, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)


def resume(**fields):
    return Resume(**{"epoch": "e", "positions": {}, "subscriptions": [WISH]} | fields)


def test_places_are_read_with_and_without_an_event():
    asked = asked_in(
        resume(positions={"L": {"seq": 7, "event_id": str(ONE)}, "plant": {"seq": 0}})
    )
    assert asked.positions == {"L": Place(7, ONE), "plant": Place(0)}
    assert (asked.epoch, asked.wishes) == ("e", [WISH])


@pytest.mark.parametrize(
    "fields",
    [
        {"epoch": None},
        {"positions": None},
        {"subscriptions": None},
        {"subscriptions": []},
        {"positions": {"L": 7}},
        {"positions": {"L": None}},
        {"positions": {"L": {}}},
        {"positions": {"L": {"seq": "7"}}},
        {"positions": {"L": {"seq": True}}},
        {"positions": {"L": {"seq": 7.0}}},
        {"positions": {"L": {"seq": -1}}},
        {"positions": {"L": {"seq": 2**63}}},
        {"positions": {"L": {"seq": 7, "event_id": "seven"}}},
        {"positions": {"L": {"seq": 7, "event_id": 7}}},
        {"positions": {"L": {"seq": 7, "event_id": [str(ONE)]}}},
        {"positions": {"no line": {"seq": 7}}},
        {"positions": {"": {"seq": 7}}},
    ],
)
def test_what_cannot_be_read_is_refused(fields):
    with pytest.raises(Refused) as refused:
        asked_in(resume(**fields))
    assert refused.value.code is ErrorCode.RESUME_INVALID


@pytest.mark.parametrize(
    ("place", "kept", "reason"),
    [
        (Place(5), Kept(head=9, tail=1), None),
        (Place(0), Kept(head=9, tail=1), None),
        (Place(0), Kept(head=0, tail=1), None),
        (Place(9, ONE), Kept(head=9, tail=1, event_id=ONE), None),
        (Place(10), Kept(head=9, tail=1), ResumeReason.AHEAD),
        (Place(5, ONE), Kept(head=9, tail=1, event_id=OTHER), ResumeReason.DIVERGED),
        (Place(5, ONE), Kept(head=9, tail=5, event_id=OTHER), ResumeReason.DIVERGED),
        (Place(4, ONE), Kept(head=9, tail=5), None),  # the event is gone, what follows is there
        (Place(3, ONE), Kept(head=9, tail=5), ResumeReason.RETENTION),
        (Place(0), Kept(head=9, tail=2), ResumeReason.RETENTION),
        (Place(9), Kept(head=9, tail=10), None),  # pruned to the last
        (Place(8), Kept(head=9, tail=10), ResumeReason.RETENTION),
        (Place(0), Kept(head=100, tail=1), None),
        (Place(0), Kept(head=101, tail=1), ResumeReason.TOO_FAR),
    ],
)
def test_the_verdict(place, kept, reason):
    assert verdict(place, kept, most=100) is reason


@given(
    head=st.integers(0, 300),
    kept=st.integers(0, 300),
    seq=st.integers(0, 320),
    most=st.integers(1, 100),
)
def test_a_replay_is_granted_only_where_every_fact_of_it_is_there(head, kept, seq, most):
    tail = max(1, head + 1 - kept)
    reason = verdict(Place(seq), Kept(head, tail), most)
    there = set(range(tail, head + 1))
    wanted = set(range(seq + 1, head + 1))
    assert (reason is None) == (seq <= head and wanted <= there and len(wanted) <= most)


def test_the_range_that_is_missing_reaches_to_the_snapshot():
    assert missing(ResumeReason.RETENTION, Place(3), 9) == Missing(after=3, to=9)
    assert missing(ResumeReason.TOO_FAR, Place(3), 9) == Missing(after=3, to=9)


@pytest.mark.parametrize(
    "reason",
    [
        ResumeReason.FORBIDDEN,
        ResumeReason.EPOCH,
        ResumeReason.AHEAD,
        ResumeReason.DIVERGED,
        ResumeReason.NO_POSITION,
    ],
)
def test_where_positions_mean_nothing_there_is_no_range(reason):
    assert missing(reason, Place(3), 9) is None
