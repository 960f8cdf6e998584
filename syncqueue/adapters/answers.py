"""What an answer's status means for the item, wherever it was sent. Pure: an answer gives an outcome, or None when it is no refusal.

| status | is | why |
|---|---|---|
| 401, 407 | RetryAt, upstream-wide | wrong for every item alike: someone mends them once, and no item fails for it meanwhile |
| 403 | Rejected | these credentials are known and may not touch this entity: a matter of this item |
| 429 | RetryAt, upstream-wide | the upstream limits the sender, not the item |
| 502, 503, 504, 520 to 527, 530 | RetryAt, transport | a gateway answers in place of the upstream |
| 408, 423, 425, 500, other 5xx | RetryAt | the item's own failure; it uses up an attempt |
| 501, 505, other 4xx | Rejected | sending it again would not help |
"""

from collections.abc import Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from portal.kit import jsontext
from portal.kit.errors import Invalid
from portal.kit.masking import mask_text
from resilience.outbound.client import Answer
from resilience.outbound.errors import OutboundError, RedirectRefused, Unsendable
from resilience.outbound.retry_after import asked_wait
from syncqueue.adapters.base import Exchange, Rejected, RetryAt, Unknown

CREDENTIALS_WAIT = 60.0
"""Seconds until refused credentials are tried again, unless the upstream says when."""

_MAY_BE_APPLIED = frozenset({500, 502, 504, 520, 522, 524})
_LONGEST_WORD = 300


class _Again(NamedTuple):
    """How an answer is told that asks for another try."""

    code: str
    words: str
    transport: bool = False
    upstream_wide: bool = False
    wait: float | None = None


_CREDENTIALS = _Again(
    "credentials-refused",
    "The upstream refused the credentials; correct them in its settings",
    upstream_wide=True,
    wait=CREDENTIALS_WAIT,
)
_GATEWAY = _Again("unavailable", "The upstream is not available", transport=True)
_FAILED = _Again("upstream-error", "The upstream failed over this change")
_MEANINGLESS = _Again("unexpected-status", "The upstream gave an answer that means nothing here")
_AGAIN = {
    401: _CREDENTIALS,
    407: _CREDENTIALS,
    408: _Again("busy", "The upstream gave up waiting for the request"),
    423: _Again("busy", "The entity is locked at the upstream"),
    425: _Again("busy", "The upstream asks to send it later"),
    429: _Again("rate-limited", "The upstream asks to send less", upstream_wide=True),
    **dict.fromkeys((502, 503, 504, *range(520, 528), 530), _GATEWAY),
}
_REJECTED = {
    403: ("forbidden", "The credentials do not allow this change"),
    404: ("not-found", "The upstream has no such place"),
}


def refusal(answer: Answer, exchanges: Sequence[Exchange], now: datetime) -> RetryAt | Rejected:
    """What an answer that is no success means for the item."""
    status = answer.status
    again = _again(status)
    if again is None:
        code, words = _REJECTED.get(status, ("refused", "The upstream refused the change"))
        return Rejected(f"{words} ({status}{own_words(answer)})", code, status, exchanges)
    return RetryAt(
        f"{again.words} ({status}{own_words(answer)})",
        again.code,
        asked_wait(answer.headers, now) or again.wait,
        transport=again.transport,
        upstream_wide=again.upstream_wide,
        exchanges=exchanges,
        status=status,
        outcome_unknown=status in _MAY_BE_APPLIED,
    )


def _again(status: int) -> _Again | None:
    if status < 400:
        return _MEANINGLESS
    if status >= 500 and status not in (501, 505):
        return _AGAIN.get(status, _FAILED)
    return _AGAIN.get(status)


def failure(error: OutboundError, exchanges: Sequence[Exchange]) -> RetryAt | Rejected | Unknown:
    """What it means for the item that there was no answer to a write.

    A refused redirect counts as a failed connection: it is mostly a proxy or a sign-in page in front of the upstream. A single
    address that loops fails alone all the same, since the gate asks for failures with no success between.
    """
    reason = error.brief()
    if isinstance(error, Unsendable):
        return Rejected(reason, error.code, None, exchanges)
    if error.sent:
        return Unknown(reason, error.code, exchanges)
    status = error.status if isinstance(error, RedirectRefused) else None
    return RetryAt(reason, error.code, transport=True, exchanges=exchanges, status=status)


def read_json(answer: Answer) -> Any:
    """The value in an answer's body; raises ValueError whose text is a sentence for people."""
    if answer.fault:
        raise ValueError(answer.fault.sentence())
    if not answer.body:
        raise ValueError("The answer is empty.")
    try:
        return jsontext.parse(answer.body)
    except Invalid as error:
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        instead = (
            "HTML" if "html" in kind or answer.body.lstrip()[:1] == b"<" else f"{kind or 'something'} that is no JSON"
        )
        detail = error.faults[0].detail if error.faults else str(error)
        raise ValueError(f"The upstream answered {instead}. {detail}") from None


def own_words(answer: Answer) -> str:
    """What the upstream itself says about its refusal, masked and short, led by a colon; empty when it says nothing readable."""
    try:
        body = read_json(answer)
    except ValueError:
        return ""
    words: list[str] = []
    pending = [body]
    while pending and len(words) < 2:
        value = pending.pop(0)
        if isinstance(value, str):
            words.append(value)
        elif isinstance(value, dict):
            pending += [value[key] for key in ("detail", "message", "title", "error", "reason") if value.get(key)]
    text = mask_text(" ".join(dict.fromkeys(words))[:_LONGEST_WORD])
    return f": {' '.join(text.split())}" if text else ""


def last_modified(exchanges: Sequence[Exchange]) -> datetime | None:
    """When the upstream's document was changed, by the last answer that says it; None when none does."""
    for exchange in reversed(exchanges):
        said = exchange.received_headers.get("Last-Modified")
        if said:
            try:
                return parsedate_to_datetime(said)
            except ValueError:
                return None
    return None
