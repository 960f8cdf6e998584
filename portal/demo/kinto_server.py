"""A real Kinto on a loopback port of its own: `python -m portal.demo.kinto_server` prints the port and serves.

One thread: with several, Kinto's memory storage loses updates by itself.
"""

import logging
import warnings

import waitress
from kinto import main as kinto

SETTINGS = {
    "storage_backend": "portal.demo.storage",
    "cache_backend": "kinto.core.cache.memory",
    "permission_backend": "kinto.core.permission.memory",
    "userid_hmac_secret": "demo",
    "multiauth.policies": "basicauth",
    "bucket_create_principals": "system.Authenticated",
    "bucket_write_principals": "system.Authenticated",
    "bucket_read_principals": "system.Authenticated",
    "experimental_collection_schema_validation": "true",
}


def main() -> None:
    """Serves until it is ended."""
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it warns whenever two requests wait
    logging.getLogger("kinto.config").setLevel(logging.CRITICAL)  # it misses a file that we do not need
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        app = kinto({}, **{f"kinto.{name}" if "." not in name else name: value for name, value in SETTINGS.items()})
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=1)
    print(server.effective_port, flush=True)  # noqa: T201  # whoever started it reads the port
    server.run()


if __name__ == "__main__":
    main()
