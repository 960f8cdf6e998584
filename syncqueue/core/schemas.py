"""JSON Schemas: the schema of a merge patch, and what a validator found in words that a person reads.

In a merge patch (RFC 7396) any part may be left out, and what is not required may be null, which removes it. Lists are
replaced whole, so what stands in them is whole.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from jsonschema import FormatChecker
from jsonschema.exceptions import ValidationError

from portal.kit.errors import Fault
from portal.kit.jsontext import escape

Schema = Mapping[str, Any]

_OF_THE_WHOLE = frozenset(
    {"required", "minProperties", "dependentRequired", "dependentSchemas", "if", "then", "else", "not", "$defs"}
)
_REF = "#/$defs/"
_PATCHED = " (patch)"


def patch_schema(schema: Schema) -> dict[str, Any]:
    """The schema of a merge patch on a document of this schema."""
    patched = _patch_object(schema)
    definitions = schema.get("$defs")
    if definitions:
        patched["$defs"] = {**definitions, **{name + _PATCHED: _patch(part) for name, part in definitions.items()}}
    return patched


def _patch(schema: Any) -> Any:
    return _patch_object(schema) if isinstance(schema, Mapping) else schema


def _patch_object(schema: Schema) -> dict[str, Any]:
    required = frozenset(schema.get("required", ()))
    patched = {key: value for key, value in schema.items() if key not in _OF_THE_WHOLE}
    for key in ("properties", "patternProperties"):
        if key in patched:
            patched[key] = {
                name: _patch(part) if key == "properties" and name in required else _or_null(part)
                for name, part in patched[key].items()
            }
    if isinstance(patched.get("additionalProperties"), Mapping):
        patched["additionalProperties"] = _or_null(patched["additionalProperties"])
    for key in ("allOf", "anyOf", "oneOf"):
        if key in patched:
            patched[key] = [_patch(part) for part in patched[key]]
    if patched.get("$ref", "").startswith(_REF):
        patched["$ref"] += _PATCHED.replace(" ", "%20")
    return patched


def _or_null(schema: Any) -> Any:
    """If it is null, it removes; else it fits. (`anyOf` would lose the place of a fault that lies deeper.)"""
    return {"if": {"type": "null"}, "else": _patch(schema)} if isinstance(schema, Mapping) else schema


def faults_of(error: ValidationError, root: str) -> Iterator[Fault]:
    """The faults behind one error of a validator: at a missing or unknown field, or inside the nearest alternative."""
    place = root + "".join(f"/{escape(str(step))}" for step in error.absolute_path)
    rule = error.validator
    instance: Any = error.instance
    limit: Any = error.validator_value
    if rule == "required":
        for name in limit:
            if name not in instance:
                yield Fault(f"{place}/{escape(name)}", "This field is required.")
    elif rule in {"additionalProperties", "unevaluatedProperties"} and limit is False:
        known = error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else {}
        for name in instance:
            if name not in known:
                yield Fault(f"{place}/{escape(name)}", "This kind has no such field.")
    elif rule in {"anyOf", "oneOf"} and error.context:
        for inner in _nearest(error.context):
            yield from faults_of(inner, root)
    else:
        say = _SENTENCES.get(str(rule))
        yield Fault(place, say(limit, instance) if say else f"This does not fit the schema ({rule}).")


def _nearest(errors: list[ValidationError]) -> list[ValidationError]:
    """The errors of the alternative that went furthest: deepest, then of the right type, then the fewest."""
    branches: dict[Any, list[ValidationError]] = {}
    for error in errors:
        branches.setdefault(error.schema_path[0], []).append(error)

    def rank(branch: list[ValidationError]) -> tuple[int, bool, int]:
        wrong = any(error.validator in {"type", "const", "enum"} and not error.path for error in branch)
        return max(len(error.path) for error in branch), not wrong, -len(branch)

    return max(branches.values(), key=rank)


_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}
_FORMAT_SENTENCES = {
    "date-time": "This must be a date and time with a zone, such as 2026-11-21T02:31:00Z.",
    "date": "This must be a date, such as 2026-11-21.",
}
Sentence = Callable[[Any, Any], str]
_SENTENCES: Mapping[str, Sentence] = {
    "type": lambda limit, _: f"This must be {_either(limit)}.",
    "enum": lambda limit, _: f"This must be one of {', '.join(map(str, limit))}.",
    "const": lambda limit, _: f"This must be {limit}.",
    "minLength": lambda limit, _: "This cannot be empty." if limit == 1 else f"This needs at least {limit} characters.",
    "maxLength": lambda limit, text: f"This has {len(text)} characters, at most {limit} are allowed.",
    "minimum": lambda limit, _: f"This must be {limit} or more.",
    "maximum": lambda limit, _: f"This must be {limit} or less.",
    "minItems": lambda limit, _: f"This list needs at least {limit} entries.",
    "maxItems": lambda limit, items: f"This list has {len(items)} entries, at most {limit} are allowed.",
    "minProperties": lambda limit, _: f"This object needs at least {limit} fields.",
    "uniqueItems": lambda _, __: "This list holds the same entry twice.",
    "pattern": lambda limit, _: f"This does not match the pattern {limit}.",
    "format": lambda limit, _: _FORMAT_SENTENCES.get(str(limit), f"This is no valid {limit}."),
}


def _either(types: str | list[str]) -> str:
    return " or ".join(_TYPES.get(name, name) for name in ([types] if isinstance(types, str) else types))


FORMATS = FormatChecker(formats=())
"""Checks `date-time` (with a zone) and `date`."""


@FORMATS.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    return not isinstance(value, str) or ("T" in value.upper() and datetime.fromisoformat(value).tzinfo is not None)


@FORMATS.checks("date", raises=ValueError)
def _is_date(value: object) -> bool:
    return not isinstance(value, str) or (len(value) == 10 and bool(date.fromisoformat(value)))
