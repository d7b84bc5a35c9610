"""An audit as text and as rows."""

from lineage.audit import Audit, Audited
from lineage.evidence import Evidence
from lineage.findings import Finding
from lineage.formats.licenses import NO_ADVICE, path_words
from lineage.formats.rows import Cell, Table, text_table
from lineage.formats.tables import as_table, as_text
from lineage.formats.text import number, printable
from lineage.judgement import CLASSES

#: More models than this are listed, a line each.
_TOLD_IN_FULL = 3


def headline(found: Audit) -> str:
    """What was audited, in one line."""
    s = found.summary
    verb = "is" if s.unknown == 1 else "are"
    unknown = f"; {number(s.unknown)} more {verb} not in the registry" if s.unknown else ""
    audited = s.audited - s.unknown
    if s.claim == "any":
        return f"{s.asked}: {number(audited)} models{unknown}"
    return f"{s.asked}: {number(audited)} of {number(s.selected - s.unknown)} models claim {s.claim}{unknown}"


def places_words(model: Audited) -> str:
    """The lines of code that name a model, in the order of the list; empty where none is known."""
    return ", ".join(f"{place.file}:{place.line}" for place in model.places)


def clears(found: Audit) -> str:
    """How far mending the offenders that are shown would lead; empty where there are none."""
    s = found.summary
    if not s.offenders:
        return ""
    n, cleared = len(s.offenders), s.offenders[-1].clears
    those = "this one" if n == 1 else f"these {number(n)}"
    return f"mending {those} clears {number(cleared)} of {number(s.audited - s.classes['pass'])}"


@as_table.register
def _(found: Audit) -> Table:
    rows = [row for model in found.models for row in _rows(model)]
    columns = (
        "model", "class", "verdict", "declared", "effective", "evidence", "license", "ancestor", "offender", "path",
        "rule", "says", "section", "source", "waived", "downloads", "line", "places",
    )  # fmt: skip
    counts = ", ".join(f"{number(found.summary.classes[name])} {name}" for name in CLASSES)
    notes = (*_more(found, "models"), *found.summary.remarks, *_foot(found))
    return Table(columns, rows, title=f"{headline(found)}: {counts}", notes=tuple(map(printable, notes)))


@as_text.register
def _(found: Audit) -> str:
    s = found.summary
    lines = [headline(found), ""]
    lines += [f"  {name:9}  {number(s.classes[name])}{_words(found, name)}" for name in CLASSES]
    lines += [f"  {number(s.waived)} findings are waived"] if s.waived else []
    head = "\n".join(printable(line) for line in lines)
    foot = "\n".join(map(printable, [*_more(found, "models"), *s.remarks, *_foot(found)]))
    if s.audited <= _TOLD_IN_FULL:
        return "\n\n".join([head, *("\n".join(map(printable, _lines(model))) for model in found.models), foot])
    return "\n\n".join([head, *_scores(found), *([text_table(_listed(found))] if found.models else []), foot])


def _scores(found: Audit) -> list[str]:
    """Where it begins, and how the branches fare."""
    s = found.summary
    parts = []
    if s.offenders:
        rows: list[tuple[Cell, ...]] = [(o.model, o.models, o.clears, o.downloads, o.says) for o in s.offenders]
        columns = ("where it begins", "models", "clears", "downloads", "what")
        parts = [text_table(Table(columns, rows, notes=_more(found, "offenders"))), printable(clears(found))]
    if len(s.branches) > 1:
        rows = [(b.model, b.models, b.violation, b.review, b.passed) for b in s.branches]
        columns = ("branch", "models", "violation", "review", "pass")
        parts.append(text_table(Table(columns, rows, notes=_more(found, "branches"))))
    return parts


def _rows(model: Audited) -> list[tuple[Cell, ...]]:
    """One row a finding; one row for a model without any."""
    level = model.evidence.level if model.evidence else None
    mine = (model.model, model.grade, model.verdict, model.declared, model.effective, level)
    about = (model.downloads, model.line, places_words(model) or None)
    rows: list[tuple[Cell, ...]] = [
        (*mine, f.license, f.ancestor, f.offender, " < ".join(f.path) or None, f.rule, f.clause or f.says, f.section,
         f.source, f.waived, *about)
        for f in model.findings
    ]  # fmt: skip
    return rows or [(*mine, *[None] * 9, *about)]


