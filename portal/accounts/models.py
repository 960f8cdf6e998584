"""Who signs in."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person (or a service account) that signs in. What it may do comes from its memberships, never from Django's flags."""

    class Theme(models.TextChoices):
        SYSTEM = "system"
        LIGHT = "light"
        DARK = "dark"

    theme = models.CharField(max_length=8, choices=Theme.choices, default=Theme.SYSTEM)
    shortcuts = models.BooleanField(default=True)
    timezone = models.CharField(max_length=64, blank=True, default="")

    def __str__(self) -> str:
        return self.get_full_name() or self.username
