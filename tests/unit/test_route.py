"""CIP routes: what is understood can be sent, and what cannot be sent is a sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycomm3.cip import PADDED_EPATH
from pycomm3.cip_driver import parse_cip_route

from telemetry.address import AddressError
from telemetry.route import PORTS, parse_route

PAIRS = st.tuples(
    st.sampled_from(PORTS) | st.integers(1, 14).map(str),
    st.integers(0, 255).map(str) | st.ip_addresses(v=4).map(str),
)
ROUTES = st.lists(PAIRS, min_size=1, max_size=3)


@pytest.mark.parametrize(
    ("text", "route"),
    [
        ("", ()),
        ("2", (("bp", "2"),)),
        ("1/0", (("1", "0"),)),
        ("bp/1/enet/10.1.2.3", (("bp", "1"), ("enet", "10.1.2.3"))),
        ("1,4,2,192.168.1.9", (("1", "4"), ("2", "192.168.1.9"))),
        (r"1\4", (("1", "4"),)),
    ],
)
def test_a_route_is_understood(text, route):
    assert parse_route(text) == route


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("slot two", "'slot two' in 'slot two' is no slot, node or IP address"),
        ("256", "'256' in '256' is no slot"),
        ("-1", "'-1' in '-1' is no slot"),
        ("٣", "is no slot"),
        ("²", "is no slot"),
        ("1/2/3", "'1/2/3' is no CIP path: write a slot such as 2"),
        ("/1/0", "is no CIP path"),
        ("1/", "'' in '1/' is no slot"),
        ("front/0", "'front' in 'front/0' is no port"),
        ("0/1", "'0' in '0/1' is no port"),
        ("15/1", "'15' in '15/1' is no port"),
        ("BP/0", "'BP' in 'BP/0' is no port"),
        ("enet/10.1.2.300", "'10.1.2.300' in 'enet/10.1.2.300' is no slot"),
        ("1 / 0", "'1 ' in '1 / 0' is no port"),
    ],
)
def test_nonsense_is_a_sentence(text, why):
    with pytest.raises(AddressError) as wrong:
        parse_route(text)
    assert why in str(wrong.value)
    assert str(wrong.value).endswith(".")


@given(ROUTES)
def test_what_is_understood_can_be_printed_and_sent(route):
    text = "/".join(part for pair in route for part in pair)
    assert parse_route(text) == tuple(route)
    assert PADDED_EPATH.encode(parse_cip_route(text, auto_slot=True), length=True)


@given(st.text(max_size=12) | st.text("0123456789/,.bpent", max_size=12))
def test_any_text_is_a_route_or_a_sentence(text):
    try:
        route = parse_route(text)
    except AddressError:
        return
    if route:
        assert PADDED_EPATH.encode(parse_cip_route(text.replace(",", "/"), auto_slot=True))
