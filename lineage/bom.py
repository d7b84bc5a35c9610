"""What a bill of materials says of some models: each, all that it was made from, and what is known of their licences.

Both formats (lineage/formats/cyclonedx.py and spdx.py) write the same `Bom`. What a model is under, and the verdict on
that, are those of `lineage license`: nothing is judged here a second time.
"""

import hashlib
import os
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import combinations
from typing import NamedTuple
from urllib.parse import quote

from sqlalchemy import Connection, Engine

from lineage.ancestry import Ancestries, label_of, label_said
from lineage.family import Edge
from lineage.inheritance import Outcome, outcome
from lineage.judgement import Judgement
from lineage.licenses.catalogue import catalogue
from lineage.licenses.labels import UNKNOWN, Declared, page_of
from lineage.rules import RULES, exclude
from registry.database import reading
from registry.ids import ID
from registry.names import Found, find_model
from registry.read import Brief, ModelFacts, Step, data_date, facts_of, walk
from registry.records import RegistryError, State, author_of, iso_time
from registry.versions import find_version

HUB = "https://huggingface.co"
#: What every property is called after; names are made of parts, as in the taxonomy of CycloneDX properties
#: (https://github.com/CycloneDX/cyclonedx-property-taxonomy).
PREFIX = "finetune-lineage"
#: URLs that may stand in a document: absolute ones, of what RFC 3986 allows and no more.
_URL = re.compile(r"https?://[\w.-]+(?::\d+)?(?:/(?:[\w.~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?", re.ASCII)
#: What git calls a commit by: SHA-1 or SHA-256, or the begin of one.
_COMMIT = re.compile("[0-9a-f]{7,64}")
_STATES = {
    State.PLACEHOLDER: "only named as a parent, never seen: nothing is known of it",
    State.GONE: "deleted or private when it was last looked for",
    State.REGISTERED: "registered by people, not of the Hub",
}
#: Findings by which the inherited licence binds beside the label, whatever that says: both apply.
_BESIDE = {"flow-down", "residual", "direct-licence", "restriction-dropped"}
#: A value names so many models.
_MOST_NAMED = 10
#: Both formats must have a time: this one where no date is known.
_NO_TIME = "1970-01-01T00:00:00Z"


class Terms(NamedTuple):
    """A licence: its id in an SPDX expression (`LicenseRef-…` where SPDX lists none), its name, and the URL of a page
    with its text, None where none is known."""

    expression: str
    name: str
    url: str | None

    @property
    def listed(self) -> bool:
        """Whether the SPDX licence list has it."""
        return not self.expression.startswith("LicenseRef-")


class Hashed(NamedTuple):
    """A file of a registered model: its path, its size in bytes, its SHA-256."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What `lineage license` says of a model: `terms` are all licences that apply, together.

    They are empty where that is not certain, and `doubt` says why. `effective` is all that is declared and inherited as
    an SPDX expression, with NOASSERTION for what is not known. `causes` are the ancestors (ids) that decide the
    verdict, `reason` is what its rule says, None of one that passes.
    """

    verdict: str
    grade: str
    effective: str
    terms: tuple[Terms, ...]
    doubt: str | None
    causes: tuple[str, ...]
    reason: str | None


