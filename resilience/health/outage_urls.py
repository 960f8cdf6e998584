"""Addresses of the pages of outages and maintenance. They stand before those of components, which begin alike."""

from django.urls import path

from resilience.health import maintenance_views, outage_views

urlpatterns = [
    path("settings/health/outages", outage_views.index, name="outages"),
    path("settings/health/outages.csv", outage_views.download, name="outages-csv"),
    path("settings/health/outages/record", outage_views.record, name="outage-record"),
    path("settings/health/outages/<int:outage_id>", outage_views.outage, name="outage"),
    path("settings/health/outages/<int:outage_id>/note", outage_views.note, name="outage-note"),
    path("settings/health/outages/<int:outage_id>/expect", outage_views.expect, name="outage-expect"),
    path("settings/health/outages/<int:outage_id>/close", outage_views.close, name="outage-close"),
    path("settings/maintenance", maintenance_views.index, name="maintenance"),
    path("settings/maintenance/plan", maintenance_views.plan, name="maintenance-plan"),
    path("settings/maintenance/<int:maintenance_id>/call-off", maintenance_views.call_off, name="maintenance-call-off"),
    path("settings/maintenance/time-zone", maintenance_views.time_zone, name="maintenance-time-zone"),
]
