"""The frame that we write ourselves is the one that any peer reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from ms5.web.bounded import framed


def read(data):
    """Return the frame as websockets' own parser reads it, with nothing left over."""
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    parsing = Frame.parse(reader.read_exact, mask=False)
    with pytest.raises(StopIteration) as done:
        next(parsing)
    assert reader.buffer == b""
    return done.value.value


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_every_length_has_its_head(length):
    frame = read(framed("x" * length))
    assert (frame.opcode, frame.fin, len(frame.data)) == (Opcode.TEXT, True, length)


@given(st.lists(st.text(), max_size=5))
def test_the_text_arrives_whatever_was_sent_before(texts):
    for text in [*texts, *texts]:
        assert bytes(read(framed(text)).data).decode() == text
