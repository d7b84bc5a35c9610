"""The page of a neighbourhood in a real browser: it asks for nothing, and shows what the registry holds."""

from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import Engine

from lineage.family import descendants
from lineage.formats.graph_page import graph_page
from lineage.inheritance import inheritance
from lineage.neighbourhood import Wish, neighbourhood
from tests.browsers import needs_browser, page_of
from tests.families import api_row, family, save

pytestmark = needs_browser
HOSTILE = "</script><img src=x onerror=alert(1)><b>"
WORLD = """
Qwen/Base  apache-2.0
  me/Tuned  gemma
    you/LoRA  adapter  apache-2.0
  me/Gone  gone
"""


@pytest.fixture
def world(sqlite_registry: Engine) -> Engine:
    family(sqlite_registry, WORLD)
    return sqlite_registry


def opened(
    browser: Browser, folder: Path, engine: Engine, model: str, wish: Wish | None = None
) -> AbstractContextManager[Page]:
    file = folder / "graph.html"
    file.write_text(graph_page(neighbourhood(engine, model, wish or Wish())), encoding="utf-8")
    return page_of(browser, file, "html[data-ready]")


def drawn(page: Page) -> int:
    return int(page.evaluate("document.documentElement.dataset.drawn"))


def choose(page: Page, words: str) -> None:
    page.fill("#search", words)
    page.press("#search", "Enter")


def told(page: Page) -> dict[str, str]:
    """The facts in the panel."""
    names, facts = page.locator("#told dt").all_inner_texts(), page.locator("#told dd").all_inner_texts()
    return dict(zip(names, facts, strict=True))


def listed(page: Page, label: str) -> list[str]:
    return page.get_by_role("list", name=label).get_by_role("listitem").all_inner_texts()


def test_300_models(browser: Browser, tmp_path: Path, sqlite_registry: Engine) -> None:
    rows = [api_row("a/Base", license="mit")]
    rows += [api_row(f"b/M{n}", ["a/Base"], ("quantized", "adapter")[n % 2], downloads=n) for n in range(249)]
    save(sqlite_registry, rows + [api_row(f"c/M{n}", ["b/M7"]) for n in range(50)])
    held = len(descendants(sqlite_registry, "a/Base").members)
    with opened(browser, tmp_path, sqlite_registry, "a/Base") as page:
        assert (tmp_path / "graph.html").stat().st_size < 1_500_000
        first = drawn(page)
        assert first < 60
        assert page.is_disabled("#refold")
        assert page.inner_text("#counts") == f"{first} of {held} models drawn, {held - first} folded."
        page.click("#unfold")
        assert page.inner_text("#counts") == f"{held} of {held} models drawn."
        page.click("#refold")
        assert drawn(page) == first


def test_search_finds_and_the_panel_tells(browser: Browser, tmp_path: Path, sqlite_snapshot: Engine) -> None:
    with opened(browser, tmp_path, sqlite_snapshot, "Qwen/Qwen3-1.7B") as page:
        page.fill("#search", "qemma")
        assert page.locator("#found li").all_inner_texts() == ["reaperdoesntknow/Qemma-Q1.7B"]
        choose(page, "qemma")
        said = inheritance(sqlite_snapshot, "reaperdoesntknow/Qemma-Q1.7B")
        assert page.inner_text("#told h3") == said.model
        assert said.verdict in page.inner_text("#told .badge")
        facts = told(page)
        assert (facts["declared"], facts["effective"]) == (said.declared, said.effective)
        assert (facts["downloads"], facts["created"]) == ("2,887 in 30 days", "2025-11-10")
        link = page.locator("#told a").get_attribute("href")
        assert link == "https://huggingface.co/reaperdoesntknow/Qemma-Q1.7B"
        page.fill("#search", "no such thing")
        assert page.is_visible("#none")


def test_the_way_of_a_licence(browser: Browser, tmp_path: Path, world: Engine) -> None:
    with opened(browser, tmp_path, world, "Qwen/Base") as page:
        choose(page, "lora")
        assert "violation" in page.inner_text("#told .badge")
        assert listed(page, "The way of the licence") == ["me/Tuned", "adapter: you/LoRA"]
        assert listed(page, "Path to the root") == ["me/Tuned", "Qwen/Base"]
        choose(page, "gone")
        assert told(page)["state"] == "gone"
        assert "not on the Hub" in page.inner_text("#told .badge")


def test_the_keyboard_goes_folds_and_unfolds(browser: Browser, tmp_path: Path, world: Engine) -> None:
    with opened(browser, tmp_path, world, "Qwen/Base") as page:
        page.focus("#net")
        page.keyboard.press("ArrowRight")
        assert page.inner_text("#told h3") == "me/Tuned"
        assert drawn(page) == 4
        page.keyboard.press("Enter")
        assert drawn(page) == 3
        assert page.inner_text("#counts") == "3 of 4 models drawn, 1 folded."
        page.keyboard.press("ArrowRight")
        assert page.inner_text("#told h3") == "+1 adapter"
        assert page.locator("#told li").all_inner_texts() == ["you/LoRA"]
        page.keyboard.press("Enter")
        assert (drawn(page), page.inner_text("#told h3")) == (4, "you/LoRA")
        page.keyboard.press("Escape")
        assert page.is_hidden("#panel")
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.id") == "search"


def test_a_click_on_a_model(browser: Browser, tmp_path: Path, world: Engine) -> None:
    with opened(browser, tmp_path, world, "me/Tuned", Wish(down=False)) as page:
        box = page.locator("#net").bounding_box()
        assert box
        # Two models, in the middle of the room: the one asked for is the right one.
        page.mouse.click(box["x"] + box["width"] / 2 + 90, box["y"] + box["height"] / 2)
        assert page.inner_text("#told h3") == "me/Tuned"
        page.click("#close")
        assert page.is_hidden("#panel")


def test_it_can_be_saved_and_darkened(browser: Browser, tmp_path: Path, world: Engine) -> None:
    with opened(browser, tmp_path, world, "Qwen/Base") as page:
        with page.expect_download() as coming:
            page.click("#save")
        assert Path(coming.value.path()).read_bytes().startswith(b"\x89PNG")
        light = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.click("#theme")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light


def test_what_is_not_in_the_file_is_told(browser: Browser, tmp_path: Path, sqlite_registry: Engine) -> None:
    save(sqlite_registry, [api_row("a/Base"), *(api_row(f"b/M{n}", ["a/Base"]) for n in range(3_400))])
    with opened(browser, tmp_path, sqlite_registry, "a/Base") as page:
        assert page.inner_text("#counts").endswith("of 3,401 models drawn, 2,968 folded, 401 not in this file.")
        choose(page, "b/m1")
        page.focus("#net")


def test_hostile_text_stays_text(browser: Browser, tmp_path: Path, sqlite_registry: Engine) -> None:
    card = {"license": "other", "license_name": HOSTILE, "base_model": "a/Base"}
    save(
        sqlite_registry,
        [api_row("a/Base", license="mit"), api_row("b/Tuned", ["a/Base"], cardData=card, author=HOSTILE)],
    )
    with opened(browser, tmp_path, sqlite_registry, "a/Base") as page:
        choose(page, "tuned")
        assert HOSTILE in told(page)["declared"]
        assert told(page)["author"] == HOSTILE
        assert page.locator("img, b").count() == 0