@dataclass(frozen=True, slots=True)
class Material:
    """A model of a bill: the facts, the licences that it declares, its parents in the order in which it names them.

    `label` is what the metadata says of the licence, in words, `notes` what should be known besides (name and text).
    `via` is the edge by which it was reached first from the models that were asked for, `depth` the number of steps;
    of those it is None and 0. `conclusion` is None of all others. `digest` (SHA-256) and `files` are known of
    registered models alone; `revision` is what was asked for as `ID@sha`.
    """

    facts: ModelFacts
    declared: tuple[Terms, ...]
    label: str
    notes: tuple[tuple[str, str], ...]
    parents: tuple[Edge, ...]
    via: Edge | None
    depth: int
    conclusion: Conclusion | None = None
    revision: str | None = None
    digest: str | None = None
    files: tuple[Hashed, ...] = ()

    @property
    def id(self) -> str:
        """Its id."""
        return self.facts.id

    @property
    def owner(self) -> str | None:
        """Whose it is; None of a model of the Hub's first years."""
        return self.facts.author or author_of(self.id)

    @property
    def page(self) -> str | None:
        """Its page on the Hub; None where it has none, or where nobody has seen it there."""
        return f"{HUB}/{quote(self.id)}" if self.facts.state == State.LISTED else None

    @property
    def commit(self) -> str | None:
        """The commit that the facts are of, in lower case; None where what was given as such is none."""
        sha = (self.facts.sha or "").lower()
        return sha if _COMMIT.fullmatch(sha) else None

    @property
    def name(self) -> str:
        """Its id, without the version that a registered model has in it."""
        return self.id.rpartition("@")[0] if self.facts.state == State.REGISTERED else self.id

    @property
    def version(self) -> str | None:
        """The commit, or the number of a registered version; None where none is known."""
        return self.id.rpartition("@")[2] if self.facts.state == State.REGISTERED else self.commit


@dataclass(frozen=True, slots=True)
class Bom:
    """A bill of materials: `models` (ids) were asked for, `materials` are they and all their ancestors, nearest first.

    `data_date` is that of the newest data, `time` that of the document: SOURCE_DATE_EPOCH if set, else when the newest
    of it was seen; both ISO 8601 in UTC. `catalogue` is the version of what is known of licences, `tool` that of this
    program.
    """

    models: tuple[str, ...]
    materials: tuple[Material, ...]
    data_date: str | None
    time: str
    catalogue: str
    tool: str

    @property
    def moment(self) -> datetime:
        """The time of the document."""
        return datetime.fromisoformat(self.time)


def bom(engine: Engine, models: Sequence[str]) -> Bom:
    """The bill of materials of some models.

    Raises UnknownModel for a name that means none, RegistryError where SOURCE_DATE_EPOCH is no number of seconds.
    """
    with reading(engine) as connection:
        asked = {found.key: found for found in (find_model(connection, model) for model in models)}
        steps, briefs = walk(connection, list(asked), up=True)
        date = data_date(connection)
        materials = tuple(_materials(connection, asked, steps, briefs))
    ids = tuple(briefs[key].id for key in asked)
    return Bom(ids, materials, date, _time(date, materials), catalogue().version, version("finetune-lineage"))


def _materials(
    connection: Connection,
    asked: Mapping[int, Found],
    steps: Sequence[Step],
    briefs: Mapping[int, Brief],
) -> Iterator[Material]:
    labels = {key: label_of(brief) for key, brief in briefs.items()}
    ancestries = Ancestries(steps, briefs, labels)
    conclusions, opaque = {}, set[int]()
    for key in asked:
        ancestry = ancestries.of(key)
        conclusions[key] = _conclusion(outcome(ancestry), briefs)
        opaque.update(ancestry.opaque)
    parents = _parents(steps, briefs)
    facts = facts_of(connection, briefs)
    for key, (via, depth) in _reached(asked, parents).items():
        said, mine = label_said(briefs[key]), facts[key]
        held = find_version(connection, mine.id) if mine.state == State.REGISTERED else None
        yield Material(
            facts=mine,
            declared=tuple(_declared(said, mine)),
            label=said.text,
            notes=tuple(_notes(mine, said, labels[key], opaque=key in opaque)),
            parents=tuple(_edge(step, briefs) for step in parents.get(key, ())),
            via=None if via is None else _edge(via, briefs),
            depth=depth,
            conclusion=conclusions.get(key),
            revision=asked[key].revision if key in asked else None,
            digest=None if held is None else held.digest,
            files=() if held is None else tuple(Hashed(*file) for file in held.files),
        )


