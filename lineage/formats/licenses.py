"""Answers about licences as text: what a person reads, in the order in which it matters."""

from lineage.drift import DRIFT, Drift
from lineage.findings import Finding
from lineage.formats.rows import Cell, Table, text_table
from lineage.formats.tables import as_table, as_text
from lineage.formats.text import number, printable
from lineage.inheritance import Inheritance
from lineage.licenses.explain import LicenseList, LicensePage
from lineage.obligations import Obligation
from lineage.questions import Answer, Suggestions
from registry.records import Relation

NO_ADVICE = "This is about labels and terms; it is no legal advice."
_DUTIES = {"use": "use", "naming": "name", "notice": "notice", "territory": "territory", "outputs": "outputs"}


@as_table.register
def _(found: Inheritance) -> Table:
    rows = [
        (f.verdict, f.grade, f.ancestor, f.license, " < ".join(f.path), f.rule, f.clause or f.says, f.section, f.source)
        for f in found.findings
    ]
    columns = ("verdict", "class", "ancestor", "license", "path", "rule", "says", "section", "source")
    return Table(columns, rows)


@as_table.register
def _(answer: Answer) -> Table:
    rows = [(r.answer, r.license, r.ancestor, r.says, r.section, r.source) for r in answer.reasons]
    title = f"{answer.model}: {answer.question} {answer.answer}"
    return Table(("answer", "license", "ancestor", "says", "section", "source"), rows, title=title)


@as_table.register
def _(found: Suggestions) -> Table:
    rows = [(s.label, s.name, s.verdict) for s in found.suggestions]
    return Table(("label", "name", "verdict"), rows, title=found.model, notes=found.notes)


@as_table.register
def _(found: LicenseList) -> Table:
    rows = [
        (x.id, x.name, x.commercial, x.terms, x.training, "unverified" if x.unverified else None)
        for x in found.licenses
    ]
    columns = ("license", "name", "commercial use", "child terms", "training on outputs", "read")
    return Table(columns, rows, notes=(f"catalogue {found.catalogue}; {NO_ADVICE}",))


@as_table.register
def _(page: LicensePage) -> Table:
    rows: list[tuple[Cell, ...]] = [(name, value, None, None) for name, value in page.axes]
    rows += [
        (fact.axis, fact.says, fact.section, _source(fact.source, unverified=fact.unverified)) for fact in page.facts
    ]
    return Table(("about", "says", "section", "source"), rows, title=f"{page.id}: {page.name}")


@as_table.register
def _(found: Drift) -> Table:
    rows: list[tuple[Cell, ...]] = [(row.relation, row.edges, *row.classes.values()) for row in found.rows]
    return Table(("relation", "edges", *DRIFT), rows, title=_drift_title(found), notes=(_bare(found),))


@as_text.register
def _(found: Drift) -> str:
    rows: list[tuple[Cell, ...]] = [
        (row.relation, row.edges, *(f"{number(n)} ({n / max(row.edges, 1):.1%})" for n in row.classes.values()))
        for row in found.rows
    ]
    width = max(map(len, found.definitions))
    words = [f"  {name:{width}}  {says}" for name, says in found.definitions.items()]
    table = text_table(Table(("relation", "edges", *found.definitions), rows, title=_drift_title(found)))
    return "\n".join([table, "", *words, "", _bare(found), f"catalogue {found.catalogue}; {NO_ADVICE}"])


def _drift_title(found: Drift) -> str:
    of = ", ".join(found.asked) or "the whole registry"
    return f"{of}: labels of derivatives beside those of their parents, data of {_day(found.data_date)}"


def _bare(found: Drift) -> str:
    return f"{number(found.bare)} more edges lead to a parent that declares nothing, or was never seen"


def _day(date: str | None) -> str:
    return date[:10] if date else "an unknown date"


