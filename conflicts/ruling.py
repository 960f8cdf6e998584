"""The merge rules that hold for a kind of change in an organization: its own, or those that the kind brings along."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from conflicts.models import KindRules
from conflicts.profiles import profile
from portal.kit import jsontext
from portal.kit.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Ruling:
    """The rules that hold, and the organization's own row of them, if it has one."""

    rules: Mapping[str, Any] = field(repr=False)
    own: KindRules | None = None

    @property
    def text(self) -> str:
        """The rules as people edit them, one rule a line."""
        return text_of(self.rules)

    @property
    def seen(self) -> str:
        """What a change names, so that it replaces only what its author saw: which revision of which rules."""
        return jsontext.digest([self.own.revision if self.own else 0, self.text])


def ruling(viewer: Viewer, organization_id: int, kind: str) -> Ruling:
    """The rules for changes of this kind in an organization of the viewer's."""
    own = KindRules.objects.for_org(viewer).filter(organization_id=organization_id, kind=kind).first()
    return Ruling(rules_of(own, kind), own)


def rules_of(own: KindRules | None, kind: str) -> Mapping[str, Any]:
    """The rules that hold where an organization has this row of its own, or none."""
    if own is None:
        return profile(kind).rules
    rules: dict[str, Any] = jsontext.load(own.rules)
    return rules


def text_of(rules: Mapping[str, Any]) -> str:
    """Rules as JSON, one a line, in the order in which they were written."""
    lines = [f"  {_dump(glob)}: {_dump(policy)}" for glob, policy in rules.items()]
    return "{\n" + ",\n".join(lines) + "\n}" if lines else "{}"


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
