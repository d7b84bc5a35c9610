"""The table of rules, row by row over all licences of the catalogue, and what must hold of any ancestry."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lineage.ancestry import Ancestry
from lineage.inheritance import Inheritance, judged
from lineage.licenses.catalogue import License, Terms, catalogue
from lineage.rules import RULES, Outcome, Verdict, compare
from registry.read import Brief, Step
from registry.records import Relation, State

KNOWN = catalogue().licenses
#: All that a label can mean.
IDS = sorted(id for id, license in KNOWN.items() if license.kind != "none")
Match = Callable[[License, License], bool]


def outcomes(label: str, inherited: str, *above: str, publisher: str | None = None) -> tuple[Outcome, ...]:
    """What the rules say of a label, "A AND B" for several, where only `inherited` and `above` are above it."""
    return compare(frozenset(label.split(" AND ")), inherited, frozenset({inherited, *above}), publisher)


def rules(label: str, inherited: str, *above: str, publisher: str | None = None) -> set[str]:
    return {outcome.rule.id for outcome in outcomes(label, inherited, *above, publisher=publisher)}


def met(theirs: License, mine: License) -> bool:
    """The row that comes before all others: the label includes the licence, replaces it rightly, or carries it."""
    return theirs.id == mine.id or mine.id in theirs.compatible or theirs.id in mine.carries


def kin(theirs: License, mine: License) -> bool:
    """Another version of the same agreement."""
    return theirs.family is not None and theirs.family == mine.family


def commercial(license: License) -> bool:
    return license.commercial in {"yes", "conditional"}


def child_terms(*terms: Terms) -> Match:
    """Pairs that come as far as the row of the inherited licence's child terms."""
    return lambda theirs, mine: theirs.terms in terms and not met(theirs, mine) and not kin(theirs, mine)


def both(*tests: Match) -> Match:
    return lambda theirs, mine: all(test(theirs, mine) for test in tests)


#: Each row: which pairs it is about (inherited licence, label), and the rule that must be among those found.
ROWS: dict[str, tuple[Match, str]] = {
    "named": (lambda a, d: a is d, "same"),
    "replaced": (lambda a, d: d.id in a.compatible, "compatible"),
    "carried": (lambda a, d: a.id in d.carries, "carried"),
    "not read": (lambda a, d: a.terms == Terms.UNKNOWN and not met(a, d), "unknown-ancestor"),
    "another version": (lambda a, d: a.terms != Terms.UNKNOWN and kin(a, d) and not met(a, d), "wrong-version"),
    "free": (child_terms(Terms.FREE), "free"),
    "notices, permissive label": (
        both(child_terms(Terms.NOTICES), lambda a, d: d.permissive and not d.vendors),
        "notices",
    ),
    "notices, vendor's label": (both(child_terms(Terms.NOTICES), lambda a, d: bool(d.vendors)), "inapplicable-licence"),
    "notices, stricter label": (
        both(child_terms(Terms.NOTICES), lambda a, d: not d.permissive and not d.vendors),
        "stricter",
    ),
    "restriction dropped": (
        lambda a, d: a.commercial == "no" and commercial(d) and not met(a, d),
        "restriction-dropped",
    ),
    "flow-down": (
        both(child_terms(Terms.FLOW_DOWN), lambda a, d: not d.forbids_further_restrictions),
        "flow-down",
    ),
    "flow-down, label that forbids it": (
        both(child_terms(Terms.FLOW_DOWN), lambda a, d: d.forbids_further_restrictions),
        "flow-down-forbidden",
    ),
    "residual": (child_terms(Terms.RESIDUAL), "residual"),
    "direct licence": (child_terms(Terms.DIRECT), "direct-licence"),
    "same licence": (child_terms(Terms.SAME), "same-licence"),
    "no share": (child_terms(Terms.NO_SHARE), "no-share"),
    "file scope": (child_terms(Terms.FILE_SCOPE), "file-scope"),
}
#: What each rule comes to, as the design has it.
DESIGN = {
    "same": ("ok", "pass"),
    "compatible": ("ok", "pass"),
    "carried": ("ok", "pass"),
    "free": ("ok", "pass"),
    "own-work": ("ok", "pass"),
    "not-allowed": ("not-allowed", "violation"),
    "notices": ("ok-with-notices", "pass"),
    "stricter": ("ok-stricter", "pass"),
    "inapplicable-licence": ("inapplicable-licence", "review"),
    "stale-label": ("stale-label", "review"),
    "unknown-ancestor": ("unknown", "review"),
    "unknown-label": ("unknown", "review"),
    "unknown-version": ("unknown", "review"),
    "not-in-registry": ("unknown", "review"),
    "contradictory-metadata": ("contradictory-metadata", "review"),
    "flow-down": ("not-alone", "violation"),
    "residual": ("not-alone", "violation"),
    "file-scope": ("not-alone", "review"),
    "wrong-version": ("wrong-version", "violation"),
    "restriction-dropped": ("restriction-dropped", "violation"),
    "flow-down-forbidden": ("conflict", "violation"),
    "direct-licence": ("conflict", "violation"),
    "same-licence": ("conflict", "violation"),
    "no-share": ("conflict", "violation"),
    "undeclared": ("undeclared", "review"),
}


