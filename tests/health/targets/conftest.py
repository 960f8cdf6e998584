"""What targets are asked with: a client that may reach this machine, and one that may not."""

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import pytest_asyncio

from resilience.health.targets.base import Tools
from resilience.outbound.client import Client
from tests.support.tls import Authority, make_authority


@pytest.fixture(scope="session")
def authority() -> Authority:
    """One that only these tests believe."""
    return make_authority()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Threads for what blocks; all have ended when the test has."""
    with ThreadPoolExecutor(4) as running:
        yield running


@pytest_asyncio.fixture
async def tools(threads: ThreadPoolExecutor) -> AsyncIterator[Tools]:
    """With loopback allowed."""
    async with Client(allowed_networks=["127.0.0.0/8", "::1/128"]) as client:
        yield Tools(client, threads)


@pytest_asyncio.fixture
async def shut(threads: ThreadPoolExecutor) -> AsyncIterator[Tools]:
    """As most portals are: only the public internet may be reached."""
    async with Client() as client:
        yield Tools(client, threads)
