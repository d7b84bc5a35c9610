"""A real browser for pages: a page may ask for nothing and complain of nothing."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium")
#: Where nobody has to have a browser the tests are left out; CI has to.
needs_browser = pytest.mark.skipif(
    CHROMIUM is None and not os.environ.get("CI"), reason="no browser: apt-get install chromium"
)


@contextmanager
def browser_running() -> Iterator[Browser]:
    """Chromium without a window and without a GPU."""
    with sync_playwright() as playwright:
        options = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox"]
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield running
        running.close()


@contextmanager
def page_of(browser: Browser, file: Path, ready: str) -> Iterator[Page]:
    """A file opened without a network, once something on it matches `ready`; until the end nothing may go wrong."""
    complaints: list[str] = []
    requests: list[str] = []
    context = browser.new_context(viewport={"width": 1200, "height": 800}, offline=True)
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(file.as_uri())
    page.wait_for_selector(ready, state="attached")
    yield page
    assert complaints == []
    assert [url for url in requests if not url.startswith("blob:")] == [file.as_uri()]
    context.close()
