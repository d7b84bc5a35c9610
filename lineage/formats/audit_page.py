"""An audit as one HTML page: what a licence reviewer reads, in the order in which it matters.

The page asks nothing of any server, and reads well without its script, which filters. Its Content-Security-Policy
allows that script and its style alone, by their hashes.
"""

from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version

from lineage.audit import Audit, Audited
from lineage.formats.articles import ANNOTATIONS, MARKS, MEANING, article, model_link
from lineage.formats.audits import places_words
from lineage.formats.licenses import NO_ADVICE
from lineage.formats.markup import Markup, clipped, tag
from lineage.formats.pages import definitions, own, page, section, table
from lineage.formats.text import number
from lineage.judgement import CLASSES
from lineage.scoreboard import Branch, Offender

#: So many models are told in full, so many that pass are listed, so many offenders and branches, findings of a model.
MODELS, PASSING, ROWS, FINDINGS = 500, 1_000, 50, 20
_TITLES = {"begins": "Where it begins", "branches": "Branches", "models": "Models", "passing": "Models that pass"}


def audit_page(found: Audit) -> str:
    """The audit as a page of its own."""
    style, script = own("audit.css"), own("audit.js")
    title = f"Licence audit: {clipped(found.summary.asked)}"
    told = [model for model in found.models if model.grade != "pass" or model.findings]
    passing = [model for model in found.models if model.grade == "pass" and not model.findings]
    sections = {
        "begins": _begins(found),
        "branches": _branches(found) if found.summary.branches else [],
        "models": _models(found, told),
        "passing": _passing(found, passing),
    }
    shown = {id_: content for id_, content in sections.items() if content}
    return page(
        title,
        style,
        script,
        tag("a", "Skip to the findings", href="#content", class_="skip"),
        tag("header", *_header(found, title), _contents(shown)),
        tag("main", *(section(id_, _TITLES[id_], content) for id_, content in shown.items()), id="content"),
        tag("footer", tag("p", NO_ADVICE), tag("p", f"Written by finetune-lineage {version('finetune-lineage')}.")),
    )


def _header(found: Audit, title: str) -> Iterator[Markup]:
    s = found.summary
    n = s.classes
    claim = "" if s.claim == "any" else f" that claim {clipped(s.claim)}"
    violate, need = "violates" if n["violation"] == 1 else "violate", "needs" if n["review"] == 1 else "need"
    rest = f"{number(n['violation'])} {violate}; {number(n['review'])} {need} review"
    yield tag("p", title, class_="kicker")
    yield tag("h1", f"{number(n['pass'])} of {number(s.audited)} audited models{claim} pass; {rest}")
    yield _bar([n[name] for name in CLASSES])
    yield tag("ul", *(_class(found, name) for name in CLASSES), class_="classes")
    facts = {
        "Asked": clipped(s.asked, 500),
        "Audited": f"{number(s.audited)} of {number(s.selected)} models",
        "Data of": s.data_date[:10] if s.data_date else "an unknown date",
        "Catalogue of licences": s.catalogue,
        "Policy": s.policy or "none",
        "Waived findings": number(s.waived),
    }
    yield tag("dl", *(tag("div", tag("dt", name), tag("dd", fact)) for name, fact in facts.items()), class_="facts")
    if s.remarks:
        yield tag("ul", *(tag("li", remark) for remark in s.remarks), class_="remarks", aria_label="Remarks")


def _contents(sections: Iterable[str]) -> Markup:
    links = (tag("li", tag("a", _TITLES[id_], href=f"#{id_}")) for id_ in sections)
    return tag("nav", tag("ul", *links), aria_label="Sections")


def _class(found: Audit, name: str) -> Markup:
    """One of the three classes, with its number and what its models came to."""
    n = found.summary.classes[name]
    verdicts = found.summary.verdicts.get(name, {}).items()
    words = ", ".join(f"{number(count)} {verdict}" for verdict, count in verdicts)
    head = (tag("strong", f"{MARKS[name]} {number(n)}"), f" {name}{_share(n, found.summary.audited)}")
    return tag("li", *head, tag("p", MEANING[name]), tag("p", words, class_="soft"), class_=name)


def _share(n: int, of: int) -> str:
    """A share in words; neither nothing nor all, unless it is."""
    if of == 0:
        return ""
    return ", <1%" if 0 < n / of < 0.01 else ", >99%" if 0.99 < n / of < 1 else f", {n / of:.0%}"


def _bar(counts: Sequence[int]) -> Markup:
    """A bar of the three classes. Its widths are attributes: the page's policy allows no style in an element."""
    share = 100 / (sum(counts) or 1)
    named = list(zip(CLASSES, counts, strict=True))
    parts = [
        tag("rect", x=f"{share * sum(counts[:i]):.3f}%", width=f"{share * n:.3f}%", height="100%", class_=name)
        for i, (name, n) in enumerate(named)
    ]
    return tag(
        "svg", *parts, class_="bar", role="img", aria_label=", ".join(f"{number(n)} {name}" for name, n in named)
    )


