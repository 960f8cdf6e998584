"""What templates of health say of a component."""

from django import template

from resilience.health.models import Component
from resilience.health.standing import href_of

register = template.Library()


@register.filter
def component_href(component: Component) -> str:
    """The page of a component. Reads `organization`."""
    return href_of(component)
