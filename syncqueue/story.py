"""Why an item is where it is: the explaining sentences of its own page, what is, what follows, what to do."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.web.formats import duration, number
from resilience.breakers.figures import most_attempts
from resilience.breakers.models import Breaker
from syncqueue.core.states import ItemState
from syncqueue.facts import Known
from syncqueue.models import Item
from syncqueue.reasons import spared


@dataclass(frozen=True, slots=True)
class Story:
    """Sentences: `lead`, then the item that is `link`ed as `link_word`, then `rest`, then `then` with a countdown `until`."""

    lead: str
    link: UUID | None = None
    link_word: str = ""
    rest: str = ""
    then: str = ""
    until: datetime | None = None


def story(known: Known, now: datetime) -> Story:
    """The explaining sentences of an item's page."""
    told = _told(known, now)
    if not known.carries:
        return told
    others = ngettext("One later change goes with it.", "%(n)s later changes go with it.", known.carries)
    return replace(told, lead=f"{others % {'n': number(known.carries)}} {told.lead}")


def _told(known: Known, now: datetime) -> Story:
    match known.item.item_state:
        case ItemState.QUEUED | ItemState.RETRYING:
            return _waiting(known, now)
        case ItemState.IN_FLIGHT:
            told = _flying(known)
        case ItemState.CONFLICT:
            told = _conflict(known)
        case ItemState.FAILED:
            told = _failed(known)
        case ItemState.SYNCED:
            told = _synced(known)
        case ItemState.SUPERSEDED:
            return _superseded(known)
        case _:
            told = _("Cancelled. It was not delivered and will not be sent.")
    return Story(told)


def _superseded(known: Known) -> Story:
    """It goes, or went, the way of the earlier change that took it along."""
    carrier = known.carrier
    if carrier is None:
        return Story(_("It went out with an earlier change of the same %(type)s.") % _names(known))
    match carrier.item_state:
        case ItemState.SYNCED:
            lead, rest = _("It was delivered together with"), "."
        case ItemState.CANCELLED:
            lead, rest = _("It was to go out with"), _(", which was cancelled: neither was delivered.")
        case ItemState.CONFLICT:
            lead, rest = _("It goes out with"), _(", which is in conflict and waits for a decision.")
        case ItemState.FAILED:
            lead, rest = _("It goes out with"), _(", which failed: send that one again.")
        case _:
            lead, rest = _("It goes out with"), _(", which is on its way.")
    return Story(lead, carrier.pk, _("an earlier change of the same %(type)s") % _names(known), rest)


def _names(known: Known) -> dict[str, str]:
    item, lane = known.item, known.lane
    return {
        "upstream": item.upstream.slug,
        "type": lane.entity_type,
        "by": lane.held_by,
        "held": f": {lane.held_reason}" if lane.held_reason else "",
        "who": item.upstream.paused_by,
        "paused": f": {item.upstream.paused_reason}" if item.upstream.paused_reason else "",
        "reason": _full(item.reason),
        "n": number(max(known.lane.depth - 1, 0)),
    }


def _full(text: str) -> str:
    """A text as a sentence, with its stop."""
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


def _flying(known: Known) -> str:
    attempt, worker = known.attempt, known.lane.lease_owner or _("a worker")
    if attempt is None:
        return _("Being sent to %(upstream)s.") % _names(known)
    return _("Being sent to %(upstream)s by %(worker)s as attempt %(number)d.") % {
        **_names(known),
        "worker": worker,
        "number": attempt.number,
    }


def _behind_it(known: Known) -> str:
    n = max(known.lane.depth - 1, 0)
    if not n or known.item.stepped_over:
        return ""
    return ngettext(
        "%(n)s later change of this %(type)s waits behind it.",
        "%(n)s later changes of this %(type)s wait behind it.",
        n,
    ) % _names(known)


def _conflict(known: Known) -> str:
    said = _full(known.item.reason) or _("Both sides changed the same thing.")
    if known.item.stepped_over:
        return f"{said} {_('It was stepped over; its lane goes on without it.')}"
    return " ".join(part for part in (said, _("It waits for a decision."), _behind_it(known)) if part)


def _failed(known: Known) -> str:
    said = _full(known.item.reason) or _("Its attempts are used up.")
    if known.item.stepped_over:
        return f"{said} {_('It was stepped over; its lane goes on without it.')}"
    mend = _("Mend the cause, then send it again.")
    return " ".join(part for part in (said, mend, _behind_it(known)) if part)


