"""What a person or an integration says about a probe or a component, checked as one whole: every fault is found in one go."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from ipaddress import ip_address
from socket import inet_aton
from typing import Any
from urllib.parse import urlsplit

from portal.kit.errors import Fault
from portal.kit.jsontext import dump, escape
from resilience.health.core.states import Importance

INTERVALS = (5.0, 86_400.0)
TIMEOUTS = (0.1, 300.0)
SLOW = (1, 300_000)
IN_A_ROW = (1, 20)
LONGEST_NAME = 100
LONGEST_ADDRESS = 500
LONGEST_BOOK = 500
MOST_OPTIONS = 20_000
"""Bytes of options, or of secrets, as JSON."""
MOST_OF_COMPONENT = 50
MOST_OF_ORGANIZATION = 2_000
_OLD_SPELLING = re.compile(r"[0-9a-fA-FxX]+(?:\.[0-9a-fA-FxX]+){0,3}")
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class ProbeDraft:
    """A probe as it is wanted. An empty address of kind http is that of the component's own upstream."""

    name: Any = ""
    kind: Any = ""
    template: Any = ""
    values: Any = field(default_factory=dict)
    address: Any = ""
    options: Any = field(default_factory=dict)
    secret: Any = field(default=None, repr=False)
    interval: Any = 30.0
    timeout: Any = 10.0
    slow_after_ms: Any = None
    failures_to_down: Any = 3
    successes_to_up: Any = 2
    enabled: Any = True


@dataclass(frozen=True, slots=True)
class ComponentDraft:
    """A component as it is wanted. `parent` is a component's slug, None for none."""

    slug: Any = ""
    name: Any = ""
    importance: Any = Importance.NORMAL.value
    parent: Any = None
    run_book: Any = ""
    feeds_breaker: Any = False


PROBE_FIELDS = frozenset(one.name for one in fields(ProbeDraft))
COMPONENT_FIELDS = frozenset(one.name for one in fields(ComponentDraft))

TargetFaults = Callable[[str, str, Mapping[str, Any], Mapping[str, Any]], Sequence[Fault]]


def unknown_faults(said: Mapping[str, Any], known: frozenset[str], what: str) -> list[Fault]:
    """A fault for each field that there is not. `what` is "A probe" or "A component"."""
    return [Fault(f"/{escape(str(name))}", f"{what} has no such field.") for name in said if name not in known]


def probe_faults(draft: ProbeDraft, *, kinds: Sequence[str], target_faults: TargetFaults) -> Iterator[Fault]:
    """Everything that is wrong with a probe. `target_faults` judges kind, address, options and secret once their shapes hold."""
    for name, why in _plain(draft, kinds):
        if why:
            yield Fault(f"/{name}", why)
    secret = {} if draft.secret is None else draft.secret
    shaped = not (_object_fault(draft.options, "Options") or _object_fault(secret, "Secrets"))
    if draft.kind in kinds and isinstance(draft.address, str) and len(draft.address) <= LONGEST_ADDRESS and shaped:
        yield from target_faults(draft.kind, draft.address, draft.options, secret)


