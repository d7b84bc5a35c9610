"""The page of a map in a real browser: it asks for nothing, and shows what the registry holds."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import Engine

from benchmarks.generator import write
from crawler.load import import_files
from lineage.family import descendants
from lineage.formats.map_page import map_page
from lineage.map import family_map
from registry.bulk import RELATIONS
from tests.browsers import needs_browser, page_of
from tests.databases import Files
from tests.families import api_row, family, save
from tests.lineage.test_map import SKETCH

pytestmark = needs_browser
HOSTILE = "</script><img src=x onerror=alert(1)><b>"


@dataclass
class Seen:
    """A page that draws; what it drew is counted."""

    page: Page

    def redraw(self) -> None:
        """Wait for the next frame that the last deed brings."""
        before = self.page.evaluate("window.waited ?? 0")
        self.page.wait_for_function("(n) => Number(document.body.dataset.drawn) > n", arg=before)
        self.page.evaluate("window.waited = Number(document.body.dataset.drawn)")

    def text(self, selector: str) -> str:
        return self.page.inner_text(selector)


@contextmanager
def opened(browser: Browser, folder: Path, engine: Engine, *roots: str) -> Iterator[Seen]:
    """The map of some roots, from a file."""
    file = folder / "map.html"
    file.write_text(map_page(family_map(engine, *roots)), encoding="utf-8")
    with page_of(browser, file, "body[data-drawn]") as page:
        seen = Seen(page)
        seen.redraw()
        yield seen


@pytest.fixture(scope="module")
def synthetic(sqlite: Files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A synthetic Hub, in which the largest family has some thousand models."""
    file = tmp_path_factory.mktemp("hub") / "hub.jsonl"
    write(file, 40_000)
    with sqlite.registry() as engine:
        import_files(engine, [file], seen="2026-09-25T00:00:00Z", progress=lambda dump, models: None)
        yield engine


def search(seen: Seen, words: str) -> None:
    seen.page.fill("#search", words)
    seen.page.keyboard.press("Enter")
    seen.redraw()


def test_the_page_shows_what_the_registry_holds(browser: Browser, tmp_path: Path, sqlite_snapshot: Engine) -> None:
    known = descendants(sqlite_snapshot, "author:Qwen").members
    with opened(browser, tmp_path, sqlite_snapshot, "author:Qwen") as seen:
        assert seen.text("#shown") == f"{len(known):,} models"
        assert seen.text("#seen") == f"{len(known):,} in view"
        rows = seen.page.locator("#legend label").all()
        shown = {row.locator(".name").inner_text(): row.locator(".n").inner_text() for row in rows}
    placed = [RELATIONS[n] if n >= 0 else "root" for n in family_map(sqlite_snapshot, "author:Qwen").relation.tolist()]
    assert shown == {relation: f"{placed.count(relation):,}" for relation in (*RELATIONS, "root")}


def test_the_largest_family_of_a_hub_is_shown_whole(browser: Browser, tmp_path: Path, synthetic: Engine) -> None:
    total = descendants(synthetic, "synthetic-hub/base-1", limit=0).total + 1
    assert total > 600
    with opened(browser, tmp_path, synthetic, "synthetic-hub/base-1") as seen:
        assert seen.text("#shown") == f"{total:,} models"
        assert seen.text("#seen") == f"{total:,} in view"
        search(seen, "synthetic-hub/base-1")
        assert f"{total:,}" in seen.text("#told dl")


def test_search_finds_and_a_click_tells(browser: Browser, tmp_path: Path, sqlite_snapshot: Engine) -> None:
    with opened(browser, tmp_path, sqlite_snapshot, "Qwen/Qwen3-8B-Base") as seen:
        seen.page.fill("#search", "qwen3-8b")
        assert seen.page.locator("#found li").count() == 10
        search(seen, "qwen/qwen3-8b")
        assert seen.text("#told h2") == "Qwen/Qwen3-8B"
        assert "pass" in seen.text("#told .verdict")
        assert "apache-2.0" in seen.text("#told dl")
        assert seen.page.get_attribute("#told h2 a", "href") == "https://huggingface.co/Qwen/Qwen3-8B"
        assert seen.page.locator("#told h3 + ul button").all_inner_texts() == ["Qwen/Qwen3-8B-Base"]
        seen.page.locator("#told h3 + ul button").click()
        assert seen.text("#told h2") == "Qwen/Qwen3-8B-Base"
        seen.page.click("#close")
        assert seen.page.is_hidden("#panel")
        seen.page.fill("#search", "no such thing")
        assert seen.page.is_visible("#none")


