"""A dossier as one HTML page: what a reviewer reads, prints, fills in and keeps.

It holds no script and asks nothing of any server. What is written into its form stays in the browser until the page is
printed.
"""

from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version

from lineage.bom import Material
from lineage.dossier import Applied, Dossier
from lineage.family import Edge
from lineage.formats.articles import ANNOTATIONS, MARKS, MEANING, article, model_link
from lineage.formats.licenses import NO_ADVICE
from lineage.formats.markup import Markup, clipped, joined, link, tag
from lineage.formats.pages import definitions, own, page, section, table
from lineage.formats.sheets import svg
from lineage.formats.text import number
from lineage.formats.tree import EVIDENCE, STATE, relation_words
from lineage.licenses.catalogue import Fact
from lineage.licenses.sources import link_of
from lineage.obligations import Obligation
from lineage.questions import Answer
from registry.records import Evidence, State

#: So many findings, notes, ancestors, reasons of an answer, labels (or models that brought a licence), defects, files.
FINDINGS, NOTES, ANCESTORS, REASONS, LABELS, DEFECTS, FILES = 100, 20, 300, 8, 8, 20, 50
_AXES = {"notice": "Notices", "naming": "Name", "use": "Use", "territory": "Territory", "outputs": "Outputs"}
_CLASS = {"yes": "pass", "no": "violation"}


def dossier_page(found: Dossier) -> str:
    """The dossier as a page of its own."""
    style = Markup(f"{own('audit.css')}\n{own('dossier.css')}")
    parts = {
        "verdict": ("Findings", _findings(found)),
        "ancestry": ("What it was made from", _ancestry(found)),
        "licences": ("Licences that apply, and what they ask for", _licences(found)),
        "uses": ("What it may be used for", _uses(found)),
        "model": ("The model", _model(found)),
        "decision": ("Decision", _decision()),
    }
    links = (tag("li", tag("a", title, href=f"#{id_}")) for id_, (title, _) in parts.items())
    return page(
        f"Licence dossier: {clipped(found.audited.model)}",
        style,
        None,
        tag("a", "Skip to the findings", href="#content", class_="skip"),
        tag("header", *_header(found), tag("nav", tag("ul", *links), aria_label="Sections")),
        tag("main", *(section(id_, title, content) for id_, (title, content) in parts.items()), id="content"),
        tag("footer", tag("p", NO_ADVICE), tag("p", f"Written by finetune-lineage {version('finetune-lineage')}.")),
    )


def _header(found: Dossier) -> Iterator[Markup]:
    mine, s = found.audited, found.summary
    revision = found.materials[0].revision
    yield tag("p", "Licence dossier", class_="kicker")
    yield tag("h1", model_link(mine.model))
    badge = tag("strong", f"{MARKS[mine.grade]} {mine.verdict}")
    yield tag("div", badge, tag("p", MEANING[mine.grade]), *_besides(found), class_=f"verdict {mine.grade}")
    facts = {
        "It declares": mine.declared,
        "Licences that apply": mine.effective,
        "Commit of the data": found.materials[0].commit or "not known",
        "Commit asked for": revision,
        "Models it was made from": number(len(found.materials) - 1),
        "Data of": s.data_date[:10] if s.data_date else "an unknown date",
        "Catalogue of licences": s.catalogue,
        "Policy": s.policy or "none",
    }
    told = (tag("div", tag("dt", name), tag("dd", fact)) for name, fact in facts.items() if fact)
    yield tag("dl", *told, class_="facts")
    if s.remarks:
        yield tag("ul", *(tag("li", remark) for remark in s.remarks), class_="remarks", aria_label="About the policy")


def _besides(found: Dossier) -> Iterator[Markup]:
    """What should be read beside the verdict."""
    mine, rules = found.audited, found.inherited
    if mine.verdict != rules.verdict or mine.grade != rules.grade:
        yield tag("p", f"Without your policy: {rules.verdict} ({rules.grade}).")
    if rules.delta is not None and rules.combined is not None:
        yield tag(
            "p",
            f"An adapter. As it is published, alone: {rules.delta.verdict}; with its base: {rules.combined.verdict}.",
        )


def _findings(found: Dossier) -> Iterator[Markup]:
    mine = found.audited
    shown = mine.findings[:FINDINGS]
    if not shown:
        yield tag("p", MEANING["pass"])
    yield from (article(one, mine.declared) for one in shown)
    yield from _left_out(len(mine.findings) - len(shown), "findings", f"audit {mine.model} --claim any -f json")
    notes = [*found.inherited.notes, *(note for note in found.labels.notes if found.labels.suggestions)]
    if notes:
        yield tag("ul", *(tag("li", note) for note in notes[:NOTES]), class_="notes")
        yield from _left_out(len(notes) - NOTES, "notes", f"license {mine.model}")
    if mine.grade != "pass":
        yield _labels(found)


