"""A client that may reach this machine."""

from collections.abc import AsyncIterator

import pytest_asyncio

from resilience.outbound.client import Client


@pytest_asyncio.fixture
async def client() -> AsyncIterator[Client]:
    """The client, with loopback allowed."""
    async with Client(allowed_networks=["127.0.0.0/8", "::1/128"]) as running:
        yield running
