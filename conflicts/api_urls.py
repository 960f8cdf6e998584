"""REST addresses of conflicts, below /api/v1/."""

from django.urls import path

from conflicts import api

urlpatterns = [
    path("conflicts", api.ConflictsView.as_view(), name="api_conflicts"),
    path("conflicts/<uuid:conflict_id>", api.ConflictView.as_view(), name="api_conflict"),
    path("conflicts/<uuid:conflict_id>/preview", api.PreviewView.as_view(), name="api_conflict_preview"),
    path("conflicts/<uuid:conflict_id>/resolve", api.ResolveView.as_view(), name="api_conflict_resolve"),
    path("conflicts/<uuid:conflict_id>/undo", api.UndoView.as_view(), name="api_conflict_undo"),
]
