"""How many reads go into a packet, as learned of a controller that refuses larger ones."""

from hypothesis import given
from hypothesis import strategies as st

from telemetry.learned import BORDERS_LAST_S
from telemetry.packets import PacketSizes

HOUR = BORDERS_LAST_S


def packets(sizes, reads, now):
    """The reads in packets as large as they may be, those of one size together."""
    by_most = {}
    for read in reads:
        by_most.setdefault(sizes.most(read, now), []).append(read)
    return [
        some[at : at + (most or len(some))]
        for most, some in sorted(by_most.items())
        for at in range(0, len(some), most or len(some))
    ]


def poll(sizes, reads, now, most, spoilers):
    """What was given, and in how many packets, by a controller that refuses spoilers and more than `most`."""
    given, sent, guilty = set(), 0, set()
    pending = reads
    while pending:
        again = []
        for packet in packets(sizes, pending, now):
            sent += 1
            if len(packet) > most or (len(packet) > 1 and spoilers & set(packet)):
                sizes.refuse(packet)
                again += packet
                continue
            if sizes.is_suspect(packet[0]) and len(packet) == 1 and packet[0] in spoilers:
                guilty.add(packet[0])
            sizes.give(packet, now)
            given |= set(packet)
        pending = again
    if guilty:
        sizes.blame(guilty, now)
    return given, sent


@given(st.integers(1, 40), st.integers(1, 50), st.sets(st.integers(0, 39), max_size=4))
def test_every_read_is_given_and_the_search_is_not_made_again(count, most, spoilers):
    sizes, reads = PacketSizes(), list(range(count))
    for _ in range(2):
        assert poll(sizes, reads, 0.0, most, spoilers)[0] == set(reads)
    given, sent = poll(sizes, reads, HOUR - 1, most, spoilers)
    assert given == set(reads)
    # Half of what would be given at most, in each; and one for each that spoils its packet.
    assert (
        sent <= -(-count // -(-most // 2)) + len(spoilers & set(reads)) + 1 + count.bit_length()
    )
    assert poll(sizes, reads, HOUR - 1, most, spoilers)[1] == sent


def test_what_was_learned_is_tried_again_after_an_hour():
    sizes, reads = PacketSizes(), list(range(8))
    poll(sizes, reads, 0.0, 2, set())
    assert len(packets(sizes, reads, HOUR - 1)) == 4
    assert len(packets(sizes, reads, HOUR)) == 1


def test_one_that_spoils_its_packet_is_tried_with_the_others_after_an_hour():
    sizes, reads = PacketSizes(), list(range(8))
    poll(sizes, reads, 0.0, 8, {3})
    assert packets(sizes, reads, HOUR - 1) == [[0, 1, 2, 4, 5, 6, 7], [3]]
    assert packets(sizes, reads, HOUR) == [reads]