def _words(found: Audit, name: str) -> str:
    """The verdicts of a class with their numbers."""
    counted = found.summary.verdicts.get(name, {})
    return f"  ({', '.join(f'{number(n)} {word}' for word, n in counted.items())})" if counted else ""


def _lines(model: Audited) -> list[str]:
    downloads = f", {number(model.downloads)} downloads" if model.downloads is not None else ""
    at = f"line {model.line}: " if model.line is not None and not model.places else ""
    lines = [f"{model.grade}: {at}{model.model} ({model.declared}{downloads}): {model.verdict}"]
    if model.evidence:
        lines.append(f"  documented: grade {model.evidence.level} of 4{_because(model.evidence)}")
    lines += [f"  named at {places_words(model)}"] if model.places else []
    before: tuple[str, ...] = ()
    for f in model.findings:
        waived = f"waived ({f.waived}): " if f.waived else ""
        lines.append(f"  {waived}{f.verdict}: {_about(f) if f.license else f.says}")
        lines += [f"    path    {path_words(f)}"] if len(f.path) > 1 and f.path != before else []
        lines += [f"    begins  {f.offender}"] if f.offender not in {None, model.model, f.ancestor} else []
        lines += [f"    clause  {f'{f.section}: ' if f.section else ''}{f.clause}"] if f.clause else []
        lines += [f"    mend    {f.mend}"] if f.mend and not f.waived else []
        before = f.path
    return lines


def _head(model: Audited) -> tuple[Cell, ...]:
    level = model.evidence.level if model.evidence else None
    more = f" and {number(len(model.places) - 1)} more" if len(model.places) > 1 else ""
    named = f"{model.places[0].file}:{model.places[0].line}{more}" if model.places else None
    return model.grade, model.verdict, model.model, named, model.downloads, level


def _because(evidence: Evidence) -> str:
    return f": {evidence.lacks}" if evidence.lacks else ""


def _listed(found: Audit) -> Table:
    """A line a model, with the worst of its findings."""
    rows: list[tuple[Cell, ...]] = [(*_head(model), *_reason(model)) for model in found.models]
    columns = ("class", "verdict", "model", "named at", "downloads", "evidence", "because of", "begins at")
    told = max(len(columns) - 2, *(n for row in rows for n, cell in enumerate(row, 1) if cell not in {"", None}))
    notes = ("in full: `lineage license MODEL`, or -f json",)
    return Table(columns[:told], [row[:told] for row in rows], notes=notes)


def _reason(model: Audited) -> tuple[str, str]:
    """What the worst finding is about, and where it begins, if elsewhere; else why what there is was waived."""
    if not model.findings:
        return "", ""
    worst = model.findings[0]
    if worst.waived is not None:
        return f"waived: {worst.waived}", ""
    begins = worst.offender if worst.offender not in {None, model.model, worst.ancestor} else None
    return _about(worst), begins or ""


def _about(finding: Finding) -> str:
    """What a finding is about, in few words."""
    if finding.rule == "not-in-registry":
        return "the registry does not know it"
    if finding.ancestor is None:
        return f"{finding.license}, its own label" if finding.license else "its own label"
    return f"{finding.license} of {finding.ancestor}" if finding.license else finding.ancestor


def _more(found: Audit, what: str) -> tuple[str, ...]:
    left_out = found.summary.more[what]
    return (f"… and {number(left_out)} more {what}: see --limit",) if left_out else ()


def _foot(found: Audit) -> tuple[str, ...]:
    s = found.summary
    day = s.data_date[:10] if s.data_date else "an unknown date"
    policy = f", policy {s.policy}" if s.policy else ""
    none = (f"none of them claims {s.claim}: `--claim any` audits them whatever they claim",) if not s.audited else ()
    return (
        *none,
        f"data of {day}, catalogue {s.catalogue}{policy}. {NO_ADVICE}",
    )
