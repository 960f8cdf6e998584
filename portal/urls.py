"""All addresses of the portal. Composition only."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("portal.duties.urls")),
    path("", include("resilience.upstreams.urls")),
]
