"""Probes of certificates."""

from typing import Any

import pytest

from resilience.health.targets import registry
from resilience.health.targets.base import Question, Tools
from resilience.health.targets.run import run
from tests.support.tcp import listener, never, saying
from tests.support.tls import Authority, make_authority, tls_server

pytestmark = pytest.mark.plain


@pytest.mark.parametrize(
    ("days", "ok", "slow"), [(90, True, False), (21, True, False), (20, True, True), (7, True, True), (6, False, True)]
)
async def test_days_left(tools: Tools, authority: Authority, days: float, ok: bool, slow: bool) -> None:
    """Many days are good, few are slow, fewer a failure; the certificate's end, issuer and subject are kept."""
    async with tls_server(authority.server_context(days=days)) as port:
        found = await run(Question("tls", f"localhost:{port}", {"ca": authority.pem}), tools)
    assert (found.ok, found.slow) == (ok, slow), found
    assert found.metadata["tls_days"] == days
    assert found.metadata["tls_issuer"] == "Breakwater Tests"
    assert found.metadata["tls_subject"] == "localhost"
    assert found.metadata["tls_version"] == "TLSv1.3"


async def test_bounds_of_ones_own(tools: Tools, authority: Authority) -> None:
    """The bounds can be set."""
    async with tls_server(authority.server_context(days=40)) as port:
        options = {"ca": authority.pem, "fail_days": 60, "warn_days": 70}
        found = await run(Question("tls", f"127.0.0.1:{port}", options), tools)
    assert found.error == "Its certificate ends in 40 days, which is less than 60."


async def test_what_does_not_hold(tools: Tools, authority: Authority) -> None:
    """A certificate that ran out, one for another name, one of another authority and one of nobody are failures that say so."""
    ca = {"ca": authority.pem}
    async with tls_server(authority.server_context(days=-1)) as port:
        expired = await run(Question("tls", f"localhost:{port}", ca), tools)
    async with tls_server(authority.server_context(name="shop.example")) as port:
        other = await run(Question("tls", f"localhost:{port}", ca), tools)
        named = await run(Question("tls", f"localhost:{port}", {**ca, "server_name": "shop.example"}), tools)
        foreign = await run(Question("tls", f"localhost:{port}", {"ca": make_authority().pem}), tools)
        unknown = await run(Question("tls", f"localhost:{port}"), tools)
    assert "certificate has expired" in expired.error
    assert "mismatch" in other.error
    assert named.ok
    assert not foreign.ok
    assert "unable to get local issuer certificate" in unknown.error
    assert not any(found.transport for found in (expired, other, foreign, unknown))


async def test_no_tls(tools: Tools) -> None:
    """What speaks no TLS, and what says nothing, are failures."""
    async with listener(saying(b"220 mail\r\n" * 100)) as port:
        plain = await run(Question("tls", f"127.0.0.1:{port}"), tools)
    async with listener(never) as port:
        silent = await run(Question("tls", f"127.0.0.1:{port}", timeout=0.3), tools)
    assert "No secure connection" in plain.error
    assert not plain.transport
    assert silent.seconds < 1
    assert silent.transport


@pytest.mark.parametrize(
    ("address", "options", "pointer"),
    [
        ("", {}, "/address"),
        ("https://x", {}, "/address"),
        ("x", {"fail_days": "7"}, "/options/fail_days"),
        ("x", {"ca": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"}, "/options/ca"),
        ("x", {"server_name": ""}, "/options/server_name"),
        ("x", {"verify": False}, "/options/verify"),
    ],
)
def test_faults(address: str, options: dict[str, Any], pointer: str) -> None:
    """What cannot be asked is refused, and the place is named; verifying cannot be turned off."""
    assert [fault.pointer for fault in registry.faults("tls", address, options, {})] == [pointer]
