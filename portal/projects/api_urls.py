"""REST addresses of projects and plans, below /api/v1/."""

from django.urls import path

from portal.projects import api

urlpatterns = [
    path("projects/<int:project_id>", api.ProjectView.as_view(), name="api_project"),
    path("plans", api.PlansView.as_view(), name="api_plans"),
    path("plans/<int:plan_id>", api.PlanView.as_view(), name="api_plan"),
]
