"""The command for cron and CI: watch."""

from pathlib import Path

import click
from sqlalchemy import Engine

import lineage.formats.changes  # noqa: F401 - tells as_table and as_text how news are written
from crawler.crawl import crawl_family, update
from crawler.hub import Hub
from lineage.cli.crawl import ProgressLine
from lineage.cli.options import (
    endpoint_option,
    limit_for,
    limit_option,
    opened,
    output_options,
    policy_option,
    registry_option,
    the_policy,
    write_result,
)
from lineage.selection import Selection
from lineage.watch import news, note_told, told_before
from registry.database import reading
from registry.records import RegistryError
from registry.runs import last_complete
from registry.versions import on_the_hub


@click.command()
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option(
    "-r", "--requirement", "file", type=click.Path(path_type=Path), metavar="FILE",
    help="Follow the models that FILE names, one a line.",
)  # fmt: skip
@click.option(
    "--family", "families", multiple=True, metavar="ROOT", help="Follow all that is made from ROOT; may be repeated."
)
@endpoint_option
@policy_option
@limit_option("changes of each kind, and new models")
@output_options("table", "json", "jsonl")
@registry_option
@click.pass_context
def watch(
    ctx: click.Context, models: tuple[str, ...], file: Path | None, families: tuple[str, ...], endpoint: str | None,
    policy: Path | None, limit: int | None, format_: str, output: Path | None, db: str | None,
) -> None:  # fmt: skip
    """Update, and say what changed in what you follow.

    Fetches what is new and changed on the Hub (`lineage crawl update`), or, where the registry was never crawled
    whole, what is followed alone. Then tells which verdicts turned since you last watched the same, what changed in
    the models, in all they were made from and in the families, and what is new.

    Exit status: 0, 1 if a verdict got worse, or 2 if the update broke off (what it saved is told all the same).
    """
    if not (models or file or families):
        raise click.UsageError("say what to follow: MODELs, -r FILE, or --family ROOT")
    engine, own = opened(db), the_policy(policy)
    selection = Selection(models, file, families)
    before, since = told_before(engine, selection, own)
    failure: RegistryError | None = None
    try:
        _update(engine, selection, endpoint)
    except RegistryError as error:  # what it saved before is told, and once more by the next watch
        failure = error
    found = news(engine, selection, own, before, since, limit_for(limit, format_, 20))
    write_result(found, format_, output)
    if failure is not None:
        raise failure
    note_told(engine, selection)
    ctx.exit(1 if found.worse else 0)


def _update(engine: Engine, selection: Selection, endpoint: str | None) -> None:
    with Hub(endpoint) as hub, ProgressLine(hub, quiet=False) as progress:
        with reading(engine) as connection:
            whole = last_complete(connection, hub.endpoint) is not None
        if whole:
            update(engine, hub, progress)
            return
        with reading(engine) as connection:
            named = on_the_hub(connection, selection.named)
        if named:
            crawl_family(engine, hub, progress, named, up=True, insist=True)
        if selection.families:
            crawl_family(engine, hub, progress, selection.families)
