"""The addresses of the overview and of the audit log."""

from django.urls import path

from portal.overview import audit, views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("audit", audit.audit, name="audit"),
]
