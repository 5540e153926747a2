"""The pages in a real browser, with a real server: right before any script, live after, honest when cut off."""

import json
import os
import re
import signal
import time

import pytest
from playwright.sync_api import expect

from tests.browser.words import BAGGER, LOADER, is_live, machine, tile, wait_for

pytestmark = pytest.mark.timeout(180)


class Socket:
    """What one socket of a page sent and received, message by message."""

    def __init__(self, socket):
        self.sent = []
        self.received = []
        socket.on("framesent", lambda text: self.sent.extend(_messages(text)))
        socket.on("framereceived", lambda text: self.received.extend(_messages(text)))


def _messages(text):
    content = json.loads(text)
    return content if isinstance(content, list) else [content]


def sockets_of(window):
    """Load the page anew; return its sockets, which grow with every one that it opens."""
    sockets = []
    window.page.on("websocket", lambda socket: sockets.append(Socket(socket)))
    # Not a reload: just after a first navigation Chromium may say that there is no page to reload.
    window.page.goto(window.page.url)
    return sockets


def test_the_overview_is_right_before_any_script(visitor, plant):
    plant.show(code=BAGGER, state="faulted", faults=[["Fault[31]", "Bag jam"]])
    window = visitor("operator", java_script_enabled=False)
    tiles = window.page.locator("line-tile")
    assert tiles.locator("h2").all_inner_texts() == ["Bagging line 1", "Packing line 2"]
    assert tiles.locator(".band .word").all_inner_texts() == ["FAULT", "RUN"]
    assert tile(window).locator(".band .reason").inner_text() == "Bag jam"
    assert re.fullmatch(r"00:0\d", tile(window).locator(".band .timer").inner_text())
    assert int(tile(window).locator("[data-f=actual]").inner_text()) > 0
    assert tile(window, "L-PACK2").locator(".machine .name").all_inner_texts() == [
        "Checkweigher",
        "Case packer",
    ]
    assert window.page.locator("noscript, .notice").last.is_visible()


def test_the_line_board_is_right_before_any_script(visitor, plant):
    plant.show(code=BAGGER, state="faulted", faults=[["Fault[31]", "Bag jam"]])
    window = visitor("operator", path="/lines/L-BAG1/", java_script_enabled=False)
    page = window.page
    assert page.locator("h1").inner_text() == "Bagging line 1"
    assert page.locator(".board > .band .word").inner_text() == "FAULT"
    assert page.locator(".tead dt").all_inner_texts()[0].startswith("Target")
    assert page.locator(".fault .text").all_inner_texts() == ["Bag jam"]
    assert page.locator(".fault .first").all_inner_texts() == ["FIRST OUT"]
    assert page.locator(".plc .name").all_inner_texts() == [
        "Bread bagger PLC",
        "Basket loader PLC",
    ]
    assert page.locator(".board-head .product").inner_text() == "500 g loaf"


def test_a_change_of_state_is_on_the_page_within_two_seconds(visitor, plant):
    window = visitor("operator")
    is_live(window)
    for state, word in (("starved", "STARVED"), ("running", "RUN"), ("blocked", "BLOCKED")):
        plant.show(code=BAGGER, state=state)
        wait_for(tile(window), "data-state", state, timeout_s=2)
        assert tile(window).locator(".band .word").inner_text() == word
        assert re.fullmatch(r"00:0\d", tile(window).locator(".band .timer").inner_text())
    assert machine(window, BAGGER).get_attribute("data-state") == "blocked"
    assert tile(window, "L-PACK2").get_attribute("data-state") == "running"


def test_a_line_that_is_added_appears_by_itself(visitor, plant):
    window = visitor("operator")
    is_live(window)
    plant.add_line(code="L-NEW", name="New line")
    try:
        expect(window.page.locator("line-tile h2")).to_have_text(
            ["Bagging line 1", "Packing line 2", "New line"], timeout=20_000
        )
    finally:
        plant.remove_line(code="L-NEW")


def test_a_hundred_thousand_events_leave_the_heap_as_it_was(visitor):
    window = visitor("operator")
    is_live(window)
    tools = window.context.new_cdp_session(window.page)

    def used():
        tools.send("HeapProfiler.collectGarbage")
        return tools.send("Runtime.getHeapUsage")["usedSize"]

    def events(number):
        window.page.evaluate(
            """async (number) => {
              const { reduce } = await import("/static/js/reduce.js");
              const { drawLine } = await import("/static/js/drawing.js");
              const tile = document.querySelector("line-tile");
              let board = JSON.parse(document.getElementById("board").textContent);
              const code = tile.dataset.line;
              const [machine] = Object.values(board.lines[code].gauges)[0].data.equipment;
              const fault = {id: 0, equipment_code: machine.equipment_code, code: "F[0]", text: "Jam",
                severity: "high", source: "internal", reason_code: null, first_out: true,
                raised_at: "2026-03-02T08:00:00Z"};
              for (let seq = 1; seq <= number; seq += 1) {
                const id = Math.floor(seq / 2);
                const cleared_at = seq % 2 ? "2026-03-02T08:00:01Z" : null;
                board = reduce(board, {type: "equipment_fault", line_id: code, stream: code, seq,
                  equipment_code: machine.equipment_code, data: {...fault, id, cleared_at}});
                if (seq % 20 === 0) tile.drawing = drawLine(board.lines[code], Date.now());
              }
            }""",
            number,
        )

    events(2_000)
    before = used()
    events(100_000)
    assert used() - before < 1_000_000


