"""The smallest Django with django-q2 and its ORM broker, tuned as Breakwater tunes its own."""

import os
from typing import Any

import environ

SECRET_KEY = "bench"
USE_TZ = True
INSTALLED_APPS = ["django_q"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
database: dict[str, Any] = environ.Env.db_url_config(os.environ["BENCH_DATABASE"])
database["CONN_MAX_AGE"] = 600
if "sqlite" in database["ENGINE"]:
    database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
DATABASES = {"default": database}
Q_CLUSTER = {
    "name": "bench",
    "orm": "default",
    "workers": 2,
    "poll": 0.2,
    "bulk": 10,
    "save_limit": -1,
    "timeout": 60,
    "retry": 600,
    "scheduler": False,
}
