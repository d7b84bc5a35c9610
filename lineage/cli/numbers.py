"""Commands about numbers: stats and count."""

from pathlib import Path

import click

from lineage import statistics
from lineage.cli.options import limit_for, limit_option, opened, output_options, registry_option, write_result
from lineage.formats.documents import Result

_NUMBERS = output_options("table", "json", "jsonl", "csv", "markdown")


@click.command()
@click.argument("roots", nargs=-1, metavar="[ROOT]...")
@click.option("--licenses", is_flag=True, help="How labels of derivatives differ from their parents', by relation.")
@limit_option("rows a section")
@_NUMBERS
@registry_option
def stats(
    roots: tuple[str, ...], licenses: bool, limit: int | None, format_: str, output: Path | None, db: str | None
) -> None:
    """Numbers about a family, or about the whole registry.

    By relation, depth, licence, author, month, and largest branches. A ROOT is a model, or author:NAME.
    """
    engine = opened(db)
    result: Result
    if licenses:
        import lineage.formats.licenses  # noqa: F401, PLC0415 - how drift is written; other numbers need no licences
        from lineage.drift import drift  # noqa: PLC0415

        result = drift(engine, *roots)
    elif roots:
        result = statistics.family_statistics(engine, *roots, limit=limit_for(limit, format_, 10))
    else:
        result = statistics.registry_statistics(engine, limit=limit_for(limit, format_, 10))
    write_result(result, format_, output)


@click.command()
@click.argument("roots", nargs=-1, required=True, metavar="ROOT...")
@_NUMBERS
@registry_option
def count(roots: tuple[str, ...], format_: str, output: Path | None, db: str | None) -> None:
    """Count a family, with the definition of each number.

    A ROOT is a model, or author:NAME; the union of all is counted once.
    """
    write_result(statistics.count_family(opened(db), *roots), format_, output)
