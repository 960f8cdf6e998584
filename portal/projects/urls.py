"""The addresses of projects and plans."""

from django.urls import path

from portal.projects import plan_views, views

urlpatterns = [
    path("projects", views.index, name="projects"),
    path("projects/add", views.add, name="project_add"),
    path("projects/<int:project_id>", views.project, name="project"),
    path("projects/<int:project_id>/edit", views.edit, name="project_edit"),
    path("projects/<int:project_id>/plans/add", views.add_a_plan, name="plan_add"),
    path("projects/<int:project_id>/export.json", views.export, {"ending": "json"}, name="project_json"),
    path("projects/<int:project_id>/export.md", views.export, {"ending": "md"}, name="project_markdown"),
    path("projects/plans/<int:plan_id>", plan_views.plan, name="plan"),
    path("projects/plans/<int:plan_id>/edit", plan_views.edit, name="plan_edit"),
    path("projects/plans/<int:plan_id>/refresh", plan_views.refresh, name="plan_refresh"),
    path("projects/plans/<int:plan_id>/move", plan_views.move, name="plan_move"),
    path("projects/plans/<int:plan_id>/export.json", plan_views.export, {"ending": "json"}, name="plan_json"),
    path("projects/plans/<int:plan_id>/export.md", plan_views.export, {"ending": "md"}, name="plan_markdown"),
]
