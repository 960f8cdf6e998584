"""Addresses for machines."""

from django.urls import path

from portal.duties import views

urlpatterns = [
    path("livez", views.livez, name="livez"),
    path("readyz", views.readyz, name="readyz"),
]
