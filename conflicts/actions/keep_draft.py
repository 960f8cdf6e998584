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
    raw: Mapping[str, str] | None = None,
) -> Draft:
    """The draft of this person, saved. Choices of earlier rounds are kept too, as long as nothing newer stands at their place.

    `paths` says where the decisions stood on the page that the choices come from, for those that there are no more.
    `raw` is what was written as JSON and is not valid yet, by the name of its field: a decision's id, or that and a hunk's number.
    """
    conflict = Conflict.objects.for_org(viewer).filter(pk=conflict_id).first()
    if conflict is None or viewer.user_id is None:
        raise NotFound
    viewer.require(Permission.OPERATE, conflict.organization_id)
    places = {one.id: one.path for one in merge(*conflict.documents(), conflict.read_rules()).decisions}
    before = Draft.objects.for_org(viewer).filter(conflict=conflict, user_id=viewer.user_id).first()
    old = {**(paths or {}), **(jsontext.load(before.paths) if before else {}), **places}
    texts = {name: text for name, text in _raw(before).items() if _decision(name) not in places} | dict(raw or {})
    names = [*choices, *map(_decision, texts)]
    draft = Draft(
        conflict=conflict,
        user_id=viewer.user_id,
        name=viewer.name,
        choices=jsontext.dump(dict(choices)),
        paths=jsontext.dump({name: old.get(name, "") for name in names}),
        raw=jsontext.dump(texts),
        manual=manual,
        saved_at=clock.now(),
    )
    if len(draft.choices) + len(draft.raw) + len(manual) > LARGEST:
        raise TooLarge
    told = ["name", "choices", "paths", "raw", "manual", "saved_at"]
    Draft.objects.bulk_create([draft], update_conflicts=True, unique_fields=["conflict", "user_id"], update_fields=told)
    return draft


def _raw(draft: Draft | None) -> dict[str, str]:
    found: dict[str, str] = jsontext.load(draft.raw) if draft else {}
    return found


def _decision(name: str) -> str:
    return name.partition(".")[0]
