"""Template tags of the conflict pages: values with what changed in them marked.

{% load conflict %}
{% value cell.shown %}  {% marked line.pieces %}
"""

from collections.abc import Iterable

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conflicts.marks import Piece
from conflicts.readable import Line, Shown

register = template.Library()


@register.simple_tag
def marked(pieces: Iterable[Piece]) -> SafeString:
    """Pieces of a text, what was struck out as <del>, what was put in as <ins>."""
    return SafeString("".join(_piece(piece) for piece in pieces))


def _piece(piece: Piece) -> str:
    if not piece.mark:
        return escape(piece.text)
    words = piece.text.rstrip(" ") or piece.text
    return f"<{piece.mark}>{escape(words)}</{piece.mark}>{' ' * (len(piece.text) - len(words))}"


def _line(line: Line) -> str:
    name = f"<b>{escape(line.name)}</b> " if line.name else ""
    return f"<p>{name}{marked(line.pieces)}</p>"


@register.simple_tag
def value(shown: Shown, whole: str = "") -> SafeString:
    """A value as paragraphs. `whole` is the address where all of it stands, linked when something is left out."""
    parts = [_line(line) for line in shown.lines]
    if shown.more:
        more = ngettext("and %(n)d more", "and %(n)d more", shown.more) % {"n": shown.more}
        parts.append(f'<p class="none">{escape(more)}</p>')
    if shown.absent:
        parts.append(f'<p class="none">{escape(shown.absent)}</p>')
    if shown.cut and whole:
        parts.append(f'<p><a href="{escape(whole)}">{escape(_("Show all"))}</a></p>')
    return SafeString("".join(parts))
