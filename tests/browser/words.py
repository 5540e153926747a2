"""What the tests look for on a page."""

import time

BAGGER, LOADER = "BP01.PACK.BAG1", "BP01.PACK.BAG1.BL"


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
