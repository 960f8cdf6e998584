"""What a delivery met, written down: a conflict that rules settled, one that asks a person, or one that asks again.

Called in the transaction that settles the attempt; the caller holds the item's lane.
"""

from collections.abc import Sequence
from datetime import datetime

from conflicts.actions.shared import digest_of
from conflicts.core import Decision
from conflicts.core.choosing import fallen, kept
from conflicts.core.met import Met
from conflicts.core.verdict import Verdict, judge
from conflicts.models import Conflict, Draft, Round, decisions_of, write
from conflicts.states import ConflictState
from portal.events.record import record
from portal.kit import jsontext
from portal.kit.viewer import SYSTEM


def note(met: Met, *, now: datetime) -> Conflict:
    """The conflict of this item as it stands now."""
    conflict = Conflict.objects.unscoped().filter(item_id=met.item_id).first()
    fresh = conflict is None
    if conflict is None:
        conflict = Conflict(item_id=met.item_id, opened_at=now)
    else:
        _keep(conflict, now)
        carry_drafts(conflict, met.verdict.merge.decisions)
    decided = conflict.resolved_by != ""
    _fill(conflict, met)
    verdict = met.verdict
    _take(conflict, verdict)
    if not fresh:
        conflict.revision += 1
        conflict.moved_at = now
    if met.settled:
        conflict.state = ConflictState.DECIDED if decided else ConflictState.MERGED
        conflict.result, conflict.settled = write(verdict.result), True
        conflict.rounds += 1
    else:
        conflict.state = ConflictState.OPEN
        conflict.result, conflict.settled, conflict.manual = "", False, False
        conflict.stale = verdict.stale
        conflict.resolved_at, conflict.resolved_by = None, ""
    if fresh:
        conflict.save(force_insert=True)
    else:  # no save(): inside a pump's turn PostgreSQL takes statements in a pipeline, and their row counts are not known yet
        columns = [field.attname for field in Conflict._meta.concrete_fields if not field.primary_key]
        Conflict.objects.unscoped().filter(pk=conflict.pk).update(**{name: getattr(conflict, name) for name in columns})
    verb = "conflict.merged" if met.settled else ("conflict.opened" if fresh else "conflict.reopened")
    record(
        verb=verb,
        subject=f"conflict:{conflict.pk}",
        actor=SYSTEM,
        organization_id=met.organization_id,
        data={
            "item": str(met.item_id),
            "upstream": met.upstream_id,
            "kind": met.kind,
            "decisions": conflict.decisions,
            "asks": conflict.asks,
            "stale": verdict.stale,
        },
        at=now,
    )
    return conflict


def _keep(conflict: Conflict, now: datetime) -> None:
    """The round that ends here stays readable."""
    stood = {name: getattr(conflict, name) for name in (*Round.KEPT, "resolved_by", "resolved_at")}
    Round.objects.unscoped().create(conflict_id=conflict.pk, number=conflict.revision, ended_at=now, **stood)


def carry_drafts(conflict: Conflict, after: Sequence[Decision]) -> None:
    """What people have chosen in their drafts so far goes on where it still stands; `conflict` is as it was before the upstream moved."""
    drafts = list(Draft.objects.unscoped().filter(conflict_id=conflict.pk))
    if not drafts:
        return
    before = decisions_of(conflict)
    places = {decision.id: decision.path for decision in (*before, *after)}
    known = {decision.id for decision in before}
    for draft in drafts:
        choices = jsontext.load(draft.choices)
        paths = jsontext.load(draft.paths)
        older = {name: choice for name, choice in choices.items() if name not in known}
        whole = older | fallen(after, choices, before) | kept(after, choices, before)
        said = paths | {name: places[name] for name in whole if name in places}
        Draft.objects.unscoped().filter(pk=draft.pk).update(choices=jsontext.dump(whole), paths=jsontext.dump(said))


def judged(conflict: Conflict, before: Sequence[Decision]) -> Verdict:
    """The verdict on an open conflict's documents as they are now, written into it; what still stands of its choices is kept.

    `before` are the decisions that it had.
    """
    verdict = judge(*conflict.documents(), conflict.read_rules(), conflict.read_choices(), before=before)
    conflict.stale = verdict.stale
    _take(conflict, verdict)
    return verdict


def _take(conflict: Conflict, verdict: Verdict) -> None:
    conflict.digest = digest_of(conflict)
    conflict.decisions, conflict.asks = len(verdict.merge.decisions), len(verdict.asks)
    conflict.choices = jsontext.dump(dict(verdict.choices))


def _fill(conflict: Conflict, met: Met) -> None:
    for name in (
        *("organization_id", "upstream_id", "entity_type", "entity_id", "kind", "operation", "base_known"),
        *("base_version", "remote_version", "client", "local_by", "local_at", "remote_by", "remote_at"),
    ):
        setattr(conflict, name, getattr(met, name))
    conflict.title = met.title[:200]
    conflict.base, conflict.local, conflict.remote = write(met.base), write(met.local), write(met.remote)
    conflict.rules = jsontext.dump(dict(met.rules))
