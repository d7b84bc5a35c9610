"""The command for what goes along with a model: notice."""

from functools import partial
from pathlib import Path

import click

from lineage.cli.audit import files_of
from lineage.cli.options import endpoint_option, opened, output_options, registry_option, write_text
from lineage.formats.documents import document
from lineage.formats.notices import markdown
from lineage.notice import notice


@click.command(name="notice")
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option("--fetch", is_flag=True, help="Put the licence and notice files in, read from the Hub or the cache.")
@endpoint_option
@output_options("markdown", "json")
@registry_option
def notice_command(
    models: tuple[str, ...], fetch: bool, endpoint: str | None, format_: str, output: Path | None, db: str | None
) -> None:
    """Write the attribution for MODELs and all they were made from.

    Each ancestor with its licence and how it was modified, then each licence with its text by link, the line that it
    prescribes, and what it says of notices and names: `-o NOTICE.md`. What is not known is said.
    """
    found = notice(opened(db), models, partial(files_of, endpoint) if fetch else None)
    write_text(markdown(found) if format_ == "markdown" else document(found), output)
