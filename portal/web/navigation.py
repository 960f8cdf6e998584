"""The navigation: the pages that exist, with counts that the parts above hand in when their addresses are loaded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.kit.viewer import Viewer
from portal.web.formats import capped


@dataclass(frozen=True, slots=True)
class Page:
    """One entry: where, called what, and the key (after `g`) that goes there. `main` ones stand in the phone's bar.

    `also` are addresses elsewhere that belong to it. `tells`: its pages say themselves what is out, so no banner stands above them.
    """

    name: str
    word: str | Promise
    href: str
    key: str = ""
    main: bool = False
    also: tuple[str, ...] = ()
    tells: bool = False

    def holds(self, path: str) -> bool:
        """Whether an address is its own, or lies below one of its own."""
        return any(path == href or (path.startswith(f"{href}/") and href != "/") for href in (self.href, *self.also))


@dataclass(frozen=True, slots=True)
class Count:
    """A figure beside an entry; `tone` fills its ground when a hand is needed."""

    value: int
    name: str | Promise
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Banner:
    """One line above every page: what is wrong, how many wait, what is safe, when it is back."""

    word: str | Promise
    sentence: str
    tone: str = "warn"
    icon: str = "level"
    href: str = ""
    link: str | Promise = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A page as the navigation shows it now."""

    page: Page
    current: bool
    count: Count | None = None
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Entries under one heading."""

    word: str | Promise
    entries: list[Entry] = field(default_factory=list)


PAGES: list[tuple[str | Promise, list[Page]]] = [
    ("", [Page("overview", _("Overview"), "/", "o", main=True)]),
    (
        _("Deliver"),
        [
            Page("queue", _("Queue"), "/resilience/queue", "q", main=True),
            Page("conflicts", _("Conflicts"), "/conflicts", "c", main=True),
        ],
    ),
    (
        _("Resilience"),
        [
            Page(
                "health", _("Health"), "/settings/health", "h", main=True, also=("/settings/maintenance",), tells=True
            ),
            Page("breakers", _("Breakers"), "/resilience/breakers", "b"),
        ],
    ),
    (
        _("Work"),
        [Page("projects", _("Projects"), "/projects", "p"), Page("audit", _("Audit log"), "/audit", "a")],
    ),
    (
        _("Settings"),
        [
            Page("upstreams", _("Upstreams"), "/settings/upstreams", "u"),
            Page("kinds", _("Kinds"), "/settings/kinds", "k"),
            Page("policy", _("Policy"), "/settings/policy", "y"),
            Page("members", _("Members"), "/settings/members", "m"),
            Page("tokens", _("Tokens"), "/settings/tokens", "t"),
        ],
    ),
]

counts: dict[str, Callable[[Viewer], Count | None]] = {}
banners: list[Callable[[Viewer], Banner | None]] = []


def current_page(path: str) -> str:
    """The name of the page that `path` belongs to: the longest address that it starts with."""
    page = _page_of(path)
    return page.name if page else ""


def _page_of(path: str) -> Page | None:
    fitting = [page for _word, group in PAGES for page in group if page.holds(path)]
    return max(fitting, key=lambda page: len(page.href), default=None)


def groups(request: HttpRequest, viewer: Viewer) -> list[Group]:
    """The navigation of this request. A view that has read what an entry counts says so in `request.known_counts`."""
    here = current_page(request.path)
    known: Mapping[str, Count | None] = getattr(request, "known_counts", {})
    return [Group(word, [_entry(page, here, viewer, known) for page in pages]) for word, pages in PAGES]


def _entry(page: Page, here: str, viewer: Viewer, known: Mapping[str, Count | None]) -> Entry:
    count = known[page.name] if page.name in known else _counted(page, viewer)
    return Entry(page, page.name == here, count, capped(count.value) if count else "")


def _counted(page: Page, viewer: Viewer) -> Count | None:
    return counts[page.name](viewer) if page.name in counts else None


def banner(viewer: Viewer, path: str) -> Banner | None:
    """What stands above the page of this path now: the first that has something to say; nothing where the page says it itself."""
    page = _page_of(path)
    if page is not None and page.tells:
        return None
    return next((found for make in banners if (found := make(viewer))), None)


def keys() -> Mapping[str, str]:
    """Where each `g` key goes."""
    return {page.key: page.href for _word, group in PAGES for page in group if page.key}
