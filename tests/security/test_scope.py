"""No request reaches rows without the gate of `.for_org()`."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.settings import BASE_DIR

PACKAGES = ("portal", "resilience", "syncqueue", "conflicts")
# What requests reach: views, APIs, actions, and the reads that they call. Models, pumps, duties and commands start elsewhere.
REACHED = frozenset(
    {
        "account.py",
        "api.py",
        "authentication.py",
        "context.py",
        "facts.py",
        "figures.py",
        "gauges.py",
        "item_page.py",
        "listing.py",
        "members.py",
        "middleware.py",
        "maintenance_api.py",
        "maintenance_listing.py",
        "maintenance_views.py",
        "navigation.py",
        "outage_listing.py",
        "outage_page.py",
        "outage_serializers.py",
        "outage_views.py",
        "outages_api.py",
        "plan_page.py",
        "plan_views.py",
        "needs.py",
        "rows.py",
        "rules_page.py",
        "rules_views.py",
        "settings_views.py",
        "standing.py",
        "tokens.py",
        "viewers.py",
        "views.py",
        "waiting.py",
    }
)

# Where another start is right: how often at most, and why.
KNOWN = {
    "conflicts/actions/close.py": (6, "called by the queue with items that it holds, or that its retention removes"),
    "conflicts/actions/note.py": (
        5,
        "called by the pump that holds the item's lane, or with a conflict that was locked",
    ),
    "portal/accounts/actions/": (9, "accounts belong to no organization; each action takes the person's own row"),
    "portal/duties/actions/": (9, "duties belong to no organization"),
    "portal/events/actions/retain.py": (9, "retention removes by age, for all; a duty"),
    "portal/projects/actions/refresh.py": (1, "the breaker of a plan's upstream, which is read with for_org before"),
    "portal/tenancy/actions/add_member.py": (3, "the person is no row of the viewer yet; administered() comes first"),
    "portal/tenancy/actions/check.py": (1, "is_last_admin counts within an organization that is checked and locked"),
    "portal/tenancy/actions/create_organization.py": (1, "a new organization has no members yet; commands only"),
    "portal/tenancy/actions/rotate_keys.py": (2, "all secrets get the new key; a command"),
    "portal/tenancy/viewers.py": (4, "who asks is what it finds out"),
    "resilience/breakers/actions/keep.py": (9, "retention, for all; a duty"),
    "portal/monitoring/figures.py": (2, "what the operator's key opens, for all; the queue of django-q2 is nobody's"),
    "resilience/health/actions/reassess.py": (
        11,
        "called by the prober, or with a component that is checked and locked",
    ),
    "resilience/health/figures.py": (5, "draws components that are read with for_org before"),
    "resilience/health/standing.py": (7, "every read is of a scope of organizations that who asks has checked"),
    "resilience/health/actions/adopt_upstream.py": (4, "called by the saved upstream itself, or by a duty for all"),
    "syncqueue/actions/enqueue.py": (2, "people and keys of organizations that are checked before"),
    "syncqueue/actions/forget_versions.py": (1, "after a restore, for all; a command"),
    "syncqueue/actions/keep.py": (9, "retention, for all; a duty"),
    "syncqueue/actions/shared.py": (1, "the head of a lane whose item is checked and locked"),
    "syncqueue/actions/take_over.py": (9, "lanes of a holder that is gone, for all; pumps"),
    "syncqueue/actions/verify.py": (20, "checks everything; a command"),
    "syncqueue/standing.py": (3, "counters and breakers of upstreams that are read with for_org before"),
}


def request_modules() -> list[Path]:
    """Every module of views, APIs and actions."""
    files = [file for package in PACKAGES for file in (BASE_DIR / package).rglob("*.py")]
    return sorted(file for file in files if file.name in REACHED or "actions" in file.parts)


def starts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Each `X.objects.<first>` with its line; "" when `objects` is handed on as it is."""
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        if isinstance(node.value, ast.Attribute) and node.value.attr in {
            "objects",
            "_base_manager",
            "_default_manager",
        }:
            yield node.lineno, node.attr
        elif node.attr in {"objects", "_base_manager", "_default_manager"} and id(node) not in inner:
            yield node.lineno, ""


def ungated(source: str) -> list[tuple[int, str]]:
    """The reads that do not start with `.for_org(`, `.none()` or the making of a new row."""
    return [
        found for found in starts(ast.parse(source)) if found[1] not in {"for_org", "none", "create", "bulk_create"}
    ]


def allowed(path: str) -> int:
    """How many other starts this module may have."""
    return max((most for place, (most, _why) in KNOWN.items() if path.startswith(place)), default=0)


@pytest.mark.parametrize("file", request_modules(), ids=lambda file: str(file.relative_to(BASE_DIR)))
def test_every_read_starts_with_for_org(file: Path) -> None:
    """Or stands in the list above with its reason."""
    path = str(file.relative_to(BASE_DIR))
    found = ungated(file.read_text())
    assert len(found) <= allowed(path), f"{path}: {found}"


def test_the_list_is_not_longer_than_it_has_to_be() -> None:
    """What was mended leaves it."""
    needed = [str(file.relative_to(BASE_DIR)) for file in request_modules() if ungated(file.read_text())]
    assert not [place for place in KNOWN if not any(path.startswith(place) for path in needed)]


@pytest.mark.parametrize(
    ("line", "bad"),
    [
        ("Item.objects.for_org(viewer).first()", False),
        ("Item.objects.none()", False),
        ("Item.objects.filter(pk=1)", True),
        ("Item.objects.all().for_org(viewer)", True),
        ("models.Item.objects.unscoped()", True),
        ("get_object_or_404(Item.objects, pk=1)", True),
        ("row._base_manager.get(pk=1)", True),
    ],
)
def test_the_scan_sees_what_it_has_to(line: str, bad: bool) -> None:
    """Each way around the gate."""
    assert bool(ungated(line)) is bad
