"""Commands that crawl the Hub: crawl hub, family, update, reconcile, resume, probe."""

import sys
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Self

import click
from sqlalchemy import Engine
from tqdm import tqdm

from crawler.crawl import crawl_family, crawl_hub, reconcile, resume, update
from crawler.hub import Hub
from crawler.probe import probe
from crawler.run import Crawled, Progress
from lineage.cli.load import summary
from lineage.cli.options import endpoint_option, opened, registry_option
from lineage.formats.text import number, printable
from registry.database import reading
from registry.read import totals

quiet_option = click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")


@click.group()
def crawl() -> None:
    """Crawl the Hub into the registry.

    A token is found where the Hub's own tools find it (HF_TOKEN, or what `hf auth login` wrote): with one, the Hub
    allows more requests.
    """


@crawl.command()
@endpoint_option
@quiet_option
@registry_option
def hub(endpoint: str | None, quiet: bool, db: str | None) -> None:
    """Sweep the whole Hub, oldest models first.

    Each page is saved with its checkpoint: what breaks off goes on with `lineage crawl resume`.
    """
    _crawl(crawl_hub, opened(db, create=True), endpoint, quiet)


@crawl.command(name="family")
@click.argument("roots", nargs=-1, required=True, metavar="ROOT...")
@click.option("--up", is_flag=True, help="Fetch only what the ROOTs were made from.")
@click.option("--walk", "insist", is_flag=True, help="Walk even where the whole Hub would take fewer requests.")
@endpoint_option
@quiet_option
@registry_option
def family_command(
    roots: tuple[str, ...], up: bool, insist: bool, endpoint: str | None, quiet: bool, db: str | None
) -> None:
    """Fetch the family of the ROOTs: what they were made from, and what was made from them.

    A ROOT is a model, or author:NAME for all models of an author. What a large family takes is estimated first: beyond
    some thousand requests `lineage crawl hub` is the shorter way.
    """
    engine = opened(db, create=True)
    _crawl(partial(crawl_family, roots=roots, up=up, insist=insist), engine, endpoint, quiet)


@crawl.command(name="update")
@endpoint_option
@quiet_option
@registry_option
def update_command(endpoint: str | None, quiet: bool, db: str | None) -> None:
    """Fetch what is new and what was changed since the last crawl.

    Reads the Hub's models by creation from where the last `crawl hub`, `reconcile` or `update` ended, then by change
    down to the time when that began. What the Hub changes without a commit (names, gating, privacy, deletion) only
    `lineage crawl reconcile` sees.
    """
    _crawl(update, opened(db), endpoint, quiet)


@crawl.command(name="reconcile")
@endpoint_option
@quiet_option
@registry_option
def reconcile_command(endpoint: str | None, quiet: bool, db: str | None) -> None:
    """Sweep the whole Hub, and find out what became of models that are not there.

    Each model of the registry that the Hub does not list is asked for by its name: it was renamed, is disabled, or is
    gone (deleted or private; the Hub does not tell which). What is gone keeps its facts and edges, and is alive again
    when a later crawl meets it. Where more than a quarter is absent, `lineage crawl resume` has to confirm it.
    """
    _crawl(reconcile, opened(db), endpoint, quiet)


@crawl.command(name="resume")
@endpoint_option
@quiet_option
@registry_option
def resume_command(endpoint: str | None, quiet: bool, db: str | None) -> None:
    """Go on with the crawl that broke off last."""
    _crawl(resume, opened(db), endpoint, quiet)


@crawl.command(name="probe")
@endpoint_option
def probe_command(endpoint: str | None) -> None:
    """Ask the Hub what a first crawl should know, in under 20 requests."""
    with Hub(endpoint) as asked:
        for question, said in probe(asked):
            click.echo(f"{printable(question)}: {printable(said)}")


def _crawl(
    command: Callable[[Engine, Hub, Progress], Crawled], engine: Engine, endpoint: str | None, quiet: bool
) -> None:
    """Crawl, and say what it did unless `quiet`."""
    with Hub(endpoint) as asked, ProgressLine(asked, quiet=quiet) as progress:
        done = command(engine, asked, progress)
    if quiet:
        return
    with reading(engine) as connection:
        held = totals(connection)
    waited = f", waited {done.waited:,.0f} s" if done.waited >= 1 else ""
    unclear = f"\n{number(done.unclear)} models could not be told about" if done.unclear else ""
    reasons = ", ".join(f"{problem}: {number(count)}" for problem, count in sorted(done.in_vain.items()))
    in_vain = f", {number(sum(done.in_vain.values()))} of them in vain ({reasons})" if reasons else ""
    click.echo(f"{number(done.requests)} requests{in_vain}{waited}{unclear}\n{summary(done.saved, held)}")


class ProgressLine:
    """A line that is written over on a terminal, plain lines every five seconds elsewhere; pauses are told at once."""

    def __init__(self, hub: Hub, *, quiet: bool) -> None:
        self._start = self._said = self._pause_end = monotonic()
        self._line = "0 requests"
        self._quiet = quiet
        self._bar = tqdm(bar_format="{desc} [{elapsed}]", disable=quiet or not sys.stderr.isatty())
        hub.on_pause = self.pause

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def __call__(self, done: Crawled, hub: Hub) -> None:
        """Say how far a crawl has come."""
        now = monotonic()
        self._line = progress_line(done, hub, now - self._start)
        if not self._bar.disable or now - self._said >= 5.0:
            self._say()

    def pause(self, seconds: float) -> None:
        """Say that the Hub allows no more requests for so long; what came before is saved meanwhile."""
        self._pause_end = monotonic() + seconds
        self._say()

    def _say(self) -> None:
        self._said = monotonic()
        rest = self._pause_end - self._said
        line = f"{self._line}; waiting {_duration(rest)} for the Hub to allow more" if rest > 0 else self._line
        self._bar.set_description_str(line)
        if self._bar.disable and not self._quiet:
            click.echo(line, err=True)


def progress_line(done: Crawled, hub: Hub, seconds: float) -> str:
    """How far a crawl is after so many seconds: requests, models, models a second, quota, time left where it is known.

    The time left is that of as many requests at the pace so far, or the quota's own where that is longer.
    """
    line = f"{done.requests:,} requests, {done.saved.models:,} models, {done.saved.models / max(seconds, 0.001):,.0f}/s"
    if hub.quota.left is not None:
        line += f", {hub.quota.left:,} of {hub.quota.limit or 0:,} requests left"
    if done.left is not None:
        rest = max(done.left * seconds / max(done.requests, 1), hub.quota.seconds_for(done.left))
        line += f", about {_duration(rest)} to go"
    return line


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{seconds:.0f} s" if seconds < 90 else f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"
