"""How the pages look and can be used: distances, themes, the keyboard, the login, and what they load."""

import re

import pytest

from tests.browser.words import BAGGER, LOADER, is_live

pytestmark = pytest.mark.timeout(180)


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
