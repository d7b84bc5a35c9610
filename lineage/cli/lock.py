"""The command for what somebody ships: lock."""

from pathlib import Path

import click
from click.core import ParameterSource

import lineage.formats.locks  # noqa: F401 - tells as_table how a lock is written
from lineage.cli.options import opened, output_options, registry_option, write_result, write_text
from lineage.formats.documents import document
from lineage.lock import LOCK_FILE, lock, read_lock, verify


@click.command(name="lock")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option(
    "--verify", "file", is_flag=False, flag_value=LOCK_FILE, type=click.Path(path_type=Path), metavar="[FILE]",
    help="Say what has moved since FILE was written (lineage.lock unless named).",
)  # fmt: skip
@output_options("table", "json", "jsonl", "csv", "markdown")
@registry_option
@click.pass_context
def lock_command(
    ctx: click.Context, models: tuple[str, ...], file: Path | None, format_: str, output: Path | None, db: str | None
) -> None:
    """Write down what MODELs and all they were made from are now.

    Ids, commits, labels, verdicts and base models, as JSON to keep beside your code: `-o lineage.lock`. Later,
    `lineage lock --verify` says what has moved; -f is for that.

    Exit status of --verify: 0 nothing moved, 1 something did, 2 an error.
    """
    if bool(models) == (file is not None):
        raise click.UsageError("name the MODELs to lock, or --verify a lock")
    engine = opened(db)
    if file is None:
        if ctx.get_parameter_source("format_") is not ParameterSource.DEFAULT and format_ != "json":
            raise click.UsageError("a lock is JSON: -f is for --verify")
        write_text(document(lock(engine, models)), output)
        return
    found = verify(engine, read_lock(file))
    write_result(found, format_, output)
    ctx.exit(1 if found.moves else 0)
