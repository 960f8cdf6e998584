"""Upstreams as the REST API describes them. What is wrong with a request is found by core/draft.py, with its pointers."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from portal.kit.masking import mask_headers
from resilience.upstreams.core.draft import FAILED_HEAD, IN_FLIGHT, POLICIES, TIMEOUTS
from resilience.upstreams.models import Upstream
from resilience.upstreams.standing import Standing

SLUG = r"^[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?$"
POLICY = _(
    "What its breaker goes by where it sets nothing itself: ai opens after 3 failures for 120 s, database after 10 for 30 s;"
    " api, external and critical go by governance/policy.yml."
)
OWN_FIGURES = _("Keys of circuit_breaker and sync_backoff that it sets itself; null switches one off.")


class CredentialsSerializer(serializers.Serializer[Any]):
    """How Breakwater signs in at the upstream. Written, never shown again."""

    type = serializers.ChoiceField(choices=["none", "basic", "bearer", "header"])
    username = serializers.CharField(required=False, help_text=_("With basic."))
    password = serializers.CharField(required=False, allow_blank=True, help_text=_("With basic."))
    token = serializers.CharField(required=False, help_text=_("With bearer."))
    name = serializers.CharField(required=False, help_text=_("With header: its name."))
    value = serializers.CharField(required=False, help_text=_("With header: its value."))


class NewUpstreamSerializer(serializers.Serializer[Any]):
    """An upstream to add."""

    organization = serializers.CharField(required=False, help_text=_("Its slug; may be left out with one membership."))
    slug = serializers.RegexField(SLUG, help_text=_("Changes name the upstream by it."))
    name = serializers.CharField(max_length=100)
    adapter = serializers.CharField(default="json-http")
    address = serializers.URLField(max_length=500)
    headers = serializers.DictField(child=serializers.CharField(), required=False)
    credentials = CredentialsSerializer(required=False)
    timeout = serializers.FloatField(
        min_value=TIMEOUTS[0], max_value=TIMEOUTS[1], default=10.0, help_text=_("Seconds.")
    )
    in_flight_limit = serializers.IntegerField(min_value=IN_FLIGHT[0], max_value=IN_FLIGHT[1], default=8)
    failed_head = serializers.ChoiceField(choices=FAILED_HEAD, default="hold")
    critical = serializers.BooleanField(default=False)
    policy = serializers.ChoiceField(choices=POLICIES, default="api", help_text=POLICY)
    figures = serializers.DictField(required=False, help_text=OWN_FIGURES)
    routes = serializers.DictField(help_text=_("For each type of entity, its route, as the adapter defines it."))
    version = serializers.CharField(default="etag")


class ChangesSerializer(serializers.Serializer[Any]):
    """What changes of an upstream; what is left out stays."""

    name = serializers.CharField(max_length=100, required=False)
    adapter = serializers.CharField(required=False)
    address = serializers.URLField(max_length=500, required=False)
    headers = serializers.DictField(
        child=serializers.CharField(), required=False, help_text=_("All of them; a masked value stays as it is.")
    )
    credentials = CredentialsSerializer(required=False)
    timeout = serializers.FloatField(min_value=TIMEOUTS[0], max_value=TIMEOUTS[1], required=False)
    in_flight_limit = serializers.IntegerField(min_value=IN_FLIGHT[0], max_value=IN_FLIGHT[1], required=False)
    failed_head = serializers.ChoiceField(choices=FAILED_HEAD, required=False)
    critical = serializers.BooleanField(required=False)
    policy = serializers.ChoiceField(choices=POLICIES, required=False, help_text=POLICY)
    figures = serializers.DictField(required=False, help_text=OWN_FIGURES)
    routes = serializers.DictField(required=False)
    version = serializers.CharField(required=False)
    revision = serializers.IntegerField(
        required=False, help_text=_("The revision that was read: if it has grown meanwhile, the change is refused.")
    )


class SetCredentialsSerializer(serializers.Serializer[Any]):
    """What is told of credentials."""

    type = serializers.ChoiceField(choices=["none", "basic", "bearer", "header"])
    set_at = serializers.DateTimeField(allow_null=True)


class PausedSerializer(serializers.Serializer[Any]):
    """Since when, by whom and why nothing is sent."""

    since = serializers.DateTimeField()
    by = serializers.CharField()
    reason = serializers.CharField()


class OutSerializer(serializers.Serializer[Any]):
    """Since when and why nothing is sent to it, and when it is tried next."""

    since = serializers.DateTimeField()
    reason = serializers.CharField(allow_blank=True)
    next_try_at = serializers.DateTimeField(allow_null=True)


class UpstreamSerializer(serializers.Serializer[Any]):
    """An upstream, with how it stands now."""

    organization = serializers.CharField()
    slug = serializers.CharField()
    name = serializers.CharField()
    adapter = serializers.CharField()
    address = serializers.CharField()
    headers = serializers.DictField(child=serializers.CharField(), help_text=_("Values of secret ones are masked."))
    credentials = SetCredentialsSerializer()
    timeout = serializers.FloatField()
    in_flight_limit = serializers.IntegerField()
    failed_head = serializers.ChoiceField(choices=FAILED_HEAD)
    critical = serializers.BooleanField()
    policy = serializers.CharField()
    figures = serializers.DictField(help_text=OWN_FIGURES)
    routes = serializers.DictField()
    version = serializers.CharField()
    paused = PausedSerializer(allow_null=True)
    out = OutSerializer(allow_null=True)
    waiting = serializers.IntegerField()
    failed = serializers.IntegerField()
    conflicts = serializers.IntegerField()
    revision = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    notice = serializers.CharField(required=False, help_text=_("What else followed from a change."))


class TestedSerializer(serializers.Serializer[Any]):
    """What a test of the connection found."""

    ok = serializers.BooleanField()
    sentence = serializers.CharField()
    status = serializers.IntegerField(allow_null=True)
    seconds = serializers.FloatField(allow_null=True)


def represent(upstream: Upstream, standing: Standing) -> Mapping[str, Any]:
    """An upstream as JSON, without secrets."""
    plain = ("slug", "name", "adapter", "address", "timeout", "in_flight_limit", "failed_head", "critical", "policy")
    return {
        "organization": upstream.organization.slug,
        **{name: getattr(upstream, name) for name in plain},
        "figures": upstream.figures,
        "routes": upstream.routes,
        "version": upstream.version,
        "headers": mask_headers(upstream.headers),
        "credentials": {"type": upstream.credentials_type, "set_at": upstream.credentials_set_at},
        "paused": {"since": upstream.paused_at, "by": upstream.paused_by, "reason": upstream.paused_reason}
        if upstream.paused_at
        else None,
        "out": {"since": standing.out_since, "reason": standing.reason, "next_try_at": standing.next_try_at}
        if standing.out_since
        else None,
        "waiting": standing.waiting,
        "failed": standing.failed,
        "conflicts": standing.conflicts,
        "revision": upstream.revision,
        "created_at": upstream.created_at,
        "updated_at": upstream.updated_at,
    }