def _labels(found: Dossier) -> Markup:
    """The labels that would pass."""
    labels = [suggestion.label for suggestion in found.labels.suggestions]
    if not labels:
        return tag("p", f"No label can be suggested: {_few(found.labels.notes, '; ')}.")
    return tag("p", "By what is known it may be labelled: ", tag("strong", _few(labels, ", ")), ".")


def _few(texts: Sequence[str], between: str) -> str:
    """The first of some texts, and how many more there are."""
    more = [f"and {number(len(texts) - LABELS)} more"] if len(texts) > LABELS else []
    return between.join([*texts[:LABELS], *more])


def _ancestry(found: Dossier) -> Iterator[Markup]:
    if len(found.materials) == 1:
        yield tag("p", "It names nothing that it was made from, as far as is known.")
        return
    yield tag("div", svg(found.picture), class_="scroll picture", role="region", aria_label="Picture", tabindex=0)
    shown = found.materials[: ANCESTORS + 1]
    columns = ("Model", "Steps", "Declares", "Made from, and what that rests on")
    yield table("Ancestors, nearest first", columns, map(_material, shown), texts={2, 3})
    left = len(found.materials) - len(shown)
    yield from _left_out(left, "ancestors", f"ancestors {found.audited.model} -f json")


def _material(material: Material) -> tuple[str, ...]:
    label: list[str] = [material.label]
    label += [tag("small", STATE[State.GONE])] if material.facts.state == State.GONE else []
    label += [tag("small", text) for name, text in material.notes if name.startswith("license:")]
    edges = [tag("li", *_edge(edge)) for edge in material.parents]
    none = "not known" if material.facts.state == State.PLACEHOLDER else "nothing that it names"
    made = tag("ul", *edges, class_="edges") if edges else none
    commit = [tag("small", f"commit {material.commit[:12]}")] if material.commit else []
    return joined([model_link(material.id), *commit]), number(material.depth), joined(label), made


def _edge(edge: Edge) -> Iterator[str]:
    yield f"{relation_words(edge, up=True)} "
    yield model_link(edge.parent)
    yield tag("small", EVIDENCE[Evidence(edge.evidence)])


def _licences(found: Dossier) -> Iterator[Markup]:
    if not found.licenses:
        yield tag("p", "None is known.")
    for license in found.licenses:
        yield _licence(found, license)
    unknown = [one for one in found.materials if any(name == "license:unknown" for name, _ in one.notes)]
    if unknown:
        names = [tag("li", model_link(one.id), f": {one.label}") for one in unknown[:ANCESTORS]]
        names += [tag("li", f"{number(len(unknown) - ANCESTORS)} more")] * (len(unknown) > ANCESTORS)
        words = tag("h3", tag("span", "not known", class_="badge"), "Terms that nobody can tell")
        yield tag("article", words, tag("ul", *names), class_="finding review")


def _licence(found: Dossier, license: Applied) -> Markup:
    by = [id for id in license.brought_by if id != found.audited.model]
    names: list[str] = ["its own label"] * (len(by) < len(license.brought_by))
    names += [model_link(id) for id in by[:LABELS]]
    more = f" and {number(len(by) - LABELS)} more" if len(by) > LABELS else ""
    pieces = [piece for name in names for piece in (", ", name)][1:]
    asks = (
        tag("ul", *map(_duty, license.duties), class_="duties")
        if license.duties
        else tag("p", "No duty is noted: see its text.", class_="soft")
    )
    facts = {
        "Brought by": joined([*pieces, more]),
        "Text": link(license.url) if license.url else None,
        "Notice to be kept": license.line,
        "For a derivative": _fact(license.child) if license.child else None,
        "Read in": _sources(license),
    }
    return tag("article", tag("h3", license.name, tag("span", license.id, class_="note")), definitions(facts), asks,
               class_="finding licence")  # fmt: skip


def _duty(duty: Obligation) -> Markup:
    """A duty with a box to tick."""
    met = {True: " It is met.", False: " It is not met.", None: ""}[duty.met]
    words = joined([tag("strong", _AXES[duty.axis]), " ", _fact(duty), met])
    return tag("li", tag("label", tag("input", type="checkbox"), words))


def _fact(fact: Fact | Obligation) -> Markup:
    """What a licence says, with the section where it does."""
    section_ = link(fact.section, link_of(fact.source)) if fact.section else "no section is noted"
    return joined([fact.says, " (", section_, "; unverified: it was not read in full" * fact.unverified, ")"])