def _synced(known: Known) -> str:
    item = known.item
    if item.finished_at is None:
        return _("Delivered.")
    said = {"span": duration(item.finished_at - item.created_at), "n": item.sends, "upstream": item.upstream.slug}
    return ngettext(
        "Delivered to %(upstream)s %(span)s after it was taken in, with %(n)d attempt.",
        "Delivered to %(upstream)s %(span)s after it was taken in, with %(n)d attempts.",
        max(item.sends, 1),
    ) % {**said, "n": max(item.sends, 1)}


def _waiting(known: Known, now: datetime) -> Story:
    names, upstream = _names(known), known.item.upstream
    if known.lane.held_by:
        return Story(_("Not being sent: its lane is held by %(by)s%(held)s.") % names)
    if known.head is not None and not known.first:
        return _behind(known, known.head, now)
    if upstream.paused_at:
        return Story(_("Not being sent: %(upstream)s is paused by %(who)s%(paused)s.") % names)
    breaker = known.breaker
    if breaker and breaker.out:
        return _out(known, breaker, now)
    if breaker and breaker.spared_until and breaker.spared_until > now:
        lead = _("Not being sent: %(why)s") % {"why": spared(breaker.spared_reason, upstream.slug)}
        return Story(lead, then=_("It is sent in"), until=breaker.spared_until)
    return _first(known, now)


def _next_attempt(known: Known) -> str:
    most = most_attempts(known.item.upstream)
    return _("attempt %(n)d of %(most)d") % {"n": min(known.item.attempts + 1, most), "most": most}


def _out(known: Known, breaker: Breaker, now: datetime) -> Story:
    until = breaker.open_until if breaker.open_until and breaker.open_until > now else None
    if breaker.forced_open:
        said = {**_names(known), "who": breaker.forced_by, "why": breaker.forced_reason}
        lead = (
            _("Not being sent: %(who)s forced the breaker of %(upstream)s open (%(why)s). No attempt is used up.")
            % said
        )
        return Story(lead, then=_("It is tested again in"), until=until)
    lead = _(
        "Not being sent: %(upstream)s is down. This change is the first of its lane and goes out"
        " when %(upstream)s answers again; the outage uses up none of its attempts."
    ) % _names(known)
    if until:
        return Story(lead, then=_("The next try is in"), until=until)
    return Story(lead, rest=_("It is being tried now."))


def _first(known: Known, now: datetime) -> Story:
    item = known.item
    if item.item_state is ItemState.QUEUED and item.retry_at and item.retry_at > now:
        decided = _("Its conflict is decided, and the resolution can still be taken back.")
        return Story(decided, then=_("It is sent in"), until=item.retry_at)
    if item.item_state is ItemState.QUEUED or not item.retry_at or item.retry_at <= now:
        return Story(_("The first of its lane: it is sent next."))
    lead = _full(item.reason)
    if item.outcome_unknown:
        lead += " " + _("Whether it arrived is not known; the same key keeps it from being applied twice.")
    then = _("This change goes out as %(attempt)s in") % {"attempt": _next_attempt(known)}
    return Story(lead, then=then, until=item.retry_at)


def _behind(known: Known, head: Item, now: datetime) -> Story:
    lead = ngettext(
        "Waits behind %(n)s item of the same %(type)s. The first of them,",
        "Waits behind %(n)s items of the same %(type)s. The first of them,",
        known.ahead,
    ) % {**_names(known), "n": (_("about") + " " if known.about else "") + number(known.ahead)}
    rest, then, until = _head(known, head, now)
    return Story(lead, head.pk, f"{head.kind} {str(head.pk)[:8]}", ", " + rest if rest else ",", then, until)


def _head(known: Known, head: Item, now: datetime) -> tuple[str, str, datetime | None]:
    """What the head of the lane does: a phrase, or one with a countdown."""
    settled = {
        ItemState.FAILED: _("failed: send it again, or step over it."),
        ItemState.CONFLICT: _("is in conflict and waits for a decision."),
        ItemState.IN_FLIGHT: _("is being sent now."),
    }
    breaker = known.breaker
    if head.item_state in settled:
        return settled[head.item_state], "", None
    if known.item.upstream.paused_at:
        return _("waits because %(upstream)s is paused.") % _names(known), "", None
    if breaker and breaker.out:
        until = breaker.open_until if breaker.open_until and breaker.open_until > now else None
        return _("waits because %(upstream)s is down.") % _names(known), _("The next try is in") if until else "", until
    if head.retry_at and head.retry_at > now:
        return "", _("is tried again in"), head.retry_at
    return _("is sent next."), "", None
