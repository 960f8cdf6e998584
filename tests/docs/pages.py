"""The pages that people read, and what stands in them."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
_FENCE = re.compile(r"^(```+)([a-z]*)[^\n]*\n(.*?)^\1\s*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")


def name(page: Path) -> str:
    """The page as it is named in a message."""
    return str(page.relative_to(ROOT))


def read(page: Path | str) -> str:
    """The text of a page; a name is taken from the root."""
    return (ROOT / page).read_text()


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return [body for _fence, said, body in _FENCE.findall(text) if said == language]


def prose(text: str) -> str:
    """The text without its fenced blocks."""
    return _FENCE.sub("", text)


def code(text: str) -> Iterator[str]:
    """Everything that is set as code: what stands between backticks, and each line of a shell block."""
    yield from _CODE.findall(prose(text))
    for language in ("sh", "text", ""):
        for body in blocks(text, language):
            yield from body.splitlines()


def rows(text: str) -> Iterator[list[str]]:
    """The cells of each table row, heads and rules left out."""
    lines = prose(text).splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("|") and not re.match(r"\|[\s:|-]+$", line) and not re.match(r"\|[\s:|-]+$", following):
            yield [cell.strip() for cell in line.strip("|").split("|")]
