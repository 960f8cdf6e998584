"""This machine: the room on its disks and its memory.

disk      address: a path below BREAKWATER_HOME or one of BREAKWATER_PROBE_PATHS, empty for BREAKWATER_HOME itself;
          options fail_percent (5), warn_percent (15) free
memory    address: empty; options fail_percent (5), warn_percent (10) available, of the machine or of the container's limit,
          whichever is tighter

Both tell shares and no sizes: all organizations share the machine, and its sizes are for whoever operates it (/metrics, behind its key).
"""

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from portal.kit.errors import Fault
from resilience.health.targets import reach
from resilience.health.targets.base import Finding, Question, Tools, Value
from resilience.health.targets.once import StillRunning, once

KNOWN = frozenset(("fail_percent", "warn_percent"))


class Disk:
    """How much of a disk is free."""

    def faults(self, address: str, options: Mapping[str, Any], secret: Mapping[str, Any]) -> Sequence[Fault]:
        """What is wrong with these."""
        wrong = _percent_faults(options, secret)
        if address and not allowed(address):
            wrong.append(Fault("/address", _("This is a path that the operator allows (BREAKWATER_PROBE_PATHS).")))
        return wrong

    def host(self, question: Question) -> str:
        """This machine."""
        return ""

    async def ask(self, question: Question, tools: Tools) -> Finding:
        """Looks once, in a thread: a network's disk may hang."""
        started = time.perf_counter()
        path = question.address or str(settings.BREAKWATER_HOME)
        if not allowed(path):
            return Finding(False, 0.0, "The path is not one that the operator allows (BREAKWATER_PROBE_PATHS).")
        try:
            told = await once(f"disk {path}", partial(os.statvfs, path), tools.threads)
        except StillRunning:
            return Finding(False, 0.0, "The last look at this path has not ended yet: its disk hangs.")
        except OSError as error:
            return Finding(False, time.perf_counter() - started, f"The path cannot be read: {error.strerror}.")
        size, free = told.f_blocks * told.f_frsize, told.f_bavail * told.f_frsize
        usable = size - (told.f_bfree - told.f_bavail) * told.f_frsize
        nodes = told.f_favail / told.f_files * 100 if told.f_files else 100.0
        metadata: dict[str, Value] = {"free_inodes_percent": round(nodes, 1)} if told.f_files else {}
        percent = min(free / usable * 100 if usable > 0 else 0.0, nodes)
        found = _room("disk", percent, question.options, warn=15)
        return replace(found, seconds=time.perf_counter() - started, metadata={**found.metadata, **metadata})


class Memory:
    """How much memory is available."""

    def faults(self, address: str, options: Mapping[str, Any], secret: Mapping[str, Any]) -> Sequence[Fault]:
        """What is wrong with these."""
        wrong = _percent_faults(options, secret)
        return [*wrong, Fault("/address", _("Memory has no address."))] if address else wrong

    def host(self, question: Question) -> str:
        """This machine."""
        return ""

    async def ask(self, question: Question, tools: Tools) -> Finding:
        """Looks once."""
        started = time.perf_counter()
        size, available = in_bounds(_read("/proc/meminfo"), *_limits())
        if size <= 0:
            return Finding(False, 0.0, "This machine does not say how much memory it has.")
        found = _room("memory", available / size * 100, question.options, warn=10)
        return replace(found, seconds=time.perf_counter() - started)


def allowed(address: str) -> bool:
    """Whether a path, links followed, is BREAKWATER_HOME, one of the operator's paths, or below one of them."""
    if not address.startswith("/") or "\0" in address:
        return False
    try:
        path = Path(address).resolve()
        roots = [Path(root).resolve() for root in (settings.BREAKWATER_HOME, *settings.HEALTH["paths"])]
    except (OSError, RuntimeError):
        return False
    return any(path.is_relative_to(root) for root in roots)


def in_bounds(meminfo: str, limit: int | None, used: int, reclaimable: int) -> tuple[int, int]:
    """Bytes in all and available: the machine's, or the container's where its limit leaves less."""
    fields = {line.split(":")[0]: line.split() for line in meminfo.splitlines() if ":" in line}
    size, available = (int(fields[key][1]) * 1_024 if key in fields else 0 for key in ("MemTotal", "MemAvailable"))
    if limit is None or (size and limit >= size):
        return size, available
    within = max(0, limit - max(0, used - reclaimable))
    return limit, min(within, available) if size else within


def _limits() -> tuple[int | None, int, int]:
    """The limit of this container, what is used of it, and what of that is only a cache (cgroup v2, then v1)."""
    for folder, most, now, cache in (
        ("/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        limit = _read(f"{folder}/{most}").strip()
        if limit.isdecimal():
            used = _read(f"{folder}/{now}").strip()
            stat = dict(line.split() for line in _read(f"{folder}/memory.stat").splitlines() if len(line.split()) == 2)
            return int(limit), int(used) if used.isdecimal() else 0, int(stat.get(cache, 0))
    return None, 0, 0


def _read(path: str) -> str:
    with suppress(OSError):
        return Path(path).read_text()
    return ""


def _room(what: str, percent: float, options: Mapping[str, Any], *, warn: int) -> Finding:
    least = options.get("fail_percent", 5)
    error = f"{percent:.1f} % of the {what} is left, which is less than {least} %." if percent < least else ""
    slow = percent < options.get("warn_percent", warn)
    return Finding(not error, 0.0, error, {"free_percent": round(percent, 1)}, slow=slow)


def _percent_faults(options: Mapping[str, Any], secret: Mapping[str, Any]) -> list[Fault]:
    wrong = reach.unknown_faults(options, KNOWN) + reach.unknown_faults(secret, frozenset(), "/secret")
    for key in sorted(KNOWN):
        value = options.get(key, 1)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 100:
            wrong.append(Fault(f"/options/{key}", _("This is a number from 0 to 100.")))
    return wrong
