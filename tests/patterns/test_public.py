"""The public face: what `resilience.patterns` offers, in any Python program, and that its types hold."""

import ast
import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import resilience.patterns
from resilience.patterns import bulkhead

pytestmark = pytest.mark.plain

ROOT = Path(resilience.patterns.__file__).parent

ALONE = """
import sys

class OnlyTheStandardLibrary:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and name not in ("resilience",) and not name.startswith("resilience.patterns"):
            raise ImportError(f"{name} is not in the standard library")

sys.meta_path.insert(0, OnlyTheStandardLibrary())
from resilience.patterns import CircuitBreaker, manager, policy

@policy("ai", fallback="cached")
def ask(prompt):
    raise ConnectionError

print(ask("hello"), manager.execute("billing-db", divmod, 7, 2, policy="database"), CircuitBreaker("legacy").state)
"""


def test_it_works_in_a_program_that_has_nothing_else() -> None:
    """With everything but the standard library out of reach, from the import to the call."""
    ran = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT.parents[1])!r})\n{ALONE}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ran.stdout.split("\n")[0], ran.returncode) == ("cached (3, 1) closed", 0), ran.stderr


def test_no_module_imports_anything_but_the_standard_library_and_its_neighbours() -> None:
    """Every import statement of every module, whether it is run or not."""
    foreign = [
        f"{path.name}: {name}"
        for path in ROOT.glob("**/*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in _imported(node)
        if not name.startswith("resilience.patterns") and name.partition(".")[0] not in sys.stdlib_module_names
    ]
    assert foreign == []


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or "."] if isinstance(node, ast.ImportFrom) else []


def test_all_names_what_is_there_in_order() -> None:
    """`__all__` is what a star import gives, each name exists, and none is private."""
    names = resilience.patterns.__all__
    assert len(names) == len(set(names))
    assert all(hasattr(resilience.patterns, name) and not name.startswith("_") for name in names)


def test_everything_public_has_a_docstring_that_begins_with_a_sentence() -> None:
    """Classes and functions; objects have their class's."""
    for name in resilience.patterns.__all__:
        thing = getattr(resilience.patterns, name)
        if isinstance(thing, type) or callable(thing):
            assert thing.__doc__, name
            assert thing.__doc__.strip().partition("\n\n")[0].rstrip().endswith((".", ":", ")", '"')), name


def test_the_examples_in_the_docstrings_run() -> None:
    """Where a docstring shows a session."""
    assert doctest.testmod(bulkhead) == doctest.TestResults(failed=0, attempted=2)


@pytest.mark.parametrize("path", sorted(ROOT.glob("*.py")), ids=lambda path: path.stem)
def test_each_module_can_be_the_first_to_be_imported(path: Path) -> None:
    """No module depends on another one having been imported before."""
    assert importlib.import_module(
        f"resilience.patterns.{path.stem}" if path.stem != "__init__" else "resilience.patterns"
    )


def test_decorators_keep_types() -> None:
    """mypy --strict reads the sample as a user's program, and reveals what it should."""
    sample = Path(__file__).with_name("typing_checks.py")
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--config-file=",
            "--no-error-summary",
            "--cache-dir",
            ".mypy_cache/patterns",
            str(sample),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=ROOT.parents[1],
    )
    assert (ran.stdout, ran.stderr) == ("", "")
