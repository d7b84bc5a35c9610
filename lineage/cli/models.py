"""Commands about single models: show, search, defects."""

from pathlib import Path

import click

from lineage import lists
from lineage.cli.options import limit_for, limit_option, opened, output_options, registry_option, write_result
from lineage.describe import describe
from registry.records import DEFECT_KINDS

_LIST = output_options("table", "json", "jsonl", "csv", "markdown")


@click.command()
@click.argument("model")
@_LIST
@registry_option
def show(model: str, format_: str, output: Path | None, db: str | None) -> None:
    """Show everything that is known of MODEL."""
    write_result(describe(opened(db), model), format_, output)


@click.command()
@click.argument("text", default="")
@click.option("--author", metavar="NAME", help="Only this author's models.")
@click.option("--license", metavar="LABEL", help="Only models that declare this license or license_name.")
@click.option("--pipeline", metavar="TAG", help="Only models of this pipeline tag, such as text-generation.")
@click.option("--descends-from", metavar="ROOT", multiple=True, help="Only models made from ROOT; may be repeated.")
@limit_option("models, most downloaded first")
@_LIST
@registry_option
def search(
    text: str, author: str | None, license: str | None, pipeline: str | None, descends_from: tuple[str, ...],
    limit: int | None, format_: str, output: Path | None, db: str | None,
) -> None:  # fmt: skip
    """Find models whose id holds TEXT."""
    found = lists.search(
        opened(db),
        text,
        author=author,
        license=license,
        pipeline=pipeline,
        descends_from=descends_from,
        limit=limit_for(limit, format_, 20),
    )
    write_result(found, format_, output)


@click.command()
@click.option(
    "--kind",
    "kinds",
    type=click.Choice(list(DEFECT_KINDS)),
    metavar="KIND",
    multiple=True,
    help=f"Only defects of this kind; may be repeated. {', '.join(DEFECT_KINDS)}.",
)
@click.option("--model", metavar="MODEL", help="Only this model's defects.")
@limit_option("defects")
@_LIST
@registry_option
def defects(
    kinds: tuple[str, ...], model: str | None, limit: int | None, format_: str, output: Path | None, db: str | None
) -> None:
    """List metadata that was refused or repaired."""
    found = lists.defects(opened(db), kinds=kinds, model=model, limit=limit_for(limit, format_, 50))
    write_result(found, format_, output)
