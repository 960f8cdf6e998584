"""Changing what people set of a probe."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portal.kit.errors import Conflicting, Fault, Invalid
from portal.kit.jsontext import escape
from portal.kit.viewer import Permission, Viewer
from resilience.health.actions.filling import MADE, Filled, at_fields, fill
from resilience.health.actions.steering import (
    behind_masks,
    draft_faults,
    goes_to,
    probe_of,
    readable,
    refuse,
    refuse_stale,
    shown,
    shown_options,
    tell,
)
from resilience.health.core.draft import PROBE_FIELDS, ProbeDraft, unknown_faults
from resilience.health.models import Probe

_PLAIN = tuple(sorted(PROBE_FIELDS - {"secret"}))
_UNTOLD = {"options", "values"}
"""What an event does not show: it may hold what others shall not read."""


@dataclass(frozen=True, slots=True)
class Updated:
    """The probe as it is now, the names of what changed, and what else followed (a sentence, or "")."""

    probe: Probe
    changed: tuple[str, ...]
    notice: str = ""


def update_probe(*, viewer: Viewer, probe_id: int, changes: Mapping[str, Any]) -> Updated:
    """The probe with `changes` (fields of a ProbeDraft); what is not named stays.

    1. `values` are those of the probe's template, and make it anew: what is not named stays, what is null takes its default. A secret
       that is empty stays. `template` with `values` makes it of another one. Who says kind, address, options or secret leaves the template.
    2. What is sent back as it was shown (masked) stays as it is. `secret` is merged by part: one that is null is taken away, and all
       are when it is null itself.
    3. Another kind, host or port clears the secrets that are kept, and takes only such as come along: they do not follow a probe elsewhere.
    4. `revision`, if it is sent, must be the present one: else somebody changed the probe meanwhile (Conflicting).
    """
    with transaction.atomic():
        probe = probe_of(viewer, probe_id, Permission.ADMINISTER)
        said = dict(changes)
        refuse_stale(probe, said.pop("revision", None))
        unknown = unknown_faults(said, PROBE_FIELDS, "A probe")
        kept = ProbeDraft(**{name: getattr(probe, name) for name in _PLAIN})
        secret, secrets = readable(probe)
        anew = said.get("template") or ("values" in said and kept.template)
        make = _made if anew else _said
        filled, cleared = make(kept, said, secret, secrets)
        draft = replace(kept, **{name: value for name, value in filled.said.items() if name in PROBE_FIELDS})
        refuse([*unknown, *at_fields(draft.template, draft_faults(probe.component, draft))])
        changed = _apply(probe, kept, draft, secret, filled.secrets)
        if not changed:
            return Updated(probe, ())
        _save(probe, changed)
        data = {"changed": list(changed), "moves": _moves(kept, draft, changed), "revision": probe.revision}
        tell("probe.updated", viewer, probe.component, data, probe=probe)
    notice = _("It asks elsewhere now, so its secrets were cleared. Enter those of the new place.") if cleared else ""
    return Updated(probe, changed, notice)


def _made(
    kept: ProbeDraft, said: dict[str, Any], secret: Mapping[str, Any], secrets: Mapping[str, Any]
) -> tuple[Filled, bool]:
    """Made anew of a template, and whether secrets were left behind."""
    same = said.get("template", kept.template) == kept.template
    values = said.get("values", {})
    stays = ("name", "interval", "timeout", "slow_after_ms") if same else ("name",)
    plain = {name: getattr(kept, name) for name in stays}
    said = {**plain, **said, "template": said.get("template", kept.template)}
    if not isinstance(values, Mapping) or not same:
        filled = fill(said)
        return filled, bool(secret) and not filled.secrets
    said["values"] = {**kept.values, **behind_masks(dict(values), kept.values)}
    filled = fill(said, secrets)
    if not secrets or goes_to(_draft(kept, filled)) == goes_to(kept):
        return filled, False
    alone = fill(said)
    return alone, not alone.secrets


def _draft(kept: ProbeDraft, filled: Filled) -> ProbeDraft:
    return replace(kept, **{name: value for name, value in filled.said.items() if name in PROBE_FIELDS})


def _said(
    kept: ProbeDraft, said: dict[str, Any], secret: Mapping[str, Any], secrets: Mapping[str, Any]
) -> tuple[Filled, bool]:
    """As it was said, and whether secrets were left behind."""
    if said.get("values"):
        raise Invalid.at("/values", _("Values are those of a template: say which."))
    said |= {name: behind_masks(said[name], getattr(kept, name)) for name in ("address", "options") if name in said}
    leaves = any(name in said and said[name] != getattr(kept, name, None) for name in MADE) or "secret" in said
    if leaves:
        said |= {"template": "", "values": {}}
    else:
        said.pop("template", None)
    draft = replace(kept, **{name: value for name, value in said.items() if name in PROBE_FIELDS})
    moved = goes_to(kept) != goes_to(draft)
    merged = _merged({} if moved else secret, said.get("secret", {}))
    if moved:
        refuse(_follows(kept, draft))
    return Filled({**said, "secret": merged}, {} if leaves else dict(secrets)), moved and bool(secret) and not merged


def _merged(old: Mapping[str, Any], said: Any) -> Any:
    """The secret after a change; what is no object is given back as it is, to be refused."""
    if said is None:
        return {}
    if not isinstance(said, Mapping):
        return said
    return {name: value for name, value in {**old, **said}.items() if value is not None}


def _follows(kept: ProbeDraft, draft: ProbeDraft) -> list[Fault]:
    """The faults of secret headers among the options that would go elsewhere unseen."""
    old, masks = kept.options.get("headers", {}), shown_options(kept.options).get("headers", {})
    now = draft.options.get("headers", {}) if isinstance(draft.options, Mapping) else {}
    same = now if isinstance(now, Mapping) else {}
    hidden = [name for name, value in old.items() if masks[name] != value and same.get(name) == value]
    why = _("The probe asks elsewhere now. Enter the value again.")
    return [Fault(f"/options/headers/{escape(name)}", why) for name in hidden]


def _apply(
    probe: Probe, kept: ProbeDraft, draft: ProbeDraft, secret: Mapping[str, Any], secrets: Mapping[str, Any]
) -> tuple[str, ...]:
    changed = [name for name in _PLAIN if getattr(draft, name) != getattr(kept, name)]
    for name in changed:
        setattr(probe, name, getattr(draft, name))
    if draft.secret != secret:
        probe.keep_secret(draft.secret, secrets)
        changed.append("secret")
    return tuple(changed)


def _save(probe: Probe, changed: tuple[str, ...]) -> None:
    """Writes what was set and nothing else: the prober writes what it finds into the same row."""
    probe.revision += 1
    fields = [*changed, "revision", *(["secret_set_at"] if "secret" in changed else [])]
    try:
        with transaction.atomic():
            probe.save(update_fields=fields)
    except IntegrityError:
        known = {"component": probe.component.name, "name": probe.name}
        detail = _("%(component)s has a probe %(name)s already. Choose another name.") % known
        raise Conflicting(detail, faults=[Fault("/name", detail)]) from None


def _moves(kept: ProbeDraft, draft: ProbeDraft, changed: tuple[str, ...]) -> dict[str, list[Any]]:
    told = [name for name in changed if name in _PLAIN and name not in _UNTOLD]
    return {name: [shown(getattr(kept, name)), shown(getattr(draft, name))] for name in told}