def pairs(test: Match) -> list[tuple[str, str]]:
    """The pairs (label, inherited) of a row; a family's label beside one of the family has a rule of its own."""
    return [
        (mine, theirs)
        for theirs, mine in product(IDS, IDS)
        if test(KNOWN[theirs], KNOWN[mine]) and not {mine, theirs} & (KNOWN[mine].members | KNOWN[theirs].members)
    ]


@pytest.mark.parametrize("row", ROWS)
def test_a_row_of_the_table_holds_for_all_licences_it_is_about(row: str) -> None:
    test, rule = ROWS[row]
    found = pairs(test)
    assert len(found) >= 3
    assert [pair for pair in found if rule not in rules(*pair)] == []


def test_only_a_dropped_restriction_comes_on_top_of_another_row() -> None:
    for label, inherited in product(IDS, IDS):
        found = rules(label, inherited)
        test, _ = ROWS["restriction dropped"]
        assert len(found - {"restriction-dropped"}) == 1
        assert ("restriction-dropped" in found) == test(KNOWN[inherited], KNOWN[label]), (label, inherited)


def test_rules_come_to_what_the_design_says() -> None:
    assert {rule.id: (rule.verdict.word, rule.weight) for rule in RULES.values()} == DESIGN


def test_verdicts_stand_from_best_to_worst() -> None:
    assert [verdict.word for verdict in sorted(Verdict)] == (
        "ok ok-with-notices ok-stricter inapplicable-licence stale-label unknown contradictory-metadata "
        "not-allowed not-alone wrong-version restriction-dropped conflict undeclared"
    ).split()
    grades = [verdict.grade for verdict in sorted(Verdict)]
    assert grades == ["pass"] * 3 + ["review"] * 4 + ["violation"] * 5 + ["review"]


@pytest.mark.parametrize(
    ("label", "inherited", "expected"),
    [
        ("llama3", "llama3.1", {"wrong-version"}),
        ("llama3.1", "llama3", {"wrong-version"}),
        ("openrail", "creativeml-openrail-m", {"unknown-version"}),
        ("openrail++", "openrail", {"unknown-version"}),
        ("openrail++", "creativeml-openrail-m", {"flow-down"}),
        ("gpl", "gpl-3.0", {"unknown-version"}),
        ("gpl", "gpl", {"same"}),
        ("llama2", "llama1", {"wrong-version", "restriction-dropped"}),
        ("gpl-3.0", "cc-by-sa-4.0", {"compatible"}),
        ("cc-by-sa-4.0", "gpl-3.0", {"same-licence"}),
        ("cc-by-sa-4.0", "cc-by-sa-3.0", {"compatible"}),
        ("cc-by-sa-3.0", "cc-by-sa-4.0", {"wrong-version"}),
        ("fair-ai-public-license-1.0-sd", "openrail++", {"carried"}),
        ("eva-llama3.3", "llama3.3", {"carried"}),
        ("faipl-1.0", "openrail++", {"flow-down-forbidden"}),
        ("agpl-3.0", "gemma", {"flow-down-forbidden"}),
        ("apache-2.0", "cc-by-nc-4.0", {"restriction-dropped", "notices"}),
        ("apache-2.0", "cc-by-nc-sa-4.0", {"restriction-dropped", "same-licence"}),
        ("apache-2.0", "qwen-research", {"restriction-dropped", "residual"}),
        ("mit", "microsoft-research-license", {"restriction-dropped", "unknown-ancestor"}),
        ("cc-by-nc-4.0", "qwen-research", {"residual"}),
        ("cc-by-nc-4.0 AND apache-2.0", "flux-1-dev-non-commercial-license", {"direct-licence"}),
        ("unlicense", "apache-2.0", {"notices"}),
        ("apache-2.0", "cc0-1.0", {"free"}),
        ("llama2", "unlicense", {"free"}),
    ],
)
def test_pairs_that_people_meet(label: str, inherited: str, expected: set[str]) -> None:
    assert rules(label, inherited) == expected


def test_a_list_of_labels_means_all_of_them() -> None:
    for inherited in IDS:
        for other in ("apache-2.0", "cc-by-nc-4.0", "gemma", "cc"):
            assert {o.rule.verdict for o in outcomes(f"{inherited} AND {other}", inherited)} == {Verdict.OK}


