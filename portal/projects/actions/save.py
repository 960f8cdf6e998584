"""An edit that was made on a plan's page becomes a change in the queue. Nothing is written to the upstream here."""

from collections.abc import Mapping

from django.db import transaction
from django.utils.translation import gettext as _

from conflicts.core import MISSING
from portal.kit.errors import Conflicting, NotFound
from portal.kit.viewer import Permission, Viewer
from portal.projects.actions.catch_up import catch_up
from portal.projects.core.editing import Edit, NotThere, edited
from portal.projects.models import ENTITY_TYPE, Plan
from portal.projects.waiting import CLIENT, KIND, behind, expected, made_on, own
from syncqueue.actions.enqueue import enqueue
from syncqueue.core.change import NewChange
from syncqueue.models import Item


class NotRead(Conflicting):
    """This plan cannot be edited now: its upstream has none, or it was never read."""

    code = "plan-not-read"


class CopyBehind(Conflicting):
    """The copy of this plan is older than what was sent from here. Refresh the page's copy, then save again."""

    code = "plan-copy-behind"


class Overtaken(Conflicting):
    """Somebody else changed this after you opened it."""

    code = "plan-overtaken"

    def __init__(self, clashes: Mapping[str, str]) -> None:
        super().__init__()
        self.clashes = clashes


def save(*, viewer: Viewer, plan_id: int, edit: Edit) -> Item | None:
    """The item that carries the edit; None when nothing is different.

    Its base is the portal's copy with the edits in it that wait before this one, so that a conflict can be merged. Edits of one plan
    are made one after the other (the row is locked). Raises Overtaken with the fields that somebody else changed after the
    editor saw them, NotRead, CopyBehind, NotFound, Forbidden, and what enqueue raises.
    """
    with transaction.atomic():
        plan = locked(viewer, plan_id)
        viewer.require(Permission.ENQUEUE, plan.organization_id)
        # First these, then what was delivered: what is both is merged, nothing falls between.
        before = own(viewer, plan)
        catch_up(viewer=viewer, plan_id=plan_id)
        plan = locked(viewer, plan_id)
        if behind(plan):
            raise CopyBehind
        document = expected(viewer, plan, before)
        if document is MISSING or not isinstance(document, dict):
            raise NotRead
        try:
            done = edited(document, edit)
        except NotThere:
            raise Conflicting(_("The plan has no such microstep any more. Somebody else took it away.")) from None
        if done.clashes:
            raise Overtaken(done.clashes)
        if not done.patch:
            return None
        change = NewChange(
            kind=KIND,
            organization=plan.organization.slug,
            upstream=plan.upstream.slug,
            entity_type=ENTITY_TYPE,
            entity_id=plan.entity_id,
            operation="update",
            form="merge-patch",
            payload=done.patch,
            base=document,
            base_version=made_on(plan, before),
            project=plan.project.slug if plan.project else "",
            client_id=CLIENT,
        )
        item = enqueue(viewer=viewer, changes=[change])[0].item
        if plan.lane_id is None:
            plan.lane_id = item.lane_id
            plan.save(update_fields=["lane"])
        return item


def locked(viewer: Viewer, plan_id: int) -> Plan:
    """The plan, locked until the transaction ends; raises NotFound."""
    rows = Plan.objects.for_org(viewer).select_related("organization", "upstream", "project", "lane")
    plan = rows.select_for_update(of=("self",)).filter(pk=plan_id).first()
    if plan is None:
        raise NotFound
    return plan
