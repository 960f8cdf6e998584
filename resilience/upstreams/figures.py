"""The figures that an upstream may set itself, where it departs from governance/policy.yml: which there are, and what they may be."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from portal.kit.errors import Fault
from portal.kit.jsontext import escape
from portal.policy.core.faults import Wrong
from portal.policy.core.keys import BY_NAME, Key
from portal.policy.core.tree import Scalar
from portal.policy.core.words import near

SECTIONS = ("circuit_breaker", "sync_backoff")
"""The sections whose keys an upstream may set."""

Together = Callable[[str, Mapping[str, Any]], tuple[str, str]]
_together: list[Together] = []


def register_together(check: Together) -> None:
    """Makes `check` what says whether figures go together under a policy: the key and why not, or two empty texts."""
    _together[:] = [check]


def keys() -> dict[str, Key]:
    """Every key that an upstream may set, as "circuit_breaker.cooldown_ms"."""
    return {BY_NAME[name].path(key): key for name in SECTIONS for key in BY_NAME[name].keys}


def read_text(key: Key, text: str) -> Any:
    """The value that a person typed; raises Wrong."""
    return key.kind.read(Scalar(0, 0, text.strip(), bare=True))


def figure_faults(policy: Any, said: Any) -> Iterator[Fault]:
    """Everything that is wrong with an upstream's own figures: each for itself, then all together with what else is in force."""
    if not isinstance(said, Mapping):
        yield Fault("/figures", _("Figures are an object of keys and values."))
        return
    alone = list(_each(said))
    yield from alone
    if alone or not said or not isinstance(policy, str):
        return
    for check in _together:
        key, why = check(policy, said)
        if why:
            yield Fault(f"/figures/{escape(key)}" if key in said else "/figures", why)


def _each(said: Mapping[str, Any]) -> Iterator[Fault]:
    known = keys()
    for name, value in said.items():
        if name not in known:
            like = near(name, tuple(known))
            hint = " " + _("Is %s meant?") % like if like else ""
            yield Fault(f"/figures/{escape(name)}", _("An upstream sets no such figure.") + hint)
            continue
        try:
            known[name].kind.read(_scalar(value))
        except Wrong as wrong:
            yield Fault(f"/figures/{escape(name)}", wrong.reason)


def _scalar(value: Any) -> Scalar:
    """A JSON value as the policy's file would have it."""
    if value is None:
        return Scalar(0, 0, "off", bare=True)
    bare = isinstance(value, bool | int | float)
    return Scalar(0, 0, json.dumps(value) if bare else str(value), bare=bare)
