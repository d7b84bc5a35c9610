"""The command about licences of one model, and about the catalogue: license."""

from contextlib import suppress
from pathlib import Path

import click
from sqlalchemy import Engine

from lineage import questions
from lineage.cli.options import endpoint_option, output_options, registry_option, write_result
from lineage.formats.text import number
from lineage.inheritance import inheritance
from lineage.licenses.explain import all_licenses, explain
from registry.database import open_registry, reading
from registry.names import UnknownModel, find_model

_STATUS = {questions.YES: 0, questions.NO: 1, questions.DEPENDS: 3, questions.UNKNOWABLE: 3}


@click.command(name="license")
@click.argument("model", required=False)
@click.option("--may-i", "label", metavar="LICENSE", help="May MODEL carry this label?")
@click.option("--for", "purpose", type=click.Choice(list(questions.PURPOSES)), help="May MODEL be used for this?")
@click.option("--suggest", is_flag=True, help="What labels may MODEL carry, most permissive first?")
@click.option("--explain", "name", metavar="LICENSE", help="What does this licence say?")
@click.option("--list", "listed", is_flag=True, help="List all licences that are known.")
@click.option("--fetch", is_flag=True, help="First fetch MODEL and all it was made from from the Hub.")
@endpoint_option
@output_options("table", "json", "jsonl", "csv", "markdown")
@registry_option
@click.pass_context
def license_command(
    ctx: click.Context, model: str | None, label: str | None, purpose: str | None, suggest: bool, name: str | None,
    listed: bool, fetch: bool, endpoint: str | None, format_: str, output: Path | None, db: str | None,
) -> None:  # fmt: skip
    """Show which licences reached MODEL, and judge its label.

    Every finding names the ancestor, the path, and the clause with its source.

    Exit status: 0, and for --may-i and --for 0 yes, 1 no, 3 depends or cannot be known.
    """
    asked = [option for option in (label, purpose, name) if option is not None]
    if len(asked) + suggest + listed > 1 or (model is not None and (listed or name is not None)):
        raise click.UsageError("one question at a time: MODEL alone or with one option, --list, or --explain LICENSE")
    if listed or name is not None:
        write_result(explain(name) if name is not None else all_licenses(), format_, output)
        return
    if model is None:
        raise click.UsageError("name a MODEL, or --list, or --explain LICENSE")
    engine = open_registry(db, create=fetch)
    if fetch:
        _fetch(engine, model, endpoint)
    if label is not None or purpose is not None:
        use = purpose or ""
        answer = questions.may_use(engine, model, use) if label is None else questions.may_i(engine, model, label)
        write_result(answer, format_, output)
        ctx.exit(_STATUS[answer.answer])
    write_result(questions.suggest(engine, model) if suggest else inheritance(engine, model), format_, output)


def _fetch(engine: Engine, model: str, endpoint: str | None) -> None:
    """Fetch a model and all its ancestors."""
    from crawler.crawl import crawl_family  # noqa: PLC0415 - a question of the registry alone takes no HTTP client
    from crawler.hub import Hub  # noqa: PLC0415

    with suppress(UnknownModel), reading(engine) as connection:
        model = find_model(connection, model).repo_id
    with Hub(endpoint) as hub:
        done = crawl_family(engine, hub, lambda done, hub: None, [model], up=True, insist=True)
    click.echo(f"fetched {number(done.saved.models)} models in {number(done.requests)} requests", err=True)
