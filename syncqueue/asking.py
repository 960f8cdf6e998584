"""Asking upstreams what they have, for somebody who waits: each question is a call that the upstream's breaker lets through and counts."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from time import monotonic

from django.conf import settings
from django.utils.translation import gettext as _

from portal.kit.errors import Error
from portal.kit.masking import mask_text
from portal.kit.secrets import SecretUnreadable
from resilience.breakers.here import breaker_of
from resilience.outbound.client import Client
from resilience.patterns.breaker import Permit
from resilience.patterns.errors import CircuitOpenError
from resilience.patterns.typing import Verdict
from resilience.telemetry import tracing
from resilience.upstreams.models import Upstream
from syncqueue import upstreams
from syncqueue.adapters.base import Adapter, Entity, Fetched, Gone, Rejected, RetryAt, Target
from syncqueue.core import spans
from syncqueue.core.streak import Told, verdict_of

Asked = Fetched | Gone | RetryAt | Rejected
_Answer = tuple[Asked, float]


@dataclass(frozen=True, slots=True)
class _Question:
    adapter: Adapter
    target: Target
    entity: Entity
    permit: Permit


def ask(entities: Sequence[tuple[Upstream, Entity]], *, seconds: float | None = None) -> list[Asked]:
    """What upstreams have under these names now, or why they could not be asked; all at once. Never raises for what an upstream does.

    `seconds` bounds the wait for each where its upstream's own timeout is longer.
    """
    questions = [_question(upstream, entity, seconds) for upstream, entity in entities]
    found: list[_Answer] = []

    async def all_of_them() -> list[_Answer]:
        async with Client(allowed_networks=[str(net) for net in settings.BREAKWATER_ALLOWED_NETWORKS]) as client:
            return await asyncio.gather(*(_ask(client, question, seconds) for question in questions))

    try:
        found = asyncio.run(all_of_them()) if questions else []
    finally:
        # Told here and not in the event loop: a breaker may have to write, and Django writes from no event loop.
        for question, answer in zip_longest(questions, found):
            _tell(question, answer)
    return [_masked(asked) for asked, _ in found]


def _question(upstream: Upstream, entity: Entity, seconds: float | None) -> _Question | Asked:
    """What is to be asked, with the permit to do it; or why it is not."""
    try:
        adapter, target = upstreams.reach(upstream)
        permit = breaker_of(upstream).admit()
    except (SecretUnreadable, Error) as error:
        return Rejected(str(error), "settings")
    except CircuitOpenError as error:
        reason = _("The breaker of %(upstream)s is open") % {"upstream": upstream.slug}
        return RetryAt(reason, "circuit-open", retry_after=error.retry_after)
    if seconds is not None:
        target = replace(target, timeout=min(target.timeout, seconds))
    return _Question(adapter, target, entity, permit)


async def _ask(client: Client, question: _Question | Asked, seconds: float | None) -> _Answer:
    if not isinstance(question, _Question):
        return question, 0.0
    started = monotonic()
    with tracing.operation(question.permit.breaker.name):
        asked = question.adapter.fetch(client, question.target, question.entity)
        try:
            found = await asyncio.wait_for(asked, timeout=None if seconds is None else seconds + 1)
        except TimeoutError:
            found = RetryAt(_("No answer within %d s") % (seconds or 0), "timeout", transport=True)
        tracing.note(lambda: spans.answer(found, half_open=question.permit.half_open))
    return found, monotonic() - started


def _tell(question: _Question | Asked, answer: _Answer | None) -> None:
    if not isinstance(question, _Question):
        return
    if answer is None:
        question.permit.done(Verdict.IGNORED)
        return
    found, seconds = answer
    verdict = verdict_of(found, first=True, testing=question.permit.half_open)
    question.permit.done(verdict, seconds, Told.of(found) if verdict is Verdict.FAILURE else None)


def _masked(found: Asked) -> Asked:
    return replace(found, reason=mask_text(found.reason)) if isinstance(found, RetryAt | Rejected) else found
