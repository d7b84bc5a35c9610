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
from lineage.registered import registered, version_page
from registry import curation
from registry.curation import Did, VersionFacts, pinned
from registry.database import reading
from registry.ids import ID
from registry.names import UnknownModel, find_model
from registry.read import briefs, declared_parents
from registry.records import Relation, State
from registry.write import writing

_FORMATS = output_options("table", "json", "jsonl", "csv", "markdown")
_RELATIONS = [str(relation) for relation in Relation if relation != Relation.UNKNOWN]
why_option = click.option("-m", "--message", "why", metavar="TEXT", help="Why; it is kept with what you do.")


@click.command()
@click.argument("source", metavar="PATH|HUB_ID")
@click.option("--name", metavar="TEAM/MODEL", help="What to call it. Default: the id, or local/ and the folder's name.")
@click.option(
    "--parent",
    "parents",
    multiple=True,
    metavar="ID[@SHA]",
    help="What it was made from, if no file says so; repeatable.",
)
@click.option("--relation", type=click.Choice(_RELATIONS), help="How it was made from every --parent.")
@why_option
@registry_option
def register(
    source: str, name: str | None, parents: tuple[str, ...], relation: str | None, why: str | None, db: str | None
) -> None:
    """Register a model of your own: a folder or file on disk, or a model of the Hub as it is now.

    Reads the README's metadata, adapter_config.json, config.json, mergekit's YAML, and headers of safetensors and GGUF
    files; runs and unpickles nothing. The files are hashed: the same content is the same version. The name then works
    in every command, as NAME (the newest version), NAME@2 or NAME@ALIAS.
    """
    if relation and not parents:
        raise click.UsageError("--relation says how it was made from a --parent: name one")
    path, engine = Path(source), opened(db, create=True)
    on_disk = path.exists() or _is_path(source)
    name = name or (_default_name(path) if on_disk else None)
    if name is not None and not (ID.fullmatch(name) and "/" in name):
        raise click.UsageError(f"{name!r} is no name for a model: say --name TEAM/MODEL, as ids of the Hub are")
    did = Did(_who(), why)
    if on_disk:
        given = [stated(parent, relation) for parent in parents]
        version, new = _register_folder(engine, path, name or "", given, did)
    elif parents:
        raise click.UsageError(f"{source} is no folder here: what a model of the Hub was made from, the Hub says")
    else:
        version, new = _register_hub_id(engine, source, name, did)
    click.echo(registered_words(version_page(engine, version.called), new=new))
    with reading(engine) as connection:
        for note in _notes(connection, version):
            click.echo(f"note: {note}", err=True)


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
    version = pinned(connection, name, revision)
    return name if version is None else version.id


def _register_hub_id(engine: Engine, source: str, name: str | None, did: Did) -> tuple[VersionFacts, bool]:
    with writing(engine) as connection:
        try:
            found = find_model(connection, source)
        except UnknownModel as error:
            raise UnknownModel(f"{source} is neither a folder here nor a model of the registry: {error}") from error
        return curation.register_of_the_hub(connection, name or found.repo_id, found.key, did)


def _files(folder: ModelFolder) -> list[tuple[str, int, str]]:
    return [(file.path, file.size, file.sha256) for file in folder.files]


def _is_path(source: str) -> bool:
    """Whether somebody means a path, though there is none."""
    return source.startswith((".", "/", "~")) or (os.sep != "/" and os.sep in source) or source.count("/") > 1


def _default_name(path: Path) -> str:
    stem = path.resolve().name if path.is_dir() else path.stem
    return f"local/{re.sub(r'[^A-Za-z0-9_.-]+', '-', stem).strip('-.') or 'model'}"


def _who() -> str:
    """LINEAGE_USER (for machines that share an account), else the user's name."""
    if named := os.environ.get("LINEAGE_USER", "").strip():
        return named[:200]
    with suppress(Exception):  # getpass documents no one error: https://docs.python.org/3/library/getpass.html
        return getpass.getuser()
    return "unknown"


def _notes(connection: Connection, version: VersionFacts) -> list[str]:
    """What somebody who registers should know: parents that nobody has seen, and a name that means another model."""
    keys = [step.parent for step in declared_parents(connection, version.model_key)]
    unseen = [brief.id for brief in briefs(connection, keys).values() if brief.state == State.PLACEHOLDER]
    notes = [f"{id} is not in the registry: fetch it with `lineage crawl family --up {id}`" for id in unseen]
    with suppress(UnknownModel):
        if (found := find_model(connection, version.name)).key != version.model_key:
            notes.append(f"{version.name} by itself means {found.label}: say {version.called} for this version")
    return notes


@click.group()
def model() -> None:
    """Look after registered models: their versions, aliases, tags, notes."""


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
    alias = alias.removeprefix("@")

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
        return f"{found.called} is tagged {', '.join(curation.tags(connection, found)) or 'with nothing'}"

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
    if "@" not in version:
        raise click.UsageError(f"say which version of {version}: NAME@NUMBER")

    def act(connection: Connection, found: VersionFacts, did: Did) -> str:
        curation.remove(connection, found, did)
        return f"{found.called} is removed; its record stays: `lineage model show {found.called}`"

    _do(db, version, why, act)


def _do(db: str | None, version: str, why: str | None, act: Callable[[Connection, VersionFacts, Did], str]) -> None:
    """Do something to a version, and say what."""
    with writing(opened(db)) as connection:
        said = act(connection, curation.find_version(connection, version), Did(_who(), why))
    click.echo(said)
