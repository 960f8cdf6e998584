"""The demo is real: its changes reach a real Kinto, wait out an outage, and still fit after a restart."""

import asyncio
import json
import socket
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from portal.demo import devices, load
from portal.demo.cast import ORGANIZATIONS, PLAN_SCHEMA, SENDERS
from portal.demo.upstream import Door
from portal.tenancy.models import Token
from portal.tenancy.viewers import viewer_of_token
from resilience.upstreams.models import Upstream
from syncqueue.actions.enqueue import enqueue
from syncqueue.core.change import NewChange
from syncqueue.kinds import get
from syncqueue.models import Item
from tests.duties.running import own_home, until
from tests.operations.test_up import status
from tests.support import processes
from tests.support.ports import free_port


@pytest.mark.django_db
def test_loading_twice_changes_nothing_and_every_change_is_taken() -> None:
    """A second start finds what the first one made, and the queue refuses nothing that a device makes up."""
    load.load()
    before = [Upstream.objects.unscoped().count(), Token.objects.unscoped().count()]
    load.load()
    assert [Upstream.objects.unscoped().count(), Token.objects.unscoped().count()] == before == [2, len(SENDERS)]
    crew = devices.crew(Random(7))
    devices.first_day(crew, Random(7))
    for device in crew:
        token = Token.objects.unscoped().select_related("user").get(name=f"Demo: {device.sender.client_id}")
        for change in device.outbox:
            said = {name: value for name, value in change.items() if name != "occurred_at"}
            enqueue(viewer=viewer_of_token(token), changes=[NewChange(**said)])
    assert Item.objects.unscoped().count() == sum(len(device.outbox) for device in crew)


def test_every_plan_fits_its_kind() -> None:
    """The documents that the demo's upstream starts with are what plans are."""
    for organization in ORGANIZATIONS:
        for plan in organization.plans.values():
            assert list(get("plan_edit").faults(plan, operation="create", form="document")) == []
            assert len(plan["title"]) <= PLAN_SCHEMA["properties"]["title"]["maxLength"]


@pytest.mark.crash
def test_an_outage_is_waited_out_and_a_restart_keeps_everything(tmp_path: Path) -> None:
    """While the upstream is away its port refuses and nothing fails; afterwards, and after a restart, changes arrive."""
    with own_home(tmp_path) as home:
        for _start in range(2):
            port = free_port()
            before = delivered(home.states())
            process = home.start("up", "--demo", f"--port={port}", name="up")
            everyone: list[int] = []
            try:
                until(lambda at=port: status(at) == 200, 90, lambda: home.log("up"))  # type: ignore[misc]
                until(lambda least=before: delivered(home.states()) >= least + 5, 90, lambda: home.log("up"))  # type: ignore[misc]
                everyone = processes.tree(process.pid)
                upstream = json.loads((tmp_path / "demo" / "state.json").read_text())["port"]
                assert listens(upstream)
                outage = home.start("demo-outage", "--seconds=6", name="outage")
                until(lambda at=upstream: not listens(at), 30)  # type: ignore[misc]
                until(lambda at=upstream: listens(at), 30)  # type: ignore[misc]
                outage.wait(90)
                assert "waiting" in home.log("outage")
                assert home.states().get(20, 0) == 1, "only the change that is meant to be refused has failed"
            finally:
                processes.stop(process)
                assert processes.wait_until_gone(everyone)


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
        return True
    except OSError:
        return False


def delivered(states: dict[int, int]) -> int:
    """How many changes have arrived."""
    return states.get(60, 0)


async def test_a_closed_door_keeps_its_port() -> None:
    """Who asks is refused, and no other program can answer in the upstream's place meanwhile; then it opens again."""
    port = free_port()
    door = Door(port, backend=9)
    for _ in range(2):
        await door.open()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await door.close()
        with suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        with pytest.raises(OSError, match="in use"):
            await asyncio.start_server(door.serve, "127.0.0.1", port)
