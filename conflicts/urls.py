"""Addresses of the conflict pages, and what conflicts tell the frame of every page."""

from django.urls import path

from conflicts import views
from conflicts.live import conflict_count
from portal.web import navigation

urlpatterns = [
    path("conflicts", views.inbox, name="conflicts"),
    path("conflicts/of/<uuid:conflict_item>", views.of_item, name="conflict_of"),
    path("conflicts/<uuid:conflict_id>", views.conflict, name="conflict"),
    path("conflicts/<uuid:conflict_id>/undo", views.take_back, name="conflict_undo"),
    path("conflicts/<uuid:conflict_id>/documents/<slug:side>", views.document, name="conflict_document"),
]

navigation.counts["conflicts"] = conflict_count
