"""Commands about a family: ancestors, descendants, why, common."""

from pathlib import Path

import click

from lineage import family
from lineage.cli.options import (
    as_of_option,
    depth_option,
    limit_for,
    limit_option,
    opened,
    opened_as_of,
    output_options,
    registry_option,
    relation_option,
    write_result,
)

_TREE = output_options("tree", "table", "json", "jsonl", "csv", "markdown")
_READABLE = 100
#: In every format: the number of paths can be astronomical.
_PATHS = 10


@click.command()
@click.argument("model")
@depth_option
@relation_option
@limit_option("ancestors")
@as_of_option
@_TREE
@registry_option
def ancestors(
    model: str, depth: int | None, relations: tuple[str, ...], limit: int | None, day: str | None, format_: str,
    output: Path | None, db: str | None,
) -> None:  # fmt: skip
    """Show what MODEL was made from."""
    found = family.ancestors(
        opened_as_of(db, day, [model]),
        model,
        depth=depth,
        relations=relations,
        limit=limit_for(limit, format_, _READABLE),
    )
    write_result(found, format_, output)


@click.command()
@click.argument("roots", nargs=-1, required=True, metavar="ROOT...")
@depth_option
@relation_option
@limit_option("descendants")
@as_of_option
@_TREE
@registry_option
def descendants(
    roots: tuple[str, ...], depth: int | None, relations: tuple[str, ...], limit: int | None, day: str | None,
    format_: str, output: Path | None, db: str | None,
) -> None:  # fmt: skip
    """Show what was made from the ROOTs.

    A ROOT is a model, or author:NAME for all models of an author; a model below several of them is shown once.
    """
    found = family.descendants(
        opened_as_of(db, day, (), roots),
        *roots,
        depth=depth,
        relations=relations,
        limit=limit_for(limit, format_, _READABLE),
    )
    write_result(found, format_, output)


@click.command()
@click.argument("model")
@click.argument("ancestor")
@limit_option("paths, the shortest first", "10")
@_TREE
@registry_option
def why(model: str, ancestor: str, limit: int | None, format_: str, output: Path | None, db: str | None) -> None:
    """Show the paths by which ANCESTOR reached MODEL."""
    write_result(family.paths(opened(db), model, ancestor, limit=limit_for(limit, "tree", _PATHS)), format_, output)


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@output_options("table", "json", "jsonl", "csv", "markdown")
@registry_option
def common(models: tuple[str, ...], format_: str, output: Path | None, db: str | None) -> None:
    """Show the ancestors that all MODELs share.

    The nearest come first: those with no other common ancestor between. A model counts as its own ancestor here.
    """
    write_result(family.common_ancestors(opened(db), *models), format_, output)
