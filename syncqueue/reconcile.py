"""What a pump needs to know before it can merge a refused change, read in one go; the merge itself is pure and runs elsewhere.

The base of a change is, in this order:

1. what its client had when it made it: the document that its last change on the same version led to (as the client believes it to be);
2. the document that we know the upstream had at the version it was sent against;
3. the base that came with the change;
4. the document at the version that it was made on;
5. unknown: then each place that it touches asks, unless both sides say the same there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from conflicts.core import MISSING, Choice
from conflicts.core.met import Met
from conflicts.core.verdict import judge
from conflicts.models import Conflict, KindRules, decisions_of
from conflicts.ruling import rules_of
from portal.kit import jsontext
from syncqueue import kinds
from syncqueue.adapters.base import Conflicted
from syncqueue.core.jobs import Assignment
from syncqueue.core.reconcile import MOST_ROUNDS, Sides, author_of, sides
from syncqueue.models import Item, Snapshot


@dataclass(frozen=True, slots=True)
class Case:
    """One refused change with everything that its merge needs."""

    job: Assignment
    found: Conflicted
    documents: Sides
    rules: Mapping[str, Any]
    choices: Mapping[str, Choice]
    asked: Conflict | None
    rounds: int
    local_by: str
    local_at: datetime


def gather(job: Assignment, found: Conflicted) -> Case:
    """Everything that the merge of this change needs; reads only."""
    item = Item.objects.unscoped().values("actor", "assigned_by", "occurred_at", "created_at").get(pk=job.item_id)
    before = Conflict.objects.unscoped().filter(item_id=job.item_id).first()
    own = KindRules.objects.unscoped().filter(organization_id=job.organization_id, kind=job.kind).first()
    remote = MISSING if found.remote is None else found.remote
    return Case(
        job,
        found,
        _again(before, remote) if before else _first(job, remote),
        rules_of(own, job.kind),
        before.read_choices() if before else {},
        before,
        before.rounds if before else 0,
        item["assigned_by"] or item["actor"],
        item["occurred_at"] or item["created_at"],
    )


def examine(case: Case) -> Met:
    """What the rules say to it. Pure; may take a while with large documents."""
    job, found, three = case.job, case.found, case.documents
    before = decisions_of(case.asked) if case.asked and case.choices else ()
    verdict = judge(three.base, three.local, three.remote, case.rules, case.choices, before=before)
    worn_out = verdict.settled and case.rounds >= MOST_ROUNDS
    return Met(
        item_id=job.item_id,
        organization_id=job.organization_id,
        upstream_id=job.upstream_id,
        entity_type=job.entity_type,
        entity_id=job.entity_id,
        title=job.title or _title(job.kind, three),
        kind=job.kind,
        operation=job.operation,
        base=three.base,
        local=three.local,
        remote=three.remote,
        base_known=three.base_known,
        base_version=job.base_version,
        remote_version=found.remote_version or "",
        client=job.client,
        local_by=case.local_by,
        local_at=case.local_at,
        remote_by=author_of(three.remote),
        remote_at=found.changed_at,
        rules=case.rules,
        verdict=verdict,
        asks_anyway=_("The upstream changed it again each of %d times.") % MOST_ROUNDS if worn_out else "",
    )


def _title(kind_name: str, three: Sides) -> str:
    kind = kinds.find(kind_name)
    named = (kind.title_of(document) for document in (three.remote, three.base) if kind and document is not MISSING)
    return next((title[:200] for title in named if title), "")


def believed(job: Assignment) -> Any:
    """What the client of a change takes to be there once it is delivered, if nobody else wrote; MISSING when nobody can say."""
    three = _first(job, MISSING)
    return three.local if three.base_known else MISSING


def _first(job: Assignment, remote: Any) -> Sides:
    own = job.outgoing.joined
    operation, form = (own.operation, own.form) if own else (job.operation, job.form)
    payload = own.payload if own else jsontext.load(job.payload) if job.payload else None
    base = MISSING if operation == "create" else _base(job)
    return sides(operation, form, payload, base=base, remote=remote)


def _again(before: Conflict, remote: Any) -> Sides:
    """The upstream moved once more: base and local stay. A document that was merged by hand was made of the last remote."""
    base, local, last = before.documents()
    if before.manual and before.settled:
        return Sides(last, before.read_result(), remote, base_known=True)
    return Sides(base, local, remote, before.base_known)


def _base(job: Assignment) -> Any:
    known = list(Snapshot.objects.unscoped().filter(lane_id=job.lane_id).order_by("-at", "slot"))
    sent = job.version or ""
    for snapshot in known:
        if snapshot.client == job.client and snapshot.base_version == job.base_version:
            return jsontext.load(snapshot.own or snapshot.document)
    texts = [one.document for one in known if sent and one.version == sent]
    texts += [job.base] if job.base else []
    texts += [one.document for one in known if job.base_version and one.version == job.base_version]
    return jsontext.load(texts[0]) if texts else MISSING
