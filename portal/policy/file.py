"""The policy file as one process sees it: read again when it changes, never in the way.

1. `current()` costs a comparison. At most once an interval one caller looks at the file's times, size and inode.
2. A file that changed is read. A file that was written to less than `SETTLE` ago may be half-written and waits for the next look.
3. A file whose bytes are those in force changes nothing. A sound one is in force from now on.
4. A file that is missing or wrong leaves the policy in force as it is, and its faults are told. It is read again when it changes.
5. The last good content is kept aside: a process that starts while the file is wrong goes on with what the others have.

Two saves within one tick of the file system's clock can look alike; so a file that was young when it was read is read once more.
"""

import logging
import os
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from portal.kit import clock, files
from portal.policy.core.faults import Fault
from portal.policy.core.policy import Policy
from portal.policy.core.reading import Reading, built_in, read
from portal.policy.core.tree import LARGEST

logger = logging.getLogger(__name__)

INTERVAL = 1.0
SETTLE = 0.25
YOUNG = 2.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a policy file is, how it is called in messages, and where its last good content is kept."""

    path: Path
    file: str
    kept: Path


@dataclass(frozen=True, slots=True)
class State:
    """How it stands: the policy in force with its version and since when, and what is wrong with the file now."""

    path: Path
    file: str
    policy: Policy
    version: str
    loaded_at: datetime
    faults: tuple[Fault, ...] = ()
    faulty_since: datetime | None = None
    being_written: bool = False
    gone: tuple[str, ...] = ()
    """Keys that the policy before this one had from the file and that are built in now: left out on purpose, or cut off."""

    @property
    def from_file(self) -> bool:
        """Whether a file is in force; what is built in is otherwise."""
        return bool(self.version)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A file's content, or why there is none, at one look."""

    mark: tuple[int, ...] | None
    content: bytes = b""
    fault: str = ""
    young: bool = False
    being_written: bool = False


