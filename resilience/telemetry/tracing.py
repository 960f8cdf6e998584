"""Spans of the calls that a policy stands around, by the OpenTelemetry API.

    from resilience.telemetry import tracing

    switch_off = tracing.switch_on()          # or switch_on(tracer_provider=mine)

Each `manager.execute`, `aexecute` and call of a function decorated with a policy is one span `resilience.operation`:

    circuit.state            attribute: the state in which the breaker met the call; event: a change that the call caused
    retry.attempt            attribute: how many attempts were made; event: an attempt that failed, and the wait that followed
    timeout.exceeded         attribute: whether a limit was not kept; event: that it was not
    bulkhead.queue_position  attribute: the place in the queue, 0 for a call that did not wait; event: it began to wait

An error's type and code are in the span, its text and stack only with `record_errors=True`: texts may hold what must not leave.
Arguments and results never are. While nothing is switched on, and where opentelemetry-api is not installed, calls pay nothing.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar, Token
from itertools import chain
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary, WeakSet

from resilience.patterns import (
    Bulkhead,
    BulkheadEvent,
    CircuitBreaker,
    FallbackEvent,
    RetryEvent,
    State,
    StateChange,
    TimeoutEvent,
    code_of,
    fallback_events,
    retry_events,
    timeout_events,
)
from resilience.patterns.compiled import Chain, Layer, wrap_chains
from resilience.patterns.forks import renew_after_fork

try:
    from opentelemetry import trace
except ImportError:
    installed = False
else:
    installed = True

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer, TracerProvider

__all__ = ["installed", "note", "operation", "switch_on"]

OPERATION: Final = "resilience.operation"
CIRCUIT_STATE: Final = "circuit.state"
RETRY_ATTEMPT: Final = "retry.attempt"
TIMEOUT_EXCEEDED: Final = "timeout.exceeded"
QUEUE_POSITION: Final = "bulkhead.queue_position"
NAME: Final = "resilience.name"
POLICY: Final = "resilience.policy"
CODE: Final = "resilience.code"
FALLBACK: Final = "resilience.fallback"
ERROR_TYPE: Final = "error.type"

_log = logging.getLogger("resilience.telemetry")
_NOTHING: Final[AbstractContextManager[None]] = nullcontext()
_current: ContextVar["Operation | None"] = ContextVar("resilience.telemetry.operation", default=None)


class Operation:
    """One execution while it lasts: a context manager around the span, into which the patterns' events are put."""

    __slots__ = ("_attributes", "_breaker", "_names", "_record_errors", "_scope", "_span", "_token", "_tracer")

    _scope: Any
    _span: "Span"
    _token: "Token[Operation | None]"

    def __init__(
        self,
        tracer: "Tracer",
        names: frozenset[str],
        attributes: Mapping[str, Any],
        breaker: CircuitBreaker | None,
        record_errors: bool,
    ) -> None:
        self._tracer = tracer
        self._names = names
        self._attributes = attributes
        self._breaker = breaker
        self._record_errors = record_errors

    def __enter__(self) -> "Operation":
        attributes = dict(self._attributes)
        if self._breaker is not None:
            attributes[CIRCUIT_STATE] = self._breaker.state.value
        self._span = self._tracer.start_span(OPERATION, attributes=attributes)
        self._scope = trace.use_span(
            self._span, end_on_exit=True, record_exception=self._record_errors, set_status_on_exception=False
        )
        self._scope.__enter__()
        self._token = _current.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace_: TracebackType | None
    ) -> None:
        _current.reset(self._token)
        if error is not None:
            self._span.set_attributes(_about(error))
            if isinstance(error, Exception):
                self._span.set_status(trace.StatusCode.ERROR, code_of(error) or type(error).__name__)
        self._scope.__exit__(kind, error, trace_)

    def attempt_failed(self, event: RetryEvent) -> None:
        """Puts a failed attempt into the span."""
        about: dict[str, Any] = {NAME: event.name, RETRY_ATTEMPT: event.attempt, **_about(event.error)}
        if event.delay is not None:
            about["retry.delay"] = event.delay
        else:
            about["retry.end"] = event.end
        self._span.add_event(RETRY_ATTEMPT, about)
        if event.name in self._names:
            self._span.set_attribute(RETRY_ATTEMPT, event.attempt if event.delay is None else event.attempt + 1)

    def took_too_long(self, event: TimeoutEvent) -> None:
        """Puts a limit that was not kept into the span."""
        about: dict[str, Any] = {
            NAME: event.name,
            "timeout.seconds": event.duration,
            "timeout.abandoned": event.abandoned,
        }
        self._span.add_event(TIMEOUT_EXCEEDED, about)
        self._span.set_attribute(TIMEOUT_EXCEEDED, True)

    def queued(self, event: BulkheadEvent) -> None:
        """Puts a wait for a place into the span."""
        self._span.add_event(QUEUE_POSITION, {NAME: event.name, QUEUE_POSITION: event.queued})
        self._span.set_attribute(QUEUE_POSITION, event.queued)

    def changed(self, event: StateChange) -> None:
        """Puts a change of a breaker into the span. Half open it let this call through, so that is how it met it."""
        about = {NAME: event.name, "circuit.previous": event.previous.value, CIRCUIT_STATE: event.current.value}
        self._span.add_event(CIRCUIT_STATE, {**about, "circuit.reason": event.reason})
        if event.current is State.HALF_OPEN and event.name in self._names:
            self._span.set_attribute(CIRCUIT_STATE, event.current.value)

    def replaced(self, event: FallbackEvent) -> None:
        """Puts an answer that stands for an error into the span: such a call looks well from outside."""
        self._span.add_event(FALLBACK, {NAME: event.name, FALLBACK: event.step or "", **_about(event.error)})
        if event.step is not None:
            self._span.set_attributes({FALLBACK: event.step, **_about(event.error)})


