"""The command that writes a bill of materials: bom."""

from importlib import import_module
from pathlib import Path

import click

from lineage.bom import Bom, bom
from lineage.cli.options import opened, output_options, policy_option, registry_option, the_policy, write_text
from lineage.formats.text import number
from lineage.licenses.catalogue import own_facts
from registry.records import RegistryError


@click.command(name="bom")
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@policy_option
@output_options("cyclonedx", "spdx")
@registry_option
def bom_command(
    models: tuple[str, ...], policy: Path | None, format_: str, output: Path | None, db: str | None
) -> None:
    """Write a bill of materials of MODELs and their ancestors.

    As CycloneDX 1.6 (ML-BOM) or SPDX 3.0.1 (AI profile), both JSON, with the licences that each model declares, those
    that are concluded for the MODELs, and what each edge rests on. Licences are concluded only where it is certain
    which apply; else the document says why not. The date is SOURCE_DATE_EPOCH, else that of the data: one registry
    always gives the same file.
    """
    with own_facts(the_policy(policy).own):
        found = bom(opened(db), models)
        write_text(_written(found, format_), output)


def _written(found: Bom, format_: str) -> str:
    try:
        module = import_module(f"lineage.formats.{format_}")
    except ImportError as error:
        raise RegistryError(
            f"a bill of materials needs two libraries ({error.name} is missing): pip install 'finetune-lineage[bom]'"
        ) from error
    text: str = getattr(module, format_)(found)
    if count := module.left_out(found):
        click.echo(f"{number(count)} ancestors are left out: {module.HOLDS}", err=True)
    return text
