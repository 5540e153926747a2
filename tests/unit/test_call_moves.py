"""The machine of a call."""

import pytest

from andon.choices import CallStatus
from andon.transitions import GOING, OVER, Move, after

OPEN, COMING, THERE, RESOLVED, CANCELLED = CallStatus


@pytest.mark.parametrize(
    ("move", "expected"),
    [
        (Move.ACKNOWLEDGE, [COMING, COMING, THERE]),
        (Move.ARRIVE, [THERE, THERE, None]),
        (Move.RESOLVE, [RESOLVED] * 3),
        (Move.CANCEL, [CANCELLED] * 3),
        (Move.COMMENT, [OPEN, COMING, THERE]),
        (Move.SHELVE, [OPEN, None, None]),
        (Move.UNSHELVE, [OPEN, None, None]),
    ],
)
def test_where_each_move_leads(move, expected):
    assert [after(move, status) for status in GOING] == expected


def test_what_is_over_only_hears_comments():
    for status in OVER:
        found = {move: after(move, status) for move in Move}
        assert {move for move, to in found.items() if to is not None} == {Move.COMMENT}
