"""The command that writes what a reviewer needs: dossier."""

from functools import partial
from pathlib import Path

import click

from lineage.cli.audit import files_of
from lineage.cli.options import endpoint_option, opened, policy_option, registry_option, the_policy, write_text
from lineage.dossier import dossier
from lineage.formats.dossier_page import dossier_page


@click.command(name="dossier")
@click.argument("model")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write to this file."
)
@click.option("--evidence", is_flag=True, help="Read licence, notice and readme files of the Hub, and grade the claim.")
@endpoint_option
@policy_option
@registry_option
def dossier_command(
    model: str, output: Path | None, evidence: bool, endpoint: str | None, policy: Path | None, db: str | None
) -> None:
    """Write a page about MODEL for who decides on its licence.

    One HTML file that opens offline and prints: what it was made from and what each edge rests on, the verdict with
    paths, clauses and links, what the licences ask for, what it may be used for, and a place for the decision.
    """
    read = partial(files_of, endpoint) if evidence else None
    write_text(dossier_page(dossier(opened(db), model, the_policy(policy), read)), output)
