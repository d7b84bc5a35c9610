"""An audit as SARIF 2.1.0, the format in which code scanning services take what was found.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html. GitHub's code scanning refuses a file in which a
result has no place in a file (so audit a list of models there), takes up to 25,000 results a run, and shows 5,000. Of
several places of a result it shows the first.
"""

import hashlib
from importlib.metadata import version
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from lineage.audit import Audit, Audited
from lineage.findings import Finding
from lineage.formats.licenses import NO_ADVICE, path_words
from lineage.formats.text import json_text, number, printable
from lineage.rules import RULES, Rule
from registry.records import Relation

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"violation": "error", "review": "warning", "pass": "note"}
_ARGUABLE = "Arguable: whether the licence reaches weights is open."

#: An object of the document.
Json = dict[str, Any]


def sarif(found: Audit, file: str | None = None) -> str:
    """The audit as a SARIF document: a result a finding, the waived ones as suppressed; `file` is that which names the
    models, one a line. Where `lineage scan` wrote the list, a result stands at each line of code that names its model,
    since all of them are to be mended."""
    told = [(model, f) for model in found.models for f in model.findings if f.grade != "pass" or f.waived]
    occurring = {f.rule for _, f in told}
    rules = [rule for rule in RULES.values() if rule.id in occurring]
    places = {rule.id: place for place, rule in enumerate(rules)}
    run = {
        "tool": {
            "driver": {"name": "finetune-lineage", "version": version("finetune-lineage"), "rules": _rules(rules)}
        },
        "invocations": [_invocation(found)],
        "results": [_result(model, f, places[f.rule], file) for model, f in told],
        "properties": _about(found),
    }
    return json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rules(rules: list[Rule]) -> list[Json]:
    return [
        {
            "id": rule.id,
            "name": rule.id.title().replace("-", ""),
            "shortDescription": _message(rule.says),
            "fullDescription": _message(f"{rule.says} The verdict is {rule.verdict.word}."),
            "help": {"text": " ".join(_help(rule)), "markdown": "\n\n".join(_help(rule, "**To mend it:**"))},
            "defaultConfiguration": {"level": _LEVELS[rule.weight]},
            "properties": {"tags": ["license", rule.verdict.word, *(["arguable"] if rule.arguable else [])]},
        }
        for rule in rules
    ]


def _help(rule: Rule, heading: str = "To mend it:") -> list[str]:
    """What a rule says, and how a finding of it is mended."""
    mend = rule.mend.format(ancestor="LICENSE (the inherited one)", model="ANCESTOR (the model that brings it)")
    return [rule.says, *([f"{heading} {mend}."] if mend else []), NO_ADVICE]


def _invocation(found: Audit) -> Json:
    """That the audit ran, with what is to be said of its policy and of what the file does not hold."""
    left_out = found.summary.more["models"]
    limited = [f"{number(left_out)} more models are not in this file: leave --limit away"] if left_out else []
    return {
        "executionSuccessful": True,
        "toolConfigurationNotifications": [_warning(remark) for remark in found.summary.remarks],
        "toolExecutionNotifications": [_warning(words) for words in limited],
    }


def _warning(text: str) -> Json:
    return {"level": "warning", "message": _message(text)}


def _about(found: Audit) -> Json:
    s = found.summary
    counts = {"selected": s.selected, "audited": s.audited, "classes": s.classes, "waived": s.waived}
    rests = {"policy": s.policy, "dataDate": s.data_date, "catalogue": s.catalogue}
    return {"asked": s.asked, "claim": s.claim, **counts, **rests, "note": NO_ADVICE}


def _result(model: Audited, found: Finding, place: int, file: str | None) -> Json:
    physicals = _physicals(model, file)
    result: Json = {
        "ruleId": found.rule,
        "ruleIndex": place,
        "level": _LEVELS[found.grade],
        "message": _message(_words(model, found)),
        "locations": [physical | _logical(model.model) for physical in physicals],
        "partialFingerprints": _fingerprints(model, found),
        "properties": {
            "verdict": found.verdict,
            "class": found.grade,
            "offender": found.offender,
            "arguable": found.arguable,
            "unverified": found.unverified,
        },
    }
    if len(found.path) > 1:
        result["codeFlows"] = [{"threadFlows": [{"locations": _flow(found, physicals[0])}]}]
    if found.waived is not None:
        waiver = {"kind": "external", "status": "accepted", "justification": printable(found.waived)}
        result["suppressions"] = [waiver]
    return result


def _words(model: Audited, found: Finding) -> str:
    """The finding in words."""
    by = f" of {found.ancestor}" if found.ancestor else ""
    against = f" against {found.license or 'the unknown terms'}{by}" if found.license or by else ""
    parts = [f"{model.model} ({model.declared}){against}: {found.says}"]
    parts += [_ARGUABLE] if found.arguable else []
    parts += [f"Path: {path_words(found)}."] if len(found.path) > 1 else []
    parts += [f"It begins at {found.offender}."] if found.offender not in {None, model.model, found.ancestor} else []
    read = " (unverified)" if found.unverified else ""
    if found.clause:
        parts.append(f"Clause{f' {found.section}' if found.section else ''}: {found.clause}{read}")
    parts += [f"Source: {found.source}"] if found.source else []
    parts += [f"To mend it: {found.mend}."] if found.mend else []
    return " ".join(parts)


def _physicals(model: Audited, file: str | None) -> list[Json]:
    """Where a model is named; one that was asked for besides the list stands at the list as a whole."""
    places = [(place.file, {"region": {"startLine": place.line}}) for place in model.named_at(file)]
    whole: list[tuple[str, Json]] = [(file, {})] if file else []
    named = [
        {"physicalLocation": {"artifactLocation": {"uri": _uri(path)}, **region}} for path, region in places or whole
    ]
    return named or [{}]


def _logical(name: str) -> Json:
    return {"logicalLocations": [{"fullyQualifiedName": name, "kind": "model"}]}


def _flow(found: Finding, physical: Json) -> list[Json]:
    """The way of a licence, from the ancestor down to the model. A step lies in no file: it is shown where the model is
    named, as GitHub refuses places that are in none."""
    ids, relations = found.path[::-1], found.relations[::-1]
    said = [f"{found.license or 'unknown terms'} of {ids[0]}"]
    made = ["derivative" if relation == Relation.UNKNOWN else relation for relation in relations]
    said += [f"{name}: {relation} of {above}" for above, name, relation in zip(ids, ids[1:], made, strict=False)]
    return [
        {"location": physical | _logical(name) | {"message": _message(words)}}
        for name, words in zip(ids, said, strict=True)
    ]


def _fingerprints(model: Audited, found: Finding) -> dict[str, str]:
    """What stays the same from run to run, whatever else the list and the texts say.

    GitHub goes by primaryLocationLineHash alone. That of the upload action is over the lines that follow too, and the
    same for all findings of a line, so two licences that one rule is about would be one alert.
    """
    known = json_text([model.model, found.rule, found.license, found.ancestor])
    sum_ = hashlib.sha256(known.encode()).hexdigest()
    return {"finding/v1": sum_, "primaryLocationLineHash": f"{sum_[:16]}:1"}


def _message(text: str) -> Json:
    """A plain text; nothing in it is a link or a placeholder (3.11.5 and 3.11.6 of the standard)."""
    return {"text": printable(text).replace("](", "] (").replace("{", "{{").replace("}", "}}")}


def _uri(file: str) -> str:
    """The path of a file as a URI: a relative one stays relative."""
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix(), errors="surrogateescape")
