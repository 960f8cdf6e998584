"""Addresses of the REST API of organizations and of the policy, under /api/v1/."""

from django.urls import path

from portal.settings_pages import api, policy_api

urlpatterns = [
    path("me", api.MeView.as_view(), name="api_me"),
    path("organizations", api.OrganizationsView.as_view(), name="api_organizations"),
    path("projects", api.ProjectsView.as_view(), name="api_projects"),
    path("members", api.MembersView.as_view(), name="api_members"),
    path("members/<int:membership_id>", api.MemberView.as_view(), name="api_member"),
    path("tokens", api.TokensView.as_view(), name="api_tokens"),
    path("tokens/<int:token_id>", api.TokenView.as_view(), name="api_token"),
    path("policy", policy_api.PolicyView.as_view(), name="api_policy"),
]
