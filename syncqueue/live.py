"""What live pages hear about the queue: its figures, what changed, and a few sentences on what went wrong or right."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.kit.viewer import Role, Viewer
from portal.live.core.entries import Entry
from resilience.upstreams.models import Upstream
from syncqueue import figures

TOPIC = "queue"
VERBS = ("item.", "lane.", "upstream.", "breaker.")
MOST_NAMED = 100
MOST_NOTICES = 6


def snapshot(organization_ids: frozenset[int]) -> dict[str, Any]:
    """{"counts": {state: items}} over these organizations, from the counters."""
    viewer = Viewer(user_id=None, name="", roles=dict.fromkeys(organization_ids, Role.VIEWER))
    return {"counts": figures.totals(figures.by_upstream(viewer))}


def digest(entries: Sequence[Entry]) -> dict[str, Any]:
    """What changed: item and lane ids (newest first, at most 100), how often which verb, and notices."""
    newest = sorted(entries, key=lambda entry: -entry.id)
    told = {entry.id: entry.read_data() for entry in newest}
    items = dict.fromkeys(_item(entry) for entry in newest if _item(entry))
    lanes = dict.fromkeys(told[entry.id]["lane"] for entry in newest if "lane" in told[entry.id])
    moves: dict[str, int] = defaultdict(int)
    for entry in newest:
        moves[entry.verb] += 1
    return {
        "changed": list(items)[:MOST_NAMED],
        "lanes": list(lanes)[:MOST_NAMED],
        "more": len(items) > MOST_NAMED or len(lanes) > MOST_NAMED,
        "moves": dict(moves),
        "notices": list(_notices(newest, told))[:MOST_NOTICES],
    }


def _item(entry: Entry) -> str:
    kind, _colon, name = entry.subject.partition(":")
    return name if kind == "item" else ""


def _upstream(entry: Entry, data: dict[str, Any]) -> int | None:
    kind, _colon, name = entry.subject.partition(":")
    if kind == "upstream":
        return int(name) if name.isdigit() else None
    return data.get("upstream")


def _notices(newest: Sequence[Entry], told: dict[int, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """One notice for each verb and upstream, the worst first."""
    groups: dict[tuple[str, int], list[Entry]] = defaultdict(list)
    for entry in newest:
        upstream_id = _upstream(entry, told[entry.id])
        if entry.verb in _SENTENCES and upstream_id is not None:
            groups[entry.verb, upstream_id].append(entry)
    ids = {upstream_id for _verb, upstream_id in groups}
    names = dict(Upstream.objects.unscoped().filter(pk__in=ids).values_list("pk", "name")) if ids else {}
    for verb, (tone, sentence) in _SENTENCES.items():
        for (about, upstream_id), entries in groups.items():
            if about == verb and upstream_id in names:
                reason = str(told[entries[0].id].get("reason", ""))[:200]
                yield {
                    "tone": tone,
                    "text": sentence(len(entries), names[upstream_id], reason),
                    "item": _item(entries[0]) if len(entries) == 1 else "",
                    "about": f"upstream:{upstream_id}",
                    "verb": verb,
                    "event": entries[0].id,
                }


def _failed(n: int, upstream: str, reason: str) -> str:
    if n == 1 and reason:
        return _("An item for %(upstream)s failed: %(reason)s") % {"upstream": upstream, "reason": reason}
    return ngettext("%(n)s item for %(upstream)s failed.", "%(n)s items for %(upstream)s failed.", n) % {
        "n": n,
        "upstream": upstream,
    }


def _conflict(n: int, upstream: str, reason: str) -> str:
    return ngettext(
        "%(n)s item for %(upstream)s is in conflict and waits for a decision.",
        "%(n)s items for %(upstream)s are in conflict and wait for a decision.",
        n,
    ) % {"n": n, "upstream": upstream}


def _out(n: int, upstream: str, reason: str) -> str:
    if reason:
        return _("%(upstream)s is down: %(reason)s Its items wait, none is lost.") % {
            "upstream": upstream,
            "reason": reason if reason.endswith(".") else f"{reason}.",
        }
    return _("%(upstream)s is down. Its items wait, none is lost.") % {"upstream": upstream}


def _stopped(n: int, upstream: str, reason: str) -> str:
    said = {"upstream": upstream, "reason": reason if reason.endswith(".") else f"{reason}."}
    return _("%(upstream)s is not sent to: %(reason)s Its items wait, none is lost.") % said


def _back(n: int, upstream: str, reason: str) -> str:
    return _("%(upstream)s is back. Its items are being delivered.") % {"upstream": upstream}


def _synced(n: int, upstream: str, reason: str) -> str:
    return ngettext("%(n)s item delivered to %(upstream)s.", "%(n)s items delivered to %(upstream)s.", n) % {
        "n": n,
        "upstream": upstream,
    }


_SENTENCES = {
    "breaker.opened": ("bad", _out),
    "breaker.forced-open": ("bad", _stopped),
    "item.failed": ("bad", _failed),
    "item.conflict": ("ask", _conflict),
    "breaker.closed": ("ok", _back),
    "item.synced": ("ok", _synced),
}
