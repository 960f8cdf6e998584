"""docs/settings.md names every environment variable that the code reads, with its default."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.docs import pages

pytestmark = pytest.mark.plain

PAGE = "docs/settings.md"
FOLDERS = ("portal", "resilience", "syncqueue", "conflicts", "tests")
"""The tests come last: a default of the product counts before theirs."""
UNKNOWN = object()
INTERNAL = frozenset({"DJANGO_SETTINGS_MODULE", "DJANGO_ALLOW_ASYNC_UNSAFE"})


def sources() -> Iterator[Path]:
    """Our own modules."""
    for folder in FOLDERS:
        yield from sorted((pages.ROOT / folder).rglob("*.py"))


def reads(tree: ast.Module) -> Iterator[tuple[str, object]]:
    """Each variable that a module reads, with its default (UNKNOWN when it is no plain value)."""
    constants = dict(constants_of(tree))
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute() as function, args=[first, *_]) if reads_environment(function):
                yield from named(first, default_of(node), constants)
            case ast.Subscript(value=target, slice=name, ctx=ast.Load()) if ast.unparse(target) == "os.environ":
                yield from named(name, UNKNOWN, constants)


def reads_environment(function: ast.Attribute) -> bool:
    """Whether it is `env.str`, `env.int` and the like, or what Python brings for it."""
    name = ast.unparse(function)
    return name.startswith("env.") or name in {"os.environ.get", "os.getenv"}


def constants_of(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """The module's own names for plain values."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value


def named(node: ast.expr, default: object, constants: dict[str, ast.expr]) -> Iterator[tuple[str, object]]:
    """The variable, when its name stands there as it is or is a constant of the module."""
    if isinstance(node, ast.Name):
        node = constants.get(node.id, node)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value, default


def default_of(call: ast.Call) -> object:
    """The default that a call gives."""
    given = [keyword.value for keyword in call.keywords if keyword.arg == "default"] or call.args[1:2]
    try:
        return ast.literal_eval(given[0]) if given else UNKNOWN
    except ValueError:
        return UNKNOWN


@cache
def in_code() -> dict[str, object]:
    """Every variable that the code reads."""
    found: dict[str, object] = {}
    for source in sources():
        for name, default in reads(ast.parse(source.read_text())):
            if name not in INTERNAL and not name.startswith("BENCH_"):
                found.setdefault(name, default)
    return found


@cache
def in_docs() -> dict[str, str]:
    """Every variable that the page names, with its default."""
    return {row[0].strip("`"): row[1] for row in pages.rows(pages.read(PAGE)) if row[0].strip("`").isupper()}


def test_every_variable_that_the_code_reads_is_documented() -> None:
    """A setting that nobody can find might as well not be there."""
    assert not set(in_code()) - set(in_docs())


def test_every_documented_variable_is_read() -> None:
    """The page promises nothing that the code does not keep. Makefile's variables count as read when it sets a default."""
    makefile = {line.split(" ?=")[0] for line in pages.read("Makefile").splitlines() if " ?=" in line}
    assert not set(in_docs()) - set(in_code()) - makefile


def test_the_scan_finds_what_the_settings_read() -> None:
    """The scan is no empty promise: it finds variables of each type."""
    assert {"DATABASE_URL", "BREAKWATER_HOME", "BREAKWATER_TRUSTED_PROXIES", "BREAKWATER_API_RATE"} <= set(in_code())


@pytest.mark.parametrize("variable", sorted(in_code()))
def test_the_default_is_the_one_of_the_code(variable: str) -> None:
    """A plain default stands in the table as the code has it."""
    default, told = in_code()[variable], in_docs()[variable].strip("`").replace(",", "")
    if default in ("", []):
        assert told in {"empty", "none"}
    elif isinstance(default, bool):
        assert told == ("on" if default else "off")
    elif isinstance(default, int | float):
        assert float(told) == default
    elif isinstance(default, str):
        assert told == default