def test_a_fault_comes_and_goes_on_the_line_board(visitor, plant):
    window = visitor("operator", path="/lines/L-BAG1/")
    is_live(window)
    faults = window.page.locator(".fault .text")
    assert window.page.locator("fault-list [data-none]").is_visible()
    plant.show(code=LOADER, state="faulted", faults=[["Alarm[2]", "Guard open"]])
    wait_for(machine(window, LOADER), "data-state", "faulted")
    assert machine(window, LOADER).get_attribute("data-lead") == ""
    assert faults.all_inner_texts() == ["Guard open"]
    plant.show(
        code=LOADER,
        state="faulted",
        faults=[["Alarm[2]", "Guard open"], ["Alarm[3]", "Low air"]],
    )
    expect(faults).to_have_count(2)
    assert window.page.locator(".fault .first").all_inner_texts() == ["FIRST OUT", ""]
    plant.show(code=LOADER, state="running")
    expect(faults).to_have_count(0)
    assert window.page.locator("fault-list [data-none]").is_visible()
    assert machine(window, LOADER).get_attribute("data-state") == "running"


def test_figures_and_timers_move(visitor):
    window = visitor("operator", path="/lines/L-BAG1/")
    is_live(window)
    actual = window.page.locator(".tead [data-f=actual]")
    clock = window.page.locator("server-clock time")
    before, then = int(actual.inner_text()), clock.inner_text()
    began = time.monotonic()
    while int(actual.inner_text()) < before + 4:
        assert time.monotonic() - began < 10
        window.page.wait_for_timeout(100)
    assert clock.inner_text() > then or clock.inner_text().startswith("00:00")


def test_a_quiet_line_never_turns_stale_or_late(visitor):
    window = visitor("operator")
    is_live(window)
    window.page.evaluate(
        """() => {
          globalThis.seen = new Set();
          const chips = document.querySelectorAll("main age-chip, #connection");
          setInterval(() => chips.forEach(chip => seen.add(chip.dataset.level)), 50);
        }"""
    )
    window.page.wait_for_timeout(11_500)
    assert window.page.evaluate("[...seen]") == ["live"]


def test_a_lost_controller_is_no_data_at_once_and_stale_in_time(visitor, plant, shot):
    window = visitor("operator")
    is_live(window)
    plant.mute(code=BAGGER)
    wait_for(tile(window), "data-state", "no_data")
    assert tile(window).locator(".band .word").inner_text() == "NO DATA"
    assert (
        tile(window).locator(".band .reason").inner_text() == "its controller does not answer"
    )
    wait_for(tile(window), "data-fresh", "late", timeout_s=12)
    shot(window, "overview-late")
    wait_for(tile(window), "data-fresh", "stale", timeout_s=15)
    mark = tile(window).locator("stale-mark")
    assert re.fullmatch(r"STALE 00:1[5-9]", mark.inner_text())
    assert tile(window, "L-PACK2").get_attribute("data-fresh") == "live"
    assert "grayscale(1)" in tile(window).locator(".band").evaluate(
        "e => getComputedStyle(e).filter"
    )
    shot(window, "overview-stale-tile")
    plant.unmute(code=BAGGER)
    wait_for(tile(window), "data-state", "running")
    wait_for(tile(window), "data-fresh", "live", timeout_s=12)
    assert not mark.is_visible()


def test_a_killed_server_makes_the_board_stale_and_it_recovers(visitor, plant, server, shot):
    overview = visitor("operator")
    board = visitor("operator", path="/lines/L-BAG1/")
    for window in (overview, board):
        is_live(window)
    server.kill()
    try:
        for window in (overview, board):
            wait_for(window.page.locator("#connection"), "data-level", "lost")
            wait_for(window.page.locator("main"), "data-fresh", "stale", timeout_s=16)
            assert re.fullmatch(
                r"STALE 00:\d\d", window.page.locator("body > stale-mark").inner_text()
            )
        timer = board.page.locator(".board > .band .timer")
        stood = timer.inner_text()
        board.page.wait_for_timeout(2_200)
        assert timer.inner_text() == stood
        shot(board, "line-stale")
        shot(overview, "overview-stale")
        plant.show(code=BAGGER, state="stopped")
    finally:
        server.restart()
    for window in (overview, board):
        wait_for(window.page.locator("#connection"), "data-level", "live", timeout_s=40)
        wait_for(window.page.locator("main"), "data-fresh", "live")
        wait_for(machine(window, BAGGER), "data-state", "stopped")
        assert not window.page.locator("body > stale-mark").is_visible()


