"""REST addresses of the log, below /api/v1/."""

from django.urls import path

from portal.overview import api

urlpatterns = [path("events", api.EventsView.as_view(), name="api_events")]
