"""An audit as JUnit XML, which most systems that run checks can show: a test case a model."""

import re
from pathlib import PurePath
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from lineage.audit import Audit, Audited
from lineage.findings import Finding
from lineage.formats.licenses import NO_ADVICE, path_words
from lineage.formats.text import number, printable

#: Escaped by nobody else, and not allowed in XML 1.0 (section 2.2).
_NO_CHARACTER = re.compile("[\ufffe\uffff]")


def junit(found: Audit, file: str | None = None, *, strict: bool = False) -> str:
    """The audit as JUnit XML; `file` is that which names the models, one a line.

    A violation is a failure. What is for review is one too if we are `strict`; else it is a skipped test: every such
    system counts these and shows their message, and none fails for them, as the exit status does not. A waived finding
    is told in the output of its test, which passes.
    """
    cases = [_case(model, file, strict=strict) for model in found.models]
    counts = {
        "tests": len(cases),
        "failures": sum(case.find("failure") is not None for case in cases),
        "errors": 0,
        "skipped": sum(case.find("skipped") is not None for case in cases),
    }
    totals = {name: str(n) for name, n in counts.items()}
    root = Element("testsuites", {"name": "lineage audit", **totals})
    suite = SubElement(root, "testsuite", {"name": _xml(f"{found.summary.asked}: {found.summary.claim}"), **totals})
    properties = SubElement(suite, "properties")
    for name, value in _about(found).items():
        SubElement(properties, "property", {"name": name, "value": _xml(value)})
    suite.extend(cases)
    SubElement(suite, "system-out").text = "\n".join(map(_xml, _notes(found)))
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}'


def _about(found: Audit) -> dict[str, str]:
    s = found.summary
    known = {"asked": s.asked, "claim": s.claim, "policy": s.policy, "data date": s.data_date, "catalogue": s.catalogue}
    return {name: value for name, value in known.items() if value is not None}


def _notes(found: Audit) -> list[str]:
    """What is to be said of the audit as a whole."""
    left_out = found.summary.more["models"]
    limited = [f"{number(left_out)} more models are not in this file: leave --limit away"] if left_out else []
    return [*limited, *found.summary.remarks, NO_ADVICE]


def _case(model: Audited, file: str | None, *, strict: bool) -> Element:
    owner = model.author or model.model.partition("/")[0]
    case = Element("testcase", {"classname": _xml(owner), "name": _xml(model.model)})
    for place in model.named_at(file)[:1]:
        case.attrib |= {"file": _xml(PurePath(place.file).as_posix()), "line": str(place.line)}
    text = "\n\n".join("\n".join(map(_xml, _lines(f))) for f in model.findings)
    if model.grade == "violation" or (strict and model.grade == "review"):
        SubElement(case, "failure", {"type": _xml(model.verdict), "message": _message(model)}).text = text
    elif model.grade == "review":
        SubElement(case, "skipped", {"type": _xml(model.verdict), "message": _message(model)}).text = text
    elif text:
        SubElement(case, "system-out").text = text
    return case


def _message(model: Audited) -> str:
    """The class, the worst finding, and how many more there are."""
    held = [f for f in model.findings if f.waived is None]
    words = [f"{model.grade}: {model.verdict}", *(_against(f) for f in held[:1])]
    more = f" (and {number(len(held) - 1)} more)" if len(held) > 1 else ""
    return _xml(": ".join(words) + more)


def _against(found: Finding) -> str:
    return f"{found.license or 'the unknown terms'} of {found.ancestor}" if found.ancestor else found.says


def _lines(found: Finding) -> list[str]:
    """One finding, a line a fact."""
    waived = f"waived ({found.waived}): " if found.waived is not None else ""
    facts = {
        "says": f"{found.says}{' Arguable: whether the licence reaches weights is open.' if found.arguable else ''}",
        "path": path_words(found) if len(found.path) > 1 else None,
        "begins": found.offender,
        "clause": f"{f'{found.section}: ' if found.section else ''}{found.clause}" if found.clause else None,
        "source": f"{found.source}{' (unverified)' if found.unverified else ''}" if found.source else None,
        "mend": found.mend,
    }
    told = [f"  {name:6}  {fact}" for name, fact in facts.items() if fact]
    return [f"{waived}{found.verdict}{f': {_against(found)}' if found.ancestor else ''}", *told]


def _xml(text: str) -> str:
    """The text with all that XML cannot hold, or that could steer a terminal, written as an escape."""
    return _NO_CHARACTER.sub(lambda found: f"\\u{ord(found[0]):04x}", printable(text))
