"""Probes of this machine: its disks and its memory."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from resilience.health.targets import registry
from resilience.health.targets.base import Question, Tools
from resilience.health.targets.local import in_bounds
from resilience.health.targets.once import once
from resilience.health.targets.run import run

pytestmark = pytest.mark.plain
GIB = 1 << 30
MACHINE = "MemTotal:  8388608 kB\nMemFree: 1 kB\nMemAvailable:  2097152 kB\n"


@pytest.fixture
def room(tmp_path: Path, settings: Any) -> Path:
    """A folder that the operator allows."""
    (tmp_path / "room").mkdir()
    settings.HEALTH = {**settings.HEALTH, "paths": [str(tmp_path / "room")]}
    return tmp_path / "room"


def disk(path: Path | str, **options: Any) -> Question:
    """A question about a path."""
    return Question("disk", str(path), options)


async def test_a_disk(tools: Tools, room: Path) -> None:
    """The free share is held against two bounds: below the one it is slow, below the other it has failed. Of sizes nothing is told."""
    good = await run(disk(room, warn_percent=0, fail_percent=0), tools)
    slow = await run(disk(room, warn_percent=100, fail_percent=0), tools)
    full = await run(disk(room, fail_percent=100), tools)
    assert (good.ok, good.slow, slow.ok, slow.slow, full.ok) == (True, False, True, True, False)
    assert full.error.endswith("% of the disk is left, which is less than 100 %.")
    assert set(good.metadata) <= {"free_percent", "free_inodes_percent"}


async def test_only_allowed_paths(tools: Tools, room: Path, settings: Any) -> None:
    """Only what the operator allows is looked at: no neighbour, no way up, and no link out, not even one made later."""
    (room / "out").symlink_to("/etc")
    refused = ["/", "/etc", f"{room}/..", f"{room}-beside", str(room / "out"), "room", "\0"]
    for path in refused:
        assert [fault.pointer for fault in registry.faults("disk", path, {}, {})] == ["/address"], path
        assert "not one that the operator allows" in (await run(disk(path), tools)).error
    for path in (str(room), f"{room}/new", str(settings.BREAKWATER_HOME)):
        assert registry.faults("disk", path, {}, {}) == []


async def test_without_a_path_it_is_where_breakwater_keeps_its_data(tools: Tools, settings: Any) -> None:
    """Members see what is asked, and where the data lie is none of their business."""
    assert registry.faults("disk", "", {}, {}) == []
    found = await run(disk("", warn_percent=0, fail_percent=0), tools)
    assert (found.ok, str(settings.BREAKWATER_HOME) in str(found)) == (True, False)


async def test_a_path_that_is_gone(tools: Tools, room: Path) -> None:
    """A path that there is not is a failure with its reason."""
    assert (await run(disk(room / "gone"), tools)).error == "The path cannot be read: No such file or directory."


async def test_a_disk_that_hangs(tools: Tools, room: Path) -> None:
    """While a look at a path hangs, it is not looked at again, and holds one thread; afterwards it is."""
    release = threading.Event()
    hanging = asyncio.ensure_future(once(f"disk {room}", partial(release.wait, 20), tools.threads))
    await asyncio.sleep(0)
    assert (await run(disk(room), tools)).error.endswith("its disk hangs.")
    release.set()
    await hanging
    assert (await run(disk(room, fail_percent=0), tools)).ok


async def test_what_never_started(threads: ThreadPoolExecutor) -> None:
    """A call that is cancelled before a thread takes it leaves nothing behind."""
    release = threading.Event()
    busy = [threads.submit(release.wait, 20) for _ in range(4)]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(once("x", dict, threads), 0.05)
    release.set()
    assert all(one.result() for one in busy)
    assert await once("x", dict, threads) == {}


async def test_memory(tools: Tools) -> None:
    """The available share of this machine is between nothing and all of it."""
    found = await run(Question("memory", "", {"fail_percent": 0, "warn_percent": 0}), tools)
    short = await run(Question("memory", "", {"fail_percent": 100}), tools)
    assert found.ok
    assert not found.slow
    assert 0 < float(str(found.metadata["free_percent"])) <= 100
    assert set(found.metadata) == {"free_percent"}
    assert "% of the memory is left" in short.error


@pytest.mark.parametrize(
    ("limit", "used", "reclaimable", "size", "available"),
    [
        (None, 0, 0, 8, 2),
        (16 * GIB, GIB, 0, 8, 2),
        (4 * GIB, 3 * GIB, 0, 4, 1),
        (4 * GIB, 3 * GIB, 2 * GIB, 4, 2),
        (4 * GIB, 0, 0, 4, 2),
        (GIB, 2 * GIB, 0, 1, 0),
    ],
)
def test_a_container(limit: int | None, used: int, reclaimable: int, size: int, available: int) -> None:
    """A container's limit counts where it is tighter than the machine; what is a cache can be given back."""
    assert in_bounds(MACHINE, limit, used, reclaimable) == (size * GIB, available * GIB)


@pytest.mark.parametrize("options", [{"fail_percent": 101}, {"warn_percent": "x"}, {"path": "/"}])
def test_faults(options: dict[str, Any]) -> None:
    """What cannot be asked is refused, and the place is named."""
    (fault,) = registry.faults("memory", "", options, {})
    assert fault.pointer == f"/options/{next(iter(options))}"
