"""What the page says, in which order, and how much of it."""

from itertools import pairwise
from typing import Any

import pytest

from lineage.audit import Audit
from lineage.evidence import Evidence
from lineage.formats.articles import ENDS
from lineage.formats.audit_page import FINDINGS, MODELS, PASSING, ROWS, audit_page
from lineage.scoreboard import Offender
from tests.lineage.audits import SOURCE, audit_of, audited, bare, branch, finding, mixed
from tests.lineage.pages import Element, read, rows


def held(n: int) -> list[Any]:
    """So many models with a violation."""
    return [audited(f"you/Tuned-{i}", finding("flow-down", f"you/Tuned-{i}")) for i in range(n)]


# what the page says, from the top


@pytest.mark.parametrize(
    ("classes", "claim", "words"),
    [
        ((3, 2, 5), "apache-2.0", "5 of 10 audited models that claim apache-2.0 pass; 3 violate; 2 need review"),
        ((1, 1, 0), "mit", "0 of 2 audited models that claim mit pass; 1 violates; 1 needs review"),
        ((0, 0, 1234), "any", "1,234 of 1,234 audited models pass; 0 violate; 0 need review"),
    ],
)
def test_the_headline_is_the_numbers(classes: tuple[int, int, int], claim: str, words: str) -> None:
    counts = dict(zip(("violation", "review", "pass"), classes, strict=True))
    page = read(audit_of(claim=claim, classes=counts, audited=sum(classes)))
    assert page.one("h1").text == words
    assert page.one("header").one("svg").attributes["aria-label"] == (
        f"{counts['violation']:,} violation, {counts['review']:,} review, {counts['pass']:,} pass"
    )


def test_the_header_says_what_was_asked_and_what_it_rests_on() -> None:
    header = read(mixed()).one("header")
    assert header.one("p", "kicker").text == "Licence audit: models.txt"
    facts = {part.one("dt").text: part.one("dd").text for part in header.one("dl").all("div")}
    assert facts == {
        "Asked": "models.txt", "Audited": "4 of 6 models", "Data of": "2026-08-22",
        "Catalogue of licences": "0123456789ab", "Policy": "lineage.toml", "Waived findings": "1",
    }  # fmt: skip
    assert header.one("ul", "remarks").text == "the waiver of a/B waives nothing"
    bare_ = read(audit_of(data_date=None)).one("header")
    assert "an unknown date" in bare_.one("dl").text
    assert "Policy none" in bare_.one("dl").text
    assert bare_.all("ul", "remarks") == []


def test_each_class_says_its_number_share_meaning_and_verdicts() -> None:
    verdicts = {"violation": {"conflict": 2, "not-alone": 1}, "review": {"unknown": 1}, "pass": {"ok": 1996}}
    found = audit_of(classes={"violation": 3, "review": 1, "pass": 1996}, audited=2000, verdicts=verdicts)
    violation, review, passed = read(found).one("ul", "classes").all("li")
    assert violation.text.startswith("✕ 3 violation, <1%")
    assert "2 conflict, 1 not-alone" in violation.text
    assert review.text.startswith("? 1 review, <1%")
    assert passed.text.startswith("✓ 1,996 pass, >99%")
    assert [part.classes for part in (violation, review, passed)] == [["violation"], ["review"], ["pass"]]
    assert len({part.all("p")[0].text for part in (violation, review, passed)}) == 3
    whole = read(audit_of(audited("a/B"))).one("ul", "classes").all("li")
    assert "0 violation, 0%" in whole[0].text
    assert "pass, 100%" in whole[2].text
    assert "%" not in read(audit_of()).one("ul", "classes").text


