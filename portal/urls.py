"""All addresses of the portal. Composition only."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("portal.duties.urls")),
    path("", include("portal.api.urls")),
    path("", include("portal.settings_pages.urls")),
    path("api/v1/", include("portal.settings_pages.api_urls")),
    path("", include("resilience.upstreams.urls")),
    path("api/v1/", include("resilience.upstreams.api_urls")),
    path("", include("resilience.breakers.urls")),
    path("api/v1/", include("resilience.breakers.api_urls")),
    path("", include("resilience.health.outage_urls")),
    path("", include("resilience.health.urls")),
    path("api/v1/", include("resilience.health.outage_api_urls")),
    path("api/v1/", include("resilience.health.api_urls")),
    path("api/v1/", include("conflicts.api_urls")),
    path("api/v1/", include("syncqueue.api_urls")),
    path("", include("conflicts.urls")),
    path("", include("syncqueue.urls")),
    path("", include("syncqueue.settings_urls")),
    path("", include("portal.projects.urls")),
    path("api/v1/", include("portal.projects.api_urls")),
    path("", include("portal.overview.urls")),
    path("", include("portal.monitoring.urls")),
    path("api/v1/", include("portal.overview.api_urls")),
]

handler500 = "portal.web.pages.server_error"
