"""The patterns' metrics for Prometheus.

    from resilience.telemetry import prometheus

    prometheus.register()                               # the breakers and bulkheads of `manager`, in the default registry
    metrics = prometheus.register(manager=None, registry=mine)
    metrics.collect_from(runtime_breakers)              # breakers that somebody else holds, or a function that gives them

Everything is read when Prometheus asks; a call costs the same with and without it (retries and limits that were not kept are counted
as they happen). Each process exports its own figures. Without prometheus-client nothing happens, and the log says so once.
"""

import logging
from collections.abc import Iterator
from typing import Any

from resilience.patterns import Manager
from resilience.patterns import manager as default_manager
from resilience.telemetry.readings import METRICS, Breakers, Metric, Readings, Sources

try:
    from prometheus_client import REGISTRY, CollectorRegistry
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
    from prometheus_client.core import Metric as Family
except ImportError:
    installed = False
else:
    installed = True

__all__ = ["Collector", "collect_from", "installed", "register"]

_log = logging.getLogger("resilience.telemetry")


class Collector:
    """What a registry asks for the figures; `close()` takes it out again."""

    def __init__(self, registry: "CollectorRegistry | None" = None) -> None:
        self._sources = Sources()
        self._registry = registry

    def collect_from(self, breakers: Breakers) -> "Collector":
        """Exports these breakers too: some, or a function that gives those there are each time Prometheus asks."""
        self._sources.breakers.append(breakers)
        return self

    def add(self, manager: Manager) -> "Collector":
        """Exports the breakers and bulkheads of this manager too."""
        self._sources.managers.append(manager)
        return self

    def open(self) -> "Collector":
        """Begins to count retries and timeouts, and to answer the registry. Raises ValueError where the names are taken."""
        if self._registry is not None:
            self._registry.register(self)
        self._sources.tally.start()
        return self

    def close(self) -> None:
        """Takes it out of the registry, and listens to nothing any more."""
        self._sources.tally.stop()
        registry, self._registry = self._registry, None
        if registry is not None:
            registry.unregister(self)

    def describe(self) -> "Iterator[Family]":
        """The metrics without figures: how a registry finds out which names are taken."""
        for metric in METRICS:
            yield _family(metric)

    def collect(self) -> "Iterator[Family]":
        """The figures of now."""
        yield from _families(self._sources.read())


def register(*, manager: Manager | None = default_manager, registry: "CollectorRegistry | None" = None) -> Collector:
    """Exports what a manager's breakers and bulkheads count (None: only what `collect_from` adds), and all retries and timeouts.

    Into `registry`, or the default one. Raises ValueError when that registry has these metrics already. Without
    prometheus-client it exports nothing.
    """
    if not installed:
        _log.warning("prometheus-client is not installed: no metrics of the resilience patterns are exported.")
        return Collector()
    collector = Collector(REGISTRY if registry is None else registry)
    if manager is not None:
        collector.add(manager)
    return collector.open()


def collect_from(breakers: Breakers, *, registry: "CollectorRegistry | None" = None) -> Collector:
    """Exports breakers that no manager holds, as `register(manager=None)` and its `collect_from`."""
    return register(manager=None, registry=registry).collect_from(breakers)


def _family(metric: Metric) -> Any:
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    return kind(metric.name, metric.help, labels=metric.labels)


def _families(readings: Readings) -> "Iterator[Family]":
    for metric, figures in readings:
        family = _family(metric)
        for labels, value in figures.items():
            family.add_metric(labels, value)
        yield family
