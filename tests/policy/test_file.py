"""A policy file that changes, breaks, vanishes and comes back under a running process."""

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from portal.policy import file as file_module
from portal.policy.core.reading import built_in
from portal.policy.file import INTERVAL, SETTLE, Place, PolicyFile
from tests.policy.files import Clock, opened, save

pytestmark = pytest.mark.plain
FIVE, SIX = "sync_backoff:\n  max_attempts: 5\n", "sync_backoff:\n  max_attempts: 6\n"
WRONG = "sync_backoff:\n  max_attempts: 0\n"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "policy.yml"


def attempts(file: PolicyFile) -> int:
    """The figure in force that the files above differ in."""
    return file.current().sync_backoff.max_attempts


def test_a_change_holds_within_a_second(path: Path, clock: Clock) -> None:
    """Without a restart, and not before the next look."""
    save(path, FIVE)
    file = opened(path, clock)
    assert attempts(file) == 5
    save(path, SIX)
    assert attempts(file) == 5
    clock.time += INTERVAL
    assert attempts(file) == 6


def test_broken_then_mended(path: Path, clock: Clock) -> None:
    """The last good policy goes on, with the fault told; the mended file is in force at once."""
    save(path, FIVE)
    file = opened(path, clock)
    good, began = file.current(), file.state().loaded_at
    save(path, WRONG)
    state = file.state()
    assert state.policy is good is file.current()
    assert state.loaded_at == began
    assert state.faulty_since is not None
    (fault,) = state.faults
    assert (fault.place, fault.key) == ("policy.yml:2:17", "sync_backoff.max_attempts")
    save(path, SIX)
    state = file.state()
    assert (state.faults, state.faulty_since, attempts(file)) == ((), None, 6)
    assert state.version != ""


def test_mended_back_to_what_is_in_force_changes_nothing(path: Path, clock: Clock) -> None:
    """The same bytes are the same policy: the same object, version and moment."""
    save(path, FIVE)
    file = opened(path, clock)
    before = file.state()
    save(path, WRONG)
    assert file.state().faults
    save(path, FIVE)
    assert file.state() == before
    assert file.current() is before.policy


def test_what_did_not_change_stays_the_same_object(path: Path, clock: Clock) -> None:
    """A comment makes a new policy with the old sections; a figure makes its section new, and only that."""
    save(path, FIVE)
    file = opened(path, clock)
    first = file.current()
    save(path, "# Five.\n" + FIVE)
    second = file.state().policy
    assert second is not first
    assert second == first
    assert second.sync_backoff is first.sync_backoff
    assert second.sources()["sync_backoff.max_attempts"] == "policy.yml line 3"
    save(path, SIX)
    third = file.state().policy
    assert third.sync_backoff is not second.sync_backoff
    assert third.circuit_breaker is second.circuit_breaker


