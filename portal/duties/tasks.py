"""The one task that django-q2 runs for us: a duty under its lock."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connections

from portal.duties import registry
from portal.duties.context import OVER, Context
from portal.duties.core.locks import BEAT, Hold, is_stopped
from portal.duties.models import ProcessingLock
from portal.kit import processes

log = logging.getLogger(__name__)
RUN_DUTY = "portal.duties.tasks.run_duty"


def run_duty(name: str) -> str:
    """Runs a duty until it ends, and tells how that came.

    1. takes the lock by compare-and-set (or leaves it to whoever holds it);
    2. beats every 2 s in a thread of its own, which also hears that it was taken over or asked to stop;
    3. calls the duty, which ends when `context.alive()` is False;
    4. gives the lock back. A duty that is still not back 5 s after its end kills its worker: a take-over must be safe.
    """
    hold = ProcessingLock.objects.take(name, processes.myself())
    if hold is None:
        return "held elsewhere, or asked to stop"
    context = Context(hold)
    with _ends_on_sigterm(context), _heartbeat(hold, context):
        try:
            registry.get(name).run(context)
        except Exception:  # the next run starts clean; a failure row of django-q2 would tell nobody
            log.exception("The duty %s failed.", name)
            context.end("it failed")
    try:
        ProcessingLock.objects.release(hold, well=context.reason == OVER)
    except DatabaseError:
        log.warning("The lock of %s could not be given back; it is stale in a few seconds.", name)
        connections.close_all()
    return context.reason or "it ended by itself"


@contextmanager
def _ends_on_sigterm(context: Context) -> Iterator[None]:
    """The supervisor asks with SIGTERM, which needs no database."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: context.end("its supervisor asked it to"))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _heartbeat(hold: Hold, context: Context) -> Iterator[None]:
    done = threading.Event()
    thread = threading.Thread(
        target=_beat_until, args=(done, hold, context), name=f"heartbeat {hold.duty}", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        context.end("")
        done.set()
        thread.join()


def _beat_until(done: threading.Event, hold: Hold, context: Context) -> None:
    try:
        while not done.wait(BEAT if context.alive() else 0.1):
            if context.overdue():
                log.critical("%s did not end (%s): its worker is killed.", hold.owner, context.reason)
                os.kill(os.getpid(), signal.SIGKILL)
            if context.alive():
                beat(hold, context)
    finally:
        connections.close_all()


def beat(hold: Hold, context: Context) -> None:
    """Writes one heartbeat, and ends the context when the lock is lost or somebody asks for it."""
    try:
        seen = ProcessingLock.objects.beat(hold)
    except DatabaseError as error:  # alive() ends it when this lasts
        log.warning("%s could not write its heartbeat: %s", hold.owner, error)
        connections.close_all()
        return
    if seen is None:
        context.end("it was taken over")
        return
    context.beaten()
    if is_stopped(*seen, processes.known_dead):
        context.end("it was asked to stop")
