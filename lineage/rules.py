"""The rules: a model's label against one inherited licence. Pure, and the same for one model and for a whole registry.

A label and a licence are compared by what the catalogue says of them, never by their names. The rules speak of labels
and terms. Where the law is open they say so (`arguable`).
"""

from dataclasses import dataclass
from enum import IntEnum

from lineage.licenses.catalogue import License, Terms, cached, catalogue


class Verdict(IntEnum):
    """What a comparison comes to, from best to worst."""

    OK = 0
    OK_WITH_NOTICES = 1
    OK_STRICTER = 2
    INAPPLICABLE_LICENCE = 3
    STALE_LABEL = 4
    UNKNOWN = 5
    CONTRADICTORY_METADATA = 6
    NOT_ALLOWED = 7
    NOT_ALONE = 8
    WRONG_VERSION = 9
    RESTRICTION_DROPPED = 10
    CONFLICT = 11
    UNDECLARED = 12

    @property
    def word(self) -> str:
        """As it is shown: `restriction-dropped`."""
        return self.name.lower().replace("_", "-")

    @property
    def grade(self) -> str:
        """pass, review or violation."""
        if self <= Verdict.OK_STRICTER:
            return "pass"
        return "violation" if Verdict.NOT_ALLOWED <= self <= Verdict.CONFLICT else "review"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its verdict, the axis of the licence that it rests on, what it says, and what would mend the finding."""

    id: str
    verdict: Verdict
    axis: str
    says: str
    mend: str
    grade: str | None = None
    arguable: bool = False

    @property
    def weight(self) -> str:
        """The class of its findings."""
        return self.grade or self.verdict.grade


_PUT_A = "add {ancestor} to the label (`license: other`, both licences named), or remove what comes from {model}"
RULES = {
    rule.id: rule
    for rule in (
        Rule("same", Verdict.OK, "child", "The label names the inherited licence.", ""),
        Rule("compatible", Verdict.OK, "child", "The inherited licence lets the label's replace it.", ""),
        Rule("carried", Verdict.OK, "child", "The label's own text carries the inherited licence's conditions.", ""),
        Rule("free", Verdict.OK, "child", "The inherited licence leaves the label free.", ""),
        Rule("own-work", Verdict.OK, "child", "The owner of both may put own work under another licence.", ""),
        Rule("notices", Verdict.OK_WITH_NOTICES, "notice", "Any label will do, but the inherited notices travel.", ""),
        Rule("stricter", Verdict.OK_STRICTER, "child", "The label may be stricter than the inherited licence.", ""),
        Rule(
            "inapplicable-licence", Verdict.INAPPLICABLE_LICENCE, "child",
            "The label is a vendor's licence of its own materials, and no ancestor is under it.",
            "declare the licence that is inherited: {ancestor}",
        ),
        Rule(
            "stale-label", Verdict.STALE_LABEL, "child",
            "The label is what the ancestor was under when this was made; it has another licence now.",
            "declare the ancestor's present licence, {ancestor}",
        ),
        Rule(
            "unknown-ancestor", Verdict.UNKNOWN, "child", "Nobody can tell the terms of this ancestor.",
            "find out the licence of {model}, and note it as a clarification",
        ),
        Rule(
            "unknown-label", Verdict.UNKNOWN, "child", "Nobody can tell what the label means.",
            "declare a licence that the Hub knows, or license_name and license_link",
        ),
        Rule(
            "unknown-version", Verdict.UNKNOWN, "child",
            "Label or inherited licence names a family of licences, the other one of them: which is meant is open.",
            "declare the licence that is inherited by its version: {ancestor}",
        ),
        Rule(
            "not-in-registry", Verdict.UNKNOWN, "child", "Code names this model, and the registry does not know it.",
            "correct the name, or fetch the model with `lineage crawl family --up {model}`",
        ),
        Rule(
            "contradictory-metadata", Verdict.CONTRADICTORY_METADATA, "child", "The metadata says two things.",
            "let license and license_name say the same",
        ),
        Rule(
            "not-allowed", Verdict.NOT_ALLOWED, "child", "The policy allows other licences only.",
            "use another base, or let the policy allow {ancestor}",
        ),
        Rule(
            "flow-down", Verdict.NOT_ALONE, "child",
            "The inherited use restrictions must be an enforceable part of the label's terms, and are not.", _PUT_A,
        ),
        Rule("residual", Verdict.NOT_ALONE, "child", "The inherited licence stays binding beside the label.", _PUT_A),
        Rule(
            "file-scope", Verdict.NOT_ALONE, "child",
            "The inherited licence stays on the files that it covers; whether new weights are such a file is open.",
            _PUT_A, grade="review", arguable=True,
        ),
        Rule(
            "wrong-version", Verdict.WRONG_VERSION, "child", "The label is another version of the inherited licence.",
            "declare the inherited version, {ancestor}",
        ),
        Rule(
            "restriction-dropped", Verdict.RESTRICTION_DROPPED, "use",
            "The inherited licence allows no commercial use; the label does.",
            "declare {ancestor}, or a licence that keeps the restriction",
        ),
        Rule(
            "flow-down-forbidden", Verdict.CONFLICT, "child",
            "The inherited use restrictions must be passed on, and the label's licence forbids further restrictions.",
            "declare {ancestor}; the two licences cannot both be kept",
        ),
        Rule(
            "direct-licence", Verdict.CONFLICT, "child",
            "The inherited licence cannot be sublicensed, so it applies to all who get the model; the label omits it.",
            "declare {ancestor}",
        ),
        Rule(
            "same-licence", Verdict.CONFLICT, "child",
            "The inherited licence must be the derivative's too, and the label is another.", "declare {ancestor}",
        ),
        Rule(
            "no-share", Verdict.CONFLICT, "child", "The inherited licence allows no derivative to be shared.",
            "ask the owner of {model} for permission",
        ),
        Rule(
            "undeclared", Verdict.UNDECLARED, "child", "No licence is declared, which grants nobody anything.",
            "declare a licence that the ancestors allow",
        ),
    )
}  # fmt: skip
_BY_TERMS = {
    Terms.UNKNOWN: "unknown-ancestor",
    Terms.FREE: "free",
    Terms.FLOW_DOWN: "flow-down",
    Terms.RESIDUAL: "residual",
    Terms.FILE_SCOPE: "file-scope",
    Terms.DIRECT: "direct-licence",
    Terms.SAME: "same-licence",
    Terms.NO_SHARE: "no-share",
}
_LEAVE_FREE = {Terms.FREE, Terms.NOTICES}
#: Kinds of which it is open whether they reach the weights of a model at all.
_OPEN = {"copyleft", "weak-copyleft", "share-alike", "no-derivatives", "non-commercial", "attribution", "data"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one rule found; `arguable` where the law is open."""

    rule: Rule
    arguable: bool = False


