"""Changing an upstream."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.events.record import record
from portal.kit.errors import Conflicting, Fault
from portal.kit.masking import mask_headers, mask_text
from portal.kit.viewer import Permission, Viewer
from resilience.upstreams.actions.check import draft_faults, locked, refuse
from resilience.upstreams.core.address import origin
from resilience.upstreams.core.draft import FIELDS, Draft, refuse_unknown
from resilience.upstreams.models import Upstream
from resilience.upstreams.standing import restart

_SHOWN = (
    "slug",
    "name",
    "adapter",
    "address",
    "timeout",
    "in_flight_limit",
    "failed_head",
    "critical",
    "policy",
    "figures",
    "version",
)
_REACHED_BY = {"address", "credentials", "headers"}


@dataclass(frozen=True, slots=True)
class Updated:
    """The upstream as it is now, the names of what changed, and what else followed (a sentence, or "")."""

    upstream: Upstream
    changed: tuple[str, ...]
    notice: str = ""


def update_upstream(*, viewer: Viewer, upstream_id: int, changes: Mapping[str, Any]) -> Updated:
    """The upstream with `changes` (fields of a Draft), and what followed from them.

    1. What is not named stays. A secret header that is sent back as it was shown (masked) stays as well.
    2. Another scheme, host or port clears the credentials and the secret headers, unless new ones come along.
    3. `revision`, if it is sent, must be the present one: else somebody changed the upstream meanwhile (Conflicting).
    """
    with transaction.atomic():
        upstream = locked(viewer=viewer, upstream_id=upstream_id, permission=Permission.ADMINISTER)
        said = dict(changes)
        _refuse_stale(upstream, said.pop("revision", None))
        kept = Draft(**{name: getattr(upstream, name) for name in FIELDS - {"credentials"}})
        unknown = refuse_unknown(said, FIELDS)
        draft = replace(kept, **{name: value for name, value in said.items() if name in FIELDS})
        moved = isinstance(draft.address, str) and _moved(upstream.address, draft.address)
        draft, lost, faults = _settle_headers(draft, kept, said_headers="headers" in said, moved=moved)
        if draft.slug != upstream.slug:
            faults.append(Fault("/slug", _("The slug is part of addresses and cannot change.")))
        refuse(unknown + faults + draft_faults(draft))
        cleared = moved and draft.credentials is None and bool(upstream.credentials)
        changed = _apply(upstream, draft, cleared=cleared)
        if not changed:
            return Updated(upstream, ())
        upstream.revision += 1
        upstream.save()
        _record(viewer, upstream, kept, changed, cleared=cleared)
        if _REACHED_BY & set(changed):
            restart(upstream.pk)
    return Updated(upstream, changed, _notice(cleared=cleared, lost=lost))


def _refuse_stale(upstream: Upstream, revision: object) -> None:
    if revision is not None and revision != upstream.revision:
        detail = _("%s was changed meanwhile. Load it again, then make your change.") % upstream.name
        raise Conflicting(detail, faults=[Fault("/revision", detail)])


def _moved(old: str, new: str) -> bool:
    try:
        return origin(old) != origin(new)
    except ValueError:
        return False  # such an address is refused anyway


def _settle_headers(
    draft: Draft, kept: Draft, *, said_headers: bool, moved: bool
) -> tuple[Draft, list[str], list[Fault]]:
    """The draft with the values behind masks, the secret headers that are lost, and masks that stand for nothing."""
    if not isinstance(draft.headers, dict):
        return draft, [], []
    masks = mask_headers(kept.headers)
    secret = {name for name, value in kept.headers.items() if masks[name] != value}
    if not said_headers:
        lost = sorted(secret) if moved else []
        return replace(draft, headers={n: v for n, v in kept.headers.items() if n not in lost}), lost, []
    faults: list[Fault] = []
    headers: dict[Any, Any] = {}
    for name, value in draft.headers.items():
        if name in secret and value == masks[name]:
            if moved:
                faults.append(Fault(f"/headers/{name}", _("The address leads elsewhere now. Enter the value again.")))
            value = kept.headers[name]  # noqa: PLW2901 - the mask stands for it
        headers[name] = value
    return replace(draft, headers=headers), [], faults


def _apply(upstream: Upstream, draft: Draft, *, cleared: bool) -> tuple[str, ...]:
    changed = []
    for name in sorted(FIELDS - {"credentials"}):
        value = getattr(draft, name)
        if getattr(upstream, name) != value:
            setattr(upstream, name, value)
            changed.append(name)
    if draft.credentials is not None or cleared:
        upstream.keep_credentials(draft.credentials or {})
        changed.append("credentials")
    return tuple(changed)


def _record(viewer: Viewer, upstream: Upstream, before: Draft, changed: tuple[str, ...], *, cleared: bool) -> None:
    moves = {
        name: [_short(getattr(before, name)), _short(getattr(upstream, name))] for name in changed if name in _SHOWN
    }
    record(
        verb="upstream.updated",
        subject=f"upstream:{upstream.pk}",
        actor=viewer.name,
        organization_id=upstream.organization_id,
        organization_name=upstream.organization.name,
        data={"changed": list(changed), "moves": moves, "credentials_cleared": cleared, "revision": upstream.revision},
        request_id=viewer.request_id,
    )


def _short(value: Any) -> Any:
    return mask_text(value)[:200] if isinstance(value, str) else value


def _notice(*, cleared: bool, lost: list[str]) -> str:
    """What a person must know: that secrets do not follow an upstream to another place."""
    parts = []
    if cleared:
        parts.append(
            _("The address leads elsewhere now, so the credentials were cleared. Enter those of the new place.")
        )
    if lost:
        sentence = ngettext("The header %s was cleared with it.", "The headers %s were cleared with it.", len(lost))
        parts.append(sentence % ", ".join(lost))
    return " ".join(parts)
