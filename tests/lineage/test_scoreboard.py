"""The scoreboard of many models comes to what counting by hand comes to, model by model."""

from collections import Counter
from dataclasses import replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from lineage.audit import ANY, Audit, Auditor
from lineage.inheritance import judge_ancestry
from lineage.judgement import Judgement
from lineage.policy import Policy, Waiver
from lineage.rules import RULES
from lineage.selection import Selected
from registry.bulk import gathered
from tests.lineage.worlds import World, ancestry_of, finetunes, model, worlds

TODAY = date(2026, 10, 1)
WAIVERS = (
    Waiver(model="A/*", reason="ours", expires=TODAY),
    Waiver(model="*", rule="undeclared", ancestor="google/*", reason="asked", expires=TODAY),
    Waiver(model="*", rule="unknown-ancestor", reason="expired", expires=date(2026, 9, 30)),
    Waiver(model="*", ancestor="qwen/*", reason="asked too", expires=TODAY),
)
#: What keeps a model from passing: each judgement with the model where it begins.
Held = list[tuple[Judgement, int]]


def audited(world: World, policy: Policy, *, limit: int | None = None, roots: tuple[int, ...] = ()) -> Audit:
    """An audit of all of a world, as a family if it has roots."""
    columns = gathered(*world)
    family = columns.places(world[1] if roots else ())
    selected = Selected(columns, columns.places(sorted(world[1])), {}, frozenset(roots), family)
    return Auditor(selected, ANY, policy, TODAY).report("all", None, limit)


def held_by_hand(world: World, policy: Policy) -> dict[int, Held]:
    """What is held against each model, by a walk from each."""
    steps, briefs = world
    said = {key: judge_ancestry(ancestry_of(key, steps, briefs)) for key in briefs}

    def begins(key: int, judgement: Judgement) -> int:
        if judgement.key is None or judgement.license is None:
            return key if judgement.key is None else judgement.key
        what = (judgement.license, judgement.key)
        for step in sorted((s for s in steps if s.child == key != s.parent), key=lambda s: s.position):
            for other in said[step.parent]:
                if (other.license, other.key) == what and other.objects:
                    return begins(step.parent, other)
        return key

    def counts(key: int, judgement: Judgement) -> bool:
        ancestor = None if judgement.key is None else briefs[judgement.key].id
        weighs = policy.weight(RULES[judgement.rule]) != "pass"
        return weighs and policy.waiver(briefs[key].id, judgement.rule, ancestor, TODAY) is None

    return {key: [(j, begins(key, j)) for j in js if counts(key, j)] for key, js in said.items()}


@settings(max_examples=300)
@given(worlds(circles=False), st.sampled_from([Policy(), Policy(waivers=WAIVERS), Policy(levels={"same": "review"})]))
def test_offenders_are_those_that_counting_by_hand_finds(world: World, policy: Policy) -> None:
    briefs = world[1]
    held = held_by_hand(world, policy)
    places = {key: {offender for _, offender in found} for key, found in held.items() if found}
    share = Counter(offender for found in places.values() for offender in found)
    alone = Counter(offender for found in places.values() if len(found) == 1 for offender in found)
    order = sorted(share, key=lambda k: (-alone[k], -share[k], -(briefs[k].downloads or 0), briefs[k].id))
    mended: set[int] = set()
    expected = []
    for key in order:
        mended.add(key)
        cleared = sum(found <= mended for found in places.values())
        expected.append((briefs[key].id, share[key], alone[key], cleared))
    found = audited(world, policy)
    assert [(o.model, o.models, o.alone, o.clears) for o in found.summary.offenders] == expected
    assert found.summary.classes["pass"] == len(briefs) - len(places)
    told = {m.model: Counter((f.rule, f.license, f.offender) for f in m.findings if not f.waived) for m in found.models}
    assert told == {
        briefs[key].id: Counter((j.rule, j.license, briefs[offender].id) for j, offender in js)
        for key, js in held.items()
    }


@given(worlds(circles=False), st.booleans())
def test_a_branch_is_that_of_the_parent_that_is_named_first(world: World, as_family: bool) -> None:
    steps, briefs = world
    roots = (0,) if as_family else ()

    def branch(key: int) -> int:
        named = sorted((step for step in steps if step.child == key != step.parent), key=lambda step: step.position)
        return key if not named or named[0].parent in roots else branch(named[0].parent)

    sizes = Counter(map(branch, briefs))
    expected = {briefs[key].id: n for key, n in sizes.items() if n > 1 or as_family}
    found = audited(world, Policy(), roots=roots).summary.branches
    assert {b.model: b.models for b in found} == expected
    assert all(b.violation + b.review + b.passed == b.models for b in found)
    assert list(found) == sorted(found, key=lambda b: (-b.models, b.model))


@given(worlds(), st.integers(0, 10))
def test_a_limit_shows_the_beginning_of_what_there_is(world: World, limit: int) -> None:
    whole, some = audited(world, Policy()), audited(world, Policy(), limit=limit)
    assert some.models == whole.models[:limit]
    assert some.summary.offenders == whole.summary.offenders[:limit]
    assert some.summary.branches == whole.summary.branches[:limit]
    everything = {"models": whole.models, "offenders": whole.summary.offenders, "branches": whole.summary.branches}
    assert some.summary.more == {what: max(0, len(all_) - limit) for what, all_ in everything.items()}
    same = replace(some.summary, offenders=(), branches=(), more={})
    assert same == replace(whole.summary, offenders=(), branches=(), more={})


def test_a_cycle_and_what_comes_down_from_it_are_one_branch() -> None:
    briefs = {key: model(key, name, "mit") for key, name in enumerate(["x/B", "x/A", "x/Below", "x/Top"])}
    round_ = audited((finetunes((0, 1), (1, 0), (2, 0)), briefs), Policy())
    assert [(b.model, b.models) for b in round_.summary.branches] == [("x/B", 3)]
    led_out = audited((finetunes((0, 1), (1, 0), (2, 0), (0, 3)), briefs), Policy())
    assert [(b.model, b.models) for b in led_out.summary.branches] == [("x/Top", 4)]
