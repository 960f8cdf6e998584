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
    password_is_temporary = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.get_full_name() or self.username


class SignInTry(models.Model):
    """One sign-in that was begun and did not succeed (yet). Kept for as long as it counts, shared by all processes."""

    at = models.DateTimeField(db_index=True)
    account = models.CharField(max_length=150)
    address = models.CharField(max_length=45)

    class Meta:
        indexes = [
            models.Index(fields=["account", "at"], name="try_account"),
            models.Index(fields=["address", "at"], name="try_address"),
        ]

    def __str__(self) -> str:
        return f"{self.account} from {self.address}"
