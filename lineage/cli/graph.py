"""The command that draws the relatives of a model: graph."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lineage.cli.options import (
    depth_option,
    limit_option,
    opened,
    registry_option,
    relation_option,
    write_bytes,
    write_text,
)

if TYPE_CHECKING:
    from lineage.neighbourhood import Neighbourhood

#: Name of each format, which is its file's ending too → the module and function that write it.
_FORMATS = {
    "html": "graph_page:graph_page",
    "svg": "sheets:svg",
    "png": "sheets:png",
    "json": "graphs:node_link",
    "graphml": "graphs:graphml",
    "gexf": "graphs:gexf",
    "dot": "graphs:dot",
    "mmd": "graphs:mermaid",
}


@click.command()
@click.argument("model")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write to FILE.")
@click.option("-f", "--format", "format_", type=click.Choice(list(_FORMATS)), help="Default: what FILE ends with.")
@click.option("--up", is_flag=True, help="Only what MODEL was made from.")
@click.option("--down", is_flag=True, help="Only what was made from MODEL.")
@click.option("--why", metavar="ANCESTOR", help="Only what lies between MODEL and this ancestor.")
@depth_option
@relation_option
@click.option(
    "--min-downloads", type=click.IntRange(0), default=0, metavar="N", help="Descendants with so many downloads."
)
@click.option("--author", "authors", multiple=True, metavar="NAME", help="Descendants of this author; repeatable.")
@limit_option("models", "all")
@registry_option
def graph(
    model: str, output: Path | None, format_: str | None, up: bool, down: bool, why: str | None, depth: int | None,
    relations: tuple[str, ...], min_downloads: int, authors: tuple[str, ...], limit: int | None, db: str | None,
) -> None:  # fmt: skip
    """Draw what MODEL was made from, and what was made from it.

    By the ending of FILE: .html is a page to click and search, which opens offline; .svg and .png are pictures; .json
    (node-link), .graphml, .gexf, .dot and .mmd (Mermaid) hold every model for other programs. What is kept by
    --min-downloads or --author comes with the models that lead to it. Pictures fold what would not read well.
    """
    name = format_ or _ending(output)
    if why and (up or down or depth or relations or min_downloads or authors or limit):
        raise click.UsageError("--why chooses by itself what is drawn: leave out the other choices, or --why")
    from lineage.neighbourhood import Wish, neighbourhood  # noqa: PLC0415 - numpy, which a wrong name need not wait for

    module, _, function = _FORMATS[name].partition(":")
    write: Callable[[Neighbourhood], str | bytes] = getattr(import_module(f"lineage.formats.{module}"), function)
    wish = Wish(up or not down, down or not up, depth, relations, min_downloads, authors, limit or None, why)
    written = write(neighbourhood(opened(db), model, wish))
    if isinstance(written, str):
        write_text(written, output)
    elif output is None:
        click.echo(written, nl=False)
    else:
        write_bytes(written, output)


def _ending(output: Path | None) -> str:
    """The format that a file's name asks for."""
    if output is None:
        raise click.UsageError("say what to write: name a file with -o, or a format with -f")
    ending = output.suffix.lower().removeprefix(".")
    if ending not in _FORMATS:
        raise click.UsageError(f"{output} ends with none of .{', .'.join(_FORMATS)}: name such a file, or a format")
    return ending