def test_what_stands_in_the_middle_is_what_a_click_there_chooses(
    browser: Browser, tmp_path: Path, sqlite_registry: Engine
) -> None:
    family(sqlite_registry, SKETCH)
    with opened(browser, tmp_path, sqlite_registry, "alone/Root") as seen:
        box = seen.page.locator("#map").bounding_box()
        assert box
        seen.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        assert seen.text("#told h2") == "alone/Root"
        assert "A root of this map" in seen.text("#told")
    with opened(browser, tmp_path, sqlite_registry, "top/Base") as seen:
        search(seen, "you/merged")
        lists = [item.locator("button").all_inner_texts() for item in seen.page.locator("#told ul").all()]
        assert lists == [["me/Other"], ["me/Tuned", "top/Base"]]
        search(seen, "gone/adapter")
        assert "not on the Hub" in seen.text("#told .verdict")


def test_filters_count_what_is_left(browser: Browser, tmp_path: Path, sqlite_snapshot: Engine) -> None:
    known = descendants(sqlite_snapshot, "Qwen/Qwen3-8B-Base").members
    quantized = sum(member.relation == "quantized" for member in known)
    with opened(browser, tmp_path, sqlite_snapshot, "Qwen/Qwen3-8B-Base") as seen:
        seen.page.locator("#legend label", has_text="quantized").locator("input").uncheck()
        assert seen.text("#shown") == f"{len(known) - quantized} of {len(known)} models shown"
        seen.page.click("#all")
        assert seen.text("#shown") == f"{len(known)} models"
        day = sorted(member.created_at or "" for member in known)[len(known) // 2][:10]
        seen.page.evaluate(
            """(day) => { const to = document.getElementById("to"); to.value = Date.parse(day) / 864e5;
            to.dispatchEvent(new Event("input")); }""",
            day,
        )
        left = sum(bool(member.created_at) and str(member.created_at)[:10] <= day for member in known)
        assert seen.text("#shown") == f"{left} of {len(known)} models shown"
        for colour in range(4):
            seen.page.select_option("#colour", str(colour))
            counts = seen.page.locator("#legend .n").all_inner_texts()
            assert sum(int(count.replace(",", "")) for count in counts) == len(known)


def test_zooming_shows_less_and_zero_shows_all(browser: Browser, tmp_path: Path, sqlite_snapshot: Engine) -> None:
    with opened(browser, tmp_path, sqlite_snapshot, "author:Qwen") as seen:
        whole = seen.text("#seen")
        seen.page.focus("#map")
        for _ in range(4):
            seen.page.keyboard.press("+")
            seen.redraw()
        assert int(seen.text("#seen").split()[0].replace(",", "")) < int(whole.split()[0].replace(",", "")) / 2
        seen.page.keyboard.press("0")
        seen.redraw()
        assert seen.text("#seen") == whole
        seen.page.click("#theme")
        assert seen.page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


def test_what_comes_from_the_hub_stays_text(browser: Browser, tmp_path: Path, sqlite_registry: Engine) -> None:
    rows = [
        api_row("evil/Base", license=HOSTILE, author=HOSTILE),
        api_row("evil/Child", ["evil/Base"], license="other", cardData={"license": "other", "license_name": HOSTILE}),
    ]
    save(sqlite_registry, rows)
    with opened(browser, tmp_path, sqlite_registry, "evil/Base") as seen:
        seen.page.on("dialog", lambda dialog: pytest.fail(f"the page asked: {dialog.message}"))
        for model in ("evil/base", "evil/child"):
            search(seen, model)
        seen.page.select_option("#colour", "2")
        assert HOSTILE in seen.text("#told") + seen.text("#legend")
        assert seen.page.locator("img, b").count() == 0
