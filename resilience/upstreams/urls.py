"""Pages of upstreams."""

from django.urls import path

from resilience.upstreams import views

urlpatterns = [
    path("settings/upstreams", views.index, name="upstreams"),
    path("settings/upstreams/add", views.add, name="upstream_add"),
    path("settings/upstreams/<int:upstream_id>", views.edit, name="upstream"),
    path("settings/upstreams/<int:upstream_id>/test", views.test, name="upstream_test"),
    path("settings/upstreams/<int:upstream_id>/pause", views.hold, name="upstream_pause"),
    path("settings/upstreams/<int:upstream_id>/resume", views.go_on, name="upstream_resume"),
]
