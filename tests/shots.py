"""Takes a picture of each page of a running portal, for people to look at: `make shots`.

BASE_URL says where it runs, BREAKWATER_USER and BREAKWATER_PASSWORD who signs in. Writes shots/<page>-{light,dark,phone}.png.
"""

import os
import re
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.chromium import CHROMIUM

BASE_URL = os.environ.get("BASE_URL", "http://127.0.0.1:8000").rstrip("/")
USER = os.environ.get("BREAKWATER_USER", "alice")
PASSWORD = os.environ.get("BREAKWATER_PASSWORD", "breakwater")
OUT = Path(os.environ.get("SHOTS", "shots"))

PAGES = {
    "overview": "/",
    "queue": "/resilience/queue",
    "queue-failed": "/resilience/queue?state=failed",
    "queue-nothing": "/resilience/queue?text=no+such+thing",
    "conflicts": "/conflicts",
    "upstreams": "/settings/upstreams",
    "health": "/settings/health",
    "health-formula": "/settings/health/formula",
    "health-itself": "/settings/health/breakwater",
    "breakers": "/resilience/breakers",
    "breakers-reset-all": "/resilience/breakers/reset-all",
    "audit": "/audit",
    "projects": "/projects",
    "project-add": "/projects/add",
    "members": "/settings/members",
    "tokens": "/settings/tokens",
    "kinds": "/settings/kinds",
    "kind": "/settings/kinds/plan_edit",
    "policy": "/settings/policy",
    "profile": "/profile",
    "not-found": "/no-such-page",
}
LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1440, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1440, "height": 900}},
    "phone": {
        "color_scheme": "light",
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 2,
        "has_touch": True,
    },
}


def sign_in(page: Page) -> None:
    """Signs in and ends on the overview."""
    page.goto(f"{BASE_URL}/login")
    page.locator("input[name=username]").fill(USER)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("form button[type=submit]").click()
    page.wait_for_url(re.compile(f"{re.escape(BASE_URL)}/(?!login)"))


def item_address(page: Page) -> str:
    """The address of the item that tells most: one that is retried, else the first of the list."""
    for query in ("?state=retrying", ""):
        page.goto(f"{BASE_URL}/resilience/queue{query}")
        link = page.locator("tr[data-row] .entity a").first
        if link.count():
            return str(link.get_attribute("href"))
    return ""


def first_link(page: Page, address: str, selector: str) -> str:
    """Where the first such link of a page leads; "" when there is none."""
    page.goto(BASE_URL + address)
    link = page.locator(selector).first
    return str(link.get_attribute("href")) if link.count() else ""


def shoot(browser: Browser, look: str, only: list[str]) -> None:
    """One look at every page."""
    context = browser.new_context(**LOOKS[look])
    page = context.new_page()
    page.goto(f"{BASE_URL}/login")
    page.screenshot(path=OUT / f"login-{look}.png", full_page=True)
    sign_in(page)
    breaker = first_link(page, "/resilience/breakers", ".breakers-list a")
    pages = {
        **PAGES,
        "item": item_address(page),
        "health-component": (component := first_link(page, "/settings/health", ".card h3 a")),
        "health-component-day": f"{component}?range=day" if component else "",
        "breaker-force-open": f"{breaker}/force-open" if breaker else "",
        "breaker-transitions": f"{breaker}/transitions" if breaker else "",
        "conflict": first_link(page, "/conflicts", "tr[data-row] .entity a"),
        "project": (project := first_link(page, "/projects", "main h2 a")),
        "plan-add": f"{project}/plans/add" if project else "",
        "plan": (plan := first_link(page, "/projects", ".plans .entity a")),
        "plan-edit": f"{plan}?edit=plan" if plan else "",
    }
    for name, address in pages.items():
        if not address or (only and name not in only):
            continue
        page.goto(BASE_URL + address)
        page.screenshot(path=OUT / f"{name}-{look}.png", full_page=True)
    context.close()


def main(only: list[str]) -> None:
    """Every look of every page, or of those that are named."""
    OUT.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for look in LOOKS:
            shoot(browser, look, only)
        browser.close()
    print(f"{len(list(OUT.glob('*.png')))} pictures in {OUT}/")


if __name__ == "__main__":
    main(sys.argv[1:])
