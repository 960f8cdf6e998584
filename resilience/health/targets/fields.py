"""What a template asks a person for, and the values that it makes of what they wrote."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from portal.kit.errors import Fault, Invalid
from portal.kit.jsontext import escape
from resilience.health.targets.registry import faults

Text = str | Promise
LONGEST = 500


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form. `kind` is text, secret, number, choice, flag or long (a text of several lines).

    An empty optional field takes its `default`; `example` is only shown.
    """

    name: str
    label: Text
    hint: Text = ""
    kind: str = "text"
    required: bool = True
    default: Any = None
    example: str = ""
    choices: Sequence[tuple[str, Text]] = ()
    least: float = 0
    most: float = 1_000_000

    @property
    def secret(self) -> bool:
        """Whether it is kept encrypted, and never shown again."""
        return self.kind == "secret"

    def as_dict(self) -> dict[str, Any]:
        """What REST says of it."""
        said = {
            "name": self.name,
            "label": str(self.label),
            "hint": str(self.hint),
            "kind": self.kind,
            "required": self.required,
            "secret": self.secret,
            "example": self.example,
            "default": self.default,
        }
        return {**said, "choices": [key for key, _label in self.choices]} if self.choices else said


@dataclass(frozen=True, slots=True)
class Built:
    """A probe made of what a person filled in; `slow_after_ms` and `interval` are proposals."""

    kind: str
    address: str
    options: Mapping[str, Any] = field(default_factory=dict)
    secret: Mapping[str, Any] = field(default_factory=dict, repr=False)
    slow_after_ms: int | None = None
    interval: float = 30.0


@dataclass(frozen=True, slots=True)
class Template:
    """A kind of probe for one purpose. `name` stays; the rest is for people.

    `places` says which field a fault of the finished probe belongs to: {"/address": "url"}; without it, the one that is called as it.
    """

    name: str
    title: Text
    description: Text
    fields: Sequence[Field]
    make: Callable[[Mapping[str, Any]], Built]
    places: Mapping[str, str] = field(default_factory=dict)

    def build(self, values: Mapping[str, Any]) -> Built:
        """The probe that these values make; raises Invalid with a pointer (/values/<field>) to each that does not do.

        Without an address, HTTP asks the upstream at its own, which was checked there.
        """
        built = self.make(read(self.fields, values))
        wrong = [
            Fault(self._blamed(fault.pointer), fault.detail)
            for fault in faults(built.kind, built.address, built.options, built.secret)
            if built.address or built.kind != "http" or fault.pointer != "/address"
        ]
        if wrong:
            raise Invalid(wrong[0].detail, faults=wrong)
        return built

    def _blamed(self, pointer: str) -> str:
        """The field of the longest beginning of the pointer that has one."""
        fits = [place for place in self.places if pointer.startswith(place)]
        return f"/values/{self.places[max(fits, key=len)] if fits else pointer.rpartition('/')[2]}"

    def as_dict(self) -> dict[str, Any]:
        """What REST says of it."""
        return {
            "name": self.name,
            "title": str(self.title),
            "description": str(self.description),
            "fields": [one.as_dict() for one in self.fields],
        }


def read(fields: Sequence[Field], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values by field, each of its kind; raises Invalid with all that is wrong."""
    known = {one.name for one in fields}
    wrong = [
        Fault(f"/values/{escape(str(key))}", _("This template has no such field."))
        for key in values
        if key not in known
    ]
    taken: dict[str, Any] = {}
    for one in fields:
        try:
            taken[one.name] = _value(one, values.get(one.name))
        except ValueError as error:
            wrong.append(Fault(f"/values/{one.name}", str(error)))
    if wrong:
        raise Invalid(wrong[0].detail, faults=wrong)
    return taken


def _value(one: Field, value: Any) -> Any:
    if isinstance(value, str) and not one.secret:
        value = value.strip()
    if value is None or value == "":
        if one.required and one.default is None:
            raise ValueError(_("This is needed."))
        return one.default if one.default is not None or one.kind in ("flag", "number") else ""
    match one.kind:
        case "number":
            return _number(one, value)
        case "flag":
            if value in (True, False, "true", "false", "on", "off"):
                return value in (True, "true", "on")
            raise ValueError(_("This is true or false."))
        case "choice":
            if value not in [key for key, _label in one.choices]:
                raise ValueError(_("This is one of %s.") % ", ".join(key for key, _label in one.choices))
            return value
        case _:
            return _text(one, value)


def _number(one: Field, value: Any) -> int | float:
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        number = None
    if number is None or not one.least <= number <= one.most:
        raise ValueError(_("This is a number from %(least)g to %(most)g.") % {"least": one.least, "most": one.most})
    return int(number) if number.is_integer() else number


def _text(one: Field, value: Any) -> str:
    longest = 10 * LONGEST if one.kind == "long" else LONGEST
    if not isinstance(value, str) or len(value) > longest:
        raise ValueError(_("This is a text of at most %d characters.") % longest)
    if "\0" in value or (one.kind != "long" and not value.isprintable()):
        raise ValueError(_("This holds a control character."))
    return value
