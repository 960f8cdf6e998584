"""Settings, all of them from environment variables (each also as `<NAME>_FILE`). docs/settings.md lists them."""

import os
import secrets as random
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from portal.kit.files import create_once

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()

# What and where ------------------------------------------------------------------------------------------------------
BREAKWATER_HOME = Path(env.str("BREAKWATER_HOME", default=str(BASE_DIR / ".breakwater"))).absolute()
BREAKWATER_HOME.mkdir(parents=True, exist_ok=True, mode=0o700)
BREAKWATER_ENV = env.str("BREAKWATER_ENV", default="development")
if BREAKWATER_ENV not in {"development", "staging", "production"}:
    raise ImproperlyConfigured("BREAKWATER_ENV must be development, staging or production.")
PRODUCTION = BREAKWATER_ENV == "production"
DEBUG = env.bool("BREAKWATER_DEBUG", default=False)
BREAKWATER_BASE_URL = env.str("BREAKWATER_BASE_URL", default="http://127.0.0.1:8000")
_base = urlsplit(BREAKWATER_BASE_URL)
if _base.scheme not in {"http", "https"} or not _base.hostname:
    raise ImproperlyConfigured("BREAKWATER_BASE_URL must be an address such as https://breakwater.example.org.")
SECURE = _base.scheme == "https"

# The figures of backoff, breakers and alerts (docs/reference/policy.md).
BREAKWATER_POLICY = Path(env.str("BREAKWATER_POLICY", default=str(BASE_DIR / "governance" / "policy.yml")))

# Security ------------------------------------------------------------------------------------------------------------
SECRET_KEY = env.str("BREAKWATER_SECRET_KEY", default="") or create_once(
    BREAKWATER_HOME / "secrets" / "secret_key", random.token_urlsafe(50)
)
ALLOWED_HOSTS = [_base.hostname, *([] if PRODUCTION else ["127.0.0.1", "localhost", "[::1]"])]
CSRF_TRUSTED_ORIGINS = [f"{_base.scheme}://{_base.netloc}"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "breakwater_session", "breakwater_csrf"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
CSRF_USE_SESSIONS = False
SECURE_SSL_REDIRECT = PRODUCTION and SECURE
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION and SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION and SECURE
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
BREAKWATER_TRUSTED_PROXIES = [ip_network(net) for net in env.list("BREAKWATER_TRUSTED_PROXIES", default=[])]
if BREAKWATER_TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
BREAKWATER_ALLOWED_NETWORKS = [ip_network(net) for net in env.list("BREAKWATER_ALLOWED_NETWORKS", default=[])]
FORCE_ORG_ENFORCEMENT = env.bool("FORCE_ORG_ENFORCEMENT", default=True)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "worker-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# Applications --------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "template_partials",
    "django_q",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "portal.policy",
    "portal.events",
    "portal.accounts",
    "portal.tenancy",
    "portal.duties",
    "portal.web",
    "portal.api",
    "portal.live",
    "portal.settings_pages",
    "resilience.upstreams",
    "resilience.breakers",
    "resilience.health",
    "conflicts",
    "syncqueue",
    "portal.overview",
    "portal.monitoring",
    "portal.projects",
    "portal.operations",
    "portal.demo",
]
MIDDLEWARE = [
    "portal.tenancy.middleware.who_asks",
    "portal.api.middleware.problems_for_api",
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.settings_pages.middleware.SignIn",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.web.middleware.preferences",
    "portal.web.middleware.ErrorPages",
    "portal.settings_pages.middleware.Account",
]
AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"
ROOT_URLCONF = "portal.urls"
ASGI_APPLICATION = "portal.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.web.context.web",
            ],
            "builtins": ["template_partials.templatetags.partials"],
        },
    }
]

# Storage -------------------------------------------------------------------------------------------------------------
DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{BREAKWATER_HOME / 'breakwater.sqlite3'}")}
SQLITE = DATABASES["default"]["ENGINE"].endswith("sqlite3")
DATABASES["default"]["CONN_MAX_AGE"] = 600
if SQLITE:
    # FULL: an accepted change survives a power cut. IMMEDIATE: a writer waits for its turn instead of failing half-way.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
            "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-32000; PRAGMA mmap_size=268435456; PRAGMA wal_autocheckpoint=4000;"
        ),
    }
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Static files --------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BREAKWATER_HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "portal.web.staticfiles.ModuleManifestStorage"},
}

# Language and time ---------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = env.str("BREAKWATER_TIME_ZONE", default="UTC")

# Live pages ----------------------------------------------------------------------------------------------------------
# How often a stream says that it lives and asks whether its reader may still read; what is revoked ends within this time.
BREAKWATER_LIVE_HEARTBEAT = env.float("BREAKWATER_LIVE_HEARTBEAT", default=14.0)

