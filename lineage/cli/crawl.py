"""Commands that crawl the Hub: crawl hub, resume, probe."""

import sys
from time import monotonic

import click
from sqlalchemy import Engine
from tqdm import tqdm

from crawler.crawl import Crawled, Progress, crawl_hub, resume
from crawler.hub import Hub
from crawler.probe import probe
from lineage.cli.load import summary
from lineage.cli.options import registry_option
from lineage.formats.text import number, printable
from registry.database import open_registry, reading
from registry.read import totals

endpoint_option = click.option(
    "--endpoint", metavar="URL", help="A mirror of the Hub. Default: HF_ENDPOINT, else the Hub itself."
)
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
    engine = open_registry(db, create=True)
    _tell(engine, crawl_hub(engine, Hub(endpoint), _progress(quiet)), quiet)


@crawl.command(name="resume")
@endpoint_option
@quiet_option
@registry_option
def resume_command(endpoint: str | None, quiet: bool, db: str | None) -> None:
    """Go on with the crawl that broke off last."""
    engine = open_registry(db)
    _tell(engine, resume(engine, Hub(endpoint), _progress(quiet)), quiet)


@crawl.command(name="probe")
@endpoint_option
def probe_command(endpoint: str | None) -> None:
    """Ask the Hub what a first crawl should know, in under 20 requests."""
    for question, said in probe(Hub(endpoint)):
        click.echo(f"{printable(question)}: {printable(said)}")


def _tell(engine: Engine, done: Crawled, quiet: bool) -> None:
    if not quiet:
        with reading(engine) as connection:
            held = totals(connection)
        waited = f", waited {done.waited:,.0f} s for quota" if done.waited else ""
        click.echo(f"{number(done.pages)} pages, {number(done.requests)} requests{waited}\n{summary(done.saved, held)}")


def _progress(quiet: bool) -> Progress:
    """A line that is written over on a terminal, plain lines elsewhere, nothing if quiet."""
    if quiet:
        return lambda done, hub: None
    start = said = monotonic()
    bar = tqdm(bar_format="{desc} [{elapsed}]") if sys.stderr.isatty() else None

    def show(done: Crawled, hub: Hub) -> None:
        nonlocal said
        now = monotonic()
        rate = done.saved.models / (now - start)
        quota = "" if hub.quota.left is None else f", {hub.quota.left:,} requests left"
        line = f"{done.pages:,} pages, {done.saved.models:,} models, {rate:,.0f}/s{quota}"
        if bar is not None:
            bar.set_description_str(line)
        elif now - said >= 5.0:
            said = now
            click.echo(line, err=True)

    return show
