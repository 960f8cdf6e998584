"""What templates of health say of a component."""

from django import template

from portal.web.formats import number
from resilience.health import words
from resilience.health.actions.close_outage import opens_again as still_down
from resilience.health.maintenance_words import rhythm
from resilience.health.models import Component, Outage
from resilience.health.standing import href_of

register = template.Library()
register.filter("rhythm", rhythm)


@register.filter
def component_href(component: Component) -> str:
    """The page of a component. Reads `organization`."""
    return href_of(component)


@register.filter
def opens_again(outage: Outage) -> bool:
    """Whether an outage comes back at once when a person closes it."""
    return still_down(outage)


@register.filter
def lost(points: float) -> str:
    """Points that were lost: "−8", "−7.5"."""
    return f"−{words.lost(points)}"


@register.filter
def points(change: float) -> str:
    """A change of a score with its sign: "+5", "−19"."""
    return f"{'−' if change < 0 else '+'}{number(abs(change))}"
