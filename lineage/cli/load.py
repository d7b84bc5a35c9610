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
from lineage.cli.options import opened, registry_option
from lineage.cli.progress import progress_bar
from lineage.formats.text import number, printable
from registry.database import default_url, reading
from registry.exchange import restore
from registry.read import Totals, totals
from registry.records import RECOVERED, iso_time
from registry.write import Saved


@click.command(name="import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--seen", metavar="DATE", help="The date of the dump (ISO 8601). Default: now.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
@registry_option
def import_command(files: tuple[Path, ...], seen: str | None, quiet: bool, db: str | None) -> None:
    """Import files of Hub metadata into the registry.

    A FILE is JSON or JSON Lines of Hub API objects (plain or gzip), or a hub-stats Parquet file. The registry is
    created where there is none. Importing the same file twice changes nothing. A folder that `lineage export` made is
    read into a new registry only.
    """
    if len(files) == 1 and files[0].is_dir():
        _import_export(files[0], db, quiet=quiet)
        return
    day = _date(seen)
    for file in files:
        Dump(file)  # one that cannot be read is refused before a registry is made for it
    engine = opened(db, create=True)
    saved = load(engine, files, day, quiet=quiet)
    if not quiet:
        with reading(engine) as connection:
            click.echo(summary(saved, totals(connection)))


def _import_export(folder: Path, db: str | None, *, quiet: bool) -> None:
    with progress_bar("importing") as progress:
        models = restore(folder, db or default_url(), progress)
    if not quiet:
        click.echo(f"{number(models)} models read from an export")


def load(engine: Engine, files: Sequence[Path], seen: str | None, *, quiet: bool) -> Saved:
    """Import files with a progress bar on a terminal, plain lines elsewhere, nothing if `quiet`."""
    if quiet:
        return import_files(engine, files, seen=seen, progress=lambda dump, models: None)
    if not sys.stderr.isatty():
        return import_files(engine, files, seen=seen, progress=_plain_lines())
    with tqdm(total=1, bar_format="{desc} {percentage:3.0f}%|{bar}| [{elapsed}<{remaining}]") as bar:
        return import_files(engine, files, seen=seen, progress=_bar(bar))


def summary(saved: Saved, held: Totals) -> str:
    """What an import or crawl did, and what the registry holds after it."""
    recovered = sum(count for evidence, count in held.edges.items() if evidence in RECOVERED)
    turns = ((saved.gone, "gone"), (saved.returned, "back again"))
    told = "".join(f", {number(count)} {what}" for count, what in turns if count)
    renamed = f" ({number(saved.renamed)} renamed)" if saved.renamed else ""
    unchanged = saved.models - saved.new - saved.changed - saved.gone - saved.returned
    kinds = ", ".join(f"{number(count)} {kind}" for kind, count in held.defects.items())
    return "\n".join(
        [
            f"{number(saved.models)} models read: {number(saved.new)} new, {number(saved.changed)} changed{renamed}"
            f"{told}, {number(unchanged)} unchanged",
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


class _Pace:
    """How fast the models of the file in hand come, and how far it is read."""

    def __init__(self) -> None:
        self.dump: Dump | None = None
        self.start = self.now = monotonic()

    def words(self, dump: Dump, models: int) -> str:
        """What to say after a page: the file, models, models a second."""
        before, self.now = self.now, monotonic()
        if dump is not self.dump:
            self.dump, self.start = dump, before
        return f"{printable(dump.path.name)}: {models:,} models, {models / (self.now - self.start):,.0f}/s"

    def left(self, dump: Dump) -> float:
        """Seconds until the end of the file, at the pace so far."""
        done = min(dump.position / dump.size, 1.0)
        return (self.now - self.start) * (1 - done) / done if done else 0.0


def _bar(bar: "tqdm[NoReturn]") -> Callable[[Dump, int], None]:
    pace = _Pace()

    def show(dump: Dump, models: int) -> None:
        if dump is not pace.dump:
            bar.reset(total=dump.size)
        bar.n = min(dump.position, dump.size)
        bar.set_description_str(pace.words(dump, models))

    return show


def _plain_lines(every: float = 5.0) -> Callable[[Dump, int], None]:
    pace = _Pace()
    said = monotonic()

    def show(dump: Dump, models: int) -> None:
        nonlocal said
        words = pace.words(dump, models)
        if pace.now - said >= every:
            said = pace.now
            done = min(dump.position / dump.size, 1.0)
            click.echo(f"{words}, {done:.0%}, {pace.left(dump):.0f} s left", err=True)

    return show
