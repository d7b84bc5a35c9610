"""Commands about a family: ancestors, descendants, why, common."""

from pathlib import Path

import click

from lineage import family
from lineage.cli.options import (
    depth_option,
    limit_option,
    no_limit,
    open_db,
    output_options,
    registry_option,
    relation_option,
    write_result,
)

_TREE = output_options("tree", "table", "json", "jsonl", "csv", "markdown")
#: A tree is read on a screen; data formats are whole unless a limit is given.
_TREE_LIMIT = 100


@click.command()
@click.argument("model")
@depth_option
@relation_option
@limit_option(None, f"ancestors (a tree shows {_TREE_LIMIT}; 0 shows all)")
@_TREE
@registry_option
def ancestors(
    model: str, depth: int | None, relations: tuple[str, ...], limit: int | None, format_: str, output: Path | None,
    db: str | None,
) -> None:  # fmt: skip
    """Show what MODEL was made from."""
    found = family.ancestors(open_db(db), model, depth=depth, relations=relations, limit=_limit(limit, format_))
    write_result(found, format_, output)


@click.command()
@click.argument("roots", nargs=-1, required=True, metavar="ROOT...")
@depth_option
@relation_option
@limit_option(None, f"descendants (a tree shows {_TREE_LIMIT}; 0 shows all)")
@_TREE
@registry_option
def descendants(
    roots: tuple[str, ...], depth: int | None, relations: tuple[str, ...], limit: int | None, format_: str,
    output: Path | None, db: str | None,
) -> None:  # fmt: skip
    """Show what was made from the ROOTs.

    A ROOT is a model, or author:NAME for all models of an author; a model below several of them is shown once.
    """
    found = family.descendants(open_db(db), *roots, depth=depth, relations=relations, limit=_limit(limit, format_))
    write_result(found, format_, output)


@click.command()
@click.argument("model")
@click.argument("ancestor")
@limit_option(10, "paths, the shortest first")
@_TREE
@registry_option
def why(model: str, ancestor: str, limit: int, format_: str, output: Path | None, db: str | None) -> None:
    """Show the paths by which ANCESTOR reached MODEL."""
    write_result(family.paths(open_db(db), model, ancestor, limit=no_limit(limit)), format_, output)


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@output_options("table", "json", "jsonl", "csv", "markdown")
@registry_option
def common(models: tuple[str, ...], format_: str, output: Path | None, db: str | None) -> None:
    """Show the ancestors that all MODELs share.

    The nearest come first: those with no other common ancestor between. A model counts as its own ancestor here.
    """
    write_result(family.common_ancestors(open_db(db), *models), format_, output)


def _limit(limit: int | None, format_: str) -> int | None:
    return no_limit(_TREE_LIMIT if limit is None and format_ == "tree" else limit)
