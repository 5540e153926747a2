"""The pages in a real browser, with a real server: right before any script, live after, honest when cut off."""

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

BAGGER, LOADER = "BP01.PACK.BAG1", "BP01.PACK.BAG1.BL"
SHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(autouse=True)
def _all_run(plant):
    """Every test begins with a plant in which all machines run."""
    from tests.browser.plant import MACHINES

    for code, *_ in MACHINES:
        plant.unmute(code=code)
        plant.show(code=code, state="running")


@pytest.fixture
def shot():
    """Return a function that keeps a picture of a window, for people to look at."""
    SHOTS.mkdir(parents=True, exist_ok=True)

    def keep(window, name, **options):
        window.page.screenshot(path=SHOTS / f"{name}.png", **options)

    return keep


def machine(window, code):
    return window.page.locator(f'.machine[data-key="{code}"]')


def tile(window, line="L-BAG1"):
    return window.page.locator(f'line-tile[data-line="{line}"]')


def wait_for(locator, attribute, value, timeout_s=5.0):
    """Wait until the attribute has the value; return the seconds it took."""
    began = time.monotonic()
    while (seen := locator.get_attribute(attribute)) != value:
        assert time.monotonic() - began < timeout_s, f"{attribute} is {seen}, not {value}"
        locator.page.wait_for_timeout(20)
    return time.monotonic() - began


def is_live(window):
    wait_for(window.page.locator("#connection"), "data-level", "live")


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
              const first = board.lines[code].positions[code] + 1;
              for (let seq = first; seq < first + number; seq += 1) {
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


def test_a_signed_out_board_goes_to_the_login_and_back(visitor, plant):
    window = visitor("newcomer", path="/")
    assert window.page.locator(".empty h2").inner_text() == "No lines to show"
    is_live(window)
    plant.end_session_of(username="newcomer")
    window.page.wait_for_url("**/login/?next=%2F", timeout=20_000)


def test_a_line_that_is_not_open_to_me_does_not_exist(visitor):
    window = visitor("viewer")
    assert window.page.locator("line-tile h2").all_inner_texts() == ["Bagging line 1"]
    assert window.open("/lines/L-PACK2/").status == 404
    assert window.page.locator("h1").inner_text() == "Nothing here"
    window.errors.clear()  # the browser logs the 404 itself


def test_theme_and_distance_are_remembered(visitor, shot):
    window = visitor("operator")
    page = window.page
    page.click("theme-toggle button")
    page.check("distance-choice input[value='10']", force=True)
    page.reload()
    assert page.evaluate("({...document.documentElement.dataset})") == {
        "theme": "dark",
        "distance": "10",
    }
    assert page.locator("distance-choice input:checked").get_attribute("value") == "10"
    assert page.locator("theme-toggle button").get_attribute("aria-pressed") == "true"
    shot(window, "overview-dark-10m")


@pytest.mark.parametrize(("distance", "px"), [("3", 38), ("5", 64), ("10", 127)])
@pytest.mark.parametrize("path", ["/", "/lines/L-BAG1/"])
def test_the_word_and_the_figures_can_be_read_from_the_distance(visitor, distance, px, path):
    window = visitor("operator")
    window.page.evaluate("value => localStorage.setItem('ms5.distance', value)", distance)
    window.open(path)
    sizes = window.page.evaluate(
        """() => [...document.querySelectorAll(
             ".band .word, .figures .chief dd, .tead dd:not(.note)")]
           .filter(e => e.checkVisibility()).map(e => parseFloat(getComputedStyle(e).fontSize))"""
    )
    assert len(sizes) >= 4
    assert min(sizes) >= px - 0.5
    assert window.page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )


