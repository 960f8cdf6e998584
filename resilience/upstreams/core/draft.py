"""What a person or an integration says about an upstream, checked as one whole: every fault is found in one go."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any

from portal.kit.errors import Fault, Invalid
from portal.kit.jsontext import escape
from resilience.outbound.headers import validate_credentials, validate_headers

RESERVED = ("reset-all", "stream")
"""What stands where slugs do in addresses of the API: a new upstream is called otherwise, so that it can be reached by them."""
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?")
POLICIES = ("api", "ai", "database", "external", "critical")
LONGEST_NAME = 100
TIMEOUTS = (0.1, 300.0)
IN_FLIGHT = (1, 1_000)
FAILED_HEAD = ("hold", "step-over")


@dataclass(frozen=True, slots=True)
class Draft:
    """An upstream as it is wanted. `credentials` is None when those that are kept shall stay."""

    slug: Any = ""
    name: Any = ""
    adapter: Any = "json-http"
    address: Any = ""
    headers: Any = field(default_factory=dict, repr=False)
    credentials: Any = field(default=None, repr=False)
    timeout: Any = 10.0
    in_flight_limit: Any = 8
    failed_head: Any = "hold"
    critical: Any = False
    policy: Any = "api"
    figures: Any = field(default_factory=dict)
    routes: Any = field(default_factory=dict)
    version: Any = "etag"


FIELDS = frozenset(one.name for one in fields(Draft))


def refuse_unknown(said: Mapping[str, Any], known: frozenset[str]) -> list[Fault]:
    """A fault for each field that an upstream does not have."""
    return [Fault(f"/{escape(name)}", "An upstream has no such field.") for name in said if name not in known]


def reserved_fault(draft: Draft) -> list[Fault]:
    """The fault of a new upstream whose slug the API's own addresses use."""
    if draft.slug not in RESERVED:
        return []
    return [Fault("/slug", f"{draft.slug} is part of an address of the API. Choose another slug.")]


def faults(
    draft: Draft, *, address_fault: Callable[[object], str], validate_adapter: Callable[[str, Any, Any], None]
) -> Iterator[Fault]:
    """Everything that is wrong with a draft. The functions judge the address, and adapter with routes and version."""
    for name, why in _plain_faults(draft):
        if why:
            yield Fault(f"/{name}", why)
    why = address_fault(draft.address)
    if why:
        yield Fault("/address", why)
    yield from _raised(lambda: validate_headers(draft.headers))
    if draft.credentials is not None:
        yield from _raised(lambda: validate_credentials(draft.credentials))
    if isinstance(draft.adapter, str):
        yield from _raised(lambda: validate_adapter(draft.adapter, draft.routes, draft.version))


def _unknown_policy(said: Any) -> str:
    near = get_close_matches(said, POLICIES, n=1) if isinstance(said, str) else []
    meant = f" Did you mean {near[0]}?" if near else ""
    return f"There is no such policy.{meant} Known: {', '.join(POLICIES)}."


def _plain_faults(draft: Draft) -> Iterator[tuple[str, str]]:
    yield "slug", _slug_fault(draft.slug)
    yield "name", _name_fault(draft.name)
    yield "adapter", "" if isinstance(draft.adapter, str) else "The adapter is a name."
    yield "timeout", _number_fault(draft.timeout, *TIMEOUTS, "seconds")
    yield "in_flight_limit", _number_fault(draft.in_flight_limit, *IN_FLIGHT, "requests at a time", whole=True)
    yield "failed_head", "" if draft.failed_head in FAILED_HEAD else "A failed head follows hold or step-over."
    yield "critical", "" if isinstance(draft.critical, bool) else "This is true or false."
    yield "policy", "" if draft.policy in POLICIES else _unknown_policy(draft.policy)


def _slug_fault(slug: Any) -> str:
    if isinstance(slug, str) and _SLUG.fullmatch(slug):
        return ""
    return (
        "A slug has 1 to 50 small letters, digits and hyphens, such as plans-api. It begins and ends without a hyphen."
    )


def _name_fault(name: Any) -> str:
    if not isinstance(name, str) or not name.strip():
        return "A name cannot be empty."
    if len(name) > LONGEST_NAME or not name.isprintable():
        return f"A name has at most {LONGEST_NAME} characters, all on one line."
    return ""


def _number_fault(value: Any, least: float, most: float, unit: str, *, whole: bool = False) -> str:
    fits = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if fits and least <= value <= most:
        return ""
    return f"This is a {'whole ' if whole else ''}number from {least:g} to {most:g} {unit}."


def _raised(check: Callable[[], object]) -> Iterator[Fault]:
    try:
        check()
    except Invalid as error:
        yield from error.faults
