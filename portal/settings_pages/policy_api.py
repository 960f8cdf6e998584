"""The policy by REST: what is in force, where each value comes from, and what is wrong with the file."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.api.openapi import example, problems
from portal.api.reading import viewer_of
from portal.policy import Figure, Override, State, overrides_for, state
from portal.settings_pages.policy import masked


class PolicyFaultSerializer(serializers.Serializer[Any]):
    """One thing that is wrong with the file. Line and column count from 1; 0 is the file as a whole."""

    file = serializers.CharField()
    line = serializers.IntegerField()
    column = serializers.IntegerField()
    key = serializers.CharField(allow_blank=True, help_text='As "circuit_breaker.cooldown_ms"; empty for none.')
    reason = serializers.CharField()


class PolicyOverrideSerializer(serializers.Serializer[Any]):
    """An upstream that sets this key itself."""

    name = serializers.CharField()
    href = serializers.CharField()
    value = serializers.CharField(allow_blank=True)


class PolicyFigureSerializer(serializers.Serializer[Any]):
    """One key in force. The value is in its unit; null is off."""

    key = serializers.CharField()
    value = serializers.JSONField(allow_null=True)
    unit = serializers.CharField(allow_blank=True)
    meaning = serializers.CharField()
    source = serializers.CharField(  # type: ignore[assignment]  # the word that the page uses; no source of a field
        help_text='As "governance/policy.yml line 15", or "built in".'
    )
    line = serializers.IntegerField(help_text="0 when it is built in.")
    overridden_by = PolicyOverrideSerializer(many=True)


class PolicySerializer(serializers.Serializer[Any]):
    """The policy in force, and the faults of its file."""

    file = serializers.CharField()
    in_force = serializers.ChoiceField(choices=[("file", "file"), ("built-in", "built-in")])
    version = serializers.CharField(allow_blank=True, help_text="Changes with the file's content; empty when built in.")
    loaded_at = serializers.DateTimeField()
    sound = serializers.BooleanField(help_text="False: the file is not taken, and the last good policy goes on.")
    faulty_since = serializers.DateTimeField(allow_null=True)
    faults = PolicyFaultSerializer(many=True)
    values = serializers.DictField(help_text="The sections as the file writes them, with what is built in filled in.")
    figures = PolicyFigureSerializer(many=True)


EXAMPLE = {
    "file": "governance/policy.yml",
    "in_force": "file",
    "version": "5c564fc41d41",
    "loaded_at": "2026-11-21T03:12:40Z",
    "sound": False,
    "faulty_since": "2026-11-21T04:01:12Z",
    "faults": [
        {
            "file": "governance/policy.yml",
            "line": 15,
            "column": 3,
            "key": "circuit_breaker.cooldown",
            "reason": "circuit_breaker has no key cooldown: did you mean cooldown_ms?",
        }
    ],
    "values": {"sync_backoff": {"min_ms": 500, "max_ms": 30000}, "alert_channels": ["slack", "email", "webhook"]},
    "figures": [
        {
            "key": "sync_backoff.min_ms",
            "value": 500,
            "unit": "ms",
            "meaning": "The wait after the first failure.",
            "source": "governance/policy.yml line 6",
            "line": 6,
            "overridden_by": [{"name": "plans-api", "href": "/settings/upstreams/7", "value": "2 s"}],
        }
    ],
}


class PolicyView(APIView):
    """The policy."""

    @extend_schema(
        operation_id="policy_read",
        summary="Read the policy in force",
        responses={200: PolicySerializer, **problems()},
        examples=[example("A file with a fault", EXAMPLE, status=200)],
        tags=["policy"],
    )
    def get(self, request: Request) -> Response:
        """Every figure in force with its source, after a look at the file at this moment, and the file's faults if it has any."""
        now, overrides = state(), overrides_for(viewer_of(request))
        figures = [_figure(figure, overrides.get(figure.key, [])) for figure in now.policy.explain()]
        answer = {
            "file": now.file,
            "in_force": "file" if now.from_file else "built-in",
            "version": now.version,
            "loaded_at": now.loaded_at,
            "sound": not now.faults,
            "faulty_since": now.faulty_since,
            "faults": now.faults,
            "values": _values(now),
            "figures": figures,
        }
        return Response(PolicySerializer(answer).data, headers={"Cache-Control": "no-store"})


def _figure(figure: Figure, overrides: list[Override]) -> dict[str, Any]:
    return {
        "key": figure.key,
        "value": masked(figure),
        "unit": figure.unit,
        "meaning": figure.says,
        "source": figure.source,
        "line": figure.line,
        "overridden_by": overrides,
    }


def _values(now: State) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for figure in now.policy.explain():
        if figure.name:
            values.setdefault(figure.section, {})[figure.name] = masked(figure)
        else:
            values[figure.section] = masked(figure)
    return values
