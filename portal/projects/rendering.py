"""Markdown as HTML that is safe to show: raw HTML is shown as text, pictures are left out, links go to web addresses only.

markdown-it-py renders it: the reference port of markdown-it, kept by the Executable Books project, with no dependency but mdurl.
"""

from collections.abc import Sequence

from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.token import Token

LEVELS_DOWN = 2
"""The page has h1 and h2 itself."""


def _made() -> MarkdownIt:
    return (
        MarkdownIt("commonmark", {"html": False, "typographer": False})
        .enable(["table", "strikethrough"])
        .disable("image")
    )


_MARKDOWN = _made()


def html_of(text: str) -> SafeString:
    """The text as HTML."""
    tokens = _MARKDOWN.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + LEVELS_DOWN, 6)}"
        _links(token.children or ())
    rendered: str = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    return SafeString(rendered)  # raw HTML is off: every text in it is escaped


def first_words(text: str, most: int = 240) -> str:
    """The first paragraph of a text as plain words, cut to `most` characters."""
    before = ""
    for token in _MARKDOWN.parse(text[:4_000]):
        if token.type == "inline" and before == "paragraph_open":
            words = " ".join("".join(_words(child) for child in token.children or ()).split())
            if words:
                return words if len(words) <= most else words[: most - 1].rsplit(" ", 1)[0] + "…"
        before = token.type
    return ""


def _words(token: Token) -> str:
    return " " if token.type in ("softbreak", "hardbreak") else token.content


def _links(children: Sequence[Token]) -> None:
    for child in children:
        if child.type == "link_open":
            child.attrSet("rel", "noopener noreferrer nofollow")