def test_many_calls_are_one_look(path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked of the disk between two looks, and a look at an unchanged file does not read it."""
    save(path, FIVE)
    read: list[Path] = []
    content = file_module._content

    def counted(which: Path) -> tuple[bytes, os.stat_result]:
        read.append(which)
        return content(which)

    monkeypatch.setattr(file_module, "_content", counted)
    file = opened(path, clock)
    policy = file.current()
    for _ in range(1_000):
        assert file.current() is policy
    assert clock.looks == 1
    clock.time += INTERVAL
    assert file.current() is policy
    assert (clock.looks, read.count(path)) == (2, 1)


def test_a_file_that_was_never_there(path: Path, clock: Clock) -> None:
    """What is built in is in force, and the state says so."""
    file = opened(path, clock)
    assert file.current() == built_in("policy.yml")
    state = file.state()
    assert (state.from_file, state.version, [fault.reason for fault in state.faults]) == (
        False,
        "",
        ["The file is missing."],
    )
    save(path, SIX)
    assert file.state().from_file
    assert attempts(file) == 6


def test_a_file_that_vanishes(path: Path, clock: Clock) -> None:
    """As editors that write a new file and rename it leave it for a moment."""
    save(path, SIX)
    file = opened(path, clock)
    good = file.current()
    path.unlink()
    assert [str(fault) for fault in file.state().faults] == ["policy.yml: The file is missing."]
    assert file.current() is good
    save(path, SIX)
    assert file.state().faults == ()
    assert file.current() is good


def test_a_renamed_file_is_read_although_it_is_older(path: Path, clock: Clock, tmp_path: Path) -> None:
    """Its inode tells, where time and size do not."""
    save(path, FIVE)
    file = opened(path, clock)
    assert attempts(file) == 5
    other = tmp_path / "other.yml"
    other.write_text(SIX)
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.rename(path)
    clock.time += INTERVAL
    assert attempts(file) == 6


def test_a_file_that_is_being_written_waits(path: Path, clock: Clock) -> None:
    """Half of a save may be sound YAML; it is not taken before it had time to settle."""
    save(path, SIX)
    file = opened(path, clock)
    good = file.current()
    path.write_text("")
    os.utime(path, (clock.time + INTERVAL, clock.time + INTERVAL))
    clock.time += INTERVAL + SETTLE / 2
    assert file.current() is good
    path.write_text(FIVE)
    os.utime(path, (clock.time, clock.time))
    clock.time += SETTLE / 2
    assert file.current() is good
    clock.time += SETTLE
    assert attempts(file) == 5
    assert file.state().faults == ()


def test_who_asks_for_the_state_gets_the_new_one(path: Path, clock: Clock) -> None:
    """It waits the moment that a file needs to settle, and says so when it is still being written."""
    save(path, FIVE)
    file = opened(path, clock)
    assert file.current()
    path.write_text(SIX)
    os.utime(path, (clock.time, clock.time))
    state = file.state()
    assert (clock.slept, state.being_written, state.policy.sync_backoff.max_attempts) == ([SETTLE], False, 6)
    path.write_text(FIVE)
    os.utime(path, (clock.time + SETTLE, clock.time + SETTLE))
    clock.time += SETTLE
    clock.sleep = lambda seconds: None  # type: ignore[method-assign]
    busy = PolicyFile(
        lambda: Place(path, "policy.yml", path.parent / "kept" / "policy.yml"),
        monotonic=clock,
        wall=clock,
        sleep=clock.sleep,
    )
    assert busy.state().being_written
    assert busy.current().sync_backoff.max_attempts == 6


def test_two_saves_that_look_alike(path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within one tick of the disk's clock and of the same size: a young file is read once more."""
    monkeypatch.setattr(file_module, "_mark", lambda status: (status.st_mtime_ns, status.st_size))
    path.write_text(FIVE)
    os.utime(path, (clock.time, clock.time))
    clock.time += SETTLE
    file = opened(path, clock)
    before = path.stat()
    assert attempts(file) == 5
    with path.open("r+") as same:
        same.write(SIX)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    clock.time += INTERVAL
    assert attempts(file) == 6


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.mkdir(), "This is no file but a folder, a pipe or a device."),
        (os.mkfifo, "This is no file but a folder, a pipe or a device."),
        (lambda path: path.symlink_to("/dev/zero"), "This is no file but a folder, a pipe or a device."),
        (lambda path: path.symlink_to(path), "The file cannot be read: Too many levels of symbolic links."),
        (lambda path: path.symlink_to("nowhere"), "The file is missing."),
        (lambda path: path.write_text(""), "The file is empty."),
    ],
)
def test_what_is_no_file(path: Path, clock: Clock, make: Callable[[Path], object], reason: str) -> None:
    """It is refused without waiting for anything."""
    make(path)
    state = opened(path, clock).state()
    assert [fault.reason for fault in state.faults] == [reason]
    assert state.policy == built_in("policy.yml")


def test_a_name_that_cannot_be_one(tmp_path: Path, clock: Clock) -> None:
    """As a mistyped variable gives."""
    (fault,) = opened(tmp_path / "a\0b", clock).state().faults
    assert "BREAKWATER_POLICY" in fault.reason


def test_a_process_that_starts_while_the_file_is_wrong(path: Path, clock: Clock) -> None:
    """It goes on with what the others have, whoever of them took it."""
    save(path, SIX)
    taken = opened(path, clock).state()
    save(path, WRONG)
    state = opened(path, clock).state()
    assert (state.version, state.policy.sync_backoff.max_attempts) == (taken.version, 6)
    assert len(state.faults) == 1
    path.unlink()
    assert attempts(opened(path, clock)) == 6


def test_what_is_kept_is_private_and_no_trouble(path: Path, clock: Clock, tmp_path: Path) -> None:
    """Endpoints can hold passwords; a kept file that is broken or cannot be written is as none."""
    save(path, SIX)
    assert opened(path, clock).current()
    kept = tmp_path / "kept" / "policy.yml"
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    kept.write_bytes(b"\xff")
    path.unlink()
    assert opened(path, clock).current() == built_in("policy.yml")
    kept.unlink()
    kept.parent.rmdir()
    kept.parent.touch()
    save(path, SIX)
    assert attempts(opened(path, clock)) == 6


