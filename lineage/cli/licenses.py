"""The command about licences of one model, and about the catalogue: license."""

from contextlib import suppress
from pathlib import Path

import click
from sqlalchemy import Engine

import lineage.formats.licenses  # noqa: F401 - tells as_table and as_text how answers about licences are written
from lineage import questions
from lineage.cli.options import (
    as_of_option,
    endpoint_option,
    opened,
    opened_as_of,
    output_options,
    policy_option,
    registry_option,
    the_policy,
    write_result,
)
from lineage.formats.documents import Result
from lineage.formats.text import number
from lineage.inheritance import inheritance
from lineage.licenses.catalogue import own_facts
from lineage.licenses.explain import all_licenses, explain
from lineage.questions import Answer
from registry.database import reading
from registry.names import UnknownModel, find_model
from registry.versions import on_the_hub

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
@as_of_option
@policy_option
@output_options("table", "json", "jsonl", "csv", "markdown")
@registry_option
@click.pass_context
def license_command(
    ctx: click.Context, model: str | None, label: str | None, purpose: str | None, suggest: bool, name: str | None,
    listed: bool, fetch: bool, endpoint: str | None, day: str | None, policy: Path | None, format_: str,
    output: Path | None, db: str | None,
) -> None:  # fmt: skip
    """Show which licences reached MODEL, and judge its label.

    Every finding names the ancestor, the path, and the clause with its source.

    Exit status: 0, and for --may-i and --for 0 yes, 1 no, 3 depends or cannot be known.
    """
    asked = [option for option in (label, purpose, name) if option is not None]
    if len(asked) + suggest + listed > 1 or (model is not None and (listed or name is not None)):
        raise click.UsageError("one question at a time: MODEL alone or with one option, --list, or --explain LICENSE")
    with own_facts(the_policy(policy).own):
        if listed or name is not None:
            result: Result = explain(name) if name is not None else all_licenses()
        elif model is None:
            raise click.UsageError("name a MODEL, or --list, or --explain LICENSE")
        else:
            if fetch:
                _fetch(opened(db, create=True), model, endpoint)
            engine = opened_as_of(db, day, [model])
            result = _answer(engine, model, label, purpose, suggest=suggest)
        write_result(result, format_, output)
    if isinstance(result, Answer):
        ctx.exit(_STATUS[result.answer])


def _answer(engine: Engine, model: str, label: str | None, purpose: str | None, *, suggest: bool) -> Result:
    if label is not None:
        return questions.may_i(engine, model, label)
    if purpose is not None:
        return questions.may_use(engine, model, purpose)
    return questions.suggest(engine, model) if suggest else inheritance(engine, model)


def _fetch(engine: Engine, model: str, endpoint: str | None) -> None:
    """Fetch a model and all its ancestors."""
    from crawler.crawl import crawl_family  # noqa: PLC0415 - a question of the registry alone takes no HTTP client
    from crawler.hub import Hub  # noqa: PLC0415

    with reading(engine) as connection:
        with suppress(UnknownModel):
            model = find_model(connection, model).repo_id
        asked = on_the_hub(connection, [model])
    if not asked:
        return  # a registered model of which no parent is known
    with Hub(endpoint) as hub:
        done = crawl_family(engine, hub, lambda done, hub: None, asked, up=True, insist=True)
    click.echo(f"fetched {number(done.saved.models)} models in {number(done.requests)} requests", err=True)
