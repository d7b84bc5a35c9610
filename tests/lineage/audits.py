"""Audits made by hand, for the tests of what is written of them: with defaults, and hostile ones."""

from collections import Counter
from typing import Any

from lineage.audit import Audit, Audited, Summary
from lineage.findings import Finding
from lineage.judgement import CLASSES
from lineage.rules import RULES
from lineage.scoreboard import Branch, Offender

SOURCE = "https://llama.meta.com/llama3/license/"
#: What anybody can write into a card: it must be data in every format.
HOSTILE = {
    "script": "<script>alert(1)</script>",
    "attribute": "\"><img src=x onerror='alert(1)'>",
    "javascript": "javascript:alert(1)",
    "comment": "--><!-- ]]> </style></script></title>",
    "entity": "&lt;b&gt; &amp; &#60;",
    "markdown": "[click](https://evil.example) ![x](https://evil.example/x.png) `code` {0} {{1}}",
    "bidi": "\u202egpj.exe\u2066\u200b\ufeff",
    "ansi": "\x1b[31mred\x1b[0m\x9b1m",
    "nul": "a\x00b\x0bc\ud800d\ufffee\uffff",
    "lines": "one\ntwo\r\nthree\u2028four\u2029five\tsix",
    "url": "https://evil.example/\" onclick=alert(1) x='",
    "long": "x" * 10_000,
}
#: Characters that nothing may hold as they are: they steer terminals, hide or turn text, or are no character at all.
STEERING = "\x00\x0b\x1b\x9b\u200b\u202e\u2066\u2028\u2029\ufeff\ud800"


def finding(rule: str = "restriction-dropped", model: str = "you/Tuned", **given: Any) -> Finding:
    """A finding of a rule about a model: a licence that came down two steps, unless something else is given."""
    facts = RULES[rule]
    fields: dict[str, Any] = {
        "rule": rule,
        "verdict": facts.verdict.word,
        "grade": facts.weight,
        "ancestor": "meta/Base",
        "license": "llama3",
        "path": (model, "me/Merged", "meta/Base"),
        "relations": ("finetune", "merge"),
        "axis": facts.axis,
        "says": facts.says,
        "clause": "The agreement goes with every copy.",
        "section": "1.b.i",
        "source": SOURCE,
        "unverified": False,
        "arguable": False,
        "mend": facts.mend.format(ancestor="llama3", model="meta/Base"),
        "offender": "me/Merged",
        "waived": None,
    }
    return Finding(**fields | given)


def bare(rule: str = "undeclared", model: str = "you/Tuned", **given: Any) -> Finding:
    """A finding about a label itself: no ancestor, no path, no clause."""
    nothing: dict[str, Any] = dict.fromkeys(("ancestor", "license", "clause", "section", "source"))
    return finding(rule, model, **{**nothing, "path": (), "relations": (), "offender": model, **given})


def audited(model: str = "you/Tuned", *findings: Finding, **given: Any) -> Audited:
    """What an audit says of a model: its class and verdict are those of the worst finding that is not waived."""
    held = [f for f in findings if f.waived is None]
    worst = min(held, key=lambda f: CLASSES.index(f.grade), default=None)
    fields: dict[str, Any] = {
        "model": model,
        "line": None,
        "author": model.partition("/")[0],
        "downloads": 1234,
        "declared": "apache-2.0",
        "effective": "apache-2.0 and llama3" if held else "apache-2.0",
        "verdict": worst.verdict if worst else "ok",
        "grade": worst.grade if worst else "pass",
        "annotations": (),
        "evidence": None,
        "findings": findings,
        "offenders": tuple(sorted({f.offender for f in held if f.offender})),
    }
    return Audited(**fields | given)


def audit_of(*models: Audited, **given: Any) -> Audit:
    """An audit of these models, in this order, with the numbers that follow from them."""
    grades = Counter(model.grade for model in models)
    fields: dict[str, Any] = {
        "asked": "models.txt",
        "claim": "apache-2.0",
        "selected": len(models) + 2,
        "audited": len(models),
        "classes": {name: grades[name] for name in CLASSES},
        "verdicts": {name: dict(Counter(m.verdict for m in models if m.grade == name)) for name in CLASSES},
        "waived": sum(f.waived is not None for model in models for f in model.findings),
        "offenders": offenders_of(*models),
        "branches": (),
        "policy": None,
        "remarks": (),
        "more": {"models": 0, "offenders": 0, "branches": 0},
        "data_date": "2026-08-22T00:00:00Z",
        "catalogue": "0123456789ab",
    }
    return Audit(Summary(**fields | given), models)


def offenders_of(*models: Audited) -> tuple[Offender, ...]:
    """Where the findings of these models begin, in the order of their names."""
    shares = {model.model: set(model.offenders) for model in models if model.offenders}
    found, mended = [], set()
    for name in sorted({offender for offenders in shares.values() for offender in offenders}):
        mended.add(name)
        share = [offenders for offenders in shares.values() if name in offenders]
        clears = sum(offenders <= mended for offenders in shares.values())
        alone = sum(offenders == {name} for offenders in share)
        found.append(Offender(name, name.partition("/")[0], 500, f"llama3, under {name}", len(share), alone, clears))
    return tuple(found)


def branch(model: str = "me/Branch", violation: int = 3, review: int = 2, passed: int = 5) -> Branch:
    """A branch with so many models of each class."""
    return Branch(model, violation + review + passed, violation, review, passed)


def mixed() -> Audit:
    """A violation with two findings, one for review, one that passes as its finding was waived, and one that passes."""
    return audit_of(
        audited(
            "you/Tuned", finding(arguable=True), finding("unknown-ancestor", license=None, unverified=True), line=3
        ),
        audited("you/Bare", bare("undeclared", "you/Bare"), line=4, declared="nothing"),
        audited("you/Waived", finding("flow-down", "you/Waived", waived="we asked the owner"), line=7),
        audited("you/Fine", line=9),
        branches=(branch("me/Branch", 1, 1, 1), branch("meta/Other", 0, 0, 1)),
        policy="lineage.toml",
        remarks=("the waiver of a/B waives nothing",),
    )


def hostile(text: str) -> Audit:
    """An audit in which all that comes from outside is this text."""
    told: dict[str, Any] = dict.fromkeys(("clause", "section", "source", "mend", "says", "license", "ancestor"), text)
    told |= {"path": ("you/Tuned", text, text), "relations": (text, "merge"), "offender": text}
    found = finding(**told)
    free: dict[str, Any] = dict.fromkeys(("author", "declared", "effective"), text)
    held = audited(text, found, bare(says=text, offender=text), **free, annotations=(text,), line=1)
    waived = audited("a/Waived", finding(**told, waived=text), **free)
    return audit_of(
        held, waived, audited(text, **free),
        offenders=(Offender(text, text, 1, text, 1, 1, 1),), branches=(branch(text), branch("a/B")),
        **dict.fromkeys(("asked", "claim", "policy", "data_date", "catalogue"), text), remarks=(text,),
    )  # fmt: skip