def _begins(found: Audit) -> list[Markup]:
    """The models where findings begin, and how far mending them leads."""
    s = found.summary
    if not s.offenders:
        return [tag("p", "Nothing is to be mended.")]
    shown = s.offenders[:ROWS]
    those = "this one" if len(shown) == 1 else f"these {number(len(shown))}"
    lead = f"Mending {those} clears {number(shown[-1].clears)} of {number(s.audited - s.classes['pass'])}."
    words = (
        "Each is the first model on the way down whose own label is at odds with what came along, or one whose terms "
        "nobody can tell. Those that clear the most stand first."
    )
    columns = ("Model", "Models", "Clears, with those above", "What is wrong there", "Downloads")
    return [
        tag("p", tag("strong", lead), class_="lead"),
        tag("p", words, class_="soft lead"),
        table("Models where findings begin", columns, map(_offender, shown), texts={3}),
        *_left_out(len(s.offenders) - len(shown) + s.more["offenders"], "models where findings begin"),
    ]


def _offender(offender: Offender) -> tuple[str, ...]:
    counts = map(number, (offender.models, offender.clears))
    return model_link(offender.model), *counts, offender.says, number(offender.downloads)


def _branches(found: Audit) -> list[Markup]:
    """How each branch fares."""
    s = found.summary
    shown = s.branches[:ROWS]
    words = "The audited models by the farthest model that they came down from, by the parents they name first."
    columns = ("Branch", "Shares", "Models", "Violation", "Review", "Pass")
    return [
        tag("p", words, class_="soft lead"),
        table("Branches by class", columns, map(_branch, shown), texts={1}),
        *_left_out(len(s.branches) - len(shown) + s.more["branches"], "branches"),
    ]


def _branch(branch: Branch) -> tuple[str, ...]:
    counts = (branch.violation, branch.review, branch.passed)
    return model_link(branch.model), _bar(counts), *map(number, (branch.models, *counts))


def _models(found: Audit, told: Sequence[Audited]) -> list[Markup]:
    """The models that do not pass, and those that pass as something was waived."""
    if not told:
        return [tag("p", "No model has a finding.")]
    held = found.summary.audited - found.summary.classes["pass"]
    left = len(told) - len(told[:MODELS]) + held - sum(model.grade != "pass" for model in told)
    return [*_left_out(left, "models"), _filter(), *map(_model, told[:MODELS])]


def _filter() -> Markup:
    """The form of the script; without that it stays hidden."""
    grades = (tag("option", name, value=name) for name in CLASSES)
    return tag(
        "form",
        tag("label", "Model, licence or any other word", tag("input", id="words", type="search", autocomplete="off")),
        tag("label", "Class", tag("select", tag("option", "all", value=""), *grades, id="grade")),
        tag("button", "Open all", type="button", id="open"),
        tag("button", "Close all", type="button", id="close"),
        tag("output", id="shown"),
        id="filter",
        hidden="",
        role="search",
    )


def _model(model: Audited) -> Markup:
    badge = tag("span", f"{MARKS[model.grade]} {model.grade}", class_="badge")
    words = f"{model.verdict} · declares {clipped(model.declared)}"
    summary = tag("summary", badge, tag("span", model.model, class_="id"), tag("span", words, class_="soft"))
    shown = model.findings[:FINDINGS]
    facts = {
        "Model": model_link(model.model),
        "Declared": model.declared,
        "Effective": model.effective,
        "Downloads": f"{number(model.downloads)} in the last 30 days" if model.downloads is not None else None,
        "Line": number(model.line) if model.line is not None and not model.places else None,
        "Named at": clipped(places_words(model), 2_000),
        "Note": "; ".join(ANNOTATIONS.get(note, note) for note in model.annotations),
        "Evidence": _evidence(model),
    }
    more = _left_out(len(model.findings) - len(shown), "findings")
    inside = (definitions(facts), *(article(found, model.declared) for found in shown), *more)
    return tag("details", summary, tag("div", *inside, class_="inside"), class_=f"model {model.grade}")


def _evidence(model: Audited) -> str | None:
    """How well the claim is documented, where files were read."""
    if model.evidence is None:
        return None
    return f"grade {model.evidence.level} of 4{f': {model.evidence.lacks}' if model.evidence.lacks else ''}"


def _passing(found: Audit, passing: Sequence[Audited]) -> list[Markup]:
    shown = passing[:PASSING]
    if not shown:
        return [tag("p", "None.")]
    left = len(passing) - len(shown) + found.summary.classes["pass"] - sum(m.grade == "pass" for m in found.models)
    items = (tag("li", model_link(model.model), f" {model.declared}") for model in shown)
    words = tag("summary", f"{number(len(shown))} models with nothing against them")
    return [tag("details", words, tag("ul", *items, class_="passing")), *_left_out(left, "models that pass")]


def _left_out(left: int, what: str) -> list[Markup]:
    words = f"{number(left)} more {what} are not shown here: the json format (lineage audit … -f json) has them all."
    return [tag("p", words, class_="soft")] if left > 0 else []
