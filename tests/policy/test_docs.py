"""docs/reference/policy.md has each key as the code has it, and its examples run."""

import pytest

from portal.policy import overrides, state
from portal.policy.core.keys import SECTIONS, Key, Section
from portal.policy.core.values import UNIT_SECONDS, Number
from tests.docs import pages

pytestmark = pytest.mark.plain
PAGE = "docs/reference/policy.md"
KEYS = [(section, key) for section in SECTIONS for key in section.keys]


def rows() -> dict[str, list[str]]:
    """The cells of the table, by key."""
    return {
        row[0].strip("`"): [cell.replace(",", "") for cell in row[1:]]
        for row in pages.rows(pages.read(PAGE))
        if len(row) == 5
    }


def test_the_table_has_every_key_once_in_order() -> None:
    """One table, as asked."""
    assert list(rows()) == [section.path(key) for section, key in KEYS]


@pytest.mark.parametrize(("section", "key"), KEYS, ids=[section.path(key) for section, key in KEYS])
def test_a_row_says_what_the_code_does(section: Section, key: Key) -> None:
    """Unit, bounds, what is built in, the Python name, and whether it is seconds there."""
    unit, bounds, built_in, python = rows()[section.path(key)]
    kind = key.kind
    assert unit == kind.unit
    name = section.name if section.bare else f"{section.name}.{key.python}"
    assert python == f"`{name}`" + (" (s)" if kind.unit in UNIT_SECONDS else "")
    if isinstance(kind, Number):
        assert bounds.endswith(f"{kind.most:.0f}" + (" or off" if kind.optional else ""))
        assert bounds.startswith("above 0" if kind.above is not None else f"{kind.least:.0f} ")
        assert built_in == (
            "off" if key.built_in is None else f"{key.built_in:g}" if key.built_in < 10_000 else str(key.built_in)
        )


def test_the_examples_run(capsys: pytest.CaptureFixture[str]) -> None:
    """As they stand there."""
    assert state().faults == ()
    before = list(overrides._providers)
    for example in pages.blocks(pages.read(PAGE), "python"):
        exec(compile(example, PAGE, "exec"), {})
    overrides._providers[:] = before
    assert "sync_backoff.min_ms 500 ms governance/policy.yml line 6" in capsys.readouterr().out
