"""Pictures of a page, as a reader sees it: `python -m harness.testing.screenshots PAGE DIRECTORY`.

Needs Chromium, and Playwright of the test environment to drive it.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
)
"""A browser that asks nobody anything, also as root in a container."""

SCREENS = {"desktop": (1200, 1180), "phone": (390, 1180)}
SCHEMES = ("light", "dark")


def chromium() -> str | None:
    """Where Chromium is; None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def photograph(browser: Browser, page: Path, directory: Path) -> None:
    """Write the top of a page on every screen in every scheme, `PAGE-SCREEN-SCHEME.png`."""
    for screen, (width, height) in SCREENS.items():
        for scheme in SCHEMES:
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if scheme == "dark" else "light",
                offline=True,
            )
            tab = context.new_page()
            tab.goto(page.absolute().as_uri())
            tab.screenshot(path=directory / f"{page.stem}-{screen}-{scheme}.png")
            context.close()


def main(page: Path, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(QUIET))
        photograph(browser, page, directory)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
