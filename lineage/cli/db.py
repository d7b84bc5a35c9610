"""Commands that look after the registry itself: db info, upgrade, digest, check, copy."""

from pathlib import Path

import click

from lineage.cli.options import opened, output_options, registry_option, write_result
from lineage.formats.text import number
from lineage.overview import overview
from registry.copy import copy as copy_registry
from registry.database import SCHEMA, open_for_upgrade, reading
from registry.database import upgrade as upgrade_schema
from registry.records import RegistryError
from registry.transfer import check as check_registry
from registry.transfer import digest as digest_registry


@click.group()
def db() -> None:
    """Look after the registry itself."""


@db.command()
@output_options("table", "json", "jsonl", "csv", "markdown")
@registry_option
def info(format_: str, output: Path | None, db: str | None) -> None:
    """Show where the registry is, what it holds, and its latest imports."""
    write_result(overview(opened(db)), format_, output)


@db.command()
@registry_option
def upgrade(db: str | None) -> None:
    """Bring the registry's schema to this version's."""
    engine, before = open_for_upgrade(db)
    click.get_current_context().call_on_close(engine.dispose)
    if before > SCHEMA:
        raise RegistryError(f"schema {before} is newer than this version's {SCHEMA}: upgrade finetune-lineage")
    upgrade_schema(engine)
    click.echo(f"schema {before} is the newest" if before == SCHEMA else f"schema {before} is now {SCHEMA}")


@db.command()
@click.option(
    "--part",
    type=click.Choice(["lineage", "all"]),
    default="all",
    show_default=True,
    help="lineage: derivations and names; all: facts and defects too.",
)
@registry_option
def digest(part: str, db: str | None) -> None:
    """Print a checksum of the content.

    The same content gives the same sum, whatever the order it came in, on any database.
    """
    engine = opened(db)
    with reading(engine) as connection:
        content = digest_registry(connection, part)
    click.echo(content)


@db.command()
@registry_option
def check(db: str | None) -> None:
    """Check that the registry is whole."""
    engine = opened(db)
    with reading(engine) as connection:
        problems = check_registry(connection)
    if problems:
        raise RegistryError("; ".join(problems))
    click.echo("the registry is whole")


@db.command()
@click.argument("source", metavar="SRC")
@click.argument("target", metavar="DST")
def copy(source: str, target: str) -> None:
    """Copy the registry SRC to DST, a new file or an empty database.

    Both are a file or a URL, on SQLite or PostgreSQL. What is copied is one moment of SRC, which others may go on
    writing; the digests of the two are equal.
    """
    from lineage.cli.progress import progress_bar  # noqa: PLC0415 - tqdm takes 30 ms that no other of these needs

    with progress_bar("copying") as progress:
        rows = copy_registry(opened(source), target, progress)
    click.echo(f"{number(rows)} rows copied")