def test_whatever_goes_wrong_is_a_fault(path: Path, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """Also what nobody foresaw: it is logged once and ends with it."""
    broken = [True]

    def place() -> Place:
        if broken:
            raise RuntimeError("no settings")
        return Place(path, "policy.yml", path.parent / "kept" / "policy.yml")

    save(path, SIX)
    file = opened(path, clock, place)
    for _ in range(3):
        assert file.current() == built_in("policy.yml")
        clock.time += INTERVAL
    assert [fault.reason for fault in file.state().faults] == [
        "The file could not be read (RuntimeError); the log says more."
    ]
    assert len(caplog.records) == 1
    broken.clear()
    assert (file.state().faults, attempts(file)) == ((), 6)
    broken.append(True)
    assert (len(file.state().faults), attempts(file)) == (1, 6)
    broken.clear()
    assert file.state().faults == ()


def test_a_fault_is_logged_once(path: Path, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """With its place, and the mending too; a first good reading is no news."""
    caplog.set_level(logging.INFO, "portal.policy.file")
    save(path, FIVE)
    file = opened(path, clock)
    assert file.current()
    assert caplog.messages == []
    save(path, WRONG)
    for _ in range(3):
        clock.time += INTERVAL
        assert file.current()
    assert len(caplog.messages) == 1
    assert "policy.yml:2:17: sync_backoff.max_attempts: 0 attempts is too small." in caplog.messages[0]
    path.unlink()
    for _ in range(3):
        clock.time += INTERVAL
        assert file.current()
    assert len(caplog.messages) == 2
    save(path, SIX)
    assert file.state().faults == ()
    assert "is in force" in caplog.messages[2]


def test_what_a_file_no_longer_says_is_told(path: Path, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """A file that was cut off at the end of a line is sound YAML, and would silently be what is built in."""
    save(path, "sync_backoff:\n  max_attempts: 5\n  min_ms: 2000\ncircuit_breaker:\n  failure_threshold: 9\n")
    file = opened(path, clock)
    assert file.state().gone == ()
    save(path, "sync_backoff:\n  max_attempts: 5\n")
    assert file.state().gone == ("sync_backoff.min_ms", "circuit_breaker.failure_threshold")
    assert "sync_backoff.min_ms, circuit_breaker.failure_threshold." in caplog.text
    save(path, "sync_backoff:\n  max_attempts: 6\n")
    assert file.state().gone == ()
    assert sum("no longer says" in text for text in caplog.messages) == 1


def test_many_threads_see_one_policy_or_the_other(path: Path, clock: Clock) -> None:
    """Never a mixture, never an exception, while the file changes under them."""
    save(path, FIVE)
    file = opened(path, clock)
    assert attempts(file) == 5
    ready, done = threading.Barrier(5), threading.Event()
    seen: set[tuple[int, str]] = set()

    def reads() -> None:
        ready.wait()
        while not done.is_set():
            policy = file.current()
            seen.add((policy.sync_backoff.max_attempts, policy.sources()["sync_backoff.max_attempts"]))

    threads = [threading.Thread(target=reads) for _ in range(4)]
    for thread in threads:
        thread.start()
    ready.wait()
    for turn in range(12):
        draft = path.with_name("draft")
        save(draft, FIVE if turn % 2 else "#\n" + SIX)
        draft.replace(path)
        clock.time += INTERVAL
        if turn % 4 == 3:
            assert file.state().policy.sync_backoff.max_attempts == 5
    done.set()
    for thread in threads:
        thread.join()
    assert seen <= {(5, "policy.yml line 2"), (6, "policy.yml line 3")}
    assert seen


def test_a_look_in_another_thread_holds_nobody_up(path: Path, clock: Clock) -> None:
    """Who comes meanwhile gets the policy in force."""
    save(path, FIVE)
    inside, go_on = threading.Event(), threading.Event()
    slow: list[bool] = []

    def place() -> Place:
        if slow:
            slow.clear()
            inside.set()
            assert go_on.wait(10)
        return Place(path, "policy.yml", path.parent / "kept" / "policy.yml")

    file = opened(path, clock, place)
    assert attempts(file) == 5
    slow.append(True)
    clock.time += INTERVAL
    looking = threading.Thread(target=file.current)
    looking.start()
    assert inside.wait(10)
    clock.time += INTERVAL
    assert attempts(file) == 5
    assert looking.is_alive()
    go_on.set()
    looking.join()


def test_a_child_that_was_forked_during_a_look(path: Path, clock: Clock) -> None:
    """Finds the lock free, whoever held it."""
    save(path, FIVE)
    file = opened(path, clock)
    assert attempts(file) == 5
    save(path, SIX)
    clock.time += INTERVAL
    reading, writing = os.pipe()
    with file._lock:
        child = os.fork()
        if child == 0:
            os.write(writing, bytes([attempts(file)]))
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    assert os.read(reading, 1) == b"\x06"
    os.close(reading)


@budget(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(st.none(), st.binary(max_size=60), st.sampled_from([FIVE, SIX, WRONG]).map(str.encode)), max_size=6
    )
)
def test_no_file_makes_current_raise(tmp_path: Path, contents: list[bytes | None]) -> None:
    """Any bytes, in any order, with the file gone in between: a policy is in force, and it is the last good one."""
    path, clock = tmp_path / "policy.yml", Clock()
    (tmp_path / "kept" / "policy.yml").unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    file, expected = opened(path, clock), built_in("policy.yml").sync_backoff.max_attempts
    for content in contents:
        path.unlink(missing_ok=True)
        if content is not None:
            save(path, content)
        clock.time += INTERVAL
        expected = {FIVE.encode(): 5, SIX.encode(): 6}.get(content or b"", expected)
        assert attempts(file) == expected
