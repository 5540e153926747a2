"""The Modbus driver against devices and networks that do not behave."""

import itertools
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.drivers.base import ByteOrder, DataType, DriverBusy, LinkDown, Quality, TagSpec
from tests.plc.peers import (
    ScriptedPeer,
    answer_to,
    black_hole,
    ignored_connections,
    registers_for,
    until,
)

DEADLINE_S = 0.3
GRACE_S = 0.5

STATE = TagSpec("input:0", DataType.UINT16)
SPEED = TagSpec("input:2", DataType.FLOAT32, 1, ByteOrder.CDAB)
TOTAL = TagSpec("input:4", DataType.UINT32, 1, ByteOrder.CDAB)
REJECT = TagSpec("input:6", DataType.UINT32, 1, ByteOrder.CDAB)


def wrong_number(request):
    return struct.pack(">H", 777) + registers_for(request, 1)[2:]


def no_number(request):
    return bytes(2) + registers_for(request, 1)[2:]


def wrong_device(request):
    reply = registers_for(request, 1)
    return reply[:6] + b"\x63" + reply[7:]


def other_function(request):
    return answer_to(request, bytes([3, 2, 0, 1]))


def not_modbus(request):
    return b"HTTP/1.1 400 Bad Request\r\n\r\n"


def unknown_function(request):
    return answer_to(request, bytes([0x55, 1, 2, 3]))


def half_a_reply(request):
    return registers_for(request, 1)[:8]


def nothing(request):
    return b""


@pytest.mark.parametrize(
    "script",
    [
        wrong_number,
        no_number,
        wrong_device,
        other_function,
        not_modbus,
        unknown_function,
        half_a_reply,
        nothing,
    ],
)
def test_what_is_no_answer_to_the_request_is_a_lost_link(script, modbus):
    with ScriptedPeer(script) as peer:
        driver = modbus(peer, timeout_s=DEADLINE_S)
        began, burnt = time.monotonic(), time.thread_time()
        with pytest.raises(LinkDown, match=r"127\.0\.0\.1:\d+ "):
            driver.read([STATE])
        assert time.monotonic() - began < DEADLINE_S + GRACE_S
        # A loop that spins until the deadline burns all of it.
        assert time.thread_time() - burnt < 2 * DEADLINE_S / 3
        assert not driver.connected


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.binary(max_size=40))
def test_any_rubbish_in_a_proper_frame_is_contained(modbus, rubbish):
    with ScriptedPeer(lambda request: answer_to(request, rubbish)) as peer:
        driver = modbus(peer, timeout_s=0.1)
        try:
            readings = driver.read([STATE, SPEED])
        except LinkDown:
            assert not driver.connected
        else:
            assert len(readings) == 2
        driver.close()


READER = """
import sys
from telemetry.drivers import driver_for
from telemetry.drivers.base import DataType, Endpoint, LinkDown, TagSpec

driver = driver_for(Endpoint("modbus_tcp", "127.0.0.1", int(sys.argv[1]), timeout_s=0.5))
driver.open()
try:
    print([each.value for each in driver.read([TagSpec("input:0", DataType.UINT16)])])
except LinkDown as down:
    print(down)
"""


