"""The Modbus driver against devices and networks that do not behave."""

import struct
import threading
import time

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
        driver = modbus(peer)
        began, burnt = time.monotonic(), time.thread_time()
        with pytest.raises(LinkDown, match=r"127\.0\.0\.1:\d+ "):
            driver.read([STATE])
        assert time.monotonic() - began < DEADLINE_S + GRACE_S
        assert time.thread_time() - burnt < 0.1
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
        driver = modbus(peer)
        with pytest.raises(LinkDown, match=r"did not answer within 0\.3 s"):
            driver.read([STATE])
        driver.open()
        assert driver.read([STATE])[0].value == 333
        assert peer.connections == 2
        driver.close()


def test_a_peer_that_drips_bytes_does_not_stretch_the_deadline(modbus):
    def drip(request):
        return (registers_for(request, 1)[at : at + 1] for at in range(11))

    with ScriptedPeer(drip, pause_s=0.2) as peer:
        driver = modbus(peer)
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


def test_a_second_user_is_told_at_once(modbus):
    release = threading.Event()

    def slow(request):
        release.wait(1)
        return registers_for(request, 7)

    with ScriptedPeer(slow) as peer:
        driver = modbus(peer, timeout_s=2)
        found = []
        first = threading.Thread(target=lambda: found.extend(driver.read([STATE])))
        first.start()
        time.sleep(0.05)
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
        time.sleep(0.05)
        began = time.monotonic()
        driver.close()
        reader.join()
        assert time.monotonic() - began < 0.5
        assert len(said) == 1
