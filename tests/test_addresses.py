"""The address a request came from: what our own proxies say, never what the client says."""

import pytest
from django.test import RequestFactory, override_settings
from hypothesis import given
from hypothesis import strategies as st

from helpline.addresses import client_address
from intake.rules.allowances import place_of

CALLER, PROXY = "203.0.113.7", "10.0.0.2"


def asked(forwarded=None, *, proxies=1, connected=PROXY):
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    request = RequestFactory().get("/", headers=headers, REMOTE_ADDR=connected)
    with override_settings(TRUSTED_PROXIES=proxies):
        return client_address(request)


@pytest.mark.parametrize(
    ("forwarded", "proxies"),
    [
        pytest.param(CALLER, 1, id="one proxy"),
        pytest.param(f"198.51.100.1, {CALLER}", 1, id="a forged entry before it"),
        pytest.param(f"{', '.join(['198.51.100.1'] * 500)}, {CALLER}", 1, id="hundreds of them"),
        pytest.param(f"<script>,, ,é, {CALLER}", 1, id="garbage before it"),
        pytest.param(f"198.51.100.1,{CALLER},10.0.0.9", 2, id="two proxies"),
        pytest.param(f"{CALLER}:52011", 1, id="with its port"),
        pytest.param(f"::ffff:{CALLER}", 1, id="as an IPv6 address"),
    ],
)
def test_the_entry_of_our_outermost_proxy_counts_and_nothing_to_its_left(forwarded, proxies):
    assert asked(forwarded, proxies=proxies) == CALLER


@pytest.mark.parametrize(
    "forwarded",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param("198.51.100.1,", id="nothing at the right end"),
        pytest.param("198.51.100.1, unknown", id="no address at the right end"),
        pytest.param("198.51.100.1, 999.0.0.1", id="no such address"),
        pytest.param("198.51.100.1 203.0.113.9", id="two in one entry"),
    ],
)
def test_where_the_proxys_entry_is_no_address_the_connection_counts(forwarded):
    assert asked(forwarded) == PROXY


def test_a_request_that_came_past_the_proxies_cannot_name_itself():
    assert asked(CALLER, proxies=2) == PROXY


def test_without_a_proxy_of_ours_the_header_is_not_believed():
    assert asked("198.51.100.1", proxies=0, connected=CALLER) == CALLER


@pytest.mark.parametrize("connected", ["", "unix:", "localhost"])
def test_an_address_nobody_knows_is_empty(connected):
    assert asked(proxies=0, connected=connected) == ""


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("2001:db8:0:0::7", "2001:db8::7"),
        ("[2001:DB8::7]:443", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_an_ipv6_address_has_one_form(forwarded, address):
    assert asked(forwarded) == address


@given(st.text(max_size=200))
def test_whatever_stands_to_the_left_changes_nothing(forged):
    assert asked(f"{forged}, {CALLER}") == CALLER


@given(st.text(max_size=60).filter(lambda text: "," not in text))
def test_no_entry_breaks_anything(entry):
    assert asked(entry) in {PROXY, client_form(entry)}


def client_form(entry):
    return asked(entry, proxies=0, connected=entry.strip())


# --- Who shares an allowance ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "another", "together"),
    [
        ("203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("1.92.0.217", "192.0.2.17", False),
        ("2001:db8:1:2::7", "2001:db8:1:2:ffff::1", True),
        ("2001:db8:1:2::7", "2001:db8:1:3::7", False),
        ("2001:db8:1:23::", "2001:db8:12:3::", False),
    ],
)
def test_an_ipv6_network_is_one_place_and_each_ipv4_address_its_own(one, another, together):
    assert (place_of(one) == place_of(another)) is together


def test_what_is_no_address_is_no_place():
    assert place_of("") == place_of("garbage") == ""
