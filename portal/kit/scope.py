"""The one gate between a request and the rows of an organization."""

from typing import Self, TypeVar

from django.db import models

from portal.kit.viewer import Viewer

RowT = TypeVar("RowT", bound=models.Model)


class ScopedQuerySet(models.QuerySet[RowT]):
    """Reads that start with `.for_org(viewer)`; only pumps, duties and commands start with `.unscoped()`."""

    organization_path = "organization_id"

    def for_org(self, viewer: Viewer) -> Self:
        """The rows of all organizations that the viewer may read."""
        return self.filter(**{f"{self.organization_path}__in": viewer.organization_ids})

    def unscoped(self) -> Self:
        """Every row, for the portal's own duties. Never reached from a request."""
        return self.all()
