"""Celery with Redis: late acknowledgement, one kept-alive requests session per worker process."""

import os
import time
from typing import Any

import requests
from celery import Celery  # type: ignore[import-untyped]

from tests.bench.order import Order

app = Celery("bench", broker=os.environ["BENCH_REDIS"])
app.conf.update(task_acks_late=True, task_ignore_result=True, broker_connection_retry_on_startup=True)
session = requests.Session()


@app.task  # type: ignore[untyped-decorator]
def deliver(url: str, payload: dict[str, Any]) -> None:
    """Send one change."""
    session.put(url, json=payload, timeout=10).raise_for_status()


def fill(order: Order) -> float:
    """Put the changes in one by one over one connection, and return the seconds."""
    begun = time.perf_counter()
    with app.producer_pool.acquire(block=True) as producer:
        for batch in order.batches():
            for change in batch:
                deliver.apply_async((order.url(change), change.payload), producer=producer)
    return time.perf_counter() - begun
