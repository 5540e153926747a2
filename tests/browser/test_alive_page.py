"""The page "Is it alive?" in a real browser: it refreshes itself, tells its age, and says when it cannot."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SHOTS

# The first test with a browser waits for a database, a server and a plant, too.
pytestmark = pytest.mark.timeout(300)


def test_it_refreshes_itself_and_says_when_nobody_answers(visitor, server):
    visitor("supervisor")  # a board, whose socket has the process tell its figures
    window = visitor("supervisor", viewport={"width": 1500, "height": 1000})
    window.open("/admin/alive/")
    page = window.page
    word = page.locator(".alive-word")
    expect(word).to_have_text("degraded")
    age = page.locator(".alive-age")
    expect(age).to_have_text("Looked at 3 s ago", timeout=10_000)
    with page.expect_response("**/admin/alive/now/", timeout=10_000) as answer:
        pass
    assert answer.value.ok
    expect(age).to_have_text("Looked at 0 s ago")
    titles = page.locator(".alive-part h2").all_inner_texts()
    assert [title.partition(" (")[0] for title in titles] == [
        "As this web process sees it",
        "Processors",
        "Web processes",
        "Controllers",
    ]
    rows = page.locator('[data-table="controllers"] tbody tr')
    expect(rows).not_to_have_count(0)
    # One that was killed before is listed for a while.
    web = page.locator('[data-table="web"] tbody tr').filter(has_text="(this one)")
    expect(web).to_have_count(1, timeout=15_000)
    page.locator("#alive").evaluate("page => { page.dataset.kept = 'yes' }")
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / "alive.png")
    dark = visitor("supervisor", color_scheme="dark", viewport={"width": 1500, "height": 1000})
    dark.open("/admin/alive/")
    expect(dark.page.locator(".alive-word")).to_have_text("degraded")
    dark.page.screenshot(path=SHOTS / "alive-dark.png")
    dark.open("/admin/")
    dark.page.screenshot(path=SHOTS / "admin-dark.png")
    dark.page.locator(".alive-link").get_by_role("link", name="Is it alive?").click()
    expect(dark.page.locator(".alive-word")).to_have_text("degraded")
    dark.context.close()
    page.set_viewport_size({"width": 390, "height": 800})
    page.screenshot(path=SHOTS / "alive-narrow.png")
    server.kill()
    try:
        notice = page.locator(".alive-notice[role=status]")
        expect(notice).to_have_text(
            re.compile(r"^No web process answers \(.+\)\.$"), timeout=15_000
        )
        expect(word).to_have_text("unknown")
        expect(page.locator(".alive-sentence")).to_have_text(
            re.compile(r"^Last told \d+ s ago: DEGRADED\.$")
        )
        expect(page.locator('[data-table="parts"]')).to_have_css("opacity", "0.55")
        expect(age).to_have_attribute("data-old", "", timeout=25_000)
        page.set_viewport_size({"width": 1500, "height": 1000})
        page.screenshot(path=SHOTS / "alive-unknown.png")
    finally:
        server.restart()
    expect(notice).to_have_text("", timeout=15_000)
    expect(word).to_have_text("degraded")
    expect(page.locator('[data-table="parts"]')).to_have_css("opacity", "1")
    # It was one page all the while: nothing loaded it anew.
    assert page.locator("#alive").get_attribute("data-kept") == "yes"
    window.context.clear_cookies()
    expect(notice).to_have_text("You are signed out: sign in.", timeout=15_000)
    expect(word).to_have_text("unknown")
    notice.get_by_role("link", name="sign in").click()
    expect(page).to_have_url(re.compile(r"/admin/login/\?next=/admin/alive/$"))
