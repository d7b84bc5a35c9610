"""The command that takes data out: export."""

from pathlib import Path

import click

from lineage.cli.options import opened, registry_option
from lineage.cli.progress import progress_bar
from lineage.export import export
from lineage.formats.text import number, printable


@click.command(name="export")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@registry_option
def export_command(folder: Path, db: str | None) -> None:
    """Export the registry with all verdicts to DIR, as Parquet tables.

    DuckDB, polars and Spark read them as they are; DIR/README.md says what the columns mean. `lineage import DIR` reads
    an export into a new registry, with the same digest.
    """
    with progress_bar("exporting") as progress:
        counts = export(opened(db), folder, progress)
    held = ", ".join(f"{number(rows)} {name}" for name, rows in counts.items())
    click.echo(f"{printable(str(folder))} holds {held}")