def _plain(draft: ProbeDraft, kinds: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield "name", name_fault(draft.name)
    yield "kind", "" if draft.kind in kinds else f"There is no such kind of probe. Known: {', '.join(kinds)}."
    yield "address", _address_fault(draft.address)
    yield "options", _object_fault(draft.options, "Options")
    yield "secret", "" if draft.secret is None else _object_fault(draft.secret, "Secrets")
    yield "interval", number_fault(draft.interval, *INTERVALS, "seconds")
    yield "timeout", number_fault(draft.timeout, *TIMEOUTS, "seconds") or _timeout_fault(draft)
    yield "slow_after_ms", _slow_fault(draft)
    yield "failures_to_down", number_fault(draft.failures_to_down, *IN_A_ROW, "failures in a row", whole=True)
    yield "successes_to_up", number_fault(draft.successes_to_up, *IN_A_ROW, "good results in a row", whole=True)
    yield "enabled", "" if isinstance(draft.enabled, bool) else "This is true or false."


def _address_fault(address: Any) -> str:
    if not isinstance(address, str):
        return "An address is a text."
    if len(address) > LONGEST_ADDRESS:
        return f"An address has at most {LONGEST_ADDRESS} characters, this one has {len(address)}."
    return "" if address.isprintable() else "An address holds no control characters."


def _timeout_fault(draft: ProbeDraft) -> str:
    if number_fault(draft.interval, *INTERVALS, "") or draft.timeout < draft.interval:
        return ""
    return f"The timeout is shorter than the interval ({draft.interval:g} s), or runs would pile up."


def _slow_fault(draft: ProbeDraft) -> str:
    if draft.slow_after_ms is None:
        return ""
    wrong = number_fault(draft.slow_after_ms, *SLOW, "milliseconds", whole=True)
    if wrong or number_fault(draft.timeout, *TIMEOUTS, "") or draft.slow_after_ms < draft.timeout * 1000:
        return wrong
    return f"Slow begins before the timeout ({draft.timeout * 1000:g} ms); later than that a run has failed."


def _object_fault(value: Any, what: str) -> str:
    if not isinstance(value, Mapping):
        return f"{what} are an object of names and values."
    if len(dump(value).encode()) > MOST_OPTIONS:
        return f"{what} take at most {MOST_OPTIONS} bytes."
    return ""


def component_faults(draft: ComponentDraft, *, upstream: bool) -> Iterator[Fault]:
    """Everything that is wrong with a component by itself; whether its parent exists is seen where the others are known."""
    for name, why in _of_component(draft, upstream=upstream):
        if why:
            yield Fault(f"/{name}", why)


def _of_component(draft: ComponentDraft, *, upstream: bool) -> Iterator[tuple[str, str]]:
    yield "slug", "" if upstream else _slug_fault(draft.slug)
    yield "name", name_fault(draft.name)
    known = [one.value for one in Importance]
    yield "importance", "" if draft.importance in known else f"Importance is {', '.join(known[:-1])} or {known[-1]}."
    yield "parent", "" if draft.parent is None or isinstance(draft.parent, str) else "A parent is named by its slug."
    yield "run_book", run_book_fault(draft.run_book)
    yield "feeds_breaker", _feeds_fault(draft.feeds_breaker, upstream=upstream)


def _slug_fault(slug: Any) -> str:
    if isinstance(slug, str) and _SLUG.fullmatch(slug):
        return ""
    return (
        "A slug has 1 to 60 small letters, digits and hyphens, such as user-store. It begins and ends without a hyphen."
    )


def _feeds_fault(feeds: Any, *, upstream: bool) -> str:
    if not isinstance(feeds, bool):
        return "This is true or false."
    return "Only an upstream has a breaker that probes can feed." if feeds and not upstream else ""


def run_book_fault(link: Any) -> str:
    """Why this cannot be a run book's link; "" when it can, or is empty."""
    if link == "":
        return ""
    if not isinstance(link, str):
        return "A run book is a link such as https://wiki.example.org/plans."
    if len(link) > LONGEST_BOOK:
        return f"A link has at most {LONGEST_BOOK} characters, this one has {len(link)}."
    try:
        parts = urlsplit(link)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        named = False
    printable = all("!" <= character <= "~" for character in link)
    if not named or not printable or parts.scheme not in {"http", "https"}:
        return "A run book is a link that starts with https:// or http:// and names a host, without spaces."
    return "A link holds no user name or password." if "@" in parts.netloc else ""


def name_fault(name: Any) -> str:
    """Why this is no name; "" when it is one."""
    if not isinstance(name, str) or not name.strip():
        return "A name cannot be empty."
    if len(name) > LONGEST_NAME or not name.isprintable():
        return f"A name has at most {LONGEST_NAME} characters, all on one line."
    return ""


def number_fault(value: Any, least: float, most: float, unit: str, *, whole: bool = False) -> str:
    """Why this is no number from `least` to `most`; "" when it is one."""
    fits = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if fits and least <= value <= most:
        return ""
    return f"This is a {'whole ' if whole else ''}number from {least:g} to {most:g} {unit}."


def would_cycle(component_id: int, parent_id: int, parents: Mapping[int, int | None]) -> bool:
    """Whether `component_id` would be its own ancestor below `parent_id`. `parents` maps components to theirs."""
    at: int | None = parent_id
    seen: set[int] = set()
    while at is not None and at not in seen:
        if at == component_id:
            return True
        seen.add(at)
        at = parents.get(at)
    return False


def free_slug(wanted: str, taken: frozenset[str] | set[str]) -> str:
    """`wanted`, or with the first number behind it that nobody has."""
    n, slug = 2, wanted
    while slug in taken:
        slug = f"{wanted}-{n}"
        n += 1
    return slug


def literal_of(host: str) -> str:
    """The network address that a host is as it stands: localhost, ::1, and IPv4 in all its spellings (127.1, 0x7f000001); "" for a name."""
    if host == "localhost" or host.endswith(".localhost"):
        return "127.0.0.1"
    try:
        return str(ip_address(host.partition("%")[0]))
    except ValueError:
        pass
    if not _OLD_SPELLING.fullmatch(host):
        return ""
    try:
        return str(ip_address(inet_aton(host)))
    except OSError:
        return ""
