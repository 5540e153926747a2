"""Which hosts and addresses may be called."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.notify.allowed import BadEntry, allowed_of, is_public

INWARD = [
    *("127.0.0.1", "10.1.2.3", "172.16.0.9", "192.168.1.1", "100.64.1.1", "0.0.0.0"),  # noqa: S104
    *("169.254.169.254", "224.0.0.1", "255.255.255.255", "192.0.0.170", "::1", "::"),
    *("fe80::1", "fd00:ec2::254", "ff02::1", "64:ff9b::a00:1", "2002:a00:1::", "2001:0:1::1"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254"),
]


@pytest.mark.parametrize("text", INWARD)
def test_what_lies_inward_is_not_public_and_no_name_opens_it(text):
    address = ipaddress.ip_address(text)
    assert not is_public(address)
    assert not allowed_of(["hooks.example.com"]).permits("hooks.example.com", address)


def test_a_name_opens_public_addresses_of_that_name_alone():
    allowed = allowed_of(["hooks.example.com", "*.plant.example"])
    public = ipaddress.ip_address("93.184.216.34")
    assert allowed.permits("hooks.example.com", public)
    assert allowed.permits("HOOKS.example.com.", public)
    assert allowed.permits("erp.plant.example", public)
    assert allowed.permits("a.b.plant.example", public)
    assert not allowed.permits("plant.example", public)
    assert not allowed.permits("evilplant.example", public)
    assert not allowed.permits("example.com", public)


def test_a_network_opens_what_lies_in_it_under_whatever_name():
    allowed = allowed_of(["10.20.0.0/16", "fd12::/48", "192.168.7.7"])
    assert allowed.permits("erp.local", ipaddress.ip_address("10.20.3.4"))
    assert allowed.permits("x", ipaddress.ip_address("::ffff:10.20.3.4"))
    assert allowed.permits("x", ipaddress.ip_address("fd12::5"))
    assert allowed.permits("x", ipaddress.ip_address("192.168.7.7"))
    assert not allowed.permits("erp.local", ipaddress.ip_address("10.21.0.1"))
    assert not allowed.permits("erp.local", ipaddress.ip_address("93.184.216.34"))


def test_without_an_entry_nothing_may_be_called():
    assert not allowed_of([]).permits("a.example", ipaddress.ip_address("93.184.216.34"))


@pytest.mark.parametrize(
    "entry", ["10.0.0.1/8", "10.0.0", "1.2.3.4/40", "*", "*.", "a b", "http://x", "x_y.example"]
)
def test_an_entry_that_is_neither_a_network_nor_a_name_is_said(entry):
    with pytest.raises(BadEntry):
        allowed_of([entry])


@given(st.ip_addresses())
def test_a_private_address_is_never_public(address):
    if address.is_private or address.is_loopback or address.is_link_local:
        assert not is_public(address)
