"""Commands about a team's own models: register, and model list, show, alias, tag, note, remove."""

import getpass
import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import click
from sqlalchemy import Connection, Engine

import lineage.formats.registered  # noqa: F401 - tells as_table and as_text how versions are written
from crawler.folder import ModelFolder, read_folder
from crawler.own import Named, read_own, stated
from lineage.cli.options import opened, output_options, registry_option, write_result
from lineage.cli.progress import progress_bar
from lineage.formats.registered import registered_words
from lineage.formats.text import printable
from lineage.registered import registered, version_page
from registry import curation
from registry.curation import Did
from registry.database import reading
from registry.ids import ID, split_url
from registry.names import UnknownModel, find_model
from registry.read import briefs, declared_parents
from registry.records import Evidence, Relation, State, storable
from registry.versions import VersionFacts, find_version, pinned
from registry.versions import tags as tags_of
from registry.write import writing

_FORMATS = output_options("table", "json", "jsonl", "csv", "markdown")
_RELATIONS = [str(relation) for relation in Relation if relation != Relation.UNKNOWN]
#: Models that a note names.
_SOME = 5
why_option = click.option("-m", "--message", "why", metavar="TEXT", help="Why; it is kept with what you do.")


@click.command()
@click.argument("source", metavar="PATH|HUB_ID")
@click.option("--name", metavar="TEAM/MODEL", help="What to call it. Default: the id, or local/ and the folder's name.")
@click.option(
    "--parent",
    "parents",
    multiple=True,
    metavar="ID[@SHA]",
    help="What it was made from; may be repeated.",
)
@click.option("--relation", type=click.Choice(_RELATIONS), help="How it was made from every --parent.")
@why_option
@registry_option
def register(
    source: str, name: str | None, parents: tuple[str, ...], relation: str | None, why: str | None, db: str | None
) -> None:
    """Register a model of your own.

    PATH is its folder or file on disk, HUB_ID a model of the Hub, as it is now. Reads the README's metadata,
    adapter_config.json, config.json, mergekit's YAML, and headers of safetensors and GGUF files; runs and unpickles
    nothing. The files are hashed: the same content is the same version. The name then works in every command, as NAME
    (the newest version), NAME@2 or NAME@ALIAS.
    """
    if relation and not parents:
        raise click.UsageError("--relation says how it was made from a --parent: name one")
    if not source.strip():
        raise click.UsageError("name a folder, a file, or a model of the Hub")
    path = Path(source)
    on_disk = path.exists() or _is_path(source)
    name = name or (default_name(path) if on_disk else None)
    if name is not None and not (ID.fullmatch(name) and "/" in name):
        raise click.UsageError(f"{name!r} is no name for a model: say --name TEAM/MODEL, as ids of the Hub are")
    given = [stated(parent, relation) for parent in parents]
    if wrong := next((text for text, one in zip(parents, given, strict=True) if not ID.fullmatch(one.name)), None):
        raise click.UsageError(f"{wrong!r} is no model's id: say --parent OWNER/NAME")
    if "" in parents:
        raise click.UsageError("--parent names a model: OWNER/NAME")
    engine, did = opened(db, create=True), _did(why)
    if on_disk:
        version, new = _register_folder(engine, path, name or "", given, did)
    elif parents:
        raise click.UsageError(f"{source} is no folder here: what a model of the Hub was made from, the Hub says")
    else:
        version, new = _register_hub_id(engine, source, name, did)
    click.echo(registered_words(version_page(engine, version.called), new=new))
    with reading(engine) as connection:
        for note in _notes(connection, version):
            click.echo(f"note: {printable(note)}", err=True)


def _register_folder(engine: Engine, path: Path, name: str, given: list[Named], did: Did) -> tuple[VersionFacts, bool]:
    with progress_bar("hashing", "B") as progress:
        folder = read_folder(path, progress)
    record, named = read_own(folder, name, given)
    with writing(engine) as connection:
        record = record._replace(
            parents=tuple(p._replace(name=_pinned(connection, p.name, named)) for p in record.parents or ())
        )
        return curation.register(
            connection, name, record, digest=folder.digest, place=str(path.resolve()), files=_files(folder),
            evidence=[asdict(replace(one, name=_pinned(connection, one.name, named))) for one in named], did=did,
        )  # fmt: skip


def _pinned(connection: Connection, name: str, named: tuple[Named, ...]) -> str:
    """A parent's name; of a registered model the version that is meant today."""
    revision = next((one.revision for one in named if one.name == name), None)
    strict = any(one.name == name and one.origin == Evidence.STATED for one in named)
    version = pinned(connection, name, revision, strict=strict)
    return name if version is None else version.id


def _register_hub_id(engine: Engine, source: str, name: str | None, did: Did) -> tuple[VersionFacts, bool]:
    with writing(engine) as connection:
        try:
            found = find_model(connection, source)
        except UnknownModel as error:
            raise UnknownModel(f"{source} is neither a folder here nor a model of the registry: {error}") from error
        return curation.register_of_the_hub(connection, name or found.repo_id, found.key, did, found.revision)


def _files(folder: ModelFolder) -> list[tuple[str, int, str]]:
    return [(file.path, file.size, file.sha256) for file in folder.files]


