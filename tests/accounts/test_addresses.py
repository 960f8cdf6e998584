"""Where a request comes from, also behind proxies."""

from ipaddress import ip_network
from typing import Any

import pytest
from django.test import RequestFactory

from portal.accounts.addresses import client_address


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.9", "192.0.2.1"),
        ("10.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "203.0.113.5, 198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "198.51.100.9, 10.0.0.2", "198.51.100.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("::ffff:10.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "", "192.0.2.1"),
        ("10.0.0.1", "x" * 100, "x" * 45),
        ("", "198.51.100.9", ""),
    ],
)
def test_only_trusted_proxies_are_believed(settings: Any, peer: str, forwarded: str, expected: str) -> None:
    """A caller cannot choose its own address by a header."""
    settings.BREAKWATER_TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    request = RequestFactory().get("/", REMOTE_ADDR=peer, headers=headers)
    assert client_address(request) == expected
