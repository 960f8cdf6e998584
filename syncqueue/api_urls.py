"""REST addresses of the queue, below /api/v1/."""

from django.urls import path

from syncqueue import api

urlpatterns = [
    path("queue/items", api.ItemsView.as_view(), name="api_items"),
    path("queue/items/<uuid:item_id>", api.ItemView.as_view(), name="api_item"),
    path("queue/items/<uuid:item_id>/retry", api.RetryView.as_view(), name="api_item_retry"),
    path("queue/items/<uuid:item_id>/cancel", api.CancelView.as_view(), name="api_item_cancel"),
    path("queue/items/<uuid:item_id>/step-over", api.StepOverView.as_view(), name="api_item_step_over"),
    path("queue/retry-failed", api.RetryFailedView.as_view(), name="api_retry_failed"),
    path("queue/stats", api.StatsView.as_view(), name="api_stats"),
]