def test_the_parts_stand_in_the_order_in_which_they_matter() -> None:
    page = read(mixed())
    ids = [section.attributes["id"] for section in page.one("main").all("section")]
    assert ids == ["begins", "branches", "models", "passing"]
    assert [part.name for part in page.one("body").content if isinstance(part, Element)] == [
        "a", "header", "main", "footer", "script",
    ]  # fmt: skip
    assert page.one("footer").text.startswith("This is about labels and terms; it is no legal advice.")
    assert audit_page(mixed()).count("no legal advice") == 1


def test_the_offenders_are_told_with_what_mending_them_clears() -> None:
    offenders = (
        Offender("meta/Base", "meta", None, "llama3, under apache-2.0", 7, 4, 4),
        Offender("me/Merged", "me", 12345, "its terms cannot be told", 5, 2, 6),
    )
    found = audit_of(offenders=offenders, audited=20, classes={"violation": 6, "review": 4, "pass": 10})
    begins = read(found).by_id("begins")
    assert rows(begins) == [
        ["meta/Base", "7", "4", "llama3, under apache-2.0", "?"],
        ["me/Merged", "5", "6", "its terms cannot be told", "12,345"],
    ]
    assert begins.all("p")[0].text == "Mending these 2 clears 6 of 10."
    one = read(audit_of(offenders=offenders[:1], audited=9, classes={"violation": 5, "review": 0, "pass": 4}))
    assert one.by_id("begins").all("p")[0].text == "Mending this one clears 4 of 5."
    assert read(audit_of()).by_id("begins").text == "Where it begins Nothing is to be mended."


def test_the_branches_are_told_with_bars() -> None:
    found = audit_of(branches=(branch("me/Branch", 1, 2, 5), branch("me/Empty", 0, 0, 0)))
    branches = read(found).by_id("branches")
    assert rows(branches) == [["me/Branch", "", "8", "1", "2", "5"], ["me/Empty", "", "0", "0", "0", "0"]]
    bar, empty = branches.all("svg")
    assert bar.attributes["aria-label"] == "1 violation, 2 review, 5 pass"
    assert [(r.classes, r.attributes["x"], r.attributes["width"]) for r in bar.all("rect")] == [
        (["violation"], "0.000%", "12.500%"), (["review"], "12.500%", "25.000%"), (["pass"], "37.500%", "62.500%"),
    ]  # fmt: skip
    assert {r.attributes["width"] for r in empty.all("rect")} == {"0.000%"}
    assert "branches" not in [e.attributes.get("id") for e in read(audit_of()).all("section")]


def test_models_with_findings_come_as_the_audit_orders_them_and_those_that_pass_last() -> None:
    page = read(mixed())
    models = page.by_id("models").all("details")
    assert [model.one("summary").text for model in models] == [
        "✕ violation you/Tuned restriction-dropped · declares apache-2.0",
        "? review you/Bare undeclared · declares nothing",
        "✓ pass you/Waived ok · declares apache-2.0",
    ]
    assert [model.classes for model in models] == [["model", "violation"], ["model", "review"], ["model", "pass"]]
    passing = page.by_id("passing").one("details")
    assert "open" not in passing.attributes
    assert passing.text == "1 models with nothing against them you/Fine apache-2.0"
    empty = read(audit_of())
    assert empty.by_id("models").text == "Models No model has a finding."
    assert empty.by_id("passing").text == "Models that pass None."


def test_a_model_says_what_is_known_of_it() -> None:
    evidence = Evidence(2, ("LICENSE: mit",), "neither card nor NOTICE names meta/Base")
    model = audited("you/Tuned", finding(), line=1234, annotations=("tool-default",), evidence=evidence)
    told = read(audit_of(model)).by_id("models").one("details").all("dl")[0]
    assert {part.one("dt").text: part.one("dd").text for part in told.all("div")} == {
        "Model": "you/Tuned", "Declared": "apache-2.0", "Effective": "apache-2.0 and llama3",
        "Downloads": "1,234 in the last 30 days", "Line": "1,234",
        "Note": "the label is one that a tool writes into every card",
        "Evidence": "grade 2 of 4: neither card nor NOTICE names meta/Base",
    }  # fmt: skip
    bare_ = audited("you/Tuned", finding(), downloads=None)
    told = read(audit_of(bare_)).by_id("models").one("details").all("dl")[0]
    assert [part.text for part in told.all("dt")] == ["Model", "Declared", "Effective"]


