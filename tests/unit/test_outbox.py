"""A server that takes texts at once is given them at once, and the order is the same."""

import asyncio

from realtime.cohort import Cohort, Signature
from realtime.outbox import Outbox
from realtime.routed import Fact


class Wire:
    """The server's side: what it got, and whether it takes more without waiting."""

    def __init__(self):
        self.got = []
        self.writable = asyncio.Event()
        self.writable.set()

    def now(self, text):
        if self.writable.is_set():
            self.got.append(text)
        return self.writable.is_set()

    async def send(self, message):
        await self.writable.wait()
        self.got.append(message["text"])


class Member:
    def __init__(self, outbox):
        self.wake = outbox.wake


async def started(batch=False):
    wire = Wire()
    outbox = Outbox(wire.send, most=1000, most_bytes=10**6, batch=batch, write_now=wire.now)
    touched = []
    cohort = Cohort(
        Signature(frozenset({"g"}), frozenset({"L"})),
        touched.append,
        most=1000,
        most_bytes=10**6,
    )
    outbox.cursor = cohort.join(Member(outbox))
    writer = asyncio.create_task(outbox.write())
    await asyncio.sleep(0)
    return wire, outbox, cohort, writer


def tell(cohort, *seqs):
    for seq in seqs:
        cohort.hear_fact(Fact("L", seq, "L", ("g",), f"L{seq}"))
    cohort.wake()


async def test_what_a_cohort_hears_is_written_before_the_loop_turns():
    wire, outbox, cohort, writer = await started()
    tell(cohort, 1, 2)
    assert wire.got == ["L1", "L2"]
    assert (outbox.sent, outbox.frames, outbox.facts) == (2, 2, 2)
    writer.cancel()


async def test_what_is_said_before_goes_out_before():
    wire, outbox, cohort, writer = await started()
    outbox.put("said")
    tell(cohort, 1)
    assert wire.got == []
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert wire.got == ["said", "L1"]
    writer.cancel()


async def test_what_the_server_does_not_take_waits_in_its_place():
    wire, outbox, cohort, writer = await started()
    wire.writable.clear()
    tell(cohort, 1)
    tell(cohort, 2)
    outbox.put("said")
    await asyncio.sleep(0)
    assert wire.got == []
    wire.writable.set()
    for _ in range(10):
        await asyncio.sleep(0)
    assert wire.got[0] == "L1"
    assert sorted(wire.got) == ["L1", "L2", "said"]
    assert outbox.sent == 3
    writer.cancel()


async def test_a_long_row_leaves_the_others_their_turn_and_arrives_whole():
    wire, _, cohort, writer = await started()
    tell(cohort, *range(1, 101))
    assert len(wire.got) == 32
    for _ in range(20):
        await asyncio.sleep(0)
    assert wire.got == [f"L{seq}" for seq in range(1, 101)]
    writer.cancel()
