"""The Pareto is drawn longest first, with what nobody has explained before all."""

from datetime import timedelta
from fractions import Fraction

import pytest

from production.pareto import Pareto, Row
from realtime.formats import NOTHING
from realtime.pareto_sheet import draw_pareto


def row(code, minutes, count, parts):
    return Row(
        code=code,
        name=code or "Unassigned",
        length=timedelta(minutes=minutes),
        count=count,
        lost_parts=None if parts is None else Fraction(parts),
        share=None,
        cumulative_share=None,
    )


FOUND = Pareto(
    by="reason",
    rows=[row("JAM", 30, 9, None), row(None, 10, 2, 1000), row("BELT", 60, 1, 6000)],
    planned=[row("CLEANING", 20, 1, None)],
    lengths={},
    unassigned_minutes=10,
    small_stops=4,
    small_stop_minutes=2.25,
)


@pytest.mark.parametrize(
    ("measure", "order", "widths"),
    [
        ("minutes", ["", "BELT", "JAM"], [166.7, 1000.0, 500.0]),
        ("count", ["", "JAM", "BELT"], [222.2, 1000.0, 111.1]),
        ("parts", ["", "BELT", "JAM"], [166.7, 1000.0, 0.0]),
        ("nonsense", ["", "BELT", "JAM"], [166.7, 1000.0, 500.0]),
    ],
)
def test_bars_are_in_the_order_of_what_is_measured(measure, order, widths):
    drawn = draw_pareto(FOUND, measure)
    assert [bar.code for bar in drawn.bars] == order
    assert [bar.width for bar in drawn.bars] == widths
    assert drawn.bars[-1].sum_at == 1000.0


def test_figures_are_printed_and_what_nobody_knows_is_a_dash():
    drawn = draw_pareto(FOUND, "minutes")
    unassigned, belt, jam = drawn.bars
    assert unassigned.unassigned
    assert (belt.minutes, belt.count, belt.share, belt.cumulative) == (
        "60.0",
        "1",
        "60.0",
        "70.0",
    )
    assert jam.parts == NOTHING
    assert (drawn.small_stops, drawn.small_minutes, drawn.unassigned) == ("4", "2.3", "10.0")
    assert [bar.code for bar in drawn.planned] == ["CLEANING"]


def test_cells_are_plain_numbers_for_a_spreadsheet():
    drawn = draw_pareto(FOUND, "minutes")
    assert len(drawn.columns) == len(drawn.cells[0])
    assert drawn.cells[0][:5] == ("loss", "JAM", "JAM", 30, 9)
    assert drawn.cells[-1][0] == "planned"


def test_nothing_stood_and_nothing_is_drawn():
    empty = Pareto(
        by="reason",
        rows=[],
        planned=[],
        lengths={},
        unassigned_minutes=0,
        small_stops=0,
        small_stop_minutes=0,
    )
    drawn = draw_pareto(empty, "minutes")
    assert (drawn.bars, drawn.planned, drawn.cells) == ([], [], [])