@cached(100_000)
def compare(label: frozenset[str], inherited: str, above: frozenset[str], publisher: str | None) -> tuple[Outcome, ...]:
    """What the rules say of a label against one inherited licence.

    `label` holds the ids of all licences that the model declares, `above` those of all its ancestors, `publisher` is
    the model's owner, in lower case. Several rules may apply; the worst counts.
    """
    known = catalogue().licenses
    mine, theirs = [known[id] for id in sorted(label)], known[inherited]
    found = []
    if theirs.commercial == "no" and not covers(label, inherited) and all(own.commercial in _ALLOWS for own in mine):
        found.append("restriction-dropped")
    found.append(_by_child_terms(label, mine, theirs, above, publisher))
    return tuple(Outcome(RULES[id], RULES[id].arguable or _is_open(RULES[id], theirs)) for id in found)


_ALLOWS = {"yes", "conditional"}


def covers(label: frozenset[str], inherited: str) -> bool:
    """Whether a label names a licence, or one whose text carries its conditions."""
    return inherited in label or any(inherited in catalogue().licenses[id].carries for id in label)


def _by_child_terms(
    label: frozenset[str], mine: list[License], theirs: License, above: frozenset[str], publisher: str | None
) -> str:
    if met := _met(label, mine, theirs):
        return met
    if theirs.terms not in _LEAVE_FREE and any(theirs.id in own.members or own.id in theirs.members for own in mine):
        return "unknown-version"
    if theirs.terms != Terms.UNKNOWN and theirs.family and any(own.family == theirs.family for own in mine):
        return "wrong-version"
    if theirs.terms == Terms.NOTICES:
        return _beside_notices(mine, above, publisher)
    if theirs.terms == Terms.FLOW_DOWN and any(own.forbids_further_restrictions for own in mine):
        return "flow-down-forbidden"
    return _BY_TERMS[theirs.terms]


def _met(label: frozenset[str], mine: list[License], theirs: License) -> str | None:
    """How the label meets the inherited licence as it stands, if it does."""
    if theirs.id in label:
        return "same"
    if any(theirs.id in own.carries for own in mine):
        return "carried"
    return "compatible" if label & theirs.compatible else None


def _beside_notices(mine: list[License], above: frozenset[str], publisher: str | None) -> str:
    """A licence that asks for notices only, under a label: what the label adds is what no ancestor brings along."""
    added = [own for own in mine if own.id not in above]
    if any(own.vendors and publisher not in {vendor.casefold() for vendor in own.vendors} for own in added):
        return "inapplicable-licence"
    return "notices" if all(own.permissive for own in added) else "stricter"


def _is_open(rule: Rule, theirs: License) -> bool:
    # A vendor's agreement binds who accepted it, and says itself what it reaches.
    return rule.verdict >= Verdict.NOT_ALONE and theirs.kind in _OPEN and not theirs.vendors


@cached(10_000)
def exclude(first: str, second: str) -> bool:
    """Whether no label can satisfy two inherited licences: one forbids the restrictions that the other demands, or each
    wants the whole for itself."""
    a, b = catalogue().licenses[first], catalogue().licenses[second]
    if a.id == b.id or b.id in a.compatible | a.carries or a.id in b.compatible | b.carries:
        return False
    demanding = {Terms.FLOW_DOWN, Terms.RESIDUAL, Terms.DIRECT}
    forbids = (a.forbids_further_restrictions and (b.terms in demanding or b.commercial == "no")) or (
        b.forbids_further_restrictions and (a.terms in demanding or a.commercial == "no")
    )
    return forbids or (a.terms == b.terms == Terms.SAME)
