"""Bytes of many processes as lines of one terminal."""

import io
import itertools

from hypothesis import given
from hypothesis import strategies as st

from ms5.demo.lines import Lines, Terminal


def lines_of(pieces):
    lines = Lines()
    whole = [line for piece in pieces for line in lines.feed(piece)]
    return whole + list(lines.rest())


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=40),
        max_size=10,
    ),
    st.data(),
)
def test_however_the_bytes_are_cut_the_lines_are_the_same(wanted, data):
    text = "".join(f"{line}\n" for line in wanted).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    edges = [0, *cuts, len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(edges)]
    assert lines_of(pieces) == wanted


def test_the_last_line_needs_no_end():
    assert lines_of([b"one\ntw", b"o"]) == ["one", "two"]


def test_what_is_no_utf8_is_shown_as_such():
    assert lines_of([b"caf\xe9\n"]) == ["caf�"]


def test_a_line_without_end_does_not_grow_for_ever():
    assert [len(line) for line in lines_of([b"x" * 40_000])] == [16_384, 16_384, 7_232]


def test_each_line_stands_under_its_name():
    screen = io.StringIO()
    terminal = Terminal(screen, colour=False)
    terminal.line("web", "ready")
    terminal.say("all of it")
    assert screen.getvalue() == "web          ready\ndemo         all of it\n"


def test_colours_tell_the_names_apart_and_stay_with_them():
    screen = io.StringIO()
    terminal = Terminal(screen, colour=True, width=4)
    for name in ("web", "beat", "web"):
        terminal.line(name, "x")
    assert screen.getvalue().split("\n") == [
        "\x1b[36mweb \x1b[0m x",
        "\x1b[33mbeat\x1b[0m x",
        "\x1b[36mweb \x1b[0m x",
        "",
    ]