def test_a_finding_is_told_in_full() -> None:
    article = read(audit_of(audited("you/Tuned", finding(arguable=True, unverified=True)))).one("article")
    assert article.classes == ["finding", "violation"]
    assert article.one("h3").text == "restriction-dropped llama3 of meta/Base rule restriction-dropped"
    assert finding().says in article.text
    assert "Arguable" in article.text
    facts = {part.one("dt").text: part.one("dd").text for part in article.one("dl").all("div")}
    assert facts == {
        "Clause": "1.b.i: The agreement goes with every copy.",
        "Source": f"{SOURCE} (unverified: it was not read in full)",
        "To mend it": finding().mend,
    }
    plain = read(audit_of(audited("you/Tuned", finding()))).one("article")
    assert "Arguable" not in plain.text
    assert "unverified" not in plain.text


def test_a_finding_without_a_path_says_where_it_begins() -> None:
    article = read(audit_of(audited("you/Bare", bare("undeclared", "you/Bare")))).one("article")
    assert article.all("ol") == []
    assert "Begins at you/Bare" in article.one("dl").text
    assert "Begins at" not in read(audit_of(audited("you/Tuned", finding()))).one("article").text


def test_a_licence_of_which_no_clause_is_noted_says_so() -> None:
    bare_: dict[str, Any] = dict.fromkeys(("clause", "section", "source"))
    unread = read(audit_of(audited("a/B", finding(**bare_, unverified=True)))).one("article")
    assert "none is noted: the licence was not read in full" in unread.text
    assert "Clause" not in read(audit_of(audited("a/B", finding(**bare_)))).one("article").text


def test_a_waived_finding_is_told_as_such_with_the_reason() -> None:
    article = read(audit_of(audited("you/Waived", finding(waived="we asked the owner")))).one("article")
    assert article.classes == ["finding", "waived"]
    assert article.one("span", "badge").text == "waived: restriction-dropped"
    assert "Waived we asked the owner" in article.one("dl").text
    assert "To mend it" not in article.text


# the way of a licence


def steps(found: Audit) -> list[Element]:
    return read(found).one("ol", "path").all("li")


def test_the_path_goes_from_the_ancestor_down_to_the_model() -> None:
    drawn = steps(audit_of(audited("you/Tuned", finding(), declared="mit")))
    assert [step.text for step in drawn] == [
        "meta/Base brings llama3",
        "merge me/Merged ◆ it begins here",
        "finetune you/Tuned declares mit",
    ]
    assert [step.classes for step in drawn] == [[], ["offender"], []]
    assert [len(step.all("span", "arrow")) for step in drawn] == [0, 1, 1]


@pytest.mark.parametrize(("offender", "at"), [("meta/Base", 0), ("me/Merged", 1), ("you/Tuned", 2)])
def test_the_path_marks_where_it_begins(offender: str, at: int) -> None:
    drawn = steps(audit_of(audited("you/Tuned", finding(offender=offender))))
    assert ["◆ it begins here" in step.text for step in drawn] == [i == at for i in range(3)]


def test_unknown_terms_and_relations_have_words() -> None:
    opaque = finding("unknown-ancestor", license=None, relations=("unknown", "merge"))
    drawn = steps(audit_of(audited("you/Tuned", opaque)))
    assert drawn[0].text == "meta/Base brings unknown terms"
    assert drawn[2].text.startswith("derived you/Tuned")


def test_every_path_holds_its_models_in_order() -> None:
    found = mixed()
    told = [f for model in found.models for f in model.findings if f.path]
    drawn = read(found).all("ol", "path")
    assert len(drawn) == len(told) == 3
    for path, held_ in zip(drawn, told, strict=True):
        assert [anchor.text for anchor in path.all("a")] == list(reversed(held_.path))


