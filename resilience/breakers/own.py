"""An upstream's own figures: whether they go together with what else is in force, who has some, and the form that sets them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from portal.kit.errors import Fault
from portal.kit.viewer import Viewer
from portal.policy import Override
from portal.policy.core.faults import Wrong
from portal.policy.core.keys import BY_NAME
from resilience.breakers import words
from resilience.breakers.figures import checked, figures_of
from resilience.patterns.errors import ConfigError
from resilience.upstreams.figures import SECTIONS, keys, read_text
from resilience.upstreams.models import Upstream


def together(policy: str, own: Mapping[str, Any]) -> tuple[str, str]:
    """The key and the reason why these figures do not go together with what is in force; two empty texts where they do."""
    try:
        table = {one.key: one.value for one in checked(policy, own).table}
    except ConfigError as error:
        named = {key.python: name for name, key in keys().items()}
        key = named.get(error.field, error.field)
        return key, _("%(key)s must be %(must)s.") % {"key": key.partition(".")[2] or key, "must": _must(error, named)}
    for name in SECTIONS:
        section = BY_NAME[name]
        values = {key.name: table[section.path(key)] for key in section.keys}
        for about, why in section.contradictions(values):
            mine = [f"{name}.{key}" for key in about if f"{name}.{key}" in own]
            if mine:
                return mine[0], why
    return "", ""


def _must(error: ConfigError, named: Mapping[str, str]) -> str:
    """What a setting must be, in the words of the file instead of those of Python."""
    said = error.must
    for python, name in named.items():
        said = said.replace(python, name.partition(".")[2])
    return said


def overrides(viewer: Viewer) -> Iterator[Override]:
    """Every key that an upstream of the viewer sets itself."""
    units = {name: key.kind.unit for name, key in keys().items()}
    for upstream in Upstream.objects.for_org(viewer).exclude(figures={}):
        for key, value in sorted(upstream.figures.items()):
            if key in units:
                href = f"/settings/upstreams/{upstream.pk}/figures"
                yield Override(key, upstream.name, href, words.figure(value, units[key]))


@dataclass(slots=True)
class Field:
    """One key of the form: what was typed, what holds without it (as the file writes it, and in words), and what is wrong."""

    key: str
    says: str
    unit: str
    typed: str
    plain: str
    holds: str
    source: str
    error: str = ""

    @property
    def name(self) -> str:
        """The key within its section."""
        return self.key.partition(".")[2]


class OwnFigures:
    """The form of an upstream's own figures: a text for each key; an empty one means what the policy says."""

    def __init__(self, upstream: Upstream, data: Mapping[str, str] | None = None) -> None:
        self.values: dict[str, Any] = {}
        self.others: list[str] = []
        without = Upstream(slug=upstream.slug, policy=upstream.policy, figures={})
        known = keys()
        self.fields = [
            Field(
                one.key,
                one.says,
                one.unit,
                (data.get(one.key, "") if data is not None else _plain(upstream.figures.get(one.key, ""))).strip(),
                _plain(one.value),
                words.figure(one.value, one.unit),
                words.source(one.source),
            )
            for one in figures_of(without).table
        ]
        if data is not None:
            for field in self.fields:
                self._read(field, known)

    def _read(self, field: Field, known: Mapping[str, Any]) -> None:
        if not field.typed:
            return
        try:
            self.values[field.key] = read_text(known[field.key], field.typed)
        except Wrong as wrong:
            field.error = wrong.reason

    @property
    def sections(self) -> dict[str, list[Field]]:
        """The fields by their sections, those of the breaker first."""
        return {name: [field for field in self.fields if field.key.startswith(f"{name}.")] for name in SECTIONS}

    @property
    def wrong(self) -> list[Field]:
        """The fields that need another look."""
        return [field for field in self.fields if field.error]

    @property
    def valid(self) -> bool:
        """Whether every text is a value."""
        return not self.wrong and not self.others

    def show(self, faults: tuple[Fault, ...]) -> None:
        """Puts each fault at its field; what has none stands on top."""
        at = {f"/figures/{field.key}": field for field in self.fields}
        for fault in faults:
            if fault.pointer in at:
                at[fault.pointer].error = fault.detail
            else:
                self.others.append(fault.detail)


def _plain(value: Any) -> str:
    """A value as the file would write it."""
    if value is None:
        return "off"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
