"""Giving a kind of change merge rules of an organization's own."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from conflicts.core import RulesError, parse_rules
from conflicts.models import KindRules
from conflicts.ruling import Ruling, ruling, text_of
from portal.events.record import record
from portal.kit import clock
from portal.kit.errors import Conflicting, Fault, Invalid, TooLarge
from portal.kit.viewer import Permission, Viewer
from portal.tenancy.models import Organization

LARGEST = 64 * 1024
"""Characters of all rules of a kind."""
MOST_NAMED = 50
"""So many changed paths are named in the log."""


def set_rules(*, viewer: Viewer, organization_id: int, kind: str, rules: Mapping[str, Any], seen: str) -> Ruling:
    """The kind's rules in this organization, from now on. Open conflicts keep those that they were made with.

    `seen` is the `Ruling.seen` of the rules that these replace. Raises Invalid with a fault for each rule that cannot be read
    (pointers into the rules), and Conflicting when somebody else has changed them meanwhile.
    """
    viewer.require(Permission.ADMINISTER, organization_id)
    text = text_of(checked(rules))
    with transaction.atomic():
        organization, before = take(viewer, organization_id, kind)
        if before.own and before.text == text:
            return before
        refuse_stale(before, seen)
        own = before.own or KindRules(organization=organization, kind=kind, revision=0)
        own.rules, own.revision = text, own.revision + 1
        own.updated_at, own.updated_by = clock.now(), viewer.name
        own.save()
        log(viewer, organization, kind, before.rules, rules, revision=own.revision)
    return Ruling(rules, own)


def checked(rules: Any) -> Mapping[str, Any]:
    """The rules, when the merge can read them; raises Invalid with a fault at each that it cannot."""
    try:
        parse_rules(rules)
    except RulesError as error:
        faults = [Fault(pointer, _(sentence)) for pointer, sentence in error.faults]
        raise Invalid(faults[0].detail, faults=faults) from error
    if len(text_of(rules)) > LARGEST:
        raise TooLarge(_("The rules of a kind may have %d characters.") % LARGEST)
    found: Mapping[str, Any] = rules
    return found


def take(viewer: Viewer, organization_id: int, kind: str) -> tuple[Organization, Ruling]:
    """The organization, locked (there may be no row of rules to lock), and the rules that hold in it."""
    organization = Organization.objects.for_org(viewer).select_for_update().get(pk=organization_id)
    return organization, ruling(viewer, organization_id, kind)


def refuse_stale(now: Ruling, seen: str) -> None:
    """Raises Conflicting when these are not the rules that were seen."""
    if now.seen == seen:
        return
    if now.own:
        said = {"who": now.own.updated_by, "when": f"{now.own.updated_at:%H:%M:%S}"}
        raise Conflicting(_("%(who)s changed the rules at %(when)s UTC.") % said)
    raise Conflicting(_("The rules went back to the defaults meanwhile."))


def log(
    viewer: Viewer,
    organization: Organization,
    kind: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    revision: int,
) -> None:
    """Writes the event: the paths whose rules changed. `revision` is 0 for the defaults."""
    changed = sorted(glob for glob in {*before, *after} if before.get(glob) != after.get(glob))
    record(
        verb="kind.rules_changed",
        subject=f"kind:{kind}",
        actor=viewer.name,
        organization_id=organization.pk,
        organization_name=organization.name,
        data={"kind": kind, "rules": len(after), "revision": revision, "changed": changed[:MOST_NAMED]},
        request_id=viewer.request_id,
    )
