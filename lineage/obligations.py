"""What the licences above a model ask of who publishes or uses it. Duties do not change the verdict on the label."""

from dataclasses import dataclass

from lineage.ancestry import Ancestry
from lineage.licenses.catalogue import catalogue


@dataclass(frozen=True, slots=True)
class Obligation:
    """Something that an inherited licence asks of who publishes or uses the model; `met` is None where the registry
    cannot tell."""

    axis: str
    says: str
    license: str
    ancestor: str
    section: str | None
    source: str
    unverified: bool
    met: bool | None


_DUTIES = ("notice", "naming", "use", "territory", "outputs")


def obligations(ancestry: Ancestry, origins: list[tuple[str, int]]) -> list[Obligation]:
    """What the inherited licences ask for, each licence once."""
    name = ancestry.briefs[ancestry.model].id.rpartition("/")[2]
    found = []
    seen = set()
    for license, key in origins:
        facts = catalogue().licenses[license]
        if license in seen:
            continue
        seen.add(license)
        begun = None if facts.begins is None else _letters(name).startswith(_letters(facts.begins))
        for fact in facts.facts:
            if fact.axis in _DUTIES:
                met = begun if fact.axis == "naming" and "begin" in fact.says else None
                ancestor = ancestry.briefs[key].id
                found.append(
                    Obligation(fact.axis, fact.says, license, ancestor, fact.section, fact.source, fact.unverified, met)
                )
    return sorted(found, key=lambda o: _DUTIES.index(o.axis))


def _letters(name: str) -> str:
    """A name without what ids cannot hold, or hold in its place: "Llama 3" is `Llama-3` there."""
    return "".join(c for c in name.casefold() if c.isalnum())
