"""Asking an upstream whether it answers, with the headers and credentials that deliveries use."""

import asyncio
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from portal.events.record import record
from portal.kit.errors import NotFound
from portal.kit.masking import mask_text
from portal.kit.secrets import SecretUnreadable
from portal.kit.viewer import Permission, Viewer
from resilience.outbound.client import Answer, Client, Request
from resilience.outbound.errors import AddressRefused, OutboundError, TransportFailure
from resilience.outbound.headers import private_headers
from resilience.patterns.typing import Verdict
from resilience.upstreams.advice import how_to_allow
from resilience.upstreams.models import Upstream

LONGEST_WAIT = 10.0


@dataclass(frozen=True, slots=True)
class Tested:
    """What a test of the connection found, as one sentence. `seconds` and `status` are None when nothing answered.

    `brief` is the same in a few words, for its breaker, where the request failed.
    `verdict` is what it says about the upstream itself: one that answers is alive, unless it answers that it failed.
    """

    ok: bool
    sentence: str
    status: int | None = None
    seconds: float | None = None
    verdict: Verdict = Verdict.IGNORED
    brief: str = ""


def test_connection(*, viewer: Viewer, upstream_id: int) -> Tested:
    """What the upstream answers to one GET of its address. Nothing is changed there or here; an event tells of it."""
    upstream = Upstream.objects.for_org(viewer).select_related("organization").filter(pk=upstream_id).first()
    if upstream is None:
        raise NotFound
    viewer.require(Permission.OPERATE, upstream.organization_id)
    tested = _ask(upstream)
    with transaction.atomic():
        record(
            verb="upstream.tested",
            subject=f"upstream:{upstream.pk}",
            actor=viewer.name,
            organization_id=upstream.organization_id,
            organization_name=upstream.organization.name,
            data={"ok": tested.ok, "status": tested.status, "sentence": tested.sentence[:300]},
            request_id=viewer.request_id,
        )
    return tested


def _ask(upstream: Upstream) -> Tested:
    try:
        private = private_headers(upstream.headers, upstream.read_credentials())
        answer = asyncio.run(_get(upstream, private))
    except SecretUnreadable as error:
        return Tested(ok=False, sentence=error.title())
    except OutboundError as error:
        verdict = Verdict.FAILURE if isinstance(error, TransportFailure) else Verdict.IGNORED
        advice = how_to_allow(error.opening) if isinstance(error, AddressRefused) else ""
        sentence = f"{mask_text(error.sentence())} {advice}".rstrip()
        return Tested(ok=False, sentence=sentence, status=error.status, verdict=verdict, brief=error.brief())
    ok, sentence = _judged(upstream, answer)
    return Tested(ok, sentence, answer.status, answer.seconds, _verdict(answer.status))


async def _get(upstream: Upstream, private: dict[str, str]) -> Answer:
    networks = [str(network) for network in settings.BREAKWATER_ALLOWED_NETWORKS]
    async with Client(allowed_networks=networks) as client:
        headers = {"Accept": "application/json", **private}
        timeout = min(upstream.timeout, LONGEST_WAIT)
        request = Request(
            "GET", upstream.address, headers=headers, private=set(private), timeout=timeout, most_bytes=65_536
        )
        return await client.send(request)


def _verdict(status: int) -> Verdict:
    if status == 429:
        return Verdict.IGNORED
    return Verdict.FAILURE if status >= 500 else Verdict.SUCCESS


def _judged(upstream: Upstream, answer: Answer) -> tuple[bool, str]:
    said = {"name": upstream.name, "status": answer.status, "ms": round(answer.seconds * 1000)}
    if answer.status in {401, 403}:
        hint = _("Enter its credentials.") if upstream.credentials_type == "none" else _("Check the credentials.")
        return False, _("%(name)s answered in %(ms)d\u00a0ms and refused access (%(status)d).") % said + " " + hint
    if answer.status == 429:
        return False, _("%(name)s answered in %(ms)d\u00a0ms that it gets too many requests (429). Try later.") % said
    if answer.status >= 500:
        return False, _("%(name)s is reached and answers with an error of its own (%(status)d).") % said
    if answer.status in {404, 405}:
        text = _("%(name)s answered in %(ms)d\u00a0ms. There is nothing to read at the address itself (%(status)d).")
        return True, text % said
    if answer.status >= 400:
        return False, _("%(name)s is reached and refuses the request (%(status)d).") % said
    return True, _("%(name)s answered in %(ms)d\u00a0ms (%(status)d).") % said
