"""Probes of names, against a DNS server."""

from typing import Any

import pytest

from resilience.health.targets import registry
from resilience.health.targets.base import Question, Tools
from resilience.health.targets.dns import plain
from resilience.health.targets.run import run
from tests.support.dns import Names, running_dns
from tests.support.tcp import listener, never

pytestmark = pytest.mark.plain
ZONE = """shop.example. 60 IN A 192.0.2.10
shop.example. 60 IN A 192.0.2.11
shop.example. 60 IN MX 10 Mail.shop.example.
shop.example. 60 IN TXT "v=spf1" "-all"
"""


def asks(names: Names, name: str = "shop.example", timeout: float = 5.0, **options: Any) -> Question:
    """A question to the server."""
    return Question("dns", name, {"server": names.place, **options}, timeout=timeout)


async def test_a_name(tools: Tools) -> None:
    """A name that has records is good; what they are is kept."""
    with running_dns({"shop.example": ZONE}) as names:
        found = await run(asks(names), tools)
    assert found.ok, found
    assert found.metadata == {"type": "A", "answers": 2, "values": "192.0.2.10, 192.0.2.11", "ttl": 60}
    assert names.asked == [("shop.example", "A")]


@pytest.mark.parametrize(
    ("options", "ok"),
    [
        ({"expect": ["192.0.2.10"]}, True),
        ({"expect": ["192.0.2.10", "192.0.2.99"]}, False),
        ({"expect": ["192.0.2.10", "192.0.2.99"], "match": "any"}, True),
        ({"expect": ["192.0.2.10"], "match": "exact"}, False),
        ({"expect": ["192.0.2.11", "192.0.2.10"], "match": "exact"}, True),
        ({"type": "MX", "expect": ["10 mail.shop.example"]}, True),
        ({"type": "MX", "expect": ["10 mail.shop.example."]}, True),
        ({"type": "TXT", "expect": ["v=spf1-all"]}, True),
        ({"type": "AAAA"}, False),
    ],
)
async def test_what_is_expected(tools: Tools, options: dict[str, Any], ok: bool) -> None:
    """Values are compared as all, any or exact; a name without records of the type is a failure."""
    assert registry.faults("dns", "shop.example", options, {}) == []
    with running_dns({"shop.example": ZONE}) as names:
        found = await run(asks(names, **options), tools)
    assert found.ok == ok, found
    assert not found.transport


async def test_a_name_that_changes(tools: Tools) -> None:
    """A name that is looked up to something else all at once is seen at the next run."""
    turns = {"shop.example": ["shop.example. 0 IN A 192.0.2.10", "shop.example. 0 IN A 127.0.0.1"]}
    with running_dns(turns=turns) as names:
        question = asks(names, expect=["192.0.2.10"], match="exact")
        first, second = await run(question, tools), await run(question, tools)
    assert first.ok
    assert second.error == "It is 127.0.0.1, not 192.0.2.10."


async def test_failures(tools: Tools) -> None:
    """A name that there is not, and a server that fails, are answers."""
    with running_dns(failing=["ill.example"]) as names:
        missing = await run(asks(names, "gone.example"), tools)
        failing = await run(asks(names, "ill.example"), tools)
    assert (missing.error, missing.transport) == ("There is no such name.", False)
    assert "SERVFAIL" in failing.error
    assert not failing.transport


async def test_a_silent_server(tools: Tools) -> None:
    """A server that does not answer is given up in time, which may be our own fault."""
    async with listener(never) as port:  # the port of UDP beside it is taken by nobody, or silent
        found = await run(Question("dns", "x.example", {"server": f"127.0.0.1:{port}"}, timeout=0.4), tools)
    assert not found.ok
    assert found.seconds < 1.5


@pytest.mark.parametrize("server", ["127.0.0.1", "[::1]:53", "169.254.169.254", "10.0.0.2:53", "localhost"])
async def test_private_servers(shut: Tools, server: str) -> None:
    """A name server that a person names is judged by the guard like everything else."""
    found = await run(Question("dns", "x.example", {"server": server}), shut)
    assert not found.ok
    assert "not allowed" in found.error


@pytest.mark.parametrize(
    ("name", "options", "pointer"),
    [
        ("", {}, "/address"),
        ("a..b", {}, "/address"),
        ("a" * 64, {}, "/address"),
        ("x", {"type": "AXFR"}, "/options/type"),
        ("x", {"match": "some"}, "/options/match"),
        ("x", {"expect": "1"}, "/options/expect"),
        ("x", {"server": 5}, "/options/server"),
        ("x", {"server": "a:b"}, "/options/server"),
        ("x", {"tcp": True}, "/options/tcp"),
    ],
)
def test_faults(name: str, options: dict[str, Any], pointer: str) -> None:
    """What cannot be asked is refused, and the place is named."""
    assert [fault.pointer for fault in registry.faults("dns", name, options, {})] == [pointer]


def test_records_as_they_are_compared() -> None:
    """Letter case and the last dot make no difference, and the pieces of a text are one."""
    assert plain("Mail.Example.") == "mail.example"
    assert plain('"a" "B"') == "aB"
