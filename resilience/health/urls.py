"""Addresses of the pages of health, and their count in the navigation of every page."""

from django.urls import path

from portal.web import navigation
from resilience.health import probe_views, steering_views, views
from resilience.health.page import down_count

urlpatterns = [
    path("settings/health", views.index, name="health"),
    path("settings/health/minutes", views.panel, name="health-minutes"),
    path("settings/health/formula", views.formula, name="health-formula"),
    path("settings/health/check-all", views.check_all, name="health-check-all"),
    path("settings/health/breakwater", views.component, {"slug": "breakwater"}, name="health-itself"),
    path("settings/health/breakwater/check", views.check, {"slug": "breakwater"}, name="health-itself-check"),
    path("settings/health/breakwater/<slug:what>.csv", views.download, {"slug": "breakwater"}),
    path("settings/health/add", steering_views.add, name="component-add"),
    path("settings/health/components/<int:component_id>/edit", steering_views.edit, name="component-edit"),
    path("settings/health/components/<int:component_id>/remove", steering_views.remove, name="component-remove"),
    path("settings/health/components/<int:component_id>/probes/add", probe_views.choose, name="probe-add"),
    path(
        "settings/health/components/<int:component_id>/probes/add/<slug:template>",
        probe_views.add,
        name="probe-add-from",
    ),
    path("settings/health/probes/<int:probe_id>/edit", probe_views.edit, name="probe-edit"),
    path("settings/health/probes/<int:probe_id>/check", probe_views.check, name="probe-check"),
    path("settings/health/probes/<int:probe_id>/pause", probe_views.pause, name="probe-pause"),
    path("settings/health/probes/<int:probe_id>/resume", probe_views.resume, name="probe-resume"),
    path("settings/health/probes/<int:probe_id>/remove", probe_views.remove, name="probe-remove"),
    path("settings/health/<slug:organization>/<slug:slug>", views.component, name="health-component"),
    path("settings/health/<slug:organization>/<slug:slug>/check", views.check, name="health-check"),
    path("settings/health/<slug:organization>/<slug:slug>/<slug:what>.csv", views.download, name="health-csv"),
]

navigation.counts["health"] = down_count