def _sources(license: Applied) -> Markup:
    facts: list[Fact | Obligation] = [*license.duties, *([license.child] if license.child else [])]
    sources = dict.fromkeys(fact.source for fact in facts)
    return joined([piece for source in sources for piece in ("; ", link(source, link_of(source)))][1:])


def _uses(found: Dossier) -> Iterator[Markup]:
    rows = [(answer.question.capitalize(), _answer(answer), _reasons(answer)) for answer in found.uses]
    yield table("Purposes", ("Question", "Answer", "Because"), rows, texts={1, 2})


def _answer(answer: Answer) -> Markup:
    return tag("span", answer.answer, class_=f"badge {_CLASS.get(answer.answer, 'review')}")


def _reasons(answer: Answer) -> Markup:
    """The reasons that decide an answer."""
    deciding = [reason for reason in answer.reasons if reason.answer == answer.answer]
    told = []
    for reason in deciding[:REASONS]:
        by = f"{reason.license or 'not known'} of {reason.ancestor}: " if reason.ancestor else ""
        where = (" (", link(reason.section, link_of(reason.source or "")), ")") if reason.section else ()
        told.append(tag("li", f"{by}{reason.says}", *where))
    more = [tag("li", f"{number(len(deciding) - REASONS)} more")] if len(deciding) > REASONS else []
    return tag("ul", *told, *more, class_="edges")


def _model(found: Dossier) -> Iterator[Markup]:
    mine, facts = found.materials[0], found.materials[0].facts
    evidence = found.audited.evidence
    held = {
        "Owner": mine.owner,
        "Created": _day(facts.created_at),
        "Last modified": _day(facts.last_modified),
        "Task": facts.pipeline_tag,
        "Library": facts.library_name,
        "Made with": ", ".join(facts.tools or ()),
        "Data sets": clipped(", ".join(facts.datasets or ()), 1_000),
        "Gated": facts.gated if facts.gated not in {None, "false"} else None,
        "Downloads": f"{number(facts.downloads)} in the last 30 days" if facts.downloads is not None else None,
        "Licence link of the card": link(facts.license_link) if facts.license_link else None,
        "Note": "; ".join(ANNOTATIONS.get(note, note) for note in found.audited.annotations),
        "Documented": _documented(evidence.level, evidence.lacks, evidence.found) if evidence else None,
        "SHA-256": mine.digest,
        "Last seen": f"{_day(facts.last_seen)}, by {facts.source}" if facts.source and facts.last_seen else None,
    }
    yield definitions(held)
    if mine.files:
        rows = [(one.path, number(one.size), tag("span", one.sha256, class_="id")) for one in mine.files[:FILES]]
        yield table("Files", ("File", "Bytes", "SHA-256"), rows, texts={2})
        yield from _left_out(len(mine.files) - FILES, "files", f"model show {found.audited.model} -f json")
    if found.defects:
        defects = ((one.kind, one.field, clipped(one.value, 200), one.reason) for one in found.defects[:DEFECTS])
        yield tag("h3", "Metadata that was refused or repaired")
        yield table("Defects", ("Kind", "Field", "Value", "Reason"), defects, texts={1, 2, 3})
        yield from _left_out(len(found.defects) - DEFECTS, "defects", f"show {found.audited.model}")


def _documented(level: int, lacks: str | None, found: Iterable[str]) -> str:
    return "; ".join([f"grade {level} of 4{f' ({lacks})' if lacks else ''}", *found])


def _day(time: str | None) -> str | None:
    return time[:10] if time else None


def _decision() -> Iterator[Markup]:
    """The form that a reviewer fills in, on paper or on the screen."""
    choices = [("approve", "Approved"), ("conditions", "Approved on the conditions below"), ("refuse", "Refused")]
    options = (
        tag("label", tag("input", type="radio", name="decision", value=value), f" {words}") for value, words in choices
    )
    yield tag("p", "What is written here is kept nowhere: print the page, or save it as PDF.", class_="screen soft")
    yield tag("fieldset", tag("legend", "The model is"), *options)
    yield tag("label", "For which use, and on which conditions", tag("textarea", rows=5), class_="field")
    fields: Sequence[str] = ("Decided by", "Date", "Signature")
    yield tag("div", *(tag("label", name, tag("input", type="text"), class_="field") for name in fields), class_="row")


def _left_out(left: int, what: str, command: str) -> Iterator[Markup]:
    if left > 0:
        where = tag("code", f"lineage {command}")
        yield tag("p", f"{number(left)} more {what} are not shown here: see ", where, ".", class_="soft")