def test_a_page_that_was_cut_off_resumes_and_shows_what_happened(visitor, plant, server):
    window = visitor("operator", path="/lines/L-BAG1/")
    sockets = sockets_of(window)
    is_live(window)
    server.kill()
    try:
        wait_for(window.page.locator("#connection"), "data-level", "lost")
        text = window.page.locator("#connection [data-text]").inner_text()
        assert re.fullmatch(r"reconnecting, offline 00:0\d", text)
        plant.show(code=LOADER, state="faulted", faults=[["Alarm[2]", "Guard open"]])
        plant.show(code=BAGGER, state="starved")
    finally:
        server.restart()
    wait_for(window.page.locator("#connection"), "data-level", "live", timeout_s=40)
    wait_for(machine(window, LOADER), "data-state", "faulted")
    wait_for(machine(window, BAGGER), "data-state", "starved")
    assert window.page.locator(".fault .text").all_inner_texts() == ["Guard open"]
    first, *_, last = sockets
    assert [message["type"] for message in first.sent] == ["subscribe"]
    assert [message["type"] for message in last.sent] == ["resume"]
    assert list(last.sent[0]["positions"]) == ["L-BAG1"]
    (resumed,) = (message for message in last.received if message["type"] == "resumed")
    outcome = resumed["streams"]["L-BAG1"]
    assert (outcome["recovered"], outcome["reason"]) == (True, None)
    assert outcome["count"] >= 3
    assert {message["type"] for message in last.received} >= {"live", "equipment_fault"}
    assert "snapshot" not in {message["type"] for message in last.received}
    assert window.page.locator("#gap").inner_text() == ""


def test_twelve_seconds_of_silence_make_the_board_stale_though_the_socket_is_open(
    visitor, server
):
    window = visitor("operator")
    sockets = sockets_of(window)
    is_live(window)
    spoken = window.page.locator("#spoken")
    assert spoken.get_attribute("aria-live") == "polite"
    server_pid = server._process.pid
    os.kill(server_pid, signal.SIGSTOP)
    try:
        silent = wait_for(window.page.locator("main"), "data-fresh", "stale", timeout_s=18)
        assert silent > 6  # the last heartbeat may have come five seconds before
        assert window.page.locator("body > stale-mark").is_visible()
        expect(spoken).to_have_text("12 seconds without news. What is shown is old.")
        wait_for(window.page.locator("#connection"), "data-level", "lost")
    finally:
        os.kill(server_pid, signal.SIGCONT)
    wait_for(window.page.locator("#connection"), "data-level", "live", timeout_s=40)
    wait_for(window.page.locator("main"), "data-fresh", "live")
    expect(spoken).to_have_text("Connected again.")
    assert [message["type"] for message in sockets[-1].sent] == ["resume"]
    assert window.page.locator("#gap").inner_text() == ""


def test_a_gap_is_told_and_the_board_is_right_all_the_same(visitor, plant, server, shot):
    window = visitor("operator", path="/lines/L-BAG1/")
    sockets_of(window)
    is_live(window)
    server.kill()
    try:
        wait_for(window.page.locator("#connection"), "data-level", "lost")
        anew = "from ms5.events.models import Log; Log.objects.update(epoch='e-anew')"
        server.run(["manage.py", "shell", "-c", anew])
        plant.show(code=BAGGER, state="blocked")
    finally:
        server.restart()
    wait_for(window.page.locator("#connection"), "data-level", "live", timeout_s=40)
    wait_for(machine(window, BAGGER), "data-state", "blocked")
    notice = "Some history of Bagging line 1 was not received: the server began its log anew."
    expect(window.page.locator("#gap .notice")).to_have_text(notice)
    assert window.page.locator("#gap .notice").is_visible()
    assert window.page.locator("#gap").get_attribute("aria-live") == "polite"
    shot(window, "line-gap")


def test_a_signed_out_board_goes_to_the_login_and_back(visitor, plant):
    window = visitor("newcomer", path="/")
    assert window.page.locator(".empty h2").inner_text() == "No lines to show"
    is_live(window)
    plant.end_session_of(username="newcomer")
    window.page.wait_for_url("**/login/?next=%2F", timeout=20_000)


def test_a_line_that_is_not_open_to_me_does_not_exist(visitor):
    window = visitor("viewer")
    expect(window.page.locator("line-tile h2")).to_have_text(["Bagging line 1"])
    assert window.open("/lines/L-PACK2/").status == 404
    assert window.page.locator("h1").inner_text() == "Nothing here"
    window.errors.clear()  # the browser logs the 404 itself
