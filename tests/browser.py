"""Headless browser for tests of pages; the driver is that of the screenshots in docs/."""

import importlib.util
import shutil
from contextlib import contextmanager

import pytest

from tests import toy

SPEC = importlib.util.spec_from_file_location("headless_browser", toy.ROOT / "docs/headless_browser.py")
driver = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(driver)


@contextmanager
def page(width, *options):
    """Yield a tab of a browser with a window of `width` pixels, or skip the test, visibly, without a browser."""
    if not any(map(shutil.which, driver.BROWSERS)):
        pytest.skip(f"there is no browser: none of {', '.join(driver.BROWSERS)} is installed")
    with driver.browser(width, *options) as tab:
        yield tab
