"""What is worth reading: as long as somebody wants it, and since when without a break."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.interest import Interest

wishes = st.none() | st.frozensets(st.sampled_from("ABC"), max_size=3)


@given(st.lists(wishes, max_size=20), st.data())
def test_a_stream_is_wanted_exactly_while_a_wish_for_it_or_for_all_stands(added, data):
    interest, standing = Interest(), []
    for now, wish in enumerate(added):
        interest.add(wish, now)
        standing.append(wish)
        if data.draw(st.booleans()):
            gone = data.draw(st.sampled_from(range(len(standing))))
            interest.remove(standing.pop(gone))
        for stream in "ABCD":
            wanted = any(one is None or stream in one for one in standing)
            assert interest.wants(stream) is wanted


def test_it_knows_since_when_without_a_break():
    interest = Interest()
    interest.add(frozenset("A"), 1)
    interest.add(None, 2)
    interest.add(frozenset("AB"), 3)
    assert (interest.since("A"), interest.since("B"), interest.since("C")) == (1, 2, 2)
    interest.remove(None)
    assert (interest.since("A"), interest.since("B")) == (1, 3)
    with pytest.raises(KeyError):
        interest.since("C")
    interest.remove(frozenset("A"))
    interest.remove(frozenset("AB"))
    interest.add(frozenset("A"), 9)
    assert interest.since("A") == 9
