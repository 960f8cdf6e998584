"""REST addresses of health, below /api/v1/."""

from django.urls import path

from resilience.health import api

urlpatterns = [
    path("health/components", api.ComponentsView.as_view(), name="api_health_components"),
    path("health/components/<int:component_id>", api.ComponentView.as_view(), name="api_health_component"),
    path("health/probes", api.ProbesView.as_view(), name="api_health_probes"),
    path("health/probes/<int:probe_id>", api.ProbeView.as_view(), name="api_health_probe"),
    path("health/probes/<int:probe_id>/check", api.CheckView.as_view(), name="api_health_probe_check"),
    path("health/probe-templates", api.TemplatesView.as_view(), name="api_health_probe_templates"),
]
