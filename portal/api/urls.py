"""Addresses of the API's own pages."""

from django.urls import path

from portal.api import views

urlpatterns = [
    path("api/schema", views.schema, name="schema"),
    path("api/docs", views.docs, name="api_docs"),
    path("api/docs/problems", views.problems, name="api_problems"),
]