def test_an_answer_that_waited_for_a_stopped_reader_is_too_late():
    asked, stopped = threading.Event(), threading.Event()

    def once_it_is_stopped(request):
        asked.set()
        stopped.wait(10)
        return registers_for(request, 40)

    with ScriptedPeer(once_it_is_stopped) as peer:
        reader = subprocess.Popen(
            [sys.executable, "-c", READER, str(peer.port)],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert asked.wait(30)
            os.kill(reader.pid, signal.SIGSTOP)
            stopped.set()
            time.sleep(0.8)
            os.kill(reader.pid, signal.SIGCONT)
            said, _ = reader.communicate(timeout=30)
        finally:
            reader.kill()
    assert said == f"127.0.0.1:{peer.port} did not answer within 0.5 s.\n"


def test_the_answer_to_an_earlier_request_is_skipped(modbus):
    late = []

    def behind(request):
        now = registers_for(request, 40 + len(late))
        late.append(now)
        return now if len(late) == 1 else late[0] + now

    with ScriptedPeer(behind) as peer:
        driver = modbus(peer)
        assert [driver.read([STATE])[0].value for _ in range(3)] == [40, 41, 42]
        driver.close()


def test_a_reply_that_comes_late_is_never_taken_for_the_next_answer(modbus):
    asked = []

    def slow_at_first(request):
        asked.append(request)
        if len(asked) == 1:
            time.sleep(DEADLINE_S + 0.1)
            return registers_for(request, 111)
        return registers_for(request, 333)

    with ScriptedPeer(slow_at_first) as peer:
        driver = modbus(peer, timeout_s=DEADLINE_S)
        with pytest.raises(LinkDown, match=r"did not answer within 0\.3 s"):
            driver.read([STATE])
        driver.endpoint = replace(driver.endpoint, timeout_s=2)
        driver.open()
        assert driver.read([STATE])[0].value == 333
        assert peer.connections == 2
        driver.close()


def test_a_peer_that_drips_bytes_does_not_stretch_the_deadline(modbus):
    def drip(request):
        return (registers_for(request, 1)[at : at + 1] for at in range(11))

    with ScriptedPeer(drip, pause_s=0.2) as peer:
        driver = modbus(peer, timeout_s=DEADLINE_S)
        began = time.monotonic()
        with pytest.raises(LinkDown, match=r"did not answer within 0\.3 s"):
            driver.read([STATE])
        assert time.monotonic() - began < DEADLINE_S + GRACE_S


@pytest.mark.parametrize("peer", [black_hole, ignored_connections])
def test_a_peer_that_never_answers_costs_no_more_than_the_deadline(peer, driver_of):
    with peer() as port:
        driver = driver_of(port, "modbus_tcp", timeout_s=DEADLINE_S)
        began = time.monotonic()
        with pytest.raises(LinkDown, match=r"did not answer within 0\.3 s"):
            _open_and_read(driver)
        assert time.monotonic() - began < DEADLINE_S + GRACE_S
        assert not driver.connected


def _open_and_read(driver):
    driver.open()
    driver.read([STATE])


def test_what_came_before_the_link_broke_is_kept(modbus):
    asked = []

    def once(request):
        asked.append(request)
        return registers_for(request, 5) if len(asked) == 1 else None

    with ScriptedPeer(once) as peer:
        driver = modbus(peer)
        first, second = driver.read([STATE, TagSpec("input:900", DataType.UINT16)])
        assert (first.value, first.quality) == (5, Quality.GOOD)
        assert second.quality is Quality.BAD
        assert "closed the connection" in second.error
        assert not driver.connected


def words_of(request, registers):
    """The registers that a request asks for, of those of the device."""
    start, count = struct.unpack(">HH", request[8:12])
    return registers_for(request, *registers[start : start + count])


def moving(*shown):
    """A device that shows other registers at each request, and the last ones for ever."""
    left = list(shown)
    return lambda request: words_of(request, left.pop(0) if len(left) > 1 else left[0])


def test_no_element_of_an_array_is_put_together_from_two_moments(modbus):
    before, after = [0x0001, 0xFFFF] * 100, [0x0002, 0x0000] * 100
    with ScriptedPeer(moving(before, after)) as peer:
        driver = modbus(peer, timeout_s=2)
        (reading,) = driver.read([TagSpec("holding:0", DataType.INT32, 100)])
        assert reading.value == (0x0001_FFFF,) * 62 + (0x0002_0000,) * 38
        driver.close()


def test_a_text_that_comes_in_pieces_is_read_until_two_readings_agree(modbus):
    before, after = [0x6161] * 200, [0x6262] * 200
    with ScriptedPeer(moving(before, after)) as peer:
        driver = modbus(peer, timeout_s=2)
        assert driver.read([TagSpec("holding:0", DataType.STRING, 400)])[0].value == "b" * 400
        driver.close()


def test_a_second_reading_that_is_torn_itself_is_not_believed(modbus):
    a, b, c = [0x6161] * 200, [0x6262] * 200, [0x6363] * 200
    # Two pieces make a reading: whole, torn, whole, and no two of them are the same.
    with ScriptedPeer(moving(a, a, a, b, c, c)) as peer:
        driver = modbus(peer, timeout_s=2)
        (reading,) = driver.read([TagSpec("holding:0", DataType.STRING, 400)])
        assert (reading.value, reading.quality) == (None, Quality.BAD)
        driver.close()


def test_two_readings_that_agree_are_believed_and_no_more_are_asked_for(modbus):
    a, b = [0x6161] * 200, [0x6262] * 200
    for shown, requests in (([a], 4), ([a, b, b], 6)):
        with ScriptedPeer(moving(*shown)) as peer:
            driver = modbus(peer, timeout_s=2)
            (reading,) = driver.read([TagSpec("holding:0", DataType.STRING, 400)])
            assert reading.value == ("a" if shown == [a] else "b") * 400
            assert driver.load.requests == requests
            driver.close()


def test_a_value_that_moves_faster_than_its_pieces_is_bad(modbus):
    at_each = ([n, n] for n in itertools.count())
    with ScriptedPeer(lambda request: words_of(request, next(at_each))) as peer:
        driver = modbus(peer, timeout_s=2, max_registers=1)
        (reading,) = driver.read([TagSpec("holding:0", DataType.INT32)])
        assert (reading.value, reading.quality) == (None, Quality.BAD)
        assert reading.error == "holding:0: it moves faster than its registers can be read."
        driver.close()


def test_a_short_reply_to_the_second_reading_of_a_value_is_no_value(modbus):
    asked = []

    def shorter(request):
        asked.append(request)
        return registers_for(request, *[7][: len(asked) < 3])

    with ScriptedPeer(shorter) as peer:
        driver = modbus(peer, timeout_s=2, max_registers=1)
        (reading,) = driver.read([TagSpec("holding:0", DataType.INT32)])
        assert reading.error == "holding:0: 0 values came where 1 were due."
        assert driver.connected
        driver.close()


def test_a_second_user_is_told_at_once(modbus):
    seen, release = threading.Event(), threading.Event()

    def slow(request):
        seen.set()
        release.wait(5)
        return registers_for(request, 7)

    with ScriptedPeer(slow) as peer:
        driver = modbus(peer, timeout_s=5)
        found = []
        first = threading.Thread(target=lambda: found.extend(driver.read([STATE])))
        first.start()
        assert seen.wait(5)
        with pytest.raises(DriverBusy):
            driver.read([STATE])
        release.set()
        first.join()
        assert [r.value for r in found] == [7]
        driver.close()


def test_closing_from_another_thread_ends_the_read(driver_of):
    with black_hole() as port:
        driver = driver_of(port, "modbus_tcp", timeout_s=5)
        driver.open()
        said = []

        def read():
            with pytest.raises(LinkDown) as down:
                driver.read([STATE])
            said.append(str(down.value))

        reader = threading.Thread(target=read)
        reader.start()
        until(lambda: driver.load.requests == 1)
        began = time.monotonic()
        driver.close()
        reader.join()
        assert time.monotonic() - began < 0.5
        assert len(said) == 1
