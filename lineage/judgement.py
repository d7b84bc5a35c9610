"""A label against all that is above it: which rules object, and to whom. One model and a whole registry share it."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lineage.licenses.catalogue import catalogue, own
from lineage.licenses.labels import UNDECLARED, UNKNOWN, Declared, clarified, declared
from lineage.rules import RULES, Verdict, compare, covers
from registry.read import Brief

#: What a label may come to, the worst first.
CLASSES = ("violation", "review", "pass")


class Origin(NamedTuple):
    """An inherited licence and the ancestor (a key) that brought it.

    `own`: the ancestor's owner is the model's too. `former`: what the ancestor was under when the model was made, if
    that was another licence.
    """

    license: str
    key: int
    own: bool
    former: str | None


class Judgement(NamedTuple):
    """What one rule says: of an inherited licence and the ancestor (a key) that brought it, of an ancestor alone, or of
    the label itself (both None)."""

    rule: str
    license: str | None = None
    key: int | None = None
    arguable: bool = False

    @property
    def verdict(self) -> Verdict:
        """The verdict of its rule."""
        return RULES[self.rule].verdict

    @property
    def objects(self) -> bool:
        """Whether it keeps the label from passing."""
        return RULES[self.rule].weight != "pass"


def judge(
    label: Declared, publisher: str | None, origins: Sequence[Origin], opaque: Iterable[int]
) -> tuple[Judgement, ...]:
    """What the rules say of a label; `publisher` is the model's owner, `opaque` the ancestors of unknown terms."""
    unknown = [Judgement("unknown-ancestor", key=key) for key in opaque]
    if label.lacking == UNDECLARED:
        return (*_undeclared(origins), *unknown)
    found = [Judgement("contradictory-metadata")] if label.contradiction else []
    if label.lacking == UNKNOWN:
        return (*found, Judgement("unknown-label"), *unknown)
    above = frozenset(origin.license for origin in origins)
    for origin in origins:
        found += _against(label.licenses, publisher, origin, above)
    return (*found, *unknown)


def worst(judgements: Iterable[Judgement]) -> Verdict:
    """The verdict of a model with these."""
    return max((judgement.verdict for judgement in judgements), default=Verdict.OK)


def grade_of(weights: Iterable[str]) -> str:
    """The class of a verdict whose findings are of these classes."""
    given = {*weights, CLASSES[-1]}
    return next(grade for grade in CLASSES if grade in given)


class Former(NamedTuple):
    """A licence that a model was under on a day, and how that is known."""

    license: str
    evidence: str


def former_of(theirs: Brief, day: str | None) -> Former | None:
    """What a model was under on a day (ISO 8601), where that is known: by its history, else by what is known besides.

    By its history only within a run of sights of one label, which is one licence: between two runs nobody knows. What
    the user says of a model holds on any day.
    """
    if day is None:
        return None
    for past in theirs.past if theirs.id.casefold() not in own().clarifications else ():
        if (past.since or "")[:10] <= day[:10] <= (past.until or "")[:10]:
            label = declared(past.licenses, past.license_name, past.license_link)
            if len(label.licenses) == 1:
                (license,) = label.licenses
                return Former(license, f"seen so from {(past.since or '')[:10]} to {(past.until or '')[:10]}")
    before = clarified(theirs.id, day)
    return None if before is None else Former(before.license, before.evidence)


def origin(license: str, mine: Brief, theirs: Brief) -> Origin:
    """A licence that a model (`mine`) has from an ancestor (`theirs`)."""
    before = former_of(theirs, mine.created_at)
    former = before.license if before is not None and before.license != license else None
    return Origin(license, theirs.key, is_own(mine, theirs), former)


def is_own(mine: Brief, theirs: Brief) -> bool:
    """Whether both models have one owner."""
    return bool(mine.author and theirs.author and mine.author.casefold() == theirs.author.casefold())


def _against(
    label: frozenset[str], publisher: str | None, origin: Origin, above: frozenset[str]
) -> Iterable[Judgement]:
    outcomes = compare(label, origin.license, above, publisher.casefold() if publisher else None)
    if all(outcome.rule.weight == "pass" for outcome in outcomes):
        return [Judgement(outcome.rule.id, origin.license, origin.key) for outcome in outcomes]
    if origin.own and _may_relicense(publisher, origin.license):
        return [Judgement("own-work", origin.license, origin.key)]
    if origin.former is not None and covers(label, origin.former):
        return [Judgement("stale-label", origin.license, origin.key)]
    return [Judgement(outcome.rule.id, origin.license, origin.key, outcome.arguable) for outcome in outcomes]


def _may_relicense(owner: str | None, license: str) -> bool:
    """Whether an owner can have granted a licence: that of a vendor only the vendor itself."""
    vendors = {vendor.casefold() for vendor in catalogue().licenses[license].vendors}
    return not vendors or (owner is not None and owner.casefold() in vendors)


def _undeclared(origins: Sequence[Origin]) -> list[Judgement]:
    """That nothing is declared, once for each licence above that asks for more than notices."""
    known = catalogue().licenses
    demanding = [origin for origin in origins if not known[origin.license].permissive]
    return [Judgement("undeclared", o.license, o.key) for o in demanding] or [Judgement("undeclared")]
