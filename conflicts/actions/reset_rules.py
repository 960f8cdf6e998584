"""Going back to the merge rules that a kind brings along."""

from django.db import transaction

from conflicts.actions.set_rules import log, refuse_stale, take
from conflicts.ruling import Ruling, ruling
from portal.kit.viewer import Permission, Viewer


def reset_rules(*, viewer: Viewer, organization_id: int, kind: str, seen: str) -> Ruling:
    """The kind's default rules, which hold in this organization from now on.

    Raises Conflicting when somebody else has changed the rules meanwhile; with the defaults already in place nothing happens.
    """
    viewer.require(Permission.ADMINISTER, organization_id)
    with transaction.atomic():
        organization, before = take(viewer, organization_id, kind)
        if before.own is None:
            return before
        refuse_stale(before, seen)
        before.own.delete()
        after = ruling(viewer, organization_id, kind)
        log(viewer, organization, kind, before.rules, after.rules, revision=0)
    return after
