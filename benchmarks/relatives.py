"""How large the page of a model and its relatives is, how long it takes to write, and how fast a browser shows it."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
from sqlalchemy import Engine

from benchmarks.maps import SIZES, browser_page, family_sizes
from benchmarks.measures import Row, alone, goal
from lineage.formats.graph_page import graph_page
from lineage.neighbourhood import neighbourhood
from registry.bulk import everything
from registry.database import open_registry, reading


def related(engine: Engine, folder: Path) -> Iterator[Row]:
    """The pages of models that have about so many relatives, as far as there are such."""
    url = engine.url.render_as_string(hide_password=False)
    for root in alone(partial(roots, url))[2]:
        file = folder / "relatives.html"
        seconds, memory, models = alone(partial(write, url, root, file))
        first, step = shown(file)
        size = file.stat().st_size / 1e6
        yield Row(
            f"a model and its relatives, {models:,}: written (peak memory), page, first picture, unfolding 600",
            f"{seconds:.1f} s ({memory:,.0f} MB), {size:.2f} MB, {first:.1f} s, {step:.1f} s",
            "",
            goal("≤ 1.5 MB", size <= 1.5) if models <= 400 else "",
        )


def roots(url: str) -> list[str]:
    """For each size the model without parents whose family comes nearest to it, but not below the half."""
    with reading(open_registry(url)) as connection:
        columns = everything(connection)
        sizes = family_sizes(columns)
        nearest = [int(np.abs(sizes - size).argmin()) for size in SIZES]
        fitting = [at for at, size in zip(nearest, SIZES, strict=True) if size / 2 <= sizes[at] <= size * 2]
        return columns.ids(np.array(list(dict.fromkeys(fitting)), np.int64))


def write(url: str, root: str, file: Path) -> int:
    """Write a page as the command does; returns how many models it is about."""
    found = neighbourhood(open_registry(url), root)
    file.write_text(graph_page(found), encoding="utf-8")
    return len(found.nodes)


def shown(file: Path) -> tuple[float, float]:
    """Seconds until the first picture of a page stands, and until that stands in which all is unfolded that fits."""
    with browser_page() as page:
        start = perf_counter()
        page.goto(file.as_uri())
        page.wait_for_selector("html[data-ready]", state="attached")
        page.screenshot()
        first = perf_counter() - start
        start = perf_counter()
        page.evaluate("document.getElementById('unfold').click()")
        page.screenshot()
        step = perf_counter() - start
    return first, step
