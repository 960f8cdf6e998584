"""Components and probes as the REST API describes them. What is wrong with a request is found by core/draft.py, with its pointers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from resilience.health.actions.check_now import Checked
from resilience.health.actions.steering import shown_address, shown_options
from resilience.health.core.draft import IN_A_ROW, INTERVALS, SLOW, TIMEOUTS
from resilience.health.core.states import Importance, State
from resilience.health.core.status import is_stale, read_state
from resilience.health.models import Component, Probe

STATES = [state.value for state in State]
IMPORTANCES = [one.value for one in Importance]
ORGANIZATION = _("Its slug; may be left out with one membership.")
PARENT = _("The slug of what it cannot work without, in the same organization.")
FEEDS = _("Whether results of its probes count in the breaker of its upstream.")
REVISION = _("The revision that was read: if it has grown meanwhile, the change is refused.")


class NewComponentSerializer(serializers.Serializer[Any]):
    """A service to watch that nothing is sent to. Upstreams have their component from the start."""

    organization = serializers.CharField(required=False, help_text=ORGANIZATION)
    slug = serializers.RegexField(r"^[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?$")
    name = serializers.CharField(max_length=100)
    importance = serializers.ChoiceField(choices=IMPORTANCES, default=Importance.NORMAL.value)
    parent = serializers.CharField(  # type: ignore[assignment]
        required=False, allow_null=True, help_text=PARENT
    )
    run_book = serializers.URLField(max_length=500, required=False, help_text=_("http or https."))


class ComponentChangesSerializer(serializers.Serializer[Any]):
    """What changes of a component; what is left out stays."""

    name = serializers.CharField(max_length=100, required=False, help_text=_("Not of an upstream: change it there."))
    importance = serializers.ChoiceField(choices=IMPORTANCES, required=False)
    parent = serializers.CharField(  # type: ignore[assignment]
        required=False, allow_null=True, help_text=PARENT
    )
    run_book = serializers.CharField(required=False, allow_blank=True, help_text=_("http or https; empty for none."))
    feeds_breaker = serializers.BooleanField(required=False, help_text=FEEDS)
    revision = serializers.IntegerField(required=False, help_text=REVISION)


class ComponentSerializer(serializers.Serializer[Any]):
    """A component, with how it stands now."""

    id = serializers.IntegerField()
    organization = serializers.CharField(allow_null=True, help_text=_("Null for Breakwater itself."))
    slug = serializers.CharField()
    name = serializers.CharField()
    upstream = serializers.CharField(allow_null=True, help_text=_("Its upstream's slug."))
    importance = serializers.ChoiceField(choices=IMPORTANCES)
    weighs = serializers.ChoiceField(
        choices=IMPORTANCES, help_text=_("How much it counts: critical where its upstream is.")
    )
    parent = serializers.CharField(allow_null=True)  # type: ignore[assignment]
    run_book = serializers.CharField(allow_blank=True)
    feeds_breaker = serializers.BooleanField(help_text=FEEDS)
    state = serializers.ChoiceField(choices=STATES, help_text=_("none is no data, also when nobody asks any more."))
    since = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    blamed_on = serializers.CharField(allow_null=True, help_text=_("The parent that is down too."))
    probes = serializers.IntegerField()
    revision = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class PlainProbeSerializer(serializers.Serializer[Any]):
    """What every probe has, with what it is when nobody says otherwise."""

    interval = serializers.FloatField(min_value=INTERVALS[0], max_value=INTERVALS[1], required=False)
    timeout = serializers.FloatField(
        min_value=TIMEOUTS[0], max_value=TIMEOUTS[1], required=False, help_text=_("Seconds; less than the interval.")
    )
    slow_after_ms = serializers.IntegerField(
        min_value=SLOW[0], max_value=SLOW[1], required=False, allow_null=True, help_text=_("Less than the timeout.")
    )
    failures_to_down = serializers.IntegerField(min_value=IN_A_ROW[0], max_value=IN_A_ROW[1], required=False)
    successes_to_up = serializers.IntegerField(min_value=IN_A_ROW[0], max_value=IN_A_ROW[1], required=False)
    enabled = serializers.BooleanField(required=False)


class NewProbeSerializer(PlainProbeSerializer):
    """A probe to add: of a template with `values`, or of a kind with `address` and `options`."""

    organization = serializers.CharField(required=False, help_text=ORGANIZATION)
    component = serializers.CharField(help_text=_("The component's slug."))
    name = serializers.CharField(max_length=100, required=False, help_text=_("Needed without a template."))
    template = serializers.CharField(required=False, help_text=_("See the list of templates."))
    values = serializers.DictField(required=False, help_text=_("What the template asks for."))
    kind = serializers.CharField(required=False)
    address = serializers.CharField(
        max_length=500,
        required=False,
        allow_blank=True,
        help_text=_("Empty with kind http: that of the upstream, with its headers and credentials."),
    )
    options = serializers.DictField(required=False, help_text=_("As the kind defines them."))
    secret = serializers.DictField(required=False, help_text=_("As the kind defines it. Never shown again."))


class ProbeChangesSerializer(PlainProbeSerializer):
    """What changes of a probe; what is left out stays."""

    name = serializers.CharField(max_length=100, required=False)
    template = serializers.CharField(required=False, help_text=_("With its values: makes the probe anew."))
    values = serializers.DictField(required=False, help_text=_("Those of its template that change."))
    kind = serializers.CharField(required=False, help_text=_("Leaves the template, as address, options and secret do."))
    address = serializers.CharField(max_length=500, required=False, allow_blank=True)
    options = serializers.DictField(required=False, help_text=_("All of them."))
    secret = serializers.DictField(
        required=False,
        allow_null=True,
        help_text=_("Parts that are named are replaced, a part that is null is taken away, null takes all away."),
    )
    revision = serializers.IntegerField(required=False, help_text=REVISION)


class FieldSerializer(serializers.Serializer[Any]):
    """One value that a template asks for."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    hint = serializers.CharField(allow_blank=True)
    kind = serializers.ChoiceField(choices=["text", "secret", "number", "choice", "flag", "long"])
    required = serializers.BooleanField()  # type: ignore[assignment]
    secret = serializers.BooleanField(help_text=_("Written, never shown again."))
    example = serializers.CharField(allow_blank=True)
    default = serializers.JSONField(allow_null=True)
    choices = serializers.ListField(child=serializers.CharField(allow_blank=True), required=False)


