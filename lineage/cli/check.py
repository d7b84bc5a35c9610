"""The command before publishing: check."""

import difflib
import re
from dataclasses import asdict
from pathlib import Path

import click

import lineage.formats.checks  # noqa: F401 - tells as_table and as_text how a check is written
from crawler.folder import ModelFolder, read_folder
from crawler.own import read_own
from lineage.check import OwnModel, check
from lineage.cli.options import (
    opened,
    output_options,
    policy_option,
    registry_option,
    the_policy,
    write_bytes,
    write_result,
)
from lineage.cli.register import default_name
from lineage.formats.text import printable
from lineage.front_matter import with_fields
from lineage.registered import Naming
from registry.ids import ID
from registry.records import RegistryError

#: Bytes that are read of a card, and of notice files.
_MOST = 10_000_000
_NOTICE_FILE = re.compile(r"notice(?:[_-][\w-]*)?(?:\.(?:txt|md|rst))?", re.IGNORECASE)


@click.command(name="check")
@click.argument("folder", type=click.Path(path_type=Path), metavar="FOLDER")
@click.option(
    "--name", metavar="OWNER/MODEL", help="The id it is to be published under. Default: local/ and the folder's name."
)
@click.option("--patch", is_flag=True, help="Write what is to change in README.md as a diff, and nothing else.")
@click.option("--fix", is_flag=True, help="Change README.md; comments and the order of fields stay.")
@click.option("--strict", is_flag=True, help="What is for review fails too (exit status 3).")
@policy_option
@output_options("table", "json")
@registry_option
@click.pass_context
def check_command(
    ctx: click.Context, folder: Path, name: str | None, patch: bool, fix: bool, strict: bool, policy: Path | None,
    format_: str, output: Path | None, db: str | None,
) -> None:  # fmt: skip
    """Check a model folder before you publish it.

    Compares its card (README.md) with what its files say of base models, its label with the licences of all that these
    were made from, and its name and files with what those licences ask for. Says which lines to put into the card.
    Nothing in the folder is run, and nothing is registered.

    Exit status: 0 no violation, 1 a violation, 2 an error, 3 with --strict if something is for review.
    """
    if patch and fix:
        raise click.UsageError("--patch shows the change, --fix makes it: choose one")
    if name is not None and not (ID.fullmatch(name) and "/" in name):
        raise click.UsageError(f"{name!r} is no name for a model: say --name OWNER/MODEL, as ids of the Hub are")
    if patch and ctx.get_parameter_source("format_") is not click.core.ParameterSource.DEFAULT:
        raise click.UsageError("--patch writes a diff: leave -f out")
    read = read_folder(folder, hashing=False)
    card = _card(folder, read)
    if fix and (not folder.is_dir() or card.is_symlink()):
        # A link leads into the cache of huggingface_hub, whose files others share.
        raise click.UsageError("--fix changes README.md: name the folder that holds it, as a file and not a link")
    own = _own(folder, card, read, name)
    found = check(opened(db), own, the_policy(policy))
    if patch or fix:
        after = with_fields(own.readme, found.front_matter) if found.front_matter else own.readme
    if patch:
        _write_diff(_diff(own.readme, after, card.name), output)
    else:
        write_result(found, format_, output)
    if fix and after != own.readme:
        write_bytes(_bytes(after), card)
        click.echo(f"changed {printable(str(card))}: check it once more", err=True)
    ctx.exit(1 if found.grade == "violation" else 3 if strict and found.grade == "review" else 0)


def _card(folder: Path, read: ModelFolder) -> Path:
    """Where the card is, or is to be; its name may be in any letter case."""
    cards = [file.path for file in read.files if file.path.casefold() == "readme.md"]
    if len(cards) > 1:
        raise RegistryError(f"{folder} holds {' and '.join(cards)}: keep one card")
    return folder / (cards[0] if cards else "README.md")


def _own(folder: Path, card: Path, read: ModelFolder, name: str | None) -> OwnModel:
    record, named = read_own(read, name or default_name(folder))
    files = tuple(file.path for file in read.files if file.size)
    notices = [path for path in files if _NOTICE_FILE.fullmatch(path)] if folder.is_dir() else []
    readme = _text(card) if card.name in files else ""
    texts = "\n".join(_text(folder / path) for path in notices)
    return OwnModel(
        record, name is not None, tuple(Naming(**asdict(one)) for one in named), read.card, files, readme, texts
    )


def _text(path: Path) -> str:
    """A file's text, every byte of it: what is no UTF-8 comes back as it was."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST + 1)
    except OSError as error:
        raise RegistryError(f"cannot read {path} ({error.strerror}): make it readable") from error
    if len(data) > _MOST:
        raise RegistryError(f"{path} is larger than {_MOST:,} bytes: make it shorter")
    return data.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _diff(before: str, after: str, name: str) -> str:
    """A diff as `git apply` reads it: of lines that end with a line feed, whatever else they hold."""
    old, new = (re.findall(r"[^\n]*\n|[^\n]+", text) for text in (before, after))
    lines = difflib.unified_diff(old, new, f"a/{name}" if before else "/dev/null", f"b/{name}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _write_diff(diff: str, output: Path | None) -> None:
    if output is None:
        click.echo(_bytes(diff), nl=False)
    else:
        write_bytes(_bytes(diff), output)
