"""Commands about time: history, diff."""

from pathlib import Path

import click

import lineage.formats.changes  # noqa: F401 - tells as_table and as_text how changes are written
from lineage.changes import changes, history
from lineage.cli.options import (
    day_of,
    limit_for,
    limit_option,
    opened,
    output_options,
    registry_option,
    write_result,
)
from lineage.compare import compare

_FORMATS = output_options("table", "json", "jsonl", "csv", "markdown")


@click.command(name="history")
@click.argument("model")
@_FORMATS
@registry_option
def history_command(model: str, format_: str, output: Path | None, db: str | None) -> None:
    """Show what is known to have changed in MODEL, and when.

    Its licence, base models, name and gating, and whether it was there at all: with the day it was last seen so, and
    the day on which it was first seen otherwise.
    """
    write_result(history(opened(db), model), format_, output)


@click.command()
@click.argument("registries", nargs=-1, metavar="[OLD NEW]")
@click.option("--since", metavar="DATE", callback=day_of, help="What changed after that day (ISO 8601).")
@click.option(
    "--family", "families", multiple=True, metavar="ROOT", help="Only in what was ever made from ROOT; may be repeated."
)
@limit_option("changes of each kind, and new models")
@_FORMATS
@registry_option
def diff(
    registries: tuple[str, ...], since: str | None, families: tuple[str, ...], limit: int | None, format_: str,
    output: Path | None, db: str | None,
) -> None:  # fmt: skip
    """Show what changed since a day, or between two registries.

    New models by the week in which they were made; models that are gone or returned; changed licences, base models,
    names and gating. OLD and NEW are registries (files or URLs).
    """
    if (since is None) == (not registries) or len(registries) not in {0, 2} or (registries and (families or db)):
        raise click.UsageError("say --since DATE (and --family ROOT if you like), or name two registries: OLD NEW")
    most = limit_for(limit, format_, 20)
    if since is not None:
        write_result(changes(opened(db), since, families=families, limit=most), format_, output)
    else:
        write_result(compare(opened(registries[0]), opened(registries[1]), limit=most), format_, output)