def test_a_vendors_licence_applies_where_an_ancestor_brings_it_or_the_vendor_publishes() -> None:
    assert rules("llama3.1", "apache-2.0") == {"inapplicable-licence"}
    assert rules("llama3.1", "apache-2.0", publisher="you") == {"inapplicable-licence"}
    assert rules("llama3.1", "apache-2.0", publisher="meta-llama") == {"stricter"}
    assert rules("llama3.1", "apache-2.0", "llama3.1") == {"notices"}
    assert rules("llama3.1 AND mit", "apache-2.0", "llama3.1") == {"notices"}
    assert rules("llama3.1 AND gpl-3.0", "apache-2.0", "llama3.1") == {"stricter"}
    assert rules("llama3.1 AND gemma", "apache-2.0", "llama3.1") == {"inapplicable-licence"}


@pytest.mark.parametrize("label", [id for id in IDS if KNOWN[id].vendors])
def test_a_vendor_may_put_notices_only_work_under_its_own_licence(label: str) -> None:
    for vendor in KNOWN[label].vendors:
        met_already = met(KNOWN["apache-2.0"], KNOWN[label])
        assert met_already or rules(label, "apache-2.0", publisher=vendor.casefold()) <= {"stricter", "notices"}


def test_what_is_open_in_law_is_said_to_be() -> None:
    for label, inherited in product(IDS, IDS):
        for outcome in outcomes(label, inherited):
            objects = outcome.rule.verdict >= Verdict.NOT_ALONE
            assert objects or not outcome.arguable
            if objects and KNOWN[inherited].kind in {"copyleft", "weak-copyleft", "share-alike", "no-derivatives"}:
                assert outcome.arguable, (label, inherited)
            contract = KNOWN[inherited].terms == Terms.DIRECT  # as FLUX's, which says itself that it binds adapters
            if contract or KNOWN[inherited].kind in {"vendor-community", "research-only", "responsible-ai"}:
                assert not outcome.arguable, (label, inherited)


@given(
    label=st.frozensets(st.sampled_from(IDS), min_size=1, max_size=3),
    above=st.frozensets(st.sampled_from(IDS), max_size=3),
    publisher=st.sampled_from([None, "you", "meta-llama", "qwen"]),
)
def test_no_label_is_worse_for_a_licence_that_it_includes(
    label: frozenset[str], above: frozenset[str], publisher: str | None
) -> None:
    for inherited in label:
        found = compare(label, inherited, above | {inherited}, publisher)
        assert [outcome.rule.verdict for outcome in found] == [Verdict.OK]


# Any ancestry: models 0 … n, of which 0 is judged; a model's children have smaller numbers.


@dataclass(frozen=True)
class One:
    """A model of a random ancestry: its labels, its owner, and its children with the relation to each."""

    licenses: tuple[str, ...] | None
    owner: str
    children: tuple[tuple[int, str], ...] = ()


World = tuple[One, ...]
LABELS = st.one_of(
    st.lists(st.sampled_from(IDS), min_size=1, max_size=2, unique=True).map(tuple),
    st.sampled_from([None, (), ("unknown",), ("mine-alone",), ("other",)]),
)
READ = st.lists(st.sampled_from(IDS), min_size=1, max_size=2, unique=True).map(tuple)
RELATIONS = [str(relation) for relation in Relation]


@st.composite
def worlds(
    draw: st.DrawFn,
    labels: st.SearchStrategy[tuple[str, ...] | None] = LABELS,
    owners: tuple[str, ...] = ("me", "you", "meta-llama"),
    least: int = 2,
) -> World:
    """Ancestries of up to six models; the one that is judged has a label that can be read, and is by `me`."""
    size = draw(st.integers(least, 6))
    world = [One(draw(READ), "me")]
    for number in range(1, size):
        children = draw(st.lists(st.integers(0, number - 1), min_size=1, max_size=3, unique=True))
        relations = [draw(st.sampled_from(RELATIONS)) for _ in children]
        ties = tuple(zip(children, relations, strict=True))
        world.append(One(draw(labels), draw(st.sampled_from(owners)), ties))
    return tuple(world)


def found_in(world: World, keys: list[int] | None = None, *, gone: bool = False) -> Inheritance:
    """What comes of model 0; `keys` are the numbers of the models in the database, if not their places."""
    keys = keys or list(range(len(world)))
    state = State.GONE if gone else State.LISTED
    briefs = {
        keys[n]: Brief(keys[n], f"{one.owner}/{n}", state, one.owner, one.licenses, None, 1, None, None, None)
        for n, one in enumerate(world)
    }
    steps = [
        Step(keys[child], keys[n], keys[n], relation, "both", f"{one.owner}/{n}")
        for n, one in enumerate(world)
        for child, relation in one.children
    ]
    return judged(Ancestry(keys[0], steps, briefs), None)


