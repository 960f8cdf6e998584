"""The connection test."""

import pytest

from resilience.outbound.client import Client
from resilience.outbound.probe import Place, probe
from tests.support.ports import free_port
from tests.support.rascal import answer, rascal, silence


@pytest.mark.parametrize(
    ("status", "ok", "words"),
    [
        (200, True, "answers"),
        (404, True, "no page"),
        (401, False, "credentials"),
        (403, False, "credentials"),
        (429, True, "send less"),
        (500, False, "error of its own"),
        (400, False, "unexpected"),
    ],
)
async def test_what_an_answer_says(client: Client, status: int, ok: bool, words: str) -> None:
    """An answer is good or bad news, said in a sentence, with status and time."""
    async with rascal(answer(status)) as server:
        got = await probe(client, Place(server.address, {"X-Own": "1"}, {"type": "bearer", "token": "t"}))
    assert (got.ok, got.status) == (ok, status)
    assert words in got.sentence
    assert got.seconds > 0
    assert (server.heard[0].headers["authorization"], server.heard[0].headers["x-own"]) == ("Bearer t", "1")


async def test_no_answer(client: Client) -> None:
    """Nobody there, silence and a refused address are told apart."""
    nobody = await probe(client, Place(f"http://127.0.0.1:{free_port()}"))
    assert (nobody.ok, nobody.status) == (False, None)
    assert "did not accept" in nobody.sentence
    async with rascal(silence()) as server:
        assert "in time" in (await probe(client, Place(server.address, timeout=0.2))).sentence
    assert "private or reserved" in (await probe(client, Place("http://10.0.0.1"))).sentence
    assert "http://" in (await probe(client, Place("gopher://x"))).sentence
