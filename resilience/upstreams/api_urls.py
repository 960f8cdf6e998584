"""REST addresses of upstreams, below /api/v1/."""

from django.urls import path

from resilience.upstreams import api

urlpatterns = [
    path("upstreams", api.UpstreamsView.as_view(), name="api_upstreams"),
    path("upstreams/<slug:slug>", api.UpstreamView.as_view(), name="api_upstream"),
    path("upstreams/<slug:slug>/test", api.TestView.as_view(), name="api_upstream_test"),
    path("upstreams/<slug:slug>/pause", api.PauseView.as_view(), name="api_upstream_pause"),
    path("upstreams/<slug:slug>/resume", api.ResumeView.as_view(), name="api_upstream_resume"),
]