def _is_path(source: str) -> bool:
    """Whether somebody means a path, though there is none; a URL of the Hub is none."""
    if split_url(source):
        return False
    return source.startswith((".", "/", "~")) or (os.sep != "/" and os.sep in source) or source.count("/") > 1


def default_name(path: Path) -> str:
    """What a model is called that nobody named: `local/` and the name of its folder or file."""
    stem = path.resolve().name if path.is_dir() else path.stem
    return f"local/{re.sub(r'[^A-Za-z0-9_.-]+', '-', stem).strip('-.') or 'model'}"


def _did(why: str | None) -> Did:
    """Who does something: LINEAGE_USER (for machines that share an account), else the user's name."""
    who = os.environ.get("LINEAGE_USER", "").strip()[:200]
    with suppress(Exception):  # getpass documents no one error: https://docs.python.org/3/library/getpass.html
        who = who or getpass.getuser()
    return Did(storable(who or "unknown"), storable(why) if why else None)


def _notes(connection: Connection, version: VersionFacts) -> list[str]:
    """What somebody who registers should know: parents that nobody has seen, and a name that means another model."""
    keys = [step.parent for step in declared_parents(connection, version.model_key)]
    unseen = [brief.id for brief in briefs(connection, keys).values() if brief.state == State.PLACEHOLDER]
    notes = []
    if unseen:
        some = " ".join(unseen[:_SOME]) + (f" and {len(unseen) - _SOME:,} more" if len(unseen) > _SOME else "")
        notes.append(f"not in the registry: {some}: fetch them with `lineage crawl family --up MODEL...`")
    with suppress(UnknownModel):
        if (found := find_model(connection, version.name)).key != version.model_key:
            notes.append(f"{version.name} by itself means {found.label}: say {version.called} for this version")
    return notes


@click.group()
def model() -> None:
    """Look after registered models: versions, aliases, notes."""


@model.command(name="list")
@click.option("--removed", is_flag=True, help="Those that were removed too.")
@_FORMATS
@registry_option
def list_command(removed: bool, format_: str, output: Path | None, db: str | None) -> None:
    """List the versions of all registered models."""
    write_result(registered(opened(db), removed=removed), format_, output)


@model.command()
@click.argument("version", metavar="NAME[@VERSION]")
@_FORMATS
@registry_option
def show(version: str, format_: str, output: Path | None, db: str | None) -> None:
    """Show all of a version: parents with their evidence, files, verdict, and what was done.

    VERSION is a number, an alias, or the begin of a digest; without it the newest is shown.
    """
    write_result(version_page(opened(db), version), format_, output)


@model.command()
@click.argument("version", metavar="NAME[@VERSION]")
@click.argument("alias")
@click.option("--remove", "off", is_flag=True, help="Take the alias away.")
@why_option
@registry_option
def alias(version: str, alias: str, off: bool, why: str | None, db: str | None) -> None:
    """Let NAME@ALIAS mean a version: such as approved, or shipping. An alias moves when it is given again."""
    alias = alias.removeprefix("@").lower()

    def act(connection: Connection, found: VersionFacts, did: Did) -> str:
        if off:
            curation.remove_alias(connection, found.name, alias, did)
            return f"{found.name}@{alias} means nothing any more"
        curation.set_alias(connection, found, alias, did)
        return f"{found.name}@{alias} means {found.called}"

    _do(db, version, why, act)


@model.command()
@click.argument("version", metavar="NAME[@VERSION]")
@click.argument("tags", nargs=-1, required=True, metavar="TAG...")
@click.option("--remove", "off", is_flag=True, help="Take the tags off.")
@why_option
@registry_option
def tag(version: str, tags: tuple[str, ...], off: bool, why: str | None, db: str | None) -> None:
    """Put TAGs on a version."""

    def act(connection: Connection, found: VersionFacts, did: Did) -> str:
        (curation.remove_tags if off else curation.set_tags)(connection, found, tags, did)
        return f"{found.called} is tagged {', '.join(tags_of(connection, found)) or 'with nothing'}"

    _do(db, version, why, act)


@model.command()
@click.argument("version", metavar="NAME[@VERSION]")
@click.argument("text")
@registry_option
def note(version: str, text: str, db: str | None) -> None:
    """Keep what you have to say of a version."""

    def act(connection: Connection, found: VersionFacts, did: Did) -> str:
        curation.add_note(connection, found, text, did)
        return f"noted of {found.called}"

    _do(db, version, None, act)


@model.command()
@click.argument("version", metavar="NAME@VERSION")
@why_option
@registry_option
def remove(version: str, why: str | None, db: str | None) -> None:
    """Take a version out of use. Its facts, edges and record are kept, and registering it again puts it back."""
    if not version.partition("@")[2]:
        raise click.UsageError(f"say which version of {version}: NAME@NUMBER")

    def act(connection: Connection, found: VersionFacts, did: Did) -> str:
        curation.remove(connection, found, did)
        return f"{found.called} is removed; its record stays: `lineage model show {found.called}`"

    _do(db, version, why, act)


def _do(db: str | None, version: str, why: str | None, act: Callable[[Connection, VersionFacts, Did], str]) -> None:
    """Do something to a version, and say what."""
    with writing(opened(db)) as connection:
        said = act(connection, find_version(connection, version), _did(why))
    click.echo(said)