class _Switched:
    """Tracing while it is on: what is put around the chains, and what is listened to."""

    def __init__(self, tracer: "Tracer", record_errors: bool) -> None:
        self.tracer = tracer
        self.record_errors = record_errors
        self._heard: WeakSet[CircuitBreaker | Bulkhead] = WeakSet()
        self._leave: WeakKeyDictionary[object, list[Callable[[], None]]] = WeakKeyDictionary()
        self._lock = threading.RLock()
        renew_after_fork(self)
        self._ends = [
            retry_events.subscribe(lambda event: _tell(Operation.attempt_failed, event)),
            timeout_events.subscribe(lambda event: _tell(Operation.took_too_long, event)),
            fallback_events.subscribe(lambda event: _tell(Operation.replaced, event)),
        ]
        self._ends.append(wrap_chains(self._wrap))

    def off(self) -> None:
        """Takes everything off again."""
        with self._lock:
            ends, self._ends = [*chain.from_iterable(self._leave.values()), *self._ends], []
            self._leave.clear()
        for end in reversed(ends):
            end()

    def operation(self, name: str, breaker: CircuitBreaker | None, attributes: Mapping[str, Any]) -> Operation:
        """A span to be entered."""
        return Operation(self.tracer, frozenset({name}), {NAME: name, **attributes}, breaker, self.record_errors)

    def hear(self, by: object, breaker: CircuitBreaker | None, bulkhead: Bulkhead | None) -> None:
        """Listens to what happens at these, for as long as `by` lives: what ends it would keep a bulkhead alive for ever."""
        with self._lock:
            leave = self._leave.setdefault(by, [])
            if breaker is not None and breaker not in self._heard:
                self._heard.add(breaker)
                leave.append(breaker.on_state_change(lambda event: _tell(Operation.changed, event)))
            if bulkhead is not None and bulkhead not in self._heard:
                self._heard.add(bulkhead)
                leave.append(bulkhead.on_event(_on_bulkhead))

    def _wrap(self, of: Chain, sync: Layer, later: Layer) -> tuple[Layer, Layer]:
        policy, name, breaker = of.policy, of.name, of.breaker
        self.hear(of, breaker, of.bulkhead)
        names = frozenset({name} if policy.retry is None else {name, policy.retry.name or name})
        attributes: dict[str, Any] = {NAME: name, POLICY: policy.name}
        if policy.retry is not None:
            attributes[RETRY_ATTEMPT] = 1
        if policy.attempt_seconds is not None or policy.deadline is not None:
            attributes[TIMEOUT_EXCEEDED] = False
        if of.bulkhead is not None:
            attributes[QUEUE_POSITION] = 0

        def call(fn: Layer, /, *args: Any, **kwargs: Any) -> Any:
            with Operation(self.tracer, names, attributes, breaker, self.record_errors):
                return sync(fn, *args, **kwargs)

        async def acall(fn: Layer, /, *args: Any, **kwargs: Any) -> Any:
            with Operation(self.tracer, names, attributes, breaker, self.record_errors):
                return await later(fn, *args, **kwargs)

        return call, acall

    def _after_fork(self) -> None:
        self._lock = threading.RLock()


_on: _Switched | None = None


def switch_on(*, tracer_provider: "TracerProvider | None" = None, record_errors: bool = False) -> Callable[[], None]:
    """Begins to make spans, by the global tracer provider or this one; the callable that comes back ends it.

    Switching on again takes the place of what was on. `record_errors` puts errors' texts and stacks into the spans.
    """
    global _on  # noqa: PLW0603 - a switch of the process
    if not installed:
        _log.warning("opentelemetry-api is not installed: no spans of the resilience patterns are made.")
        return lambda: None
    if _on is not None:
        _on.off()
    mine = _on = _Switched(trace.get_tracer("resilience.patterns", tracer_provider=tracer_provider), record_errors)

    def switch_off() -> None:
        global _on  # noqa: PLW0603
        mine.off()
        if _on is mine:
            _on = None

    return switch_off


def operation(
    name: str, *, breaker: CircuitBreaker | None = None, attributes: Mapping[str, Any] | None = None
) -> AbstractContextManager[object]:
    """A span `resilience.operation` around a block, for hosts that use the patterns without a manager; nothing while tracing is off."""
    switched = _on
    if switched is None:
        return _NOTHING
    if breaker is not None:
        switched.hear(breaker, breaker, None)
    return switched.operation(name, breaker, attributes or {})


def note(about: Callable[[], Mapping[str, Any]]) -> None:
    """Adds what `about` gives to the span of the operation under way, for hosts whose failures are values; it is not called without one.

    A `resilience.code` among it says that the operation failed.
    """
    at = _current.get()
    if at is None or not at._span.is_recording():
        return
    attributes = {name: value for name, value in about().items() if value not in (None, "")}
    at._span.set_attributes(attributes)
    if code := attributes.get(CODE):
        at._span.set_status(trace.StatusCode.ERROR, str(code))


def _tell(what: Callable[[Operation, Any], None], event: object) -> None:
    at = _current.get()
    if at is not None and at._span.is_recording():
        what(at, event)


def _on_bulkhead(event: BulkheadEvent) -> None:
    if event.kind == "queued":
        _tell(Operation.queued, event)


def _about(error: BaseException) -> dict[str, str]:
    kind = type(error)
    where = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    about, code = {ERROR_TYPE: f"{where}{kind.__qualname__}"}, code_of(error)
    return {**about, CODE: code} if code else about
