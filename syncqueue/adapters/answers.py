"""What an answer's status means for the item, wherever it was sent. Pure: an answer gives an outcome, or None when it is no refusal.

| status | is | why |
|---|---|---|
| 401, 407 | RetryAt, upstream-wide | the credentials are wrong for every item alike: someone has to mend them once, and no item should fail or use up attempts for it meanwhile |
| 403 | Rejected | these credentials are known and may not touch this entity: a matter of this item |
| 429 | RetryAt, upstream-wide | the upstream limits the sender, not the item |
| 502, 503, 504, 520 to 527, 530 | RetryAt, transport | a gateway answers in place of the upstream |
| 408, 423, 425, 500, other 5xx | RetryAt | the item's own failure; it uses up an attempt |
| 501, 505, other 4xx | Rejected | sending it again would not help |
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from portal.kit import jsontext
from portal.kit.errors import Invalid
from portal.kit.masking import mask_text
from resilience.outbound.client import Answer
from resilience.outbound.errors import OutboundError, RedirectRefused, Unsendable
from resilience.outbound.retry_after import asked_wait
from syncqueue.adapters.base import Exchange, Rejected, RetryAt, Unknown

CREDENTIALS_WAIT = 60.0
"""Seconds until refused credentials are tried again, unless the upstream says when."""

_GATEWAY = frozenset({502, 503, 504, *range(520, 528), 530})
_MAY_BE_APPLIED = frozenset({500, 502, 504, 520, 522, 524})
_LATER = {408: "The upstream gave up waiting for the request", 423: "The entity is locked", 425: "The upstream asks to send it later"}
_LONGEST_WORD = 300


def refusal(answer: Answer, exchanges: Sequence[Exchange], now: datetime) -> RetryAt | Rejected:
    """What an answer that is no success means for the item."""
    status = answer.status
    wait = asked_wait(answer.headers, now)
    said = own_words(answer)
    if status in (401, 407):
        reason = f"The upstream refused the credentials ({status}{said}). Correct them in the upstream's settings"
        return RetryAt(reason, "credentials-refused", wait or CREDENTIALS_WAIT, upstream_wide=True, exchanges=exchanges, status=status)
    if status == 429:
        reason = f"The upstream asks to send less (429{said})"
        return RetryAt(reason, "rate-limited", wait, upstream_wide=True, exchanges=exchanges, status=status)
    if status in _GATEWAY:
        reason = f"The upstream is not available ({status}{said})"
        unknown = status in _MAY_BE_APPLIED
        return RetryAt(reason, "unavailable", wait, transport=True, exchanges=exchanges, status=status, outcome_unknown=unknown)
    if status in _LATER:
        return RetryAt(f"{_LATER[status]} ({status}{said})", "busy", wait, exchanges=exchanges, status=status)
    if status >= 500 and status not in (501, 505):
        reason = f"The upstream failed over this change ({status}{said})"
        unknown = status in _MAY_BE_APPLIED
        return RetryAt(reason, "upstream-error", wait, exchanges=exchanges, status=status, outcome_unknown=unknown)
    if status < 400:
        reason = f"The upstream gave an answer that means nothing here ({status}{said})"
        return RetryAt(reason, "unexpected-status", wait, exchanges=exchanges, status=status)
    if status == 403:
        return Rejected(f"The credentials do not allow this change (403{said})", "forbidden", status, exchanges)
    if status == 404:
        return Rejected(f"The upstream has no such place (404{said})", "not-found", status, exchanges)
    return Rejected(f"The upstream refused the change ({status}{said})", "refused", status, exchanges)


def failure(error: OutboundError, exchanges: Sequence[Exchange]) -> RetryAt | Rejected | Unknown:
    """What it means for the item that there was no answer to a write.

    A refused redirect counts as a failed connection: it is mostly a proxy or a sign-in page in front of the upstream, and a single address that loops fails alone all the same, since the gate asks for failures with no success between.
    """
    reason = error.sentence()
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
        instead = "HTML" if "html" in kind or answer.body.lstrip()[:1] == b"<" else f"{kind or 'something'} that is no JSON"
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
