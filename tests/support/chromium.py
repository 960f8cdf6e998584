"""Which browser tests, pictures and the bench drive."""

import os

CHROMIUM = os.environ.get("BREAKWATER_CHROMIUM", "/usr/bin/chromium")