def essence(found: Inheritance) -> object:
    """All but the order and the ways."""
    findings = {(f.rule, f.verdict, f.grade, f.ancestor, f.license, f.arguable) for f in found.findings}
    inherited = {license: set(by) for license, by in found.inherited.items()}
    return found.verdict, found.grade, found.effective, findings, inherited, set(found.notes), found.delta


def rank(found: Inheritance) -> int:
    return next(verdict for verdict in Verdict if verdict.word == found.verdict)


@settings(max_examples=200)
@given(world=worlds(), data=st.data())
def test_neither_the_order_of_parents_nor_that_of_the_database_matters(world: World, data: st.DataObject) -> None:
    keys = data.draw(st.permutations(range(len(world))))
    assert essence(found_in(world, keys)) == essence(found_in(world))


@pytest.mark.parametrize("owners", [("you", "they"), ("me", "you", "meta-llama")], ids=["foreign", "own"])
def test_an_ancestor_more_never_makes_it_better(owners: tuple[str, ...]) -> None:
    @settings(max_examples=200)
    @given(world=worlds(owners=owners))
    def check(world: World) -> None:
        added = world[-1]
        labelled = all(world[child].licenses or relation != "quantized" for child, relation in added.children)
        assume(labelled)  # a copy without a label is read as its original, as soon as that is known
        before, after = found_in(world[:-1]), found_in(world)
        if before.grade == "violation":
            assert after.grade == "violation"
        if not set(added.licenses or ()) & set(world[0].licenses or ()):  # one that it brings may become applicable
            assert rank(after) >= rank(before)

    check()


@settings(max_examples=200)
@given(world=worlds())
def test_nothing_passes_while_something_above_is_not_known(world: World) -> None:
    dark = [
        one
        for n, one in enumerate(world)
        if n
        and one.licenses in {None, (), ("unknown",), ("mine-alone",), ("other",)}
        and not [relation for above in world for child, relation in above.children if child == n]
    ]
    found = found_in(world)
    assert not dark or found.grade != "pass"
    assert not dark or found.effective.endswith("NOASSERTION")


@settings(max_examples=200)
@given(world=worlds(labels=READ, least=3), label=LABELS)
def test_no_label_in_the_middle_hides_or_launders_what_is_above_it(world: World, label: tuple[str, ...] | None) -> None:
    middle = next((n for n in range(1, len(world)) if any(n == c for one in world for c, _ in one.children)), None)
    assume(middle is not None)
    assert middle is not None
    other = (*world[:middle], replace(world[middle], licenses=label), *world[middle + 1 :])
    roots = {f"{world[n].owner}/{n}" for n in range(len(world)) if all(n != c for o in world for c, _ in o.children)}

    def violations(found: Inheritance) -> set[tuple[str, str | None, str | None]]:
        return {
            (f.rule, f.ancestor, f.license) for f in found.findings if f.grade == "violation" and f.ancestor in roots
        }

    assert violations(found_in(world)) == violations(found_in(other))


@given(world=worlds())
def test_the_verdict_is_the_worst_of_the_findings_and_its_class_that_of_the_gravest(world: World) -> None:
    found = found_in(world)
    ranks = [RULES[finding.rule].verdict for finding in found.findings]
    assert rank(found) == max(ranks, default=Verdict.OK)
    assert ranks == sorted(ranks, reverse=True)
    gravest = {finding.grade for finding in found.findings if finding.verdict == found.verdict}
    assert found.grade == min(gravest, key=["violation", "review", "pass"].index, default="pass")


@given(world=worlds())
def test_what_is_gone_still_counts(world: World) -> None:
    assert essence(found_in(world, gone=True)) == essence(found_in(world))


@given(world=worlds())
def test_an_adapter_alone_is_never_worse_than_with_its_base(world: World) -> None:
    found = found_in(world)
    adapter = {relation for one in world for child, relation in one.children if child == 0} == {"adapter"}
    assert adapter == (found.delta is not None) == (found.combined is not None)
    if found.delta and found.combined:
        order = [verdict.word for verdict in sorted(Verdict)]
        assert (found.combined.verdict, found.combined.grade) == (found.verdict, found.grade)
        assert order.index(found.delta.verdict) <= order.index(found.combined.verdict)


@given(world=worlds())
def test_every_finding_leads_to_its_ancestor(world: World) -> None:
    ids = [f"{one.owner}/{n}" for n, one in enumerate(world)]
    for finding in found_in(world).findings:
        if finding.ancestor is None:  # about the label itself
            assert finding.path == finding.relations == ()
            continue
        assert (finding.path[0], finding.path[-1]) == (ids[0], finding.ancestor)
        assert len(finding.relations) == len(finding.path) - 1
        for below, above, relation in zip(finding.path, finding.path[1:], finding.relations, strict=False):
            assert (ids.index(below), relation) in world[ids.index(above)].children
