"""Filters for pictures, in which no HTML can stand: ages and countdowns as bare text, and the icon of a state."""

from datetime import datetime

from django import template

from portal.kit import clock
from portal.web import formats
from portal.web.vocabulary import sign

register = template.Library()


@register.filter
def since(at: datetime) -> str:
    """How long ago it was: "24 min"."""
    return formats.age(clock.now() - at)


@register.filter
def till(at: datetime) -> str:
    """How long it is until then: "38 s"."""
    return formats.age(at - clock.now())


@register.filter
def sign_icon(state: str) -> str:
    """The symbol of a state in icons.svg."""
    return sign(state).icon


@register.filter
def sign_word(state: str) -> str:
    """The word of a state."""
    return str(sign(state).word)
