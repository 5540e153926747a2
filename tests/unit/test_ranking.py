"""Losses ranked, against a plain sum."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from production.mean_times import Failure, reliability
from production.ranking import Lost, ranked

T0 = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def at(number):
    return T0 + number * SECOND


parts = st.lists(
    st.builds(
        Lost,
        st.sampled_from([None, "a", "b", "c"]),
        st.integers(0, 500).map(lambda number: number * SECOND),
        st.integers(0, 1),
        st.sampled_from([None, 600_000, 700_000]),
    )
)


@given(parts)
def test_ranks_have_all_time_and_every_stop_and_their_shares_reach_one(given_parts):
    ranks = ranked(given_parts)
    whole = sum((part.length for part in given_parts), timedelta())
    assert sum((rank.length for rank in ranks), timedelta()) == whole
    assert sum(rank.count for rank in ranks) == sum(part.begun for part in given_parts)
    assert len({rank.key for rank in ranks}) == len(ranks)
    if whole:
        assert ranks[-1].cumulative_share == 1.0
        assert abs(sum(rank.share for rank in ranks) - 1) < 1e-9
    else:
        assert all(rank.share is rank.cumulative_share is None for rank in ranks)


@given(parts)
def test_what_is_unassigned_comes_first_and_the_rest_longest_first(given_parts):
    ranks = ranked(given_parts)
    named = [rank.length for rank in ranks if rank.key is not None]
    assert named == sorted(named, reverse=True)
    assert all(rank.key is not None for rank in ranks[1:])


@given(parts)
def test_lost_parts_are_exact_or_unknown(given_parts):
    for rank in ranked(given_parts):
        own = [part for part in given_parts if part.key == rank.key]
        if any(part.cycle is None and part.length for part in own):
            assert rank.lost_parts is None
        else:
            micro = timedelta(microseconds=1)
            paced = (Fraction(part.length // micro, part.cycle) for part in own if part.cycle)
            assert rank.lost_parts == sum(paced, Fraction(0))


def test_mean_times_take_only_what_was_said_and_say_why_where_nothing_was():
    told = Failure(at(0), at(100), at(10), at(40))
    silent = Failure(at(200), None, None, None)
    both = reliability([told, silent], 1000 * SECOND)
    assert (both.failures, both.between_failures.length) == (2, 500 * SECOND)
    assert (both.to_respond.length, both.to_respond.count) == (10 * SECOND, 1)
    assert both.to_repair.length == 30 * SECOND
    assert both.to_restore.length == 100 * SECOND
    alone = reliability([silent], 1000 * SECOND)
    assert [mean.why for mean in (alone.to_respond, alone.to_repair, alone.to_restore)] == [
        "nobody has said when they came",
        "nobody has said when they came and when it was mended",
        "it has not run again",
    ]
