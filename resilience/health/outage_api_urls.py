"""REST addresses of outages and maintenance, below /api/v1/."""

from django.urls import path

from resilience.health import maintenance_api, outages_api

urlpatterns = [
    path("health/outages", outages_api.OutagesView.as_view(), name="api_outages"),
    path("health/outages/<int:outage_id>", outages_api.OutageView.as_view(), name="api_outage"),
    path("health/outages/<int:outage_id>/notes", outages_api.NotesView.as_view(), name="api_outage_notes"),
    path("health/outages/<int:outage_id>/close", outages_api.CloseView.as_view(), name="api_outage_close"),
    path("health/outages/<int:outage_id>/expect", outages_api.ExpectView.as_view(), name="api_outage_expect"),
    path("health/maintenance", maintenance_api.MaintenanceListView.as_view(), name="api_maintenance_list"),
    path("health/maintenance/time-zone", maintenance_api.ZoneView.as_view(), name="api_maintenance_zone"),
    path("health/maintenance/<int:maintenance_id>", maintenance_api.MaintenanceView.as_view(), name="api_maintenance"),
    path(
        "health/maintenance/<int:maintenance_id>/call-off",
        maintenance_api.CallOffView.as_view(),
        name="api_maintenance_call_off",
    ),
]
