"""One django-q2 task per change: a kept-alive requests session per worker process."""

import time
from typing import Any

import requests
from django.core.management import call_command
from django.db import transaction
from django_q.tasks import async_task

from tests.bench.order import Order

session = requests.Session()


def deliver(url: str, payload: dict[str, Any]) -> None:
    """Send one change."""
    session.put(url, json=payload, timeout=10).raise_for_status()


def fill(order: Order) -> float:
    """Make the tables, put the changes in with a transaction per batch, and return the seconds of the latter."""
    call_command("migrate", verbosity=0)
    begun = time.perf_counter()
    for batch in order.batches():
        with transaction.atomic():
            for change in batch:
                async_task("tests.bench.peers.djangoq_tasks.deliver", order.url(change), change.payload)
    return time.perf_counter() - begun
