"""What is to be put right before publishing, as text: the worst first, and the lines to put into the card."""

from lineage.check import Check
from lineage.formats.licenses import NO_ADVICE, finding_lines
from lineage.formats.rows import Table
from lineage.formats.tables import as_table, as_text
from lineage.formats.text import printable
from lineage.front_matter import block
from lineage.problems import Problem

_WORST_FIRST = ("violation", "review", "pass")


@as_table.register
def _(found: Check) -> Table:
    rows = [(p.grade, p.rule, p.license, p.says, p.mend, p.section, p.source) for p in _ordered(found)]
    rows += [(f.grade, f.rule, f.license, f.says, f.mend, f.section, f.source) for f in found.findings]
    return Table(("class", "rule", "license", "says", "mend", "section", "source"), rows, title=found.model)


@as_text.register
def _(found: Check) -> str:
    lines = [
        f"{found.model}: {found.grade}",
        f"  made from  {', '.join(found.base_models) or 'nothing that is known'}",
        f"  declares   {found.declared}: {found.verdict}",
        f"  effective  {found.effective}",
    ]
    for finding in found.findings:
        head, *rest = finding_lines(finding)
        lines += ["", f"{finding.grade}: {head}", *rest]
    for problem in _ordered(found):
        lines += ["", *_problem_lines(problem)]
    if not found.findings and not found.problems:
        lines += ["", "nothing else to put right" if found.waived else "nothing to put right"]
    asides = [f"waived: {f.rule} of {f.ancestor or 'the label'}: {f.waived}" for f in found.waived]
    asides += [f"note: {remark}" for remark in found.remarks]
    lines += ["", *asides] if asides else []
    put = {name: value for name, value in found.front_matter.items() if value is not None}
    gone = [name for name, value in found.front_matter.items() if value is None]
    if put:
        lines += ["", "put into README.md, between its --- lines (or run this with --fix):"]
        lines += [f"  {line}" for line in block(put).splitlines()]
    lines += [f"and take out {' and '.join(gone)}"] if gone else []
    day = found.data_date[:10] if found.data_date else "an unknown date"
    lines += ["", f"data of {day}, catalogue {found.catalogue}. {NO_ADVICE}"]
    return "\n".join(map(printable, lines))


def _ordered(found: Check) -> list[Problem]:
    return sorted(found.problems, key=lambda problem: _WORST_FIRST.index(problem.grade))


def _problem_lines(problem: Problem) -> list[str]:
    lines = [f"{problem.grade}: {problem.rule}", f"  {problem.says}"]
    if problem.license:
        where = f", section {problem.section}" if problem.section else ""
        lines.append(f"  asked by  {problem.license}{where}")
    if problem.source:
        lines.append(f"  source    {problem.source}")
    return [*lines, f"  mend      {problem.mend}"]
