"""What a model folder says, as a record: its licence, and its parents with what each rests on.

What people state themselves is the surest, then what the card and other files state, then what can only be concluded.
Of several kinds the surest makes the parents, and another parent by a lesser one is a defect.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from crawler.clues import Clue, read_name
from crawler.folder import ModelFolder
from crawler.parse import Notes, parse
from registry.ids import ID
from registry.records import Evidence, ModelRecord, Parent, Relation, author_of

_CARD = "README.md: base_model"


@dataclass(frozen=True, slots=True)
class Named:
    """What names a parent: its name, the relation, the kind of evidence, and where it stands; `why` says what a
    conclusion rests on, `revision` is a branch, tag or commit of the parent."""

    name: str
    relation: str
    origin: str
    where: str
    why: str | None = None
    revision: str | None = None


def stated(text: str, relation: str | None) -> Named:
    """A parent as people name it on the command line: an id or a URL of the Hub, perhaps with `@` and a revision."""
    name, _, revision = text.strip().partition("@")
    name, in_url, _ = read_name(name)
    return Named(name, relation or Relation.UNKNOWN, Evidence.STATED, "--parent", None, revision or in_url)


def read_own(folder: ModelFolder, name: str, given: Sequence[Named] = ()) -> tuple[ModelRecord, tuple[Named, ...]]:
    """The record of a model folder that is to be called `name`, without a date; and all that names a parent of it,
    the surest first."""
    row = {"id": name, "cardData": dict(folder.card or {})}
    said, _ = parse(row)
    record = said or ModelRecord(name, author_of(name))
    notes = Notes()
    card = [Named(p.name, p.relation, Evidence.CARD, _CARD) for p in record.parents or ()]
    clues = [_named(clue) for clue in folder.clues if clue.name.partition("@")[0].casefold() != name.casefold()]
    files = [clue for clue in clues if clue.origin == Evidence.FILE]
    concluded = [clue for clue in clues if clue.origin == Evidence.HEURISTIC]
    parents = _parents([list(given), [*card, *files], concluded], notes)
    record = record._replace(
        parents=parents,
        licenses=_licenses(record, folder, notes),
        library_name=record.library_name or folder.facts.get("library_name"),
        defects=tuple(dict.fromkeys((*record.defects, *folder.defects, *notes.defects))),
    )
    return record, (*given, *card, *files, *concluded)


def _named(clue: Clue) -> Named:
    """What a file names; some write a revision behind the name."""
    name, _, revision = clue.name.partition("@")
    name, revision = (name, revision) if ID.fullmatch(name) else (clue.name, "")
    origin = Evidence.HEURISTIC if clue.why else Evidence.FILE
    return Named(name, clue.relation, origin, f"{clue.file}: {clue.field}", clue.why, clue.revision or revision or None)


def _parents(kinds: Sequence[Sequence[Named]], notes: Notes) -> tuple[Parent, ...]:
    """The parents by the surest kind of evidence that names any; a lesser one may still say how they were used."""
    found: dict[str, Parent] = {}
    for kind in kinds:
        surest = not found
        for named in kind:
            if not _usable(named, notes):
                continue
            held = found.get(named.name)
            if held is None and not surest:
                known = ", ".join(found)
                notes.add("contradiction", named.where, named.name, f"not among the parents: {known}"[:2000])
            elif held is None:
                found[named.name] = Parent(named.name, named.relation, named.origin)
            elif held.relation == Relation.UNKNOWN:
                origin = named.origin if surest else held.origin
                found[named.name] = Parent(named.name, named.relation, origin)
            elif named.relation not in (Relation.UNKNOWN, held.relation):
                notes.add("contradiction", named.where, named.relation, f"of {named.name}; elsewhere {held.relation}")
    return tuple(found.values())


def _usable(named: Named, notes: Notes) -> bool:
    """Whether a name is that of a model."""
    if ID.fullmatch(named.name) and "/" in named.name:
        return True
    on_disk = named.name.startswith((".", "/", "~", "\\")) or "\\" in named.name or named.name.count("/") > 1
    if on_disk:
        notes.add("local-path", named.where, named.name, "a path on somebody's machine")
    elif ID.fullmatch(named.name):
        return named.origin != Evidence.HEURISTIC  # a bare name such as gpt2: an id of the Hub's first years, or a word
    else:
        notes.add("bad-id", named.where, named.name, "not a repository id (owner/name)")
    return False


def _licenses(record: ModelRecord, folder: ModelFolder, notes: Notes) -> tuple[str, ...]:
    """The card's licence labels, else those that headers of weights state."""
    labels = tuple(dict.fromkeys(label for label, _ in folder.licenses))
    if not record.licenses:
        return labels
    for label, file in folder.licenses:
        if label.casefold() not in {known.casefold() for known in (*record.licenses, record.license_name or "")}:
            notes.add("contradiction", file, label, f"the card says {', '.join(record.licenses)}")
    return record.licenses
