"""A browser for the tests of pages."""

import os
import shutil

import pytest


@pytest.fixture(scope="session")
def browser():
    """Return a Chromium, headless; skip where there is none, or no playwright."""
    playwright = pytest.importorskip("playwright.sync_api")
    names = "chromium", "chromium-browser", "google-chrome", "chrome"
    chromium = next(filter(None, map(shutil.which, names)), None)
    if chromium is None:
        pytest.skip("no Chromium found")
    with playwright.sync_playwright() as started:
        is_root = hasattr(os, "geteuid") and os.geteuid() == 0
        launched = started.chromium.launch(executable_path=chromium, chromium_sandbox=not is_root)
        yield launched
        launched.close()
