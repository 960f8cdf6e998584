"""Addresses of the queue's pages, and what the queue tells the frame of every page."""

from django.urls import path

from portal.web import navigation
from syncqueue import views
from syncqueue.gauges import queue_banner, queue_count

urlpatterns = [
    path("resilience/queue", views.queue, name="queue"),
    path("resilience/queue/act", views.act_on_many, name="queue_act"),
    path("resilience/queue/retry-failed", views.send_failed_again, name="queue_retry_failed"),
    path("resilience/queue/<uuid:item_id>", views.item, name="queue_item"),
    path("resilience/queue/<uuid:item_id>/<slug:verb>", views.act, name="queue_item_act"),
]

navigation.counts["queue"] = queue_count
navigation.banners.append(queue_banner)
