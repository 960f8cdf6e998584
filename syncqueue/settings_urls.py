"""Addresses of the queue's pages among the settings."""

from django.urls import path

from syncqueue import settings_views

urlpatterns = [
    path("settings/kinds", settings_views.kinds_page, name="kinds"),
]
