"""How large the map of a family is, how long it takes to write, and how fast a browser without a GPU shows it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
from playwright.sync_api import Page, sync_playwright
from sqlalchemy import Engine

from benchmarks.measures import Row, alone, goal
from lineage.formats.map_page import map_page
from lineage.map import family_map
from registry.bulk import Columns, everything
from registry.columns import Ints
from registry.database import open_registry, reading

SIZES = (300, 3_000, 30_000, 137_000, 300_000)
#: So many roots at most: nobody types more.
_ROOTS = 1_000
#: The bars are for the largest family of the Hub; twice as many need only open.
_BARRED, _STEPS = 137_000, 4


def mapped(engine: Engine, folder: Path) -> Iterator[Row]:
    """Maps of families of some sizes, as far as the registry holds as many."""
    url = engine.url.render_as_string(hide_password=False)
    for roots in alone(partial(rooted, url))[2]:
        file = folder / "map.html"
        seconds, memory, models = alone(partial(write, url, roots, file))
        first, step = shown(file)
        size = file.stat().st_size / 1e6
        met = first <= 4 and step <= 1 and size <= 15
        yield Row(
            f"a map of {models:,} models: written (peak memory), page, first picture, a zoom step",
            f"{seconds:.1f} s ({memory:,.0f} MB), {size:.2f} MB, {first:.1f} s, {step:.1f} s",
            "",
            goal("≤ 15 MB, ≤ 4 s, ≤ 1 s", met) if models <= 1.1 * _BARRED else "opens",
        )


def rooted(url: str) -> list[tuple[str, ...]]:
    """For each size the roots of families that come to about as many models, as far as there are as many."""
    with reading(open_registry(url)) as connection:
        columns = everything(connection)
        sizes = family_sizes(columns)
        order = np.argsort(-sizes, kind="stable")[:100_000]
        found = [_filling(sizes[order].tolist(), size) for size in SIZES]
        return [tuple(columns.ids(order[np.array(chosen, np.int64)])) for chosen in found if chosen]


def family_sizes(columns: Columns) -> Ints:
    """By the place of each model that has no parents, how many came down from it by the parents they name first."""
    top = np.arange(len(columns.keys))
    top[columns.child[::-1]] = columns.parent[::-1]  # the first parent that a model names is written last
    for _ in range(8):  # 256 steps; of a model on a cycle, one of it
        top = top[top]
    sizes: Ints = np.bincount(top, minlength=len(top))
    return sizes


def _filling(sizes: list[int], wanted: int) -> list[int]:
    """The largest families that have room, until that is nearly filled; none if there are not as many."""
    chosen: list[int] = []
    left = wanted
    for at, size in enumerate(sizes):
        if size <= left and len(chosen) < _ROOTS:
            chosen.append(at)
            left -= size
        if left <= wanted / 50:
            return chosen
    return []


def write(url: str, roots: tuple[str, ...], file: Path) -> int:
    """Write a map as the command does; returns how many models it holds."""
    found = family_map(open_registry(url), *roots)
    file.write_text(map_page(found), encoding="utf-8")
    return len(found.ids)


def shown(file: Path) -> tuple[float, float]:
    """Seconds until the first picture of a page stands, and the most that a zoom step takes until its picture does."""
    with browser_page() as page:
        start = perf_counter()
        page.goto(file.as_uri())
        _drawn(page, 0)
        first = perf_counter() - start
        steps = [_zoom(page) for _ in range(_STEPS)]
    return first, max(steps)


@contextmanager
def browser_page() -> Iterator[Page]:
    """A page of Chromium, which draws without a GPU."""
    with sync_playwright() as playwright:
        swiftshader = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=swiftshader)
        yield browser.new_page(viewport={"width": 1280, "height": 860})
        browser.close()


def _zoom(page: Page) -> float:
    before: int = page.evaluate("Number(document.body.dataset.drawn)")
    start = perf_counter()
    page.mouse.move(740, 420)
    page.mouse.wheel(0, -250)
    _drawn(page, before)
    return perf_counter() - start


def _drawn(page: Page, before: int) -> None:
    """Wait for a picture after so many, and for the screen to have it."""
    page.wait_for_function("(n) => Number(document.body?.dataset.drawn ?? 0) > n", arg=before)
    page.screenshot()
