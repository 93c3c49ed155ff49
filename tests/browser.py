"""Headless browser for tests of pages; the driver is that of the screenshots in docs/."""

import importlib.util
import shutil
from contextlib import contextmanager

import pytest

from tests import toy

SPEC = importlib.util.spec_from_file_location("screenshots", toy.ROOT / "docs/screenshots.py")
screenshots = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(screenshots)


@contextmanager
def page(width, *options):
    """Yield a tab of a browser with a window of `width` pixels, or skip the test, visibly, without a browser."""
    if not any(map(shutil.which, screenshots.BROWSERS)):
        pytest.skip(f"there is no browser: none of {', '.join(screenshots.BROWSERS)} is installed")
    with screenshots.browser(width, *options) as tab:
        yield tab
