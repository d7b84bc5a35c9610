"""The options that several commands share, and how a result is written."""

import os
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lineage.formats.documents import Result, document
from lineage.formats.rows import csv_table, json_lines, markdown_table
from lineage.formats.tables import as_table, as_text
from lineage.formats.tree import Paint, plain, tree
from registry.records import RegistryError, Relation, iso_time

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from lineage.policy import Policy

F = TypeVar("F", bound=Callable[..., Any])

#: Name of each format → the function from a result to text.
FORMATS: dict[str, Callable[[Any], str]] = {
    "table": as_text,
    "json": document,
    "jsonl": lambda result: json_lines(as_table(result)),
    "csv": lambda result: csv_table(as_table(result)),
    "markdown": lambda result: markdown_table(as_table(result)),
}
_COLOURS = {"name": {"bold": True}, "relation": {"fg": "cyan"}, "faint": {"dim": True}, "warning": {"fg": "yellow"}}

#: Formats that are whole unless a limit is given.
_DATA_FORMATS = {"json", "jsonl", "csv", "html", "sarif", "junit"}
_MOST = 2**31 - 1
#: The part of an ISO 8601 time that a day has not.
_CLOCK = re.compile(r"[T ]\d")

registry_option = click.option(
    "--db",
    metavar="FILE|URL",
    help="The registry: a SQLite file or a SQLAlchemy URL. Default: LINEAGE_DB, else a file in your user data folder.",
)
endpoint_option = click.option(
    "--endpoint", metavar="URL", help="A mirror of the Hub. Default: HF_ENDPOINT, else the Hub itself."
)
policy_option = click.option(
    "--policy",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What you allow, waive, and know besides. Default: lineage.toml, if it is in this folder.",
)
depth_option = click.option("--depth", type=click.IntRange(1, _MOST), metavar="N", help="At most N steps away.")


def day_of(_ctx: click.Context, option: click.Parameter, text: str | None) -> str | None:
    """A day as the registry writes it; or, where a time was given, that."""
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
        return iso_time(time) if _CLOCK.search(text) else time.date().isoformat()
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(f"{text!r} is no ISO 8601 date such as 2026-08-22", param=option) from error


as_of_option = click.option(
    "--as-of", "day", metavar="DATE", callback=day_of, help="As it was on that day: by what had been seen until then."
)
relation_option = click.option(
    "--relation",
    "relations",
    type=click.Choice([str(relation) for relation in Relation]),
    multiple=True,
    help="Follow only edges of this relation; may be repeated.",
)


def opened(db: str | None, *, create: bool = False) -> "Engine":
    """The registry that a command is about; its connections end with the command."""
    from registry.database import open_registry  # noqa: PLC0415 - 150 ms that the list of licences need not wait

    engine = open_registry(db, create=create)
    click.get_current_context().call_on_close(engine.dispose)
    return engine


def opened_as_of(
    db: str | None, day: str | None, about: Sequence[str] | None, below: Sequence[str] = (), maybe: Sequence[str] = ()
) -> "Engine":
    """The registry that a command is about, or (`day`) as much of it as `registry.as_of` needs, as it was then."""
    engine = opened(db)
    if day is None:
        return engine
    from registry.as_of import as_of  # noqa: PLC0415 - most questions are about today

    return click.get_current_context().with_resource(as_of(engine, day, about, below, maybe))


def the_policy(named: Path | None) -> "Policy":
    """The policy file that was named, else the one in this folder, else none."""
    from lineage.policy import POLICY_FILE, Policy, read_policy  # noqa: PLC0415 - most commands know no policy

    here = Path(POLICY_FILE)
    return read_policy(named or here) if named or here.is_file() else Policy()


def limit_option(
    what: str, default: str = "what reads well, and all in formats that programs read"
) -> Callable[[F], F]:
    """`--limit N`; see `limit_for`."""
    return click.option(
        "--limit",
        type=click.IntRange(0, _MOST),
        metavar="N",
        help=f"Show at most N {what}; 0 shows all. Default: {default}.",
    )


def limit_for(limit: int | None, format_: str, default: int) -> int | None:
    """The limit as the functions take it, None for all: data formats are whole unless a limit is given."""
    if limit is None:
        return None if format_ in _DATA_FORMATS else default
    return limit or None


def output_options(*formats: str) -> Callable[[F], F]:
    """`-f/--format` with the first of `formats` as the default, and `-o/--output`."""

    def decorate(command: F) -> F:
        command = click.option(
            "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file instead."
        )(command)
        return click.option(
            "-f",
            "--format",
            "format_",
            type=click.Choice(formats),
            default=formats[0],
            show_default=True,
            help="How to write the result.",
        )(command)

    return decorate


def write_result(result: Result, format_: str, output: Path | None) -> None:
    """Write a result in a format, to the terminal or whole to a file."""
    if format_ == "tree":
        write_text(tree(result, _paint() if output is None else plain), output)
    else:
        write_text(FORMATS[format_](result), output)


def write_text(text: str, output: Path | None) -> None:
    """Write text to the terminal, or whole to a file: a failure leaves the file as it was."""
    if output is None:
        if text:
            click.echo(text)
        return
    write_bytes((f"{text}\n" if text else "").encode(), output)


def write_bytes(content: bytes, output: Path) -> None:
    """Write a file whole: a failure leaves it as it was."""
    try:
        if output.exists() and not output.is_file():  # a device or pipe
            output.write_bytes(content)
            return
        target = output.resolve()
        mode = target.stat().st_mode & 0o7777 if target.exists() else 0o666 & ~_umask()
        with tempfile.TemporaryDirectory(prefix=".lineage-", dir=target.parent) as folder:
            draft = Path(folder) / "draft"
            draft.write_bytes(content)
            draft.chmod(mode)
            draft.replace(target)
    except OSError as error:
        raise RegistryError(f"cannot write {output} ({error.strerror}): name another file with -o") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _paint() -> Paint:
    """Colour only on a terminal, and never where NO_COLOR is set (https://no-color.org)."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return plain
    return lambda text, kind: click.style(text, **_COLOURS[kind])  # type: ignore[arg-type]
