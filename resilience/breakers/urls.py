"""Addresses of the breakers' pages, and their count in the navigation of every page."""

from django.urls import path

from portal.web import navigation
from resilience.breakers import views
from resilience.breakers.live import open_count

urlpatterns = [
    path("resilience/breakers", views.index, name="breakers"),
    path("resilience/breakers/reset-all", views.close_all, name="breakers_reset_all"),
    path("resilience/breakers/<int:upstream_id>", views.breaker, name="breaker"),
    path("settings/upstreams/<int:upstream_id>/figures", views.own_figures, name="upstream_figures"),
    path("resilience/breakers/<int:upstream_id>/transitions", views.transitions, name="breaker_transitions"),
    path("resilience/breakers/<int:upstream_id>/test", views.test, name="breaker_test"),
    path("resilience/breakers/<int:upstream_id>/reset", views.close, name="breaker_reset"),
    path(
        "resilience/breakers/<int:upstream_id>/force-open",
        views.force,
        {"how": "force-open"},
        name="breaker_force_open",
    ),
    path(
        "resilience/breakers/<int:upstream_id>/force-closed",
        views.force,
        {"how": "force-closed"},
        name="breaker_force_closed",
    ),
]

navigation.counts["breakers"] = open_count
