"""Addresses for monitoring systems."""

from django.urls import path

from portal.monitoring import views

urlpatterns = [
    path("metrics", views.metrics, name="metrics"),
]
