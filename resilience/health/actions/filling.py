"""Making a probe of a template and what a person filled in, and making it anew when some of that changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.kit.errors import Fault, Invalid
from resilience.health.actions.steering import OWN
from resilience.health.core.draft import INTERVALS
from resilience.health.models import Component
from resilience.health.targets.fields import Built, Field, Template
from resilience.health.targets.functions import function_names
from resilience.health.targets.templates import template, templates

MADE = ("kind", "address", "options", "secret")
"""What a template makes, so that nobody else says it."""
LONGEST_WAIT = 10.0


@dataclass(frozen=True, slots=True)
class Filled:
    """The fields of a draft, and the secrets that were filled in, by the template's fields."""

    said: dict[str, Any]
    secrets: dict[str, Any] = field(default_factory=dict, repr=False)


def _answers(values: Mapping[str, Any]) -> Built:
    return Built("http", "", {"status": values["status"]})


ANSWERS = Template(
    "upstream",
    gettext_lazy("The upstream's own address"),
    gettext_lazy("Asks the address that changes are sent to, with the headers and credentials of the upstream."),
    (
        Field(
            "status",
            gettext_lazy("Good statuses"),
            gettext_lazy("A number, a class or a range; several with commas."),
            required=False,
            default="100-499",
        ),
    ),
    _answers,
)


def offered(component: Component) -> list[Template]:
    """The templates that a probe of this component can be made of."""
    return [*([ANSWERS] if component.upstream_id is not None else []), *templates()]


def functions() -> list[str]:
    """The names of the functions that a probe may ask: those that code registered, without Breakwater's own."""
    return [name for name in function_names() if not name.startswith(OWN)]


def described(made: Template) -> dict[str, Any]:
    """What REST says of a template; a function is chosen among those that there are."""
    said = made.as_dict()
    fields = [{**one, "choices": functions()} if one["name"] == "function" else one for one in said["fields"]]
    return {**said, "fields": fields}


def template_named(name: object) -> Template | None:
    """The template of this name."""
    if not isinstance(name, str):
        return None
    return ANSWERS if name == ANSWERS.name else template(name)


def fill(said: Mapping[str, Any], kept: Mapping[str, Any] | None = None) -> Filled:
    """The draft of a probe that `template` and `values` make; what else is said stands beside it. Without a template it is as it was said.

    `kept` are secrets that were filled in before: one that is not named now, or is empty, stays. Raises Invalid at /template and /values/….
    """
    plain = {name: value for name, value in said.items() if name not in ("template", "values")}
    if not said.get("template"):
        if said.get("values"):
            raise Invalid.at("/values", _("Values are those of a template: say which."))
        return Filled({**_in_time(plain.get("interval")), **plain})
    made = template_named(said["template"])
    if made is None:
        known = ", ".join(one.name for one in [ANSWERS, *templates()])
        raise Invalid.at("/template", _("There is no such template. Known: %s.") % known)
    both = [Fault(f"/{name}", _("The template makes this of its values.")) for name in MADE if name in said]
    if both:
        raise Invalid(both[0].detail, faults=both)
    values = said.get("values", {})
    if not isinstance(values, Mapping):
        raise Invalid.at("/values", _("Values are an object of names and values."))
    return _made(made, plain, values, kept or {})


def _made(made: Template, plain: dict[str, Any], values: Mapping[str, Any], kept: Mapping[str, Any]) -> Filled:
    hidden = {one.name for one in made.fields if one.secret}
    typed = {name: value for name, value in values.items() if value not in (None, "")}
    secrets = {name: value for name, value in {**kept, **typed}.items() if name in hidden}
    built = made.build({**values, **secrets})
    interval = plain.get("interval", built.interval)
    proposed = {
        "name": str(made.title),
        "interval": interval,
        "slow_after_ms": built.slow_after_ms,
        **_in_time(interval),
    }
    shape = {"kind": built.kind, "address": built.address, "options": dict(built.options), "secret": dict(built.secret)}
    shown = {name: value for name, value in typed.items() if name not in hidden}
    return Filled({**proposed, **plain, **shape, "template": made.name, "values": shown}, secrets)


def _in_time(interval: object) -> dict[str, float]:
    """The timeout where nobody says one: as long as usual, or as the interval has room for."""
    if not isinstance(interval, int | float) or not 0 < interval <= INTERVALS[1]:
        return {}
    return {"timeout": min(LONGEST_WAIT, round(0.8 * interval, 1))}


def at_fields(name: str, faults: Sequence[Fault]) -> list[Fault]:
    """The faults of a probe that a template made, each at the value that is to blame for it."""
    made = template_named(name)
    known = [one.name for one in made.fields] if made else []
    return [Fault(_place(fault.pointer, known), fault.detail) for fault in faults]


def _place(pointer: str, fields: Sequence[str]) -> str:
    if not pointer.startswith(("/address", "/options", "/secret")):
        return pointer
    last = pointer.rpartition("/")[2]
    blamed = last if last in fields else next((name for name in fields if name in ("url", "address", "path")), "")
    return f"/values/{blamed}" if blamed else pointer
