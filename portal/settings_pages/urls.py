"""Addresses of sign-in, profile, members, tokens and the policy."""

from django.urls import path

from portal.settings_pages import account, members, policy, tokens

urlpatterns = [
    path("login", account.login, name="login"),
    path("logout", account.logout, name="logout"),
    path("profile", account.profile, name="profile"),
    path("profile/password", account.password, name="profile_password"),
    path("settings/members", members.members, name="members"),
    path("settings/members/<int:membership_id>/role", members.role, name="member_role"),
    path("settings/members/<int:membership_id>/remove", members.remove, name="member_remove"),
    path("settings/tokens", tokens.tokens, name="tokens"),
    path("settings/tokens/<int:token_id>/revoke", tokens.revoke, name="token_revoke"),
    path("settings/policy", policy.policy, name="policy"),
]
