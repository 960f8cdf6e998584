"""The requests about one entity, their record, and what they say is there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from resilience.outbound.client import Answer, Client, Request
from resilience.outbound.errors import OutboundError
from resilience.outbound.retry_after import asked_wait
from syncqueue.adapters.answers import failure, read_json, refusal
from syncqueue.adapters.base import Exchange, Rejected, RetryAt, Target, Unknown
from syncqueue.adapters.routes import Route
from syncqueue.adapters.versions import entity_tag

_NO_CACHE = {"Cache-Control": "no-cache"}


@dataclass(frozen=True, slots=True)
class Present:
    """What the upstream has at this moment."""

    document: Any
    version: str | None


class Ended(Exception):
    """A look found out that the delivery ends here."""

    def __init__(self, outcome: RetryAt | Rejected) -> None:
        super().__init__()
        self.outcome = outcome


class Talk:
    """The requests about one entity, and their record."""

    __slots__ = ("_client", "_now", "_target", "_url", "exchanges", "route")

    def __init__(
        self, client: Client, target: Target, route: Route, entity_id: str, now: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._target = target
        self._now = now
        self.route = route
        self._url = route.url(entity_id)
        self.exchanges: list[Exchange] = []

    async def send(self, method: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """The answer; raises an OutboundError. Either is recorded."""
        private = self.route.private
        sent = {**private, **headers}
        url = self._url
        request = Request(method, url, sent, private, body, self._target.timeout)
        try:
            answer = await self._client.send(request)
        except OutboundError as error:
            self.exchanges.append(
                Exchange(method, url, error.seconds, error.status, error.sentence(), body or b"", sent)
            )
            raise
        fault = answer.fault.sentence() if answer.fault else ""
        self.exchanges.append(
            Exchange(method, url, answer.seconds, answer.status, fault, body or b"", sent, answer.headers, answer.body)
        )
        return answer

    async def look(self) -> Present | None:
        """What the upstream has, or None when it has no such entity; raises Ended when that cannot be learned."""
        try:
            answer = await self.send("GET", _NO_CACHE)
        except OutboundError as error:
            outcome = failure(error, self.exchanges)
            raise Ended(_as_retry(outcome) if isinstance(outcome, Unknown) else outcome) from error
        if answer.status in (404, 410):
            return None
        if not answer.ok:
            raise Ended(refusal(answer, self.exchanges, self._now()))
        try:
            return Present(self.route.unwrap(read_json(answer)), entity_tag(answer.headers.get("ETag")))
        except LookupError as error:
            reason = f"The upstream's answer holds no {error.args[0]!r}, where the document should stand"
            raise Ended(RetryAt(reason, "no-document", exchanges=self.exchanges, status=answer.status)) from None
        except ValueError as error:
            transport = answer.fault is not None and answer.fault.code in ("timed-out", "reset")
            raise Ended(
                RetryAt(
                    str(error), "unreadable-answer", transport=transport, exchanges=self.exchanges, status=answer.status
                )
            ) from None

    def wait(self, answer: Answer) -> float | None:
        """Seconds that the answer asks for."""
        return asked_wait(answer.headers, self._now())

    def refusal(self, answer: Answer) -> RetryAt | Rejected:
        """What an answer that is no success means."""
        return refusal(answer, self.exchanges, self._now())


def _as_retry(outcome: Unknown) -> RetryAt:
    """A read whose answer was lost changed nothing."""
    return RetryAt(outcome.reason, outcome.code, transport=True, exchanges=outcome.exchanges)
