"""Addresses for monitoring systems."""

from django.urls import path

from portal.monitoring import api, views

urlpatterns = [
    path("api/health", api.HealthView.as_view(), name="api_health"),
    path("api/diagnostics/metrics", api.DiagnosticsView.as_view(), name="api_diagnostics"),
    path("metrics", views.metrics, name="metrics"),
]
