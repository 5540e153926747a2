"""Whom a request is counted for: the entry our own proxy wrote, never one that the client could."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ms5.addresses import client_address

ADDRESSES = st.ip_addresses(v=4).map(str)


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "expected"),
    [
        ("192.0.2.1", [], 0, "192.0.2.1"),
        ("192.0.2.1", ["10.0.0.1"], 0, "192.0.2.1"),
        ("192.0.2.1", ["10.0.0.1"], 1, "10.0.0.1"),
        ("192.0.2.1", ["10.0.0.9, 10.0.0.1"], 1, "10.0.0.1"),
        ("192.0.2.1", ["10.0.0.9", "10.0.0.1"], 1, "10.0.0.1"),
        ("192.0.2.1", ["10.0.0.9, 10.0.0.1, 192.0.2.7"], 2, "10.0.0.1"),
        ("192.0.2.1", ["10.0.0.1"], 2, "192.0.2.1"),
        ("192.0.2.1", [], 1, "192.0.2.1"),
        ("192.0.2.1", ["unknown"], 1, "192.0.2.1"),
        ("192.0.2.1", ["10.0.0.1:4711"], 1, "10.0.0.1"),
        ("192.0.2.1", ['"[2001:db8:1:2:3::4]:4711"'], 1, "2001:db8:1:2::"),
        ("2001:db8:1:2:aaaa::1", [], 0, "2001:db8:1:2::"),
        ("2001:db8:1:2:bbbb::1", [], 0, "2001:db8:1:2::"),
        ("::ffff:192.0.2.1", [], 0, "192.0.2.1"),
        ("fe80::1%eth0", [], 0, "fe80::"),
        (None, [], 0, "unknown"),
        ("", ["x"], 1, "unknown"),
    ],
)
def test_the_address(peer, forwarded, proxies, expected):
    assert client_address(peer, forwarded, proxies) == expected


@given(st.lists(st.text(max_size=20), max_size=4), ADDRESSES, ADDRESSES)
def test_what_a_client_writes_before_the_entry_of_our_proxy_changes_nothing(lies, true, peer):
    lies = [lie for lie in lies if "," not in lie]
    assert client_address(peer, [", ".join([*lies, true])], 1) == true


@given(st.text(max_size=40), st.lists(st.text(max_size=60), max_size=3), st.integers(0, 3))
def test_whatever_is_written_the_answer_is_an_address_or_unknown(peer, forwarded, proxies):
    found = client_address(peer, forwarded, proxies)
    assert found == "unknown" or str(ipaddress.ip_address(found)) == found
