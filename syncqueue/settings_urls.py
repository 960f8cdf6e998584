"""Addresses of the queue's pages among the settings."""

from django.urls import path

from syncqueue import rules_views, settings_views

urlpatterns = [
    path("settings/kinds", settings_views.kinds_page, name="kinds"),
    path("settings/kinds/<slug:name>", rules_views.kind_page, name="kind"),
    path("settings/kinds/<slug:name>/try", rules_views.try_rules, name="kind_try"),
]
