"""REST addresses of breakers, below /api/v1/."""

from django.urls import path

from resilience.breakers import api

urlpatterns = [
    path("breakers", api.BreakersView.as_view(), name="api_breakers"),
    path("breakers/reset-all", api.ResetAllView.as_view(), name="api_breakers_reset_all"),
    path("breakers/<slug:slug>", api.BreakerView.as_view(), name="api_breaker"),
    path("breakers/<slug:slug>/transitions", api.TransitionsView.as_view(), name="api_breaker_transitions"),
    path("breakers/<slug:slug>/test", api.TestView.as_view(), name="api_breaker_test"),
    path("breakers/<slug:slug>/reset", api.ResetView.as_view(), name="api_breaker_reset"),
    path("breakers/<slug:slug>/force-open", api.ForceOpenView.as_view(), name="api_breaker_force_open"),
    path("breakers/<slug:slug>/force-closed", api.ForceClosedView.as_view(), name="api_breaker_force_closed"),
    path("breakers/<slug:slug>/disable", api.DisableView.as_view(), name="api_breaker_disable"),
]
