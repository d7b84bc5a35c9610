"""The demo: the embedded snapshot through the real import path, and what can be asked of it."""

import shlex
import shutil
import sys
from importlib.resources import as_file, files
from pathlib import Path

import click

import lineage.formats.audits  # noqa: F401 - tells as_text how an audit is written
from crawler.load import SAMPLE_DATE
from lineage import family
from lineage.audit import Audit, audit
from lineage.cli.load import load, summary
from lineage.cli.options import opened, registry_option, write_result, write_text
from lineage.formats.graph_page import graph_page
from lineage.formats.text import number
from lineage.neighbourhood import neighbourhood
from lineage.selection import Selection
from lineage.statistics import count_family
from registry.database import file_of, reading
from registry.read import last_runs, totals
from registry.records import RegistryError

_SNAPSHOT = "snapshot.jsonl.gz"
_ROOT = "Qwen/Qwen3-1.7B"
#: One claim that passes, one that does not, one that cannot be known.
_CLAIMS = (
    "sentence-transformers/all-MiniLM-L6-v2",
    "exeterminal/Exe-Guard-Dynamic-GGUF",
    "hexgrad/Kokoro-82M",
)
_COMMONEST = 5
_PAGE = "lineage-demo.html"
_MODEL = "reaperdoesntknow/Dualmind-Qwen-1.7B-Thinking"


@click.command()
@registry_option
def demo(db: str | None) -> None:
    """Load the embedded snapshot and show what can be asked."""
    engine = opened(db, create=True)
    place = engine.url.database if engine.dialect.name == "sqlite" else engine.url.render_as_string(hide_password=True)
    with reading(engine) as connection:
        if any(run.source != _SNAPSHOT for run in last_runs(connection)):
            raise RegistryError(f"{place} holds data of your own: name a new file for the sample with --db")
    click.echo(f"Loading the embedded snapshot of the Hub (August 2026) into {place}")
    with as_file(files("crawler") / "data" / _SNAPSHOT) as snapshot:
        saved = load(engine, [snapshot], SAMPLE_DATE, quiet=False)
    with reading(engine) as connection:
        click.echo(summary(saved, totals(connection)))
    click.echo(f"\nWhat was made from {_ROOT}?\n")
    write_result(family.descendants(engine, _ROOT, limit=12), "tree", None)
    click.echo("\nWhat was one of them made from?\n")
    write_result(family.ancestors(engine, _MODEL), "tree", None)
    click.echo("\nHow large is the family? It depends on what one counts:\n")
    write_result(count_family(engine, _ROOT), "table", None)
    click.echo("\nWhich licence terms came along? A claim that passes, one that does not, one that cannot be known:\n")
    write_result(audit(engine, Selection(_CLAIMS)), "table", None)
    click.echo(f"\n{_judged(audit(engine, Selection(), limit=_COMMONEST))}")
    page = (file_of(engine.url) or Path(_PAGE)).with_name(_PAGE)
    write_text(graph_page(neighbourhood(engine, _ROOT)), page)
    click.echo(f"\nThe family as a page; open it in a browser:\n\n  {page.absolute()}")
    command = _called_as()
    where = f" --db {shlex.quote(str(place))}" if db else ""
    click.echo(
        f"\nTry next:\n"
        f"  {command} show {_MODEL}{where}\n"
        f"  {command} why {_MODEL} {_ROOT}-Base{where}\n"
        f"  {command} license {_CLAIMS[1]}{where}\n"
        f"  {command} audit --family Qwen/Qwen2.5-3B-Instruct{where}\n"
        f"  {command} stats author:Qwen{where}\n"
        f"  {command} map author:Qwen -o qwen.html{where}"
    )


def _judged(found: Audit) -> str:
    """How many claims of Apache-2.0 can be judged at all, and whose terms would have to be known for the others."""
    counts = found.summary
    unknown = counts.verdicts["review"].get("unknown", 0)
    lines = [
        f"Of {number(counts.audited)} claims of Apache-2.0 in the snapshot {number(counts.audited - unknown)} can be "
        f"judged: {number(counts.classes['pass'])} pass, {number(counts.classes['violation'])} are violations, "
        f"{number(counts.classes['review'] - unknown)} are for review.",
        f"The other {number(unknown)} have an ancestor whose terms nobody can tell from the snapshot, most often:",
    ]
    offenders = sorted(counts.offenders, key=lambda offender: -offender.models)
    return "\n".join([*lines, *(f"  {o.model}, above {number(o.models)} of them" for o in offenders)])


def _called_as() -> str:
    """How the reader can call this command again: by its name if that finds it, else by the path used."""
    used = Path(sys.argv[0])
    found = shutil.which("lineage")
    if found and Path(found).resolve() == used.resolve():
        return "lineage"
    return str(used) if used.name == "lineage" else "lineage"
