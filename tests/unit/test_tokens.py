"""The colours of the boards, read from the token file: contrast, grey, and the eyes of the colour-blind."""

import itertools
import re
from pathlib import Path

import pytest

TOKENS = Path(__file__).parents[2] / "static" / "css" / "tokens.css"

TEXT = [
    ("ink", "field"),
    ("ink", "panel"),
    ("quiet", "field"),
    ("quiet", "panel"),
    ("field", "ink"),
    ("running-ink", "running"),
    ("faulted-ink", "faulted"),
    ("stopped-ink", "stopped"),
    ("waiting-ink", "waiting"),
    ("setup-ink", "setup"),
    ("hatch-ink", "field"),
]
GRAPHICS = [
    ("edge", "field"),
    ("edge", "panel"),
    ("focus", "field"),
    ("focus", "panel"),
    ("running-edge", "panel"),
    ("faulted-edge", "panel"),
    ("stopped-edge", "panel"),
    ("waiting-edge", "panel"),
    ("setup-edge", "panel"),
    ("hatch-edge", "panel"),
    ("quiet", "hair"),
]
STATES = ["running", "faulted", "stopped", "waiting", "setup"]

# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
SEEN = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def _themes():
    css = TOKENS.read_text()
    colour = re.compile(r"--([a-z-]+):\s*(#[0-9a-f]{6});")
    light, dark = css.index(":root {"), css.index(':root[data-theme="dark"]')
    return {
        "light": dict(colour.findall(css[light:dark])),
        "dark": dict(colour.findall(css[dark:])),
    }


THEMES = _themes()
themes = pytest.mark.parametrize("theme", THEMES)


def _linear(hexed):
    channels = [int(hexed[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def _luminance(hexed):
    return sum(
        weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), _linear(hexed), strict=True)
    )


def _contrast(one, other):
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _lab(linear):
    red, green, blue = (min(1.0, max(0.0, c)) for c in linear)
    white = (0.95047, 1.0, 1.08883)
    xyz = (
        0.4124564 * red + 0.3575761 * green + 0.1804375 * blue,
        0.2126729 * red + 0.7151522 * green + 0.0721750 * blue,
        0.0193339 * red + 0.1191920 * green + 0.9503041 * blue,
    )
    x, y, z = (
        t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116
        for t in (value / one for value, one in zip(xyz, white, strict=True))
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _seen(hexed, eyes):
    linear = _linear(hexed)
    return _lab([sum(m * c for m, c in zip(row, linear, strict=True)) for row in SEEN[eyes]])


@themes
def test_both_themes_name_the_same_colours(theme):
    assert THEMES[theme].keys() == THEMES["light"].keys()
    assert len(THEMES[theme]) == 25


@themes
@pytest.mark.parametrize(("text", "ground"), TEXT)
def test_text_has_a_contrast_of_four_and_a_half(theme, text, ground):
    assert _contrast(THEMES[theme][text], THEMES[theme][ground]) >= 4.5


@themes
@pytest.mark.parametrize(("shape", "ground"), GRAPHICS)
def test_shapes_and_edges_have_a_contrast_of_three(theme, shape, ground):
    assert _contrast(THEMES[theme][shape], THEMES[theme][ground]) >= 3


@themes
@pytest.mark.parametrize("eyes", SEEN)
def test_states_are_told_apart_by_every_eye(theme, eyes):
    for one, other in itertools.combinations(STATES, 2):
        first, second = (_seen(THEMES[theme][state], eyes) for state in (one, other))
        distance = sum((a - b) ** 2 for a, b in zip(first, second, strict=True)) ** 0.5
        assert distance >= 25, f"{one} and {other} for {eyes}"


@themes
def test_running_and_stopped_differ_in_grey(theme):
    assert _contrast(THEMES[theme]["running"], THEMES[theme]["stopped"]) >= 4.5


def test_a_board_in_light_is_that_of_the_look():
    light = THEMES["light"]
    assert [light[name] for name in ("field", "faulted", "stopped", "waiting", "setup")] == [
        "#e6e6e6",
        "#b3261e",
        "#4b5563",
        "#e69f00",
        "#0072b2",
    ]