@as_text.register
def _(page: LicensePage) -> str:
    lines = [f"{page.id}: {page.name}", ""]
    width = max(len(name) for name, _ in page.axes)
    lines += [f"{name:{width}}  {value}" for name, value in page.axes]
    for fact in page.facts:
        lines += ["", f"{fact.axis}{f', section {fact.section}' if fact.section else ''}: {fact.says}"]
        lines += [f"    {_source(fact.source, unverified=fact.unverified)}"]
    lines += ["", f"catalogue {page.catalogue}; {NO_ADVICE}"]
    return "\n".join(printable(line) for line in lines)


@as_text.register
def _(found: Inheritance) -> str:
    lines = [
        f"{found.model}: {found.verdict} ({found.grade})",
        f"  declares   {found.declared}",
        f"  effective  {found.effective}",
    ]
    if found.delta is not None and found.combined is not None:
        lines.append(f"  adapter    alone {found.delta.verdict}, with its base {found.combined.verdict}")
    lines += [f"  note       {note}" for note in found.notes]
    for finding in found.findings:
        lines += ["", *finding_lines(finding)]
    if not found.findings:
        lines += ["", "nothing above it is known" if not found.inherited else "nothing to say against the label"]
    duties = [f"  {_DUTIES[d.axis]:9}  {d.license}: {d.says}{_met(d.met)}{_unverified(d)}" for d in found.obligations]
    lines += ["", "duties that come along", *duties] if duties else []
    lines += ["", f"data of {_day(found.data_date)}, catalogue {found.catalogue}. {NO_ADVICE}"]
    return "\n".join(printable(line) for line in lines)


@as_text.register
def _(answer: Answer) -> str:
    lines = [f"{answer.model}: {answer.question} {answer.answer}", ""]
    for reason in answer.reasons:
        where = f" (section {reason.section})" if reason.section else ""
        by = f"{reason.license or 'not known'} of {reason.ancestor}" if reason.ancestor else "the label"
        lines.append(f"{reason.answer:15}  {by}: {reason.says}{where}")
    lines += ["", NO_ADVICE]
    return "\n".join(printable(line) for line in lines)


@as_text.register
def _(found: Suggestions) -> str:
    lines = [text_table(as_table(found))]
    duties = {duty for suggestion in found.suggestions for duty in suggestion.duties}
    lines += ["", "duties that remain", *(f"  {printable(duty)}" for duty in sorted(duties))] if duties else []
    return "\n".join([*lines, "", NO_ADVICE])


def path_words(finding: Finding) -> str:
    """The path from the model up to the ancestor."""
    steps = zip(finding.relations, finding.path[1:], strict=True)
    words = ((relation if relation != Relation.UNKNOWN else "derivative", name) for relation, name in steps)
    return "".join([*finding.path[:1], *(f" ← {relation} of {name}" for relation, name in words)])


def finding_lines(finding: Finding) -> list[str]:
    """A finding as a person reads it."""
    by = f" of {finding.ancestor}" if finding.ancestor else ""
    head = f"{finding.verdict}: {finding.license}{by}" if finding.license else f"{finding.verdict}{by}"
    lines = [
        head,
        f"  {finding.says}{' Arguable: whether the licence reaches weights is open.' if finding.arguable else ''}",
    ]
    if finding.path:
        lines.append(f"  path    {path_words(finding)}")
    if finding.clause:
        lines.append(f"  clause  {f'{finding.section}: ' if finding.section else ''}{finding.clause}")
    elif finding.license and finding.unverified:
        lines.append("  clause  none is noted: the licence was not read in full (unverified)")
    if finding.source:
        lines.append(f"  source  {_source(finding.source, unverified=finding.unverified)}")
    if finding.mend:
        lines.append(f"  mend    {finding.mend}")
    return lines


def _met(met: bool | None) -> str:
    return "" if met is None else " (met)" if met else " (not met)"


def _unverified(duty: Obligation) -> str:
    return " (unverified)" if duty.unverified else ""


def _source(source: str, *, unverified: bool) -> str:
    return f"{source} (unverified)" if unverified else source
