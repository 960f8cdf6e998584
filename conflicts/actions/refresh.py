"""Asking the upstream again what it has, and judging the conflict anew when that is something else.

1. The upstream is asked outside of any transaction.
2. The lane is locked, then the conflict; it must still be open.
3. Where the document or its version differ, the decisions are worked out anew; every choice stays whose values did not change.
"""

from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from conflicts.actions.note import carry_drafts, judged
from conflicts.actions.shared import log, take
from conflicts.core.equality import same
from conflicts.delivery import delivery
from conflicts.errors import AlreadyDecided
from conflicts.models import Conflict, decisions_of, read, write
from conflicts.states import ConflictState
from portal.kit import clock
from portal.kit.errors import NotFound
from portal.kit.viewer import Permission, Viewer


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The conflict after it was asked for; `moved` says whether the upstream had something new."""

    conflict: Conflict
    moved: bool


def refresh(*, viewer: Viewer, conflict_id: UUID) -> Refreshed:
    """The conflict against what the upstream has now. Raises Unavailable when it does not answer, AlreadyDecided."""
    conflict = Conflict.objects.for_org(viewer).select_related("upstream").filter(pk=conflict_id).first()
    if conflict is None:
        raise NotFound
    viewer.require(Permission.OPERATE, conflict.organization_id)
    document, version, changed_at = delivery().latest(viewer, conflict)
    with transaction.atomic():
        conflict = take(viewer, conflict_id)
        if conflict.conflict_state is not ConflictState.OPEN:
            raise AlreadyDecided
        if version == conflict.remote_version and same(document, read(conflict.remote)):
            return Refreshed(conflict, moved=False)
        _moved(conflict, document, version, changed_at)
        log(conflict, "conflict.reopened", viewer, by="refresh", stale=conflict.stale, asks=conflict.asks)
    return Refreshed(conflict, moved=True)


def _moved(conflict: Conflict, document: Any, version: str, changed_at: datetime | None) -> None:
    before = decisions_of(conflict)
    was = copy(conflict)
    if not same(document, read(conflict.remote)):
        conflict.remote_by = ""
    conflict.remote, conflict.remote_version, conflict.remote_at = write(document), version, changed_at
    verdict = judged(conflict, before)
    carry_drafts(was, verdict.merge.decisions)
    conflict.revision += 1
    conflict.moved_at = clock.now()
    conflict.save()
