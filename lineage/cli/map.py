"""The command that draws a whole family: map."""

from pathlib import Path

import click

from lineage.cli.options import opened, registry_option, write_bytes, write_text


@click.command(name="map")
@click.argument("roots", nargs=-1, required=True, metavar="ROOT...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    help="What to write: .html is a page to zoom and search, .png a poster.",
)
@registry_option
def map_command(roots: tuple[str, ...], output: Path, db: str | None) -> None:
    """Draw the whole family of the ROOTs as a map.

    A ROOT is a model, or author:NAME for all models of an author. Each model is a dot; each branch is a disc, and what
    nothing was made from lies as a cloud around its parent. The page opens offline, with hundreds of thousands of
    models.
    """
    if output.suffix.lower() not in {".html", ".png"}:
        raise click.UsageError(f"{output} is neither .html nor .png: name one of them with -o")
    from lineage.map import family_map  # noqa: PLC0415 - numpy, which a wrong file name need not wait for

    if output.suffix.lower() == ".png":
        from lineage.formats.poster import poster  # noqa: PLC0415 - Pillow is an extra
        from lineage.formats.sheets import pillow  # noqa: PLC0415 - with the poster

        pillow("html")
        write_bytes(poster(family_map(opened(db), *roots)), output)
        return
    from lineage.formats.map_page import map_page  # noqa: PLC0415 - numpy

    write_text(map_page(family_map(opened(db), *roots)), output)
