"""The queue's duties: pumps that deliver, and a keeper that tidies up. portal.duties runs them in django-q2 workers."""

import gc
import logging

import uvloop
from django.conf import settings
from django.db import DatabaseError, connection

from portal.duties.context import Context
from resilience.breakers.actions import keep as breakers
from resilience.breakers.runtime import Runtime
from resilience.health import history
from resilience.outbound.client import Client
from syncqueue.actions.deliver import Share
from syncqueue.actions.keep import clean_up, sample
from syncqueue.actions.take_over import take_over
from syncqueue.actions.verify import heal_lanes
from syncqueue.pump import Pump

log = logging.getLogger(__name__)

SWEEP = 15.0
"""Seconds between two looks for leases that ran out."""
HEAL_MINUTES = 5
CLEAN_UP_MINUTES = 60


def pump(context: Context) -> None:
    """Delivers until the duty ends. Whoever holds a pump's duty frees what its earlier holders left leased: they are gone."""
    prefix = f"{context.duty}#"
    take_over(is_gone=lambda owner: owner.startswith(prefix) and owner != context.owner, by=context.owner)
    _collect_less_often()
    uvloop.run(_pump(context))


def _collect_less_often() -> None:
    """A pump makes thousands of objects a second that no cycle holds; looking for cycles cost 10 to 15 % in the bench."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)


async def _pump(context: Context) -> None:
    async with Client(allowed_networks=[str(net) for net in settings.BREAKWATER_ALLOWED_NETWORKS]) as client:
        share = Share(int(context.duty.rpartition("-")[2]), settings.BREAKWATER_PUMPS)
        runtime = Runtime(owner=context.owner)
        runtime.start()
        try:
            await Pump(owner=context.owner, alive=context.alive, client=client, breakers=runtime, share=share).run()
        finally:
            runtime.stop()


def keeper(context: Context) -> None:
    """Samples for the charts, leases that ran out, lanes that need healing, what health keeps, and rows that are too old."""
    minutes = 0
    while context.alive():
        try:
            take_over(is_gone=lambda _: False, by=context.owner)
            if sample():
                minutes += 1
                if minutes % HEAL_MINUTES == 1:
                    heal_lanes(repair=True)
                if minutes % CLEAN_UP_MINUTES == 1:
                    clean_up()
                    breakers.clean_up()
            history.keep()
        except DatabaseError:
            log.exception("The keeper could not work; it tries again")
            connection.close()
        context.wait(SWEEP)