def _parents(steps: Iterable[Step], briefs: Mapping[int, Brief]) -> dict[int, list[Step]]:
    """The edges up from each model, in the order in which it names its parents; none to itself."""
    found: dict[int, list[Step]] = {}
    for step in sorted(steps, key=lambda step: (step.position, briefs[step.parent].id, step.relation)):
        if step.parent != step.child:
            found.setdefault(step.child, []).append(step)
    return found


def _reached(asked: Iterable[int], parents: Mapping[int, Sequence[Step]]) -> dict[int, tuple[Step | None, int]]:
    """The models in order, each with the edge by which it is reached first, and the number of steps to there."""
    found: dict[int, tuple[Step | None, int]] = dict.fromkeys(asked, (None, 0))
    todo = deque(found)
    while todo:
        child = todo.popleft()
        for step in parents.get(child, ()):
            if step.parent not in found:
                found[step.parent] = (step, found[child][1] + 1)
                todo.append(step.parent)
    return found


def _edge(step: Step, briefs: Mapping[int, Brief]) -> Edge:
    return Edge(briefs[step.child].id, briefs[step.parent].id, step.relation, step.evidence, step.declared)


def _conclusion(said: Outcome, briefs: Mapping[int, Brief]) -> Conclusion:
    """All licences that apply, where that is certain."""
    doubt = _doubt(said, briefs)
    terms = sorted(_terms(license) for license in said.licenses) if doubt is None else ()
    deciding = [j.rule for j in said.judgements if j.objects and j.verdict.word == said.verdict]
    reason = RULES[deciding[0]].says if deciding else None
    return Conclusion(said.verdict, said.grade, said.effective, tuple(terms), doubt, said.causes, reason)


def _doubt(said: Outcome, briefs: Mapping[int, Brief]) -> str | None:
    """Why it is not certain that all licences, declared and inherited, apply together; None where it is."""
    if doubtful := [judgement for judgement in said.judgements if _leaves_open(judgement)]:
        worst = max(doubtful, key=lambda judgement: judgement.verdict)
        about = f" ({briefs[worst.key].id})" if worst.key is not None else ""
        if worst.rule in _BESIDE and worst.license is not None:
            return (
                f"It is open whether {catalogue().licenses[worst.license].name} reaches the weights of a model.{about}"
            )
        return f"{RULES[worst.rule].says}{about}"
    pairs = combinations(sorted(said.licenses), 2)
    return next((f"No label satisfies both {one} and {other}." for one, other in pairs if exclude(one, other)), None)


def _leaves_open(judgement: Judgement) -> bool:
    """Whether it leaves open which licences apply: where one may have taken the other's place, the label may grant
    nothing, something is unknown, or the law is open."""
    replaced = judgement.rule == "own-work" or (judgement.objects and judgement.rule not in _BESIDE)
    return replaced or judgement.arguable


def _declared(said: Declared, facts: ModelFacts) -> Iterable[Terms]:
    """The licences that a card names, and, in its words, what it says besides that nobody can tell."""
    link = _link(facts)
    if said.licenses:
        own = link if len(said.licenses) == 1 else None
        return sorted(_terms(license, own) for license in said.licenses)
    if said.lacking == UNKNOWN and facts.licenses:
        # Words are no id: a sum of them is one, and always the same.
        return [Terms(f"LicenseRef-declared-{hashlib.sha256(said.text.encode()).hexdigest()[:12]}", said.text, link)]
    return []


def _terms(license: str, link: str | None = None) -> Terms:
    known = catalogue().licenses[license]
    return Terms(known.expression, known.name, None if known.spdx else link or page_of(license))


def _link(facts: ModelFacts) -> str | None:
    """Where a card says that its licence stands: a URL, or a file of its own repository, as the Hub shows it."""
    link = (facts.license_link or "").strip()
    if _URL.fullmatch(link):
        return link
    if facts.state == State.LISTED and link and ID.fullmatch(link):
        return f"{HUB}/{quote(facts.id)}/blob/main/{quote(link)}"
    return None


