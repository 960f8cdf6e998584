"""The demo's organizations, people, tokens and upstreams in the portal. Can run again: what is there stays."""

from secrets import token_urlsafe
from typing import Any

from django.db import transaction
from django.db.models import F

from portal.accounts.models import User
from portal.demo import state
from portal.demo.cast import ORGANIZATIONS, PEOPLE, SENDERS, DemoOrganization, routes
from portal.demo.specifications import PROJECTS
from portal.demo.upstream import USER
from portal.kit import clock
from portal.kit.viewer import Permission, Role, Viewer
from portal.projects.models import Plan
from portal.tenancy.models import Membership, Organization, Project, Token
from portal.tenancy.viewers import token_digest
from resilience.health.models import Component, Probe
from resilience.upstreams.actions.create_upstream import create_upstream
from resilience.upstreams.models import Upstream

HEARTBEAT = "storage"


def load() -> dict[str, Any]:
    """What the demo needs in the portal, and the demo's state with the passwords, tokens and port in it."""
    kept = state.read()
    kept["port"] = state.usable_port(kept.get("port", state.PREFERRED_PORT))
    kept.setdefault("tokens", {})
    state.keep(kept)
    with transaction.atomic():
        for wanted in ORGANIZATIONS:
            Organization.objects.get_or_create(slug=wanted.slug, defaults={"name": wanted.name})
        for person in PEOPLE:
            _person(person.username, person.first_name, person.last_name, kept["password"], person.roles)
        for wanted in ORGANIZATIONS:
            _upstream(wanted, kept)
            _projects(wanted)
        for sender in SENDERS:
            _token(sender.client_id, sender.user, sender.organization, kept["tokens"])
    state.keep(kept)
    return kept


def _person(username: str, first: str, last: str, password: str, roles: dict[str, Role]) -> None:
    user, made = User.objects.get_or_create(username=username, defaults={"first_name": first, "last_name": last})
    if made:
        user.set_password(password)
        user.save(update_fields=["password"])
    for slug, role in roles.items():
        organization = Organization.objects.unscoped().get(slug=slug)
        Membership.objects.get_or_create(organization=organization, user=user, defaults={"role": role.value})


def _upstream(wanted: DemoOrganization, kept: dict[str, Any]) -> None:
    """The port may be another than last time; the address follows it and the credentials stay, since it is still our own Kinto."""
    address = f"http://127.0.0.1:{kept['port']}/v1"
    organization = Organization.objects.unscoped().get(slug=wanted.slug)
    found = Upstream.objects.unscoped().filter(organization=organization, slug=wanted.upstream).first()
    if found is not None:
        if found.address != address and found.address.startswith("http://127.0.0.1:"):
            found.address, found.revision = address, found.revision + 1
            found.save(update_fields=["address", "revision", "updated_at"])
            moved = Probe.objects.unscoped().filter(component__upstream=found, name=HEARTBEAT)
            moved.update(address=f"{address}/__heartbeat__", revision=F("revision") + 1)
        return
    made = create_upstream(
        viewer=Viewer(user_id=None, name="demo", roles={organization.pk: Role.ADMIN}),
        fields={
            "slug": wanted.upstream,
            "name": wanted.upstream_name,
            "address": address,
            "credentials": {"type": "basic", "username": USER, "password": kept["upstream_password"]},
            "headers": {"X-Client": "breakwater"},
            "timeout": 5.0,
            "critical": True,
            "routes": routes(wanted.slug),
        },
    )
    made.figures = {"circuit_breaker.cooldown_ms": 5_000, "circuit_breaker.slow_start_ms": 3_000}
    made.save(update_fields=["figures"])


def watch() -> None:
    """Has the upstreams asked often, now that they answer, so that an outage shows within seconds. What somebody changed stays."""
    for wanted in ORGANIZATIONS:
        probes = Probe.objects.unscoped().filter(
            component__upstream__slug=wanted.upstream, name="answers", interval=30.0
        )
        for probe in probes.select_related("component__upstream"):
            probes.filter(pk=probe.pk).update(interval=5.0, timeout=3.0, revision=F("revision") + 1)
            _watch_storage(probe.component)


def _watch_storage(component: Component) -> None:
    """Kinto is asked for its storage too, which may fail while Kinto itself answers."""
    upstream = component.upstream
    if upstream is None or component.probes.filter(name=HEARTBEAT).exists():
        return
    Probe.objects.create(
        component=component,
        name=HEARTBEAT,
        kind="http",
        template="http",
        address=f"{upstream.address}/__heartbeat__",
        options={"status": 200, "json": [{"pointer": "/storage", "op": "equals", "value": True}]},
        interval=10.0,
        timeout=3.0,
    )


def _projects(wanted: DemoOrganization) -> None:
    """Projects with their specifications; one that is there stays as people left it. Their plans are read when somebody looks."""
    organization = Organization.objects.unscoped().get(slug=wanted.slug)
    upstream = Upstream.objects.unscoped().get(organization=organization, slug=wanted.upstream)
    for project in PROJECTS[wanted.slug]:
        said = {
            "name": project.name,
            "description": project.description,
            "specification": project.specification,
        }
        made, new = Project.objects.unscoped().get_or_create(
            organization=organization, slug=project.slug, defaults=said
        )
        for entity_id in project.plans if new else ():
            Plan.objects.unscoped().get_or_create(
                upstream=upstream,
                entity_id=entity_id,
                defaults={
                    "organization": organization,
                    "project": made,
                    "title": wanted.plans[entity_id]["title"],
                    "status": wanted.plans[entity_id]["status"],
                },
            )


def _token(client_id: str, username: str, slug: str, tokens: dict[str, str]) -> None:
    """A token for a simulated device. Its secret is kept in the demo's state, since the device reads it there."""
    secret = tokens.setdefault(client_id, "bw_" + token_urlsafe(32))
    Token.objects.get_or_create(
        digest=token_digest(secret),
        defaults={
            "organization": Organization.objects.unscoped().get(slug=slug),
            "user": User.objects.get(username=username),
            "name": f"Demo: {client_id}",
            "prefix": secret[:10],
            "scopes": [Permission.READ.value, Permission.ENQUEUE.value],
            "created_at": clock.now(),
        },
    )
