"""Which licences reach a model, over hops, merges, copies, adapters and cycles, and what its label makes of them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from lineage.ancestry import Ancestry
from lineage.family import descendants
from lineage.findings import Finding
from lineage.inheritance import Inheritance, inheritance, judged
from lineage.licenses.catalogue import catalogue
from registry.read import Brief, Step
from tests.families import Row, api_row, family, save, settle
from tests.lineage.calls import Graph, graphs


def drawn(registry: Engine, sketch: str, model: str = "me/Model") -> Inheritance:
    """What comes of a model of a sketch."""
    family(registry, sketch)
    return inheritance(registry, model)


def saved(registry: Engine, *rows: Row, model: str = "me/Model") -> Inheritance:
    """What comes of a model of these rows."""
    save(registry, rows)
    return inheritance(registry, model)


def other(id: str, name: str, parents: tuple[str, ...] = (), relation: str = "finetune") -> Row:
    """A model under a licence that the Hub has no id for."""
    row = api_row(id, parents, relation, "other")
    row["cardData"]["license_name"] = name
    return row


def rules(found: Inheritance) -> list[tuple[str, str | None, str | None]]:
    return [(finding.rule, finding.ancestor, finding.license) for finding in found.findings]


def violations(found: Inheritance) -> list[Finding]:
    return [finding for finding in found.findings if finding.grade == "violation"]


LLAMA, GEMMA = "meta-llama/Llama-3.1-8B  llama3.1", "google/gemma-2b  gemma"
#: A line of descent, the oldest first; the verdict on the last, its class, and the ancestors that it is due to.
LINES: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "a right label below a wrong one": (f"{LLAMA} / a/A mit / me/M llama3.1", "ok-with-notices", "pass", ()),
    "another version": (f"{LLAMA} / me/M llama3", "wrong-version", "violation", ("meta-llama/Llama-3.1-8B",)),
    "a copy without a label": (f"{GEMMA} / a/A quantized / b/B quantized / me/M gemma", "ok", "pass", ()),
    "a copy of nothing": ("g/G / a/A quantized / b/B quantized / me/M gemma", "unknown", "review", ("g/G",)),
    "a copy with an odd label": (f"{GEMMA} / a/A quantized odd / me/M gemma", "unknown", "review", ("a/A",)),
    "a finetune without a label": (f"{GEMMA} / a/A finetune / me/M gemma", "unknown", "review", ("a/A",)),
    "an adapter without a label": (f"{GEMMA} / a/A adapter / me/M gemma", "unknown", "review", ("a/A",)),
    "a merge without a label": (f"{GEMMA} / a/A merge / me/M gemma", "unknown", "review", ("a/A",)),
    "the unknown label": ("a/A unknown / me/M mit", "unknown", "review", ("a/A",)),
    "an unread licence": ("a/A intel-research / me/M cc-by-nc-4.0", "unknown", "review", ("a/A",)),
    "gone": (f"{GEMMA} gone / me/M mit", "not-alone", "violation", ("google/gemma-2b",)),
    "only named": ("a/A unseen / me/M mit", "unknown", "review", ("a/A",)),
    "only named, and clarified": (
        "Qwen/Qwen2.5-3B unseen / me/M mit", "restriction-dropped", "violation", ("Qwen/Qwen2.5-3B",),
    ),
    "own work": ("me/A cc-by-nc-4.0 / me/M mit", "ok", "pass", ()),
    "own work over another's": (
        f"{GEMMA} / me/A cc-by-nc-4.0 / me/M mit", "not-alone", "violation", ("google/gemma-2b",),
    ),
    # `you` took the work under a condition and added to it under the same: `me` cannot drop that for `you`.
    "own work that another added to": (
        "me/A cc-by-nc-4.0 / you/B cc-by-nc-4.0 / me/M mit", "restriction-dropped", "violation", ("you/B",),
    ),
    "a label that nobody can read": (f"{GEMMA} / me/M odd", "unknown", "review", ()),
    "file scope": ("a/A mpl-2.0 / me/M mit", "not-alone", "review", ("a/A",)),
    "file scope and worse": (
        f"a/A mpl-2.0 / {GEMMA} / me/M mit", "not-alone", "violation", ("google/gemma-2b", "a/A"),
    ),
    "no label, nothing known": ("a/A / me/M", "undeclared", "review", ()),
    "no label, notices": ("a/A mit / me/M", "undeclared", "review", ()),
    "no label, terms": (
        f"a/A mit / {GEMMA} / b/B cc-by-nc-4.0 / me/M", "undeclared", "review", ("b/B", "google/gemma-2b"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_descent(registry: Engine, line: str) -> None:
    text, verdict, grade, causes = LINES[line]
    found = drawn(registry, "\n".join(n * " " + one for n, one in enumerate(text.split(" / "))), "me/M")
    assert (found.verdict, found.grade, found.causes) == (verdict, grade, causes)
    unknown = any(f.verdict == "unknown" and f.license is None for f in found.findings)
    assert found.effective.endswith("NOASSERTION") == unknown


@pytest.mark.parametrize("middle", ["mit", "llama3.1", "", "unknown", "gemma", "apache-2.0", "nobody-knows"])
def test_a_label_in_the_middle_changes_nothing_about_the_root(registry: Engine, middle: str) -> None:
    found = drawn(registry, f"{LLAMA}\n  a/Middle  {middle}\n    me/Model  apache-2.0")
    assert (found.verdict, found.grade, found.causes) == ("conflict", "violation", ("meta-llama/Llama-3.1-8B",))


def test_a_licence_that_comes_from_two_sides_names_both(registry: Engine) -> None:
    found = drawn(registry, f"{GEMMA}\n  me/Model  mit\ngoogle/gemma-7b  gemma\n  me/Model")
    assert found.inherited == {"gemma": ("google/gemma-2b", "google/gemma-7b")}
    assert found.causes == ("google/gemma-2b", "google/gemma-7b")


def test_a_model_without_parents_has_nothing_to_answer_for(registry: Engine) -> None:
    found = drawn(registry, "me/Model  mit")
    assert (found.verdict, found.grade, found.findings, found.obligations) == ("ok", "pass", (), ())
    assert (found.declared, found.effective, found.inherited) == ("mit", "MIT", {})
    assert found.catalogue == catalogue().version


def test_a_licence_reaches_over_hops_with_its_way(registry: Engine) -> None:
    sketch = """
        meta-llama/Llama-3.1-8B  llama3.1
          a/One  mit
            b/Two  quantized  mit
              me/Model  adapter  mit
        """
    finding = drawn(registry, sketch).findings[0]
    assert (finding.verdict, finding.ancestor, finding.license) == ("conflict", "meta-llama/Llama-3.1-8B", "llama3.1")
    assert finding.path == ("me/Model", "b/Two", "a/One", "meta-llama/Llama-3.1-8B")
    assert finding.relations == ("adapter", "quantized", "finetune")
    assert (finding.section, finding.axis, finding.arguable) == ("1.a", "child", False)
    assert finding.clause
    assert "sublicense" in finding.clause
    assert finding.source
    assert finding.mend == "declare llama3.1"


def test_the_root_most_bearer_of_a_licence_is_named(registry: Engine) -> None:
    sketch = """
        google/gemma-2b  gemma
          a/One  gemma
            b/Two  mit
              c/Three  gemma
                me/Model  mit
        """
    found = drawn(registry, sketch)
    assert found.inherited == {"gemma": ("google/gemma-2b",), "mit": ("b/Two",)}
    assert rules(found)[0] == ("flow-down", "google/gemma-2b", "gemma")
    assert len(violations(found)) == 1


def test_a_merge_answers_for_all_its_parents(registry: Engine) -> None:
    sketch = """
        a/Free  apache-2.0
          me/Model  merge  apache-2.0
        b/Research  cc-by-nc-4.0
          me/Model
        google/gemma-2b  gemma
          me/Model
        """
    found = drawn(registry, sketch)
    assert rules(found) == [
        ("restriction-dropped", "b/Research", "cc-by-nc-4.0"),
        ("flow-down", "google/gemma-2b", "gemma"),
        ("notices", "b/Research", "cc-by-nc-4.0"),
        ("same", "a/Free", "apache-2.0"),
    ]
    assert (found.verdict, found.causes) == ("restriction-dropped", ("b/Research",))
    assert found.effective == "Apache-2.0 AND CC-BY-NC-4.0 AND LicenseRef-gemma"


def test_an_adapter_is_seen_with_its_base_and_alone(registry: Engine) -> None:
    sketch = """
        a/Base  gpl-3.0
          me/Model  adapter  mit
        meta-llama/Llama-3.1-8B  llama3.1
          me/Strict  adapter  mit
        black-forest-labs/FLUX.1-dev  flux-1-dev-non-commercial-license
          me/LoRA  adapter  mit
        b/Base  apache-2.0
          me/Free  adapter  mit
          me/Tuned  finetune  mit
        """
    found = drawn(registry, sketch)
    assert found.combined is not None
    assert found.delta is not None
    assert (found.combined.verdict, found.combined.grade, found.verdict) == ("conflict", "violation", "conflict")
    assert (found.delta.verdict, found.delta.grade) == ("ok", "pass")
    for strict in (inheritance(registry, "me/Strict"), inheritance(registry, "me/LoRA")):
        assert (strict.verdict, strict.delta) == ("conflict", strict.combined)  # a vendor's terms bind adapters too
    assert inheritance(registry, "me/Free").verdict == "ok-with-notices"
    assert inheritance(registry, "me/Tuned").delta is None


def test_an_adapter_that_is_merged_too_is_none(registry: Engine) -> None:
    row = api_row("me/Model", ["a/Base", "b/Base"], "adapter", "mit")
    row["tags"] = ["base_model:adapter:a/Base", "base_model:merge:b/Base", "base_model:a/Base", "base_model:b/Base"]
    found = saved(registry, api_row("a/Base", license="mit"), api_row("b/Base", license="mit"), row)
    assert found.delta is None


@pytest.mark.parametrize("base", ["apache-2.0", "gpl-3.0", "cc-by-nc-4.0", "gemma", "modified-mit"])
def test_an_adapter_without_a_label_grants_nothing_even_alone(registry: Engine, base: str) -> None:
    found = saved(registry, other("a/Base", base), api_row("me/Model", ["a/Base"], "adapter"))
    assert found.verdict == "undeclared"
    assert found.delta is not None
    assert (found.delta.verdict, found.delta.grade) == ("undeclared", "review")


def test_an_ancestor_that_is_only_named_is_unknown(registry: Engine) -> None:
    found = drawn(registry, "nobody/Known  unseen\n  me/Model  mit")
    assert (found.verdict, found.grade, found.causes) == ("unknown", "review", ("nobody/Known",))
    assert found.findings[0].path == ("me/Model", "nobody/Known")
    assert "not in the registry" in found.findings[0].says


def test_an_ancestor_whose_row_says_nothing_of_licences_is_unknown(registry: Engine) -> None:
    found = saved(registry, {"id": "a/Base"}, api_row("me/Model", ["a/Base"], license="mit"))
    assert (found.verdict, found.causes) == ("unknown", ("a/Base",))


def test_an_owner_may_relicense_own_work(registry: Engine) -> None:
    found = drawn(registry, "me/Base  cc-by-nc-4.0\n  ME/Model  apache-2.0", "ME/Model")
    assert (found.verdict, found.findings) == ("ok", ())
    assert found.notes == ("me owns me/Base too, and may put its own work under another licence",)


@pytest.mark.parametrize(
    ("label", "created", "verdict"),
    [
        ("yi", "2023-12-04T12:00:00.000Z", "stale-label"),
        ("yi", "2024-05-29T23:59:59.000Z", "stale-label"),
        ("yi", "2024-05-30T00:00:00.000Z", "inapplicable-licence"),
        ("yi", None, "inapplicable-licence"),
        ("llama2", "2023-12-04T12:00:00.000Z", "inapplicable-licence"),
        ("apache-2.0", "2023-12-04T12:00:00.000Z", "ok"),
    ],
)
def test_a_label_is_stale_where_the_ancestor_was_relicensed_later(
    registry: Engine, label: str, created: str | None, verdict: str
) -> None:
    row = other("me/Model", label, ("01-ai/Yi-34B",)) | {"createdAt": created}
    found = saved(registry, api_row("01-ai/Yi-34B", license="apache-2.0"), row)
    assert found.verdict == verdict
    assert found.causes == (() if verdict == "ok" else ("01-ai/Yi-34B",))


@pytest.mark.parametrize("terms", ["gpl-3.0", "cc-by-sa-4.0", "faipl-1.0"])
def test_a_label_that_forbids_restrictions_cannot_pass_them_on(registry: Engine, terms: str) -> None:
    found = saved(registry, api_row("google/gemma-2b", license="gemma"), other("me/Model", terms, ("google/gemma-2b",)))
    assert (found.verdict, found.grade) == ("conflict", "violation")


@pytest.mark.parametrize(
    ("tags", "label", "expected"),
    [
        (["unsloth"], "apache-2.0", ("tool-default",)),
        (["unsloth"], "mit", ()),
        (["autotrain"], "other", ("tool-default",)),
        (["transformers"], "apache-2.0", ()),
        ([], "apache-2.0", ()),
    ],
)
def test_a_label_that_a_template_writes_is_marked(
    registry: Engine, tags: list[str], label: str, expected: tuple[str, ...]
) -> None:
    row = api_row("me/Model", ["google/gemma-2b"], license=label)
    row["tags"] += tags
    found = saved(registry, api_row("google/gemma-2b", license="gemma"), row)
    assert found.annotations == expected
    assert bool(found.notes) == bool(expected)


def test_metadata_that_contradicts_itself_is_reviewed_and_hides_nothing_worse(registry: Engine) -> None:
    row = api_row("me/Model", ["a/Base"], license="apache-2.0")
    row["cardData"]["license_name"] = "gemma"
    found = saved(registry, api_row("a/Base", license="apache-2.0"), row)
    assert (found.verdict, found.grade, found.causes) == ("contradictory-metadata", "review", ())
    save(registry, [api_row("a/Base", license="llama3.1")])
    assert inheritance(registry, "me/Model").verdict == "conflict"


def naming(found: Inheritance) -> list[bool]:
    return [duty.met for duty in found.obligations if duty.axis == "naming" and duty.met is not None]


@pytest.mark.parametrize(
    ("license", "name", "met"),
    [
        ("llama3.1", "Llama-3.1-Mine", True),
        ("llama3.1", "Mine-Llama-3.1", False),
        ("llama3.1", "Mine", False),
        ("llama4", "Llama-Mine", True),
        ("llama3", "Llama-3-8B-Mine", True),
        ("llama3", "Llama-Mine", False),
        ("llama3", "Mine-3", False),
        ("exaone", "EXAONE-Mine", True),
        ("exaone", "Mine", False),
    ],
)
def test_a_name_that_must_begin_so_is_met_or_not(registry: Engine, license: str, name: str, met: bool) -> None:
    found = saved(registry, other("a/Base", license), other(f"me/{name}", license, ("a/Base",)), model=f"me/{name}")
    assert found.grade == "pass"  # a name is a duty: it does not change the verdict on the label
    assert naming(found) == [met]


def test_each_inherited_licence_brings_its_duties_once_with_their_sources(registry: Engine) -> None:
    sketch = """
        meta-llama/Llama-2-7b  llama2
          me/Model  llama2
        meta-llama/Llama-2-13b  llama2
          me/Model
        a/Free  apache-2.0
          me/Model
        """
    found = drawn(registry, sketch)
    said = [(duty.license, duty.says) for duty in found.obligations]
    assert len(said) == len(set(said))
    assert {license for license, _ in said} == {"llama2", "apache-2.0"}
    assert all(duty.source and duty.ancestor in {"meta-llama/Llama-2-7b", "a/Free"} for duty in found.obligations)
    order = ["notice", "naming", "use", "territory", "outputs"]
    axes = [order.index(duty.axis) for duty in found.obligations]
    assert axes == sorted(axes)
    assert naming(found) == []


def test_a_cycle_ends_and_names_what_it_brings(registry: Engine) -> None:
    sketch = [
        api_row("a/A", ["a/B"], license="gemma"),
        api_row("a/B", ["a/A"], license="mit"),
        api_row("me/Model", ["a/A"], license="mit"),
    ]
    found = saved(registry, *sketch)
    assert rules(found) == [("flow-down", "a/A", "gemma"), ("same", "a/B", "mit")]


def test_a_model_that_names_itself_has_no_ancestor(registry: Engine) -> None:
    assert saved(registry, api_row("me/Model", ["me/Model"], license="mit")).findings == ()


def test_copies_of_each_other_without_labels_are_unknown(registry: Engine) -> None:
    copies = (api_row("a/A", ["a/B"], "quantized"), api_row("a/B", ["a/A"], "quantized"))
    found = saved(registry, *copies, api_row("me/Model", ["a/A"], license="mit"))
    assert (found.verdict, found.grade) == ("unknown", "review")


def test_a_model_that_is_its_own_ancestor_answers_for_the_others(registry: Engine) -> None:
    found = saved(registry, api_row("me/Model", ["a/A"], license="mit"), api_row("a/A", ["me/Model"], license="gemma"))
    assert rules(found) == [("flow-down", "a/A", "gemma")]
    assert found.inherited == {"gemma": ("a/A",)}


@given(graph=graphs(cyclic=True), label=st.sampled_from(["mit", "gemma"]))
def test_no_graph_keeps_an_answer_from_coming(graph: Graph, label: str) -> None:
    kinds = [("gemma",), ("mit",), ("cc-by-nc-4.0",), None, ()]
    briefs = {
        n: Brief(n, f"m/{n}", "listed", f"o{n}", kinds[n % 5] if n else (label,), None, 1, None, None, None)
        for n in graph
    }
    steps = [Step(child, up, i, "finetune", "both", f"m/{up}") for child in graph for i, up in enumerate(graph[child])]
    found = judged(Ancestry(0, steps, briefs), None)
    above, todo = set[int](), [0]
    while todo:
        fresh = set(graph[todo.pop()]) - above
        above |= fresh
        todo += fresh
    held = {label for n in above - {0} for label in kinds[n % 5] or ()}
    assert set(found.inherited) == held
    assert (found.grade == "pass") <= all(kinds[n % 5] for n in above - {0})


def test_a_long_ancestry_takes_no_square_of_time(registry: Engine) -> None:
    rows = [api_row(f"c/{n}", [f"c/{n - 1}"] if n else [], license="mit") for n in range(4000)]
    save(registry, [*rows, api_row("me/Model", ["c/3999"], license="mit")])
    settle(registry)
    start = time.process_time()
    assert inheritance(registry, "me/Model").inherited == {"mit": ("c/0",)}
    assert time.process_time() - start < 1


def test_the_effective_licence_is_an_expression_of_all_that_applies(registry: Engine) -> None:
    found = saved(
        registry,
        api_row("a/A", license="openrail++"),
        api_row("me/Model", ["a/A", "b/Unseen"], license="gpl-3.0"),
    )
    assert found.effective == "GPL-3.0-only AND LicenseRef-openrail-- AND NOASSERTION"


def test_an_answer_says_of_which_day_the_data_are(snapshot_registry: Engine, registry: Engine) -> None:
    assert inheritance(snapshot_registry, "Qwen/Qwen3-8B").data_date == "2026-08-22T00:00:00Z"
    assert drawn(registry, "me/Model  mit").data_date is None


def test_children_of_a_research_model_that_claim_apache_are_violations(snapshot_registry: Engine) -> None:
    root = "Qwen/Qwen2.5-3B-Instruct"
    children = descendants(snapshot_registry, root, depth=1).members[1:]
    claiming = [child.id for child in children if child.licenses == ("apache-2.0",)]
    assert len(claiming) >= 3
    for child in claiming:
        found = inheritance(snapshot_registry, child)
        (dropped,) = [finding for finding in found.findings if finding.rule == "restriction-dropped"]
        assert (found.verdict, found.grade, dropped.license) == ("restriction-dropped", "violation", "qwen-research")
        assert (dropped.clause, dropped.section) == ("Use is limited to non-commercial purposes.", "2(a)")
        assert dropped.source
        assert dropped.path == (child, root, "Qwen/Qwen2.5-3B")  # which it was made from
