"""Addresses of the pages of health."""

from django.urls import path

from resilience.health import views

urlpatterns = [
    path("settings/health", views.index, name="health"),
]
