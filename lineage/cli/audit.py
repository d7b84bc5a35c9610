"""The commands that judge many models: audit, and policy init."""

import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import click

import lineage.formats.audits  # noqa: F401 - tells as_table and as_text how an audit is written
from lineage.audit import Audit, audit, exit_status
from lineage.cli.options import (
    FORMATS,
    as_of_option,
    limit_for,
    limit_option,
    opened_as_of,
    output_options,
    policy_option,
    registry_option,
    the_policy,
    write_text,
)
from lineage.evidence import Files, FileText
from lineage.formats.audit_page import audit_page
from lineage.formats.junit import junit
from lineage.formats.sarif import sarif
from lineage.formats.text import number
from lineage.listing import LONGEST_LIST, STDIN
from lineage.policy import INITIAL, POLICY_FILE
from lineage.selection import Selection
from registry.records import RegistryError

_READABLE = 20


@click.command(name="audit")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option(
    "-r",
    "--requirement",
    "file",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Audit the models that FILE names, one a line; - is standard input, as for a list of `lineage scan`.",
)
@click.option(
    "--family",
    "families",
    multiple=True,
    metavar="ROOT",
    help="Audit ROOT and all that was made from it; may be repeated.",
)
@click.option(
    "--author", "authors", multiple=True, metavar="NAME", help="Audit the models of an author; may be repeated."
)
@click.option("--all", "everything", is_flag=True, help="Audit the whole registry.")
@click.option(
    "--claim",
    default="apache-2.0",
    show_default=True,
    metavar="LICENSE|any",
    help="Audit the models that claim this licence; any: whatever they claim, or nothing.",
)
@click.option(
    "--evidence", is_flag=True, help="Read licence, notice and readme files from the Hub, and grade each claim by them."
)
@click.option("--strict", is_flag=True, help="What is for review fails too (exit status 3).")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 whatever is found.")
@as_of_option
@policy_option
@limit_option("models, offenders and branches")
@output_options("table", "json", "jsonl", "csv", "markdown", "html", "sarif", "junit")
@click.option(
    "--endpoint", metavar="URL", help="A mirror of the Hub, for --evidence. Default: HF_ENDPOINT, else the Hub itself."
)
@registry_option
@click.pass_context
def audit_command(
    ctx: click.Context, models: tuple[str, ...], file: Path | None, families: tuple[str, ...],
    authors: tuple[str, ...], everything: bool, claim: str, evidence: bool, strict: bool, exit_zero: bool,
    day: str | None, policy: Path | None, limit: int | None, format_: str, output: Path | None,
    endpoint: str | None, db: str | None,
) -> None:  # fmt: skip
    """Audit licence claims against all that models were made from.

    Names the models that claim LICENSE though something above them speaks against it, by which path, and where it
    begins: which few models, once mended, clear the most. A policy (lineage.toml) says what else is allowed, what is
    waived, and what is known besides. A model that code names (`lineage scan`) and the registry does not know is for
    review.

    Exit status: 0 nothing found, 1 a violation, 2 an error, 3 with --strict if something is for review or cannot be
    known.
    """
    named = bool(models or file or families or authors)
    if named == everything:
        raise click.UsageError("name MODELs, -r FILE, --family ROOT or --author NAME; or ask for --all")
    own = the_policy(policy)
    content = sys.stdin.buffer.read(LONGEST_LIST + 1) if file == STDIN else None
    selection = Selection(models, file, families, authors, content)
    scanned = set(selection.scanned)
    about = None if everything or day is None else [name for name in selection.named if name not in scanned]
    found = audit(
        opened_as_of(db, day, about, families, sorted(scanned)), selection, claim=claim, policy=own,
        read=partial(files_of, endpoint) if evidence else None, limit=limit_for(limit, format_, _READABLE),
    )  # fmt: skip
    write_text(_written(found, format_, str(file) if file and file != STDIN else None, strict=strict), output)
    ctx.exit(0 if exit_zero else exit_status(found, strict=strict))


def _written(found: Audit, format_: str, file: str | None, *, strict: bool) -> str:
    special: dict[str, Callable[[], str]] = {
        "html": lambda: audit_page(found),
        "sarif": lambda: sarif(found, file or found.summary.policy),
        "junit": lambda: junit(found, file, strict=strict),
    }
    return special[format_]() if format_ in special else FORMATS[format_](found)


def files_of(endpoint: str | None, models: Iterable[str]) -> dict[str, Files]:
    """The files of these models, from the cache or the Hub."""
    from crawler.evidence import cache_folder, read_files  # noqa: PLC0415 - most audits read no files
    from crawler.hub import Hub  # noqa: PLC0415

    with Hub(endpoint) as hub:
        hub.on_pause = lambda seconds: click.echo(f"waiting {seconds:,.0f} s for the Hub to allow more", err=True)
        read = read_files(hub, models, cache_folder())
        click.echo(f"read the files of {number(len(read))} models in {number(hub.requests)} requests", err=True)
    return {
        model: Files(tuple(FileText(f.path, f.text, f.sha256) for f in repo.files), repo.problem)
        for model, repo in read.items()
    }


@click.group()
def policy() -> None:
    """Say what you allow, waive and know besides: lineage.toml."""


@policy.command()
@click.argument("file", type=click.Path(path_type=Path), default=POLICY_FILE, required=False)
def init(file: Path) -> None:
    """Write a policy to begin with, every part explained; it changes nothing until you edit it.

    FILE is lineage.toml unless named; one that is there is left alone.
    """
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(INITIAL)
    except FileExistsError as error:
        raise RegistryError(f"{file} is there already: edit it, or name another file") from error
    click.echo(f"wrote {file}: edit it, then run `lineage audit -r models.txt`")