# Workers -------------------------------------------------------------------------------------------------------------
BREAKWATER_PUMPS = 1 if SQLITE else env.int("BREAKWATER_PUMPS", default=2)
BREAKWATER_WORKER_NAME = env.str("BREAKWATER_WORKER_NAME", default="")
Q_CLUSTER = {
    "name": BREAKWATER_WORKER_NAME or f"breakwater-{os.uname().nodename}",
    "label": "Workers",
    "orm": "default",
    "workers": env.int("BREAKWATER_WORKERS", default=BREAKWATER_PUMPS + 4),
    "poll": 1.0,
    "bulk": 10,
    "save_limit": -1,
    "timeout": 43_200,
    "retry": 86_400,
    "max_attempts": 1,
    "ack_failures": True,
    "catch_up": False,
    "scheduler": False,
    "guard_cycle": 30,  # our supervisor guards; each look of django-q2's costs time for nothing
    "recycle": 1_000_000,
}

# Health (seconds unless said otherwise; docs/health.md says what each does) ---------------------------------------------
HEALTH: dict[str, Any] = {
    "concurrency": env.int("BREAKWATER_PROBE_CONCURRENCY", default=50),
    "per_host": env.int("BREAKWATER_PROBE_PER_HOST", default=4),
    "outside_test": env.str("BREAKWATER_OUTSIDE_TEST", default=""),
    "paths": env.list("BREAKWATER_PROBE_PATHS", default=[]),
    "healthy_from": env.int("BREAKWATER_HEALTHY_FROM", default=90),
    "degraded_from": env.int("BREAKWATER_DEGRADED_FROM", default=50),
    "keep_results_hours": 2,
    "keep_failures_hours": 48,
    "keep_minutes_hours": 24,
    "keep_hours_days": 30,
    "keep_days_days": 365,
}
BREAKWATER_METRICS_KEY = env.str("BREAKWATER_METRICS_KEY", default="")
BREAKWATER_TRACING = env.bool("BREAKWATER_TRACING", default=False)

# The queue (seconds unless said otherwise; attempts, backoff and breakers stand in governance/policy.yml) -------------
SYNCQUEUE: dict[str, Any] = {
    "lease": 120.0,
    "heartbeat": 10.0,
    "item_bytes": 1_048_576,
    "request_bytes": 8_388_608,
    "depth": 100,
    "items_per_request": 1_000,
    "keep_finished_days": 30,
    "coalesce": env.bool("BREAKWATER_COALESCE", default=True),
}
# The copies of plans, in seconds: when an open page asks the upstream again, when an open list does, how long it waits for an answer.
PLANS: dict[str, float] = {"fresh_seconds": 15.0, "list_seconds": 300.0, "ask_seconds": 3.0}
DATA_UPLOAD_MAX_MEMORY_SIZE = SYNCQUEUE["request_bytes"] + 65_536

# REST ----------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "portal.api.authentication.TokenAuthentication",
        "portal.api.authentication.SessionAuthentication",
    ],
    "DEFAULT_THROTTLE_CLASSES": ["portal.api.throttling.Throttle"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["portal.api.parsers.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "portal.api.pagination.CursorPages",
    "DEFAULT_SCHEMA_CLASS": "portal.api.schema.ProblemSchema",
    "EXCEPTION_HANDLER": "portal.api.problems.exception_handler",
    "PAGE_SIZE": 50,
}
# Requests a second (and how many at once) by one token or person, and by one address that shows neither.
BREAKWATER_API_RATE = env.float("BREAKWATER_API_RATE", default=300.0)
BREAKWATER_API_BURST = env.int("BREAKWATER_API_BURST", default=3_000)
BREAKWATER_STRANGER_RATE = env.float("BREAKWATER_STRANGER_RATE", default=5.0)
BREAKWATER_STRANGER_BURST = env.int("BREAKWATER_STRANGER_BURST", default=100)
SPECTACULAR_SETTINGS = {
    "TITLE": "Breakwater",
    "DESCRIPTION": "Durable, ordered delivery of changes to upstreams that fail.",
    "VERSION": "1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_NAME_OVERRIDES": {
        "BreakerState": "resilience.breakers.serializers.STATES",
        "ConflictState": "conflicts.serializers.STATES",
        "HealthState": "resilience.health.serializers.STATES",
        "Importance": "resilience.health.serializers.IMPORTANCES",
        "ItemState": "syncqueue.serializers.STATES",
        "LaneState": "syncqueue.serializers.LANE_STATES",
        "Scope": "portal.settings_pages.serializers.SCOPES",
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("BREAKWATER_LOG_LEVEL", default="INFO")},
    "loggers": {"django-q": {"level": "WARNING"}, "aiohttp.access": {"level": "WARNING"}},
}