def _notes(facts: ModelFacts, said: Declared, label: Declared, *, opaque: bool) -> Iterator[tuple[str, str]]:
    if facts.state in _STATES:
        yield "state-note", _STATES[State(facts.state)]
    if said.contradiction:
        yield "license:contradiction", said.contradiction
    if label.evidence is not None:
        yield "license:known-besides", f"{label.text}: {label.evidence}"
    if opaque:
        yield "license:unknown", "nobody can tell the terms of this model"


def properties(material: Material) -> Iterator[tuple[str, str]]:
    """What a document says of a model beyond the fields of its format: names and values, the same in both formats."""
    facts, conclusion = material.facts, material.conclusion
    said = {"state": facts.state, "last-seen": facts.last_seen, "revision-asked-for": material.revision,
            "digest": material.digest and f"sha256:{material.digest}", "license:label": material.label,
            **dict(material.notes)}  # fmt: skip
    if conclusion is not None:
        said |= {
            "license:verdict": conclusion.verdict, "license:class": conclusion.grade,
            "license:reason": conclusion.reason, "license:effective": conclusion.effective,
            "license:because-of": _some(conclusion.causes),
            "license:concluded": conclusion.doubt and f"NOASSERTION: {conclusion.doubt}",
        }  # fmt: skip
    return ((f"{PREFIX}:{name}", text) for name, text in said.items() if text)


def _some(ids: Sequence[str]) -> str:
    """Ids in a line: the first of many."""
    more = f" and {len(ids) - _MOST_NAMED:,} more" if len(ids) > _MOST_NAMED else ""
    return ", ".join(ids[:_MOST_NAMED]) + more


def edge_properties(edge: Edge) -> Iterator[tuple[str, str]]:
    """The same of an edge: how the model was made from its parent, what that rests on, and the name as declared."""
    said = {"relation": edge.relation, "evidence": edge.evidence, "declared-as": edge.declared}
    return ((f"{PREFIX}:{name}", text) for name, text in said.items() if text)


def document_properties(found: Bom) -> Iterator[tuple[str, str]]:
    """The same of the whole document."""
    yield f"{PREFIX}:data-date", found.data_date or "not known"
    yield f"{PREFIX}:catalogue", found.catalogue
    yield f"{PREFIX}:note", "This is about labels and terms; it is no legal advice."


def purl(material: Material) -> str:
    """A model's package URL; of a registered model, which no repository has, one of the type `generic`.

    https://github.com/package-url/purl-spec, types/huggingface-definition.json: owner and name keep their letter case,
    the version is the commit in lower case. Parts are percent-encoded as the specification has it.
    """
    owner, _, name = material.name.rpartition("/")
    type_, tag = "generic" if material.facts.state == State.REGISTERED else "huggingface", material.version
    parts = [type_, *(quote(part, safe="") for part in (owner, name) if part)]
    return "pkg:" + "/".join(parts) + (f"@{quote(tag, safe='')}" if tag else "")


def dataset_page(dataset: str) -> str | None:
    """The page of a data set that a card names; None where its name is no id of the Hub."""
    return f"{HUB}/datasets/{quote(dataset)}" if ID.fullmatch(dataset) else None


def _time(date: str | None, materials: Iterable[Material]) -> str:
    """The time of a document: SOURCE_DATE_EPOCH (https://reproducible-builds.org/specs/source-date-epoch/), else the
    date of the data or, if later, of the last sight of any of these models (one that was registered since); never the
    clock, so that one registry always gives the same document."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch:
        try:
            return iso_time(datetime.fromtimestamp(int(epoch), UTC))
        except (ValueError, OverflowError, OSError) as error:
            raise RegistryError(
                f"SOURCE_DATE_EPOCH is {epoch!r}: it is a number of seconds since 1970, or not set"
            ) from error
    seen = max(date or "", *(material.facts.last_seen or "" for material in materials))
    return iso_time(datetime.fromisoformat(seen)) if seen else _NO_TIME
