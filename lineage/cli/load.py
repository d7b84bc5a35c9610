"""The command that brings data in: import."""

import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import NoReturn

import click
from sqlalchemy import Engine
from tqdm import tqdm

from crawler.dumps import Dump
from crawler.load import import_files
from lineage.cli.options import open_db, registry_option
from lineage.formats.text import number
from registry.read import Totals, is_recovered, totals
from registry.records import iso_time
from registry.write import Saved


@click.command(name="import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--seen", metavar="DATE", help="The date of the dump (ISO 8601). Default: now.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
@registry_option
def import_command(files: tuple[Path, ...], seen: str | None, quiet: bool, db: str | None) -> None:
    """Import files of Hub metadata into the registry.

    A FILE is JSON or JSON Lines of Hub API objects (plain or gzip), or a hub-stats Parquet file. The registry is
    created where there is none. Importing the same file twice changes nothing.
    """
    day = _date(seen)
    for file in files:
        Dump(file)  # one that cannot be read is refused before a registry is made for it
    engine = open_db(db, create=True)
    saved = load(engine, files, day, quiet=quiet)
    if not quiet:
        with engine.connect() as connection:
            click.echo(summary(saved, totals(connection)))


def load(engine: Engine, files: Sequence[Path], seen: str | None, *, quiet: bool) -> Saved:
    """Import files with a progress bar on a terminal, plain lines elsewhere, nothing if `quiet`."""
    if quiet:
        return import_files(engine, files, seen=seen, progress=lambda dump, models: None)
    if not sys.stderr.isatty():
        return import_files(engine, files, seen=seen, progress=_plain_lines())
    with tqdm(total=1, bar_format="{desc} {percentage:3.0f}%|{bar}| [{elapsed}<{remaining}]") as bar:
        return import_files(engine, files, seen=seen, progress=_bar(bar))


def summary(saved: Saved, held: Totals) -> str:
    """What an import did, and what the registry holds after it."""
    recovered = sum(count for evidence, count in held.edges.items() if is_recovered(evidence))
    unchanged = saved.models - saved.new - saved.changed
    kinds = ", ".join(f"{number(count)} {kind}" for kind, count in held.defects.items())
    return "\n".join(
        [
            f"{number(saved.models)} models read: {number(saved.new)} new, {number(saved.changed)} changed, "
            f"{number(unchanged)} unchanged",
            f"the registry holds {number(sum(held.models.values()))} models "
            f"({', '.join(f'{number(count)} {state}' for state, count in held.models.items())}), "
            f"{number(sum(held.edges.values()))} edges ({number(recovered)} recovered)",
            f"defects: {kinds or 'none'}",
        ]
    )


def _date(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return iso_time(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(f"{text!r} is no ISO 8601 date such as 2026-08-22", param_hint="--seen") from error


def _bar(bar: "tqdm[NoReturn]") -> Callable[[Dump, int], None]:
    start = monotonic()

    def show(dump: Dump, models: int) -> None:
        bar.total = dump.size
        bar.n = min(dump.position, dump.size)
        rate = models / (monotonic() - start)
        bar.set_description_str(f"{dump.path.name}: {models:,} models, {rate:,.0f}/s")

    return show


def _plain_lines(every: float = 5.0) -> Callable[[Dump, int], None]:
    start = said = monotonic()

    def show(dump: Dump, models: int) -> None:
        nonlocal said
        now = monotonic()
        if now - said < every:
            return
        said = now
        done = min(dump.position / dump.size, 1.0)
        left = (now - start) * (1 - done) / done if done else 0.0
        rate = models / (now - start)
        click.echo(f"{dump.path.name}: {models:,} models, {rate:,.0f}/s, {done:.0%}, {left:.0f} s left", err=True)

    return show