def test_the_wall_needs_no_scrolling(visitor):
    window = visitor("operator")
    for path in ("/", "/lines/L-BAG1/"):
        for distance in ("3", "5", "10"):
            window.page.evaluate(
                "value => localStorage.setItem('ms5.distance', value)", distance
            )
            window.open(path)
            assert window.page.evaluate(
                "document.documentElement.scrollHeight <= innerHeight"
            ), f"{path} from {distance} m"


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_six_digits_and_long_words_fit(visitor, width):
    window = visitor("operator", viewport={"width": width, "height": 1080})
    for path in ("/", "/lines/L-BAG1/"):
        for distance in ("3", "5", "10") if width == 1920 else ("3",):
            window.page.evaluate(
                "value => localStorage.setItem('ms5.distance', value)", distance
            )
            window.open(path)
            is_live(window)
            too_wide = window.page.evaluate(
                """() => {
                  const long = {word: "NO DATA", timer: "12 h 04", percent: "100",
                                actual: "144\u202f000", target: "144\u202f000", downtime: "12 h 04"};
                  for (const [name, text] of Object.entries(long))
                    for (const place of document.querySelectorAll(
                        `.band [data-f=${name}], dd [data-f=${name}]`)) place.textContent = text;
                  return [...document.querySelectorAll(".band, .figures, .figures dd, .tead dd, .pane")]
                    .filter(box => box.scrollWidth > box.clientWidth + 1)
                    .map(box => box.className + box.textContent.trim());
                }"""
            )
            assert too_wide == [], f"{path} from {distance} m at {width} px"


def test_the_keyboard_reaches_everything(visitor):
    window = visitor("supervisor")
    is_live(window)
    page = window.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent.trim()"))
    assert {"Plant", "Dark", "Admin", "Sign out", "Bagging line 1", "Packing line 2"} <= set(
        reached
    )
    page.keyboard.press("Enter")


def test_no_request_leaves_the_server(visitor, server):
    window = visitor()
    asked = []
    window.page.on("request", lambda request: asked.append(request.url))
    window.sign_in("operator", path="/lines/L-BAG1/")
    is_live(window)
    assert len(asked) > 10
    assert [url for url in asked if not url.startswith(server.url)] == []


def test_every_file_of_a_page_has_the_hash_of_its_content_in_its_name(visitor):
    window = visitor()
    asked = []
    window.page.on("request", lambda request: asked.append(request.url))
    window.sign_in("operator", path="/lines/L-BAG1/")
    is_live(window)
    static = [url for url in asked if "/static/" in url]
    assert len(static) > 15
    assert [url for url in static if not re.search(r"\.[0-9a-f]{12}\.(js|css|svg)$", url)] == []


def test_the_login_says_what_was_wrong_and_goes_on_to_the_page(visitor, shot):
    window = visitor()
    window.sign_in("operator", password="wrong", path="/lines/L-BAG1/")
    assert "correct username and password" in window.page.locator(".wrong").inner_text()
    shot(window, "login-wrong")
    window.page.fill("[name=username]", "operator")
    window.page.fill("[name=password]", "a password of the tests")
    window.page.click("main button[type=submit]")
    window.page.wait_for_url("**/lines/L-BAG1/")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures_for_people(visitor, plant, shot, theme):
    plant.show(
        code=BAGGER,
        state="faulted",
        faults=[["Fault[31]", "Bag jam"], ["Fault[7]", "Film sensor dirty"]],
    )
    plant.show(code=LOADER, state="starved")
    window = visitor("supervisor")
    page = window.page
    for distance in ("3", "5", "10"):
        for name, path in (
            ("overview", "/"),
            ("line", "/lines/L-BAG1/"),
            ("pack", "/lines/L-PACK2/"),
        ):
            page.evaluate(
                "([theme, distance]) => { localStorage.setItem('ms5.theme', theme);"
                " localStorage.setItem('ms5.distance', distance); }",
                [theme, distance],
            )
            window.open(path)
            is_live(window)
            shot(window, f"{name}-{theme}-{distance}m")
    page.set_viewport_size({"width": 390, "height": 844})
    page.evaluate("localStorage.setItem('ms5.distance', '3')")
    for name, path in (("overview", "/"), ("line", "/lines/L-BAG1/")):
        window.open(path)
        is_live(window)
        shot(window, f"{name}-{theme}-phone", full_page=True)