class TemplateSerializer(serializers.Serializer[Any]):
    """A kind of probe for one purpose."""

    name = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    fields = FieldSerializer(many=True)  # type: ignore[assignment]


class TemplatesSerializer(serializers.Serializer[Any]):
    """All templates."""

    results = TemplateSerializer(many=True)


class SecretSerializer(serializers.Serializer[Any]):
    """What is told of a secret."""

    set_at = serializers.DateTimeField(allow_null=True)


class LastSerializer(serializers.Serializer[Any]):
    """What the last run found."""

    at = serializers.DateTimeField(allow_null=True)
    ok = serializers.BooleanField(allow_null=True)
    ms = serializers.FloatField(allow_null=True)
    error = serializers.CharField(allow_blank=True)


class ProbeSerializer(serializers.Serializer[Any]):
    """A probe, with how it stands now."""

    id = serializers.IntegerField()
    organization = serializers.CharField(allow_null=True)
    component = serializers.CharField()
    name = serializers.CharField()
    template = serializers.CharField(allow_blank=True)
    values = serializers.DictField(help_text=_("What was filled in the template, without its secrets."))
    kind = serializers.CharField()
    address = serializers.CharField(allow_blank=True)
    options = serializers.DictField(help_text=_("Values of secret headers are masked."))
    secret = SecretSerializer(help_text=_("Never shown."))
    interval = serializers.FloatField()
    timeout = serializers.FloatField()
    slow_after_ms = serializers.IntegerField(allow_null=True)
    failures_to_down = serializers.IntegerField()
    successes_to_up = serializers.IntegerField()
    enabled = serializers.BooleanField()
    state = serializers.ChoiceField(choices=STATES)
    since = serializers.DateTimeField(allow_null=True)
    failures = serializers.IntegerField(help_text=_("In a row."))
    successes = serializers.IntegerField(help_text=_("In a row."))
    last = LastSerializer()
    revision = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    notice = serializers.CharField(required=False, help_text=_("What else followed from a change."))


class CheckedSerializer(serializers.Serializer[Any]):
    """What one check found."""

    probe = serializers.IntegerField()
    at = serializers.DateTimeField()
    ok = serializers.BooleanField()
    slow = serializers.BooleanField()
    ms = serializers.FloatField()
    error = serializers.CharField(allow_blank=True)
    metadata = serializers.DictField()
    state = serializers.ChoiceField(choices=STATES, help_text=_("The probe's afterwards."))
    counted = serializers.BooleanField(
        help_text=_("Whether it was recorded and judged: not where the probe is paused.")
    )
    blind = serializers.BooleanField(help_text=_("Nothing else could be reached either, so it says nothing."))


def represent_checked(checked: Checked) -> Mapping[str, Any]:
    """What one check found, as JSON."""
    plain = ("at", "ok", "slow", "ms", "error", "counted", "blind")
    return {
        "probe": checked.probe_id,
        **{name: getattr(checked, name) for name in plain},
        "metadata": dict(checked.metadata),
        "state": checked.state.value,
    }


def represent_component(component: Component, probes: Sequence[Probe], now: datetime) -> Mapping[str, Any]:
    """A component as JSON. `probes` are its own; a state that nobody keeps up is none."""
    enabled = [(probe.interval, probe.last_at) for probe in probes if probe.enabled]
    plain = (
        "id",
        "slug",
        "name",
        "importance",
        "run_book",
        "feeds_breaker",
        "since",
        "reason",
        "revision",
        "created_at",
    )
    return {
        **{name: getattr(component, name) for name in plain},
        "organization": component.organization.slug if component.organization else None,
        "upstream": component.upstream.slug if component.upstream else None,
        "weighs": component.weighs.value,
        "parent": component.parent.slug if component.parent else None,
        "state": read_state(State(component.state), enabled, now).value,
        "blamed_on": component.blamed_on.slug if component.blamed_on else None,
        "probes": len(probes),
    }


def represent_probe(probe: Probe, now: datetime, *, notice: str = "") -> Mapping[str, Any]:
    """A probe as JSON, without secrets. What was last found counts only as long as it is fresh."""
    plain = ("id", "name", "template", "kind", "interval", "timeout", "slow_after_ms", "failures_to_down")
    more = ("successes_to_up", "enabled", "since", "failures", "successes", "revision", "created_at")
    organization = probe.component.organization
    stale = not probe.enabled or is_stale(probe.interval, probe.last_at, now)
    shown = {
        **{name: getattr(probe, name) for name in (*plain, *more)},
        "organization": organization.slug if organization else None,
        "component": probe.component.slug,
        "address": shown_address(probe),
        "values": shown_options(probe.values),
        "options": shown_options(probe.options),
        "secret": {"set_at": probe.secret_set_at},
        "state": State.NONE.value if stale else probe.state,
        "last": {"at": probe.last_at, "ok": probe.last_ok, "ms": probe.last_ms, "error": probe.last_error},
    }
    return {**shown, "notice": notice} if notice else shown
