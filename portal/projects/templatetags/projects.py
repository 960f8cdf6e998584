"""Template tags of projects and plans.

{% load projects %}
{{ text|markdown }}  {% plan_status "done" %}  {% saving shown step.key "status" %}  {{ difference|told }}  {% progress 7 12 %}
"""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from portal.projects.core.telling import Difference
from portal.projects.plan_page import PlanPage
from portal.projects.rendering import html_of
from portal.projects.statuses import sign_of
from portal.projects.words import Told
from portal.projects.words import told as words
from portal.web.templatetags.web import icon

register = template.Library()

register.filter("markdown", html_of)


@register.filter
def told(found: Difference) -> Told:
    """What a waiting change does at one place, in words."""
    return words(found)


@register.simple_tag
def plan_status(status: str) -> SafeString:
    """A status as shape, word and colour."""
    shown = sign_of(status)
    return format_html('<span class="state" data-tone="{}">{}{}</span>', shown.tone, icon(shown.icon), shown.word)


@register.simple_tag
def saving(shown: PlanPage, *place: str) -> SafeString:
    """A mark beside a value that waits to be sent."""
    if "/".join(place) not in shown.saving:
        return SafeString("")
    return format_html('<span class="tag" data-saving>{}</span>', _("saving"))


@register.simple_tag
def progress(done: int, of: int) -> SafeString:
    """A bar as long as the part that is done. The figures stand beside it."""
    share = 100 * done / of if of else 0
    return format_html(
        '<svg class="bar" data-tone="idle" aria-hidden="true"><rect class="track" width="100%" height="6" rx="3"></rect>'
        '<rect class="fill" width="{}%" height="6" rx="3"></rect></svg>',
        f"{share:.1f}",
    )
