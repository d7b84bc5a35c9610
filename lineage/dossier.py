"""All that a reviewer needs to decide about one model: what it is, what it was made from, the verdict on its label, and
what the licences that reach it ask for. Nothing is judged here: every part is what its own command says."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Engine

from lineage.ancestry import Ancestry, read_ancestry
from lineage.audit import ANY, Audited, Summary, audit
from lineage.bom import Material, bom
from lineage.evidence import Reader
from lineage.inheritance import Inheritance, judged
from lineage.licenses.catalogue import Fact, catalogue, own_facts
from lineage.licenses.labels import page_of
from lineage.neighbourhood import Neighbourhood, Wish, neighbourhood
from lineage.obligations import Obligation, obligations
from lineage.policy import Policy
from lineage.questions import PURPOSES, Answer, Suggestions, suggested, used
from lineage.selection import Selection
from registry.database import reading
from registry.names import find_model
from registry.read import DefectFacts, data_date, find_defects

#: Models on the picture, before it folds those that are alike; it says how many there are. None of the Hub has as many.
_MOST_DRAWN = 2_000


@dataclass(frozen=True, slots=True)
class Applied:
    """A licence that applies: which models (ids) brought it, what it asks for, and, None where nobody noted that, the
    URL of a page with its text, the line that it prescribes, and what it says of the terms of a derivative."""

    id: str
    name: str
    url: str | None
    brought_by: tuple[str, ...]
    duties: tuple[Obligation, ...]
    line: str | None
    child: Fact | None


@dataclass(frozen=True, slots=True)
class Dossier:
    """A model as a reviewer needs it.

    `audited` is the verdict under the policy (see `lineage audit`), `inherited` the one by the rules alone, `summary`
    what both rest on. `materials` are the model and all its ancestors, nearest first, each with the edges to what it
    was made from; `picture` has the same to be drawn. `licenses` are all that apply, its own label's first; `uses`
    answer the purposes of `lineage.questions`; `labels` are those that it may carry.
    """

    summary: Summary
    audited: Audited
    inherited: Inheritance
    materials: tuple[Material, ...]
    picture: Neighbourhood
    licenses: tuple[Applied, ...]
    uses: tuple[Answer, ...]
    labels: Suggestions
    defects: tuple[DefectFacts, ...]


def dossier(engine: Engine, model: str, policy: Policy | None = None, read: Reader | None = None) -> Dossier:
    """Collect the dossier of `model` under a policy; with `read`, its claim is graded by licence and notice files.

    Raises UnknownModel where the name means no model.
    """
    policy = policy or Policy()
    found = audit(engine, Selection((model,)), claim=ANY, policy=policy, read=read)
    with own_facts(policy.own):
        with reading(engine) as connection:
            key = find_model(connection, model).key
            ancestry = read_ancestry(connection, key)
            date = data_date(connection)
            defects, _ = find_defects(connection, model=key)
        return Dossier(
            summary=found.summary,
            audited=found.models[0],
            inherited=judged(ancestry, date),
            materials=bom(engine, [model]).materials,
            picture=neighbourhood(engine, model, Wish(down=False, limit=_MOST_DRAWN)),
            licenses=tuple(_applied(ancestry)),
            uses=tuple(used(ancestry, date, purpose) for purpose in PURPOSES),
            labels=suggested(ancestry, date),
            defects=tuple(defects),
        )


def _applied(ancestry: Ancestry) -> Iterator[Applied]:
    own = [(license, ancestry.model) for license in sorted(ancestry.labels[ancestry.model].licenses)]
    origins = [*own, *ancestry.origins()]
    duties = obligations(ancestry, origins)
    brought: dict[str, list[str]] = {}
    for license, key in origins:
        brought.setdefault(license, []).append(ancestry.briefs[key].id)
    for id, models in brought.items():
        known = catalogue().licenses[id]
        asked = tuple(duty for duty in duties if duty.license == id)
        yield Applied(id, known.name, page_of(id), tuple(models), asked, known.notice, known.clause("child"))
