"""Addresses of the pages of health, and their count in the navigation of every page."""

from django.urls import path

from portal.web import navigation
from resilience.health import views
from resilience.health.page import down_count

urlpatterns = [
    path("settings/health", views.index, name="health"),
    path("settings/health/minutes", views.panel, name="health-minutes"),
    path("settings/health/formula", views.formula, name="health-formula"),
    path("settings/health/check-all", views.check_all, name="health-check-all"),
    path("settings/health/breakwater", views.component, {"slug": "breakwater"}, name="health-itself"),
    path("settings/health/breakwater/check", views.check, {"slug": "breakwater"}, name="health-itself-check"),
    path("settings/health/breakwater/<slug:what>.csv", views.download, {"slug": "breakwater"}),
    path("settings/health/<slug:organization>/<slug:slug>", views.component, name="health-component"),
    path("settings/health/<slug:organization>/<slug:slug>/check", views.check, name="health-check"),
    path("settings/health/<slug:organization>/<slug:slug>/<slug:what>.csv", views.download, name="health-csv"),
]

navigation.counts["health"] = down_count
