"""What the REST API of organizations takes and answers."""

from typing import Any

from rest_framework import serializers

from portal.kit.viewer import Permission, Role
from portal.tenancy.models import Membership, Organization, Project, Token

SCOPES = [(scope.value, scope.value) for scope in Permission]
ROLE_NAMES = {role.name.lower(): role for role in Role}


class RoleField(serializers.ChoiceField):
    """A role by its name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=list(ROLE_NAMES), **kwargs)

    def to_representation(self, value: Any) -> str:
        """The name of this role."""
        return Role(value).name.lower() if isinstance(value, int) else str(value)


class OrganizationSerializer(serializers.ModelSerializer[Organization]):
    """An organization."""

    class Meta:
        model = Organization
        fields = ["id", "slug", "name", "created_at"]


class ProjectSerializer(serializers.ModelSerializer[Project]):
    """A project."""

    organization = serializers.SlugRelatedField(slug_field="slug", read_only=True)  # type: ignore[var-annotated]

    class Meta:
        model = Project
        fields = ["id", "organization", "slug", "name", "description", "created_at"]


class NewProjectSerializer(serializers.Serializer[Any]):
    """A project that is asked for. `specification` is Markdown."""

    organization = serializers.CharField(required=False, default="", max_length=50)
    slug = serializers.CharField(max_length=50)
    name = serializers.CharField(max_length=100)
    description = serializers.CharField(required=False, default="", allow_blank=True, max_length=300)
    specification = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=200_000, trim_whitespace=False
    )


class MemberSerializer(serializers.ModelSerializer[Membership]):
    """A membership."""

    organization = serializers.SlugRelatedField(slug_field="slug", read_only=True)  # type: ignore[var-annotated]
    username = serializers.CharField(source="user.username", read_only=True)
    role = RoleField()

    class Meta:
        model = Membership
        fields = ["id", "organization", "username", "role", "created_at"]


class NewMemberSerializer(serializers.Serializer[Any]):
    """A member that is asked for. With `new_account` the account is made too, and the answer has its temporary password."""

    organization = serializers.CharField(required=False, default="", max_length=50)
    username = serializers.CharField(max_length=150)
    role = RoleField()
    new_account = serializers.BooleanField(required=False, default=False)
    email = serializers.EmailField(required=False, default="", allow_blank=True)


class AddedMemberSerializer(MemberSerializer):
    """A new member; `temporary_password` is answered this once, and only for a new account."""

    temporary_password = serializers.CharField(allow_blank=True, read_only=True)

    class Meta(MemberSerializer.Meta):
        fields = [*MemberSerializer.Meta.fields, "temporary_password"]


class RoleSerializer(serializers.Serializer[Any]):
    """Another role."""

    role = RoleField()


class TokenSerializer(serializers.ModelSerializer[Token]):
    """A token, without its secret."""

    organization = serializers.SlugRelatedField(slug_field="slug", read_only=True)  # type: ignore[var-annotated]
    username = serializers.CharField(source="user.username", read_only=True)
    scopes = serializers.ListField(child=serializers.ChoiceField(SCOPES))

    class Meta:
        model = Token
        fields = [
            "id",
            "organization",
            "username",
            "name",
            "prefix",
            "scopes",
            "created_at",
            "expires_at",
            "last_used_at",
            "revoked_at",
        ]


class NewTokenSerializer(serializers.Serializer[Any]):
    """A token that is asked for; it acts as who asks."""

    organization = serializers.CharField(required=False, default="", max_length=50)
    name = serializers.CharField(max_length=100)
    scopes = serializers.ListField(child=serializers.CharField(max_length=20), min_length=1, max_length=10)
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class CreatedTokenSerializer(TokenSerializer):
    """A new token; `secret` is answered this once."""

    secret = serializers.CharField(read_only=True)

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "secret"]


class PlaceSerializer(serializers.Serializer[Any]):
    """An organization of who asks, and what may be done there."""

    organization = serializers.CharField()
    role = RoleField()
    permissions = serializers.ListField(child=serializers.ChoiceField(SCOPES))


class MeSerializer(serializers.Serializer[Any]):
    """Who asks."""

    username = serializers.CharField()
    places = PlaceSerializer(many=True)
