"""Why an item is where it is, in a few words, for a row of the list."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.web.formats import number
from resilience.breakers.figures import most_attempts
from resilience.breakers.models import Breaker
from syncqueue.core.states import ItemState
from syncqueue.facts import Known


@dataclass(frozen=True, slots=True)
class Reason:
    """A sentence, and what happens `until` when: "Timed out after 20 s." and "Attempt 4 of 5 in" 12 s."""

    text: str
    then: str = ""
    until: datetime | None = None


def reason(known: Known, now: datetime) -> Reason:
    """What a row says in "Why it waits"."""
    item = known.item
    match item.item_state:
        case ItemState.QUEUED | ItemState.RETRYING:
            return _waits(known, now)
        case ItemState.CONFLICT:
            text = item.reason or _("Both sides changed the same thing.")
        case ItemState.FAILED:
            text = item.reason or _("Its attempts are used up.")
        case ItemState.IN_FLIGHT:
            text = _("Being sent by %(worker)s.") % {"worker": known.lane.lease_owner or _("a worker")}
        case ItemState.SYNCED:
            text = _("Delivered.")
        case ItemState.SUPERSEDED:
            text = _("Went out with an earlier change of the same %(type)s.") % {"type": known.lane.entity_type}
        case ItemState.CANCELLED:
            text = _("Cancelled, not sent.")
    return Reason(text)


def _waits(known: Known, now: datetime) -> Reason:
    lane, upstream, breaker = known.lane, known.item.upstream, known.breaker
    names = {"upstream": upstream.slug, "type": lane.entity_type, "by": lane.held_by, "who": upstream.paused_by}
    if lane.held_by:
        return Reason(_("Its lane is held by %(by)s.") % names)
    if known.head is not None and not known.first:
        return Reason(_behind(known))
    if upstream.paused_at:
        return Reason(_("%(upstream)s is paused by %(who)s.") % names)
    if breaker and breaker.out:
        return _out(breaker, upstream.slug, now)
    if breaker and breaker.spared_until and breaker.spared_until > now:
        return Reason(spared(breaker.spared_reason, names["upstream"]), _("Sent in"), breaker.spared_until)
    return _first(known, now)


def _out(breaker: Breaker, upstream: str, now: datetime) -> Reason:
    names = {"upstream": upstream, "by": breaker.forced_by}
    later = _later(breaker.open_until, now)
    if breaker.forced_open:
        stopped = _("%(upstream)s is stopped by %(by)s: its breaker is forced open.") % names
        return Reason(stopped, _("Tested again in"), later)
    out = Reason(_("%(upstream)s is down: its breaker is open.") % names, _("It is tried again in"), later)
    return out if later else Reason(_("%(upstream)s is down and is tried again now.") % names)


def spared(why: str, upstream: str) -> str:
    """Why an upstream that answers is left alone for a while, as a sentence."""
    if not why:
        return _("%(upstream)s asks to be spared.") % {"upstream": upstream}
    return why if why.endswith(".") else f"{why}."


def _first(known: Known, now: datetime) -> Reason:
    item = known.item
    if item.item_state is not ItemState.RETRYING:
        until = _later(item.retry_at, now)
        if until:
            return Reason(_("The conflict is decided."), _("Sent in"), until)
        if item.code == "merged":
            return Reason(_("Merged with what the upstream had; is sent next."))
        return Reason(_("Is sent next."))
    most = most_attempts(item.upstream)
    then = _("Attempt %(n)d of %(most)d in") % {"n": min(item.attempts + 1, most), "most": most}
    until = _later(item.retry_at, now)
    return Reason(item.reason, then, until) if until else Reason(item.reason or _("Is sent next."))


def _behind(known: Known) -> str:
    names = {"type": known.lane.entity_type}
    match known.head.item_state if known.head else None:
        case ItemState.CONFLICT:
            return _("Behind a conflict on the same %(type)s.") % names
        case ItemState.FAILED:
            return _("Behind a failed change of the same %(type)s.") % names
        case _:
            about = _("about") + " " if known.about else ""
            said = {**names, "n": f"{about}{number(known.ahead)}"}
            return (
                ngettext(
                    "Behind %(n)s item of the same %(type)s.", "Behind %(n)s items of the same %(type)s.", known.ahead
                )
                % said
            )


def _later(at: datetime | None, now: datetime) -> datetime | None:
    return at if at and at > now else None