class PolicyFile:
    """A policy file that is looked at now and then. Where it is is asked for at each look."""

    def __init__(
        self,
        place: Callable[[], Place],
        *,
        interval: float = INTERVAL,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._place = place
        self._interval = interval
        self._monotonic = monotonic
        self._wall = wall
        self._sleep = sleep
        self._state: State | None = None
        self._mark: tuple[int, ...] | None = None
        self._wrong = self._content = b""
        self._look_at = 0.0
        self._lock = threading.Lock()
        os.register_at_fork(after_in_child=self._forked)

    def current(self) -> Policy:
        """The policy in force. The same object until the content changes; sections whose values did not change stay the same too."""
        state = self._state
        if state is None:
            return self.state().policy
        if self._monotonic() >= self._look_at and self._lock.acquire(blocking=False):
            try:
                return self._look().policy
            finally:
                self._lock.release()
        return state.policy

    def state(self) -> State:
        """How it stands after a look at this moment; waits a moment for a file that is being written."""
        with self._lock:
            state = self._look()
        if state.being_written:
            self._sleep(SETTLE)
            with self._lock:
                state = self._look()
        return state

    def _forked(self) -> None:
        self._lock = threading.Lock()

    def _look(self) -> State:
        self._look_at = self._monotonic() + self._interval
        try:
            place = self._place()
            if self._state is None or self._state.path != place.path:
                self._mark, self._wrong = None, b""
                before = _kept(place) or State(place.path, place.file, built_in(place.file), "", clock.now())
                self._state = self._judged(before, self._see(place.path, first=not before.from_file))
            else:
                before = self._state
                self._state = self._judged(before, self._see(place.path))
            if self._state.version != before.version:
                _keep(place, self._content)
        except Exception as error:  # noqa: BLE001 - nothing that a file holds may stop the portal
            self._mark, self._state = None, _unread(self._state, error)
        return self._state

    def _see(self, path: Path, *, first: bool = False) -> _Seen:
        """The file's content, unless it is the one that was seen last."""
        try:
            status = path.stat()
            if _mark(status) == self._mark:
                return _Seen(self._mark)
            age = self._wall() - status.st_mtime
            if 0 <= age < SETTLE and not first:
                return _Seen(None, being_written=True)
            content, after = _content(path)
        except (OSError, ValueError) as error:
            return _Seen(None, fault=_why(error))
        if _mark(after) != _mark(status):
            return _Seen(None, being_written=True)
        return _Seen(_mark(status), content, young=0 <= age < YOUNG)

    def _judged(self, state: State, seen: _Seen) -> State:
        """The state after a look."""
        if seen.being_written:
            self._look_at = self._monotonic() + min(SETTLE, self._interval)
            return replace(state, being_written=True)
        state = replace(state, being_written=False) if state.being_written else state
        if seen.fault:
            self._mark, self._wrong = None, b""
            return _faulty(state, (Fault(state.file, 0, 0, "", seen.fault),))
        if seen.mark == self._mark:
            return state
        self._mark = None if seen.young else seen.mark
        version = _version(seen.content)
        if version == state.version:
            self._wrong = b""
            return _mended(state)
        if seen.content == self._wrong and state.faults:
            return state
        reading = read(seen.content, state.file)
        self._wrong, self._content = (seen.content, b"") if reading.faults else (b"", seen.content)
        return _taken(state, reading, version)


def _version(content: bytes) -> str:
    return sha256(content).hexdigest()[:12]


def _kept(place: Place) -> State | None:
    """What was in force before this process began, if it is kept and can still be read."""
    try:
        content, status = _content(place.kept)
    except (OSError, ValueError):
        return None
    policy = read(content, place.file).policy
    since = datetime.fromtimestamp(status.st_mtime, UTC)
    return State(place.path, place.file, policy, _version(content), since) if policy else None


def _keep(place: Place, content: bytes) -> None:
    """Keeps a good content; another process may have done so already."""
    try:
        if not place.kept.exists() or place.kept.read_bytes() != content:
            place.kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            files.replace(place.kept, content.decode())
    except OSError as error:
        logger.warning("The policy is in force, but cannot be kept for processes that start later: %s", error)


def _taken(state: State, reading: Reading, version: str) -> State:
    if reading.policy is None:
        return _faulty(state, reading.faults)
    level = logging.INFO if state.from_file or state.faults else logging.DEBUG  # every command reads it once
    logger.log(level, "The policy of %s is in force (version %s).", state.file, version)
    gone = _gone(state.policy, reading.policy)
    if gone:
        logger.warning("%s no longer says these, so what is built in holds: %s.", state.file, ", ".join(gone))
    return State(state.path, state.file, _sharing(reading.policy, state.policy), version, clock.now(), gone=gone)


def _gone(before: Policy, policy: Policy) -> tuple[str, ...]:
    said = {figure.key for figure in policy.figures if figure.line}
    return tuple(figure.key for figure in before.figures if figure.line and figure.key not in said)


def _faulty(state: State, faults: tuple[Fault, ...]) -> State:
    if faults == state.faults:
        return state
    kept = f"version {state.version}" if state.from_file else "what is built in"
    logger.warning("%s is not taken; %s goes on. %s", state.file, kept, " ".join(str(fault) for fault in faults[:10]))
    return replace(state, faults=faults, faulty_since=state.faulty_since or clock.now())


def _unread(state: State | None, error: Exception) -> State:
    """The state after something that nobody foresaw."""
    known = state or State(Path("policy.yml"), "policy.yml", built_in("policy.yml"), "", clock.now())
    reason = f"The file could not be read ({type(error).__name__}); the log says more."
    faults = (Fault(known.file, 0, 0, "", reason),)
    if known.faults != faults:
        logger.error("The policy file could not be read", exc_info=error)
    return replace(known, faults=faults, faulty_since=known.faulty_since or clock.now())


def _mended(state: State) -> State:
    return replace(state, faults=(), faulty_since=None) if state.faults else state


def _sharing(policy: Policy, before: Policy) -> Policy:
    """The policy with each section of the one before whose values are the same, so that `is` tells what changed."""
    same = {
        one.name: getattr(before, one.name)
        for one in fields(policy)
        if one.compare and getattr(policy, one.name) == getattr(before, one.name)
    }
    return replace(policy, **same)


def _mark(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, status.st_dev)


def _content(path: Path) -> tuple[bytes, os.stat_result]:
    """The first bytes of a regular file, and how it stood after them. A pipe or a device is refused without waiting for it."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(handle, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise IsADirectoryError
        parts: list[bytes] = []
        while (size := sum(map(len, parts))) <= LARGEST and (part := file.read(LARGEST + 1 - size)):
            parts.append(part)
        return b"".join(parts), os.fstat(handle)


def _why(error: Exception) -> str:
    match error:
        case FileNotFoundError() | NotADirectoryError():
            return "The file is missing."
        case IsADirectoryError():
            return "This is no file but a folder, a pipe or a device."
        case PermissionError():
            return "The file may not be read. Give the portal's user the right to."
        case OSError() if error.strerror:
            return f"The file cannot be read: {error.strerror}."
        case _:
            return "The file's name cannot be one. Look at BREAKWATER_POLICY."