@pytest.mark.parametrize("length", [2 * ENDS, 2 * ENDS + 1, 2 * ENDS + 2, 20_000])
def test_a_long_path_is_drawn_at_its_ends_and_where_it_begins(length: int) -> None:
    ids = tuple(f"c/{n}" for n in range(length))
    middle = f"c/{length // 2}"
    chain = finding(path=ids, relations=("finetune",) * (length - 1), offender=middle)
    drawn = steps(audit_of(audited("c/0", chain)))
    names = [anchor.text for step in drawn for anchor in step.all("a")]
    numbers = [int(name.removeprefix("c/")) for name in names]
    assert numbers == sorted(numbers, reverse=True)
    assert set(ids[:ENDS]) | set(ids[-ENDS:]) | {middle} == set(names)
    gaps = [step.text for step in drawn if "gap" in step.classes]
    assert sum(int(gap.split()[1].replace(",", "")) for gap in gaps) == length - len(names)
    assert len(drawn) == len(names) + sum(a - b > 1 for a, b in pairwise(numbers))


# how much there is of it


def test_models_beyond_the_limit_are_counted() -> None:
    assert "more models" not in read(audit_of(*held(MODELS))).by_id("models").text
    models = read(audit_of(*held(MODELS + 3))).by_id("models")
    assert len(models.all("details")) == MODELS
    assert "3 more models are not shown here" in models.text
    assert "-f json" in models.text


def test_models_that_the_audit_itself_left_out_are_counted() -> None:
    found = audit_of(*held(2), audited("a/B"), audited=1_300, classes={"violation": 7, "review": 93, "pass": 1_200})
    page = read(found)
    assert "98 more models are not shown here" in page.by_id("models").text
    assert "1,199 more models that pass are not shown here" in page.by_id("passing").text


def test_those_that_pass_beyond_the_limit_are_counted() -> None:
    waived = audited("a/B", finding(waived="agreed"))
    many = [audited(f"you/Fine-{n}") for n in range(PASSING + 2)]
    passing = read(audit_of(waived, *many)).by_id("passing")
    assert len(passing.all("li")) == PASSING
    assert "2 more models that pass are not shown here" in passing.text
    assert "more" not in read(audit_of(waived, *many[:PASSING])).by_id("passing").text


def test_offenders_and_branches_beyond_the_limit_are_counted() -> None:
    offenders = tuple(Offender(f"a/{n}", "a", 1, "x", 1, 1, n + 1) for n in range(ROWS + 2))
    branches = tuple(branch(f"b/{n}") for n in range(ROWS + 2))
    counts = {"audited": 100, "classes": {"violation": 90, "review": 0, "pass": 10}}
    page = read(audit_of(offenders=offenders, branches=branches, **counts))
    assert len(rows(page.by_id("begins"))) == len(rows(page.by_id("branches"))) == ROWS
    assert f"Mending these {ROWS} clears {ROWS} of 90." in page.by_id("begins").text
    assert "2 more models where findings begin are" in page.by_id("begins").text
    assert "2 more branches are" in page.by_id("branches").text
    left_out = {"models": 0, "offenders": 7, "branches": 8}
    limited = read(audit_of(offenders=offenders[:1], branches=branches[:1], **counts, more=left_out))
    assert "7 more models where" in limited.by_id("begins").text
    assert "8 more branches" in limited.by_id("branches").text


def test_findings_beyond_the_limit_are_counted() -> None:
    many = [finding(ancestor=f"meta/{n}") for n in range(FINDINGS + 1)]
    model = read(audit_of(audited("you/Tuned", *many))).by_id("models").one("details")
    assert len(model.all("article")) == FINDINGS
    assert "1 more findings are not shown here" in model.text
