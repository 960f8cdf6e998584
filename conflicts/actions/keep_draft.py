"""Keeping what somebody has chosen so far."""

from collections.abc import Mapping
from uuid import UUID

from conflicts.core import Choice, merge
from conflicts.models import Conflict, Draft
from portal.kit import clock, jsontext
from portal.kit.errors import NotFound, TooLarge
from portal.kit.viewer import Permission, Viewer

LARGEST = 5 * 1024 * 1024


def keep_draft(
    *,
    viewer: Viewer,
    conflict_id: UUID,
    choices: Mapping[str, Choice],
    manual: str = "",
    paths: Mapping[str, str] | None = None,
) -> Draft:
    """The draft of this person, saved. Choices of earlier rounds are kept too, as long as nothing newer stands at their place.

    `paths` says where the decisions stood on the page that the choices come from, for those that there are no more.
    """
    conflict = Conflict.objects.for_org(viewer).filter(pk=conflict_id).first()
    if conflict is None or viewer.user_id is None:
        raise NotFound
    viewer.require(Permission.OPERATE, conflict.organization_id)
    text = jsontext.dump(dict(choices))
    if len(text) + len(manual) > LARGEST:
        raise TooLarge
    places = {one.id: one.path for one in merge(*conflict.documents(), conflict.read_rules()).decisions}
    before = Draft.objects.for_org(viewer).filter(conflict=conflict, user_id=viewer.user_id).first()
    old = {**(paths or {}), **(jsontext.load(before.paths) if before else {}), **places}
    draft, _new = Draft.objects.unscoped().update_or_create(
        conflict=conflict,
        user_id=viewer.user_id,
        defaults={
            "name": viewer.name,
            "choices": text,
            "paths": jsontext.dump({name: old.get(name, "") for name in choices}),
            "manual": manual,
            "saved_at": clock.now(),
        },
    )
    return draft
