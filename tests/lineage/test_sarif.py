"""SARIF: valid by the standard's own schema, and with all that a code scanning service shows."""

import copy
import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lineage.audit import Audit
from lineage.formats.sarif import SCHEMA, sarif
from lineage.formats.text import printable
from lineage.rules import RULES
from tests.lineage.audits import HOSTILE, SOURCE, STEERING, audit_of, audited, bare, finding, hostile, mixed

Json = dict[str, Any]
STANDARD: Json = json.loads((Path(__file__).parent / "data" / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft4Validator(STANDARD)


def read(found: Audit, file: str | None = None) -> Json:
    """The one run of an audit's document, which is valid."""
    document: Json = json.loads(sarif(found, file))
    VALIDATOR.validate(document)
    (run,) = document["runs"]
    assert isinstance(run, dict)
    return run


def one(found: Audit, file: str | None = None) -> Json:
    """The one result."""
    (result,) = read(found, file)["results"]
    assert isinstance(result, dict)
    return result


def test_the_schema_is_the_standards_own() -> None:
    assert STANDARD["id"] == SCHEMA
    VALIDATOR.check_schema(STANDARD)


def test_the_schema_refuses_a_broken_document() -> None:
    good: Json = json.loads(sarif(mixed(), "models.txt"))
    VALIDATOR.validate(good)
    breaks: dict[str, Any] = {
        "no version": lambda d: d.pop("version"),
        "no message": lambda d: d["runs"][0]["results"][0].pop("message"),
        "an unknown level": lambda d: d["runs"][0]["results"][0].update(level="fatal"),
        "an unknown key": lambda d: d["runs"][0]["results"][0].update(licence="mit"),
        "line 0": lambda d: d["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"].update(
            startLine=0
        ),
        "a rule without id": lambda d: d["runs"][0]["tool"]["driver"]["rules"][0].pop("id"),
        "a flow without steps": lambda d: d["runs"][0]["results"][0]["codeFlows"][0]["threadFlows"][0].update(
            locations=[]
        ),
    }
    for name, break_ in breaks.items():
        document = copy.deepcopy(good)
        break_(document)
        assert not VALIDATOR.is_valid(document), name


def test_an_audit_without_findings_is_a_run_without_results() -> None:
    for found in (audit_of(), audit_of(audited("you/Fine"))):
        run = read(found, "models.txt")
        assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])


def test_the_driver_says_its_version_and_only_the_rules_that_occur_in_their_order() -> None:
    driver = read(mixed())["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("finetune-lineage", version("finetune-lineage"))
    assert "informationUri" not in driver  # the project has no page yet
    ids = [rule["id"] for rule in driver["rules"]]
    assert set(ids) == {"restriction-dropped", "unknown-ancestor", "undeclared", "flow-down"}
    assert ids == [id for id in RULES if id in ids]


@pytest.mark.parametrize("id", [id for id, rule in RULES.items() if rule.weight != "pass"])
def test_every_rule_is_described(id: str) -> None:
    run = read(audit_of(audited("you/Tuned", finding(id))))
    (rule,) = run["tool"]["driver"]["rules"]
    facts = RULES[id]
    assert rule["name"].casefold() == id.replace("-", "")
    assert rule["shortDescription"]["text"] == facts.says
    assert facts.verdict.word in rule["fullDescription"]["text"]
    for text in rule["help"].values():
        assert facts.says in text
        assert "LICENSE" in text or "{ancestor}" not in facts.mend
        assert facts.mend.partition("{")[0] in text
        assert "no legal advice" in text
    assert "**To mend it:**" in rule["help"]["markdown"]
    assert "*" not in rule["help"]["text"]
    assert rule["defaultConfiguration"]["level"] == {"violation": "error", "review": "warning"}[facts.weight]
    tags = rule["properties"]["tags"]
    assert tags[:2] == ["license", facts.verdict.word]
    assert ("arguable" in tags) == facts.arguable


def test_each_finding_is_a_result_of_its_rule() -> None:
    run = read(mixed())
    rules = run["tool"]["driver"]["rules"]
    told = [(r["ruleId"], r["level"], r["properties"]["class"]) for r in run["results"]]
    assert told == [
        ("restriction-dropped", "error", "violation"),
        ("unknown-ancestor", "warning", "review"),
        ("undeclared", "warning", "review"),
        ("flow-down", "error", "violation"),
    ]
    assert [rules[r["ruleIndex"]]["id"] for r in run["results"]] == [r["ruleId"] for r in run["results"]]


def test_the_level_is_that_of_the_policy_not_of_the_rule() -> None:
    result = one(audit_of(audited("you/Tuned", finding("restriction-dropped", grade="review"))))
    assert (result["level"], result["properties"]["class"]) == ("warning", "review")


def test_a_finding_that_passes_is_no_result_but_a_waived_one_is() -> None:
    passing = finding("notices", grade="pass")
    assert read(audit_of(audited("you/Tuned", passing)))["results"] == []
    waived = finding("notices", grade="pass", waived="agreed")
    assert one(audit_of(audited("you/Tuned", waived)))["level"] == "note"


def test_a_waived_finding_is_suppressed_with_its_reason() -> None:
    *held, waived = read(mixed())["results"]
    (suppression,) = waived["suppressions"]
    assert suppression == {"kind": "external", "status": "accepted", "justification": "we asked the owner"}
    assert [result for result in held if "suppressions" in result] == []


def test_a_message_says_everything() -> None:
    held = finding(arguable=True, unverified=True)
    text = one(audit_of(audited("you/Tuned", held)))["message"]["text"]
    for words in (
        "you/Tuned (apache-2.0) against llama3 of meta/Base",
        held.says,
        "Arguable",
        "you/Tuned ← finetune of me/Merged ← merge of meta/Base",
        "begins at me/Merged",
        "1.b.i: The agreement goes with every copy. (unverified)",
        SOURCE,
        f"To mend it: {held.mend}",
    ):
        assert words in text


def test_a_message_says_nothing_that_is_not_known() -> None:
    text = one(audit_of(audited("you/Bare", bare("undeclared", "you/Bare", mend=""))))["message"]["text"]
    assert text == f"you/Bare (apache-2.0): {RULES['undeclared'].says}"
    text = one(audit_of(audited("you/Tuned", finding("unknown-ancestor", license=None))))["message"]["text"]
    assert "against the unknown terms of meta/Base" in text
    assert "None" not in text


def test_without_a_file_a_result_stands_at_the_model() -> None:
    for result in read(mixed())["results"]:
        (location,) = result["locations"]
        assert list(location) == ["logicalLocations"]
    names = [r["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] for r in read(mixed())["results"]]
    assert names == ["you/Tuned", "you/Tuned", "you/Bare", "you/Waived"]


def test_with_a_file_a_result_stands_at_the_line_that_names_the_model() -> None:
    lines = []
    for result in read(mixed(), "lists/models.txt")["results"]:
        (location,) = result["locations"]
        assert location["logicalLocations"][0]["fullyQualifiedName"]
        assert location["physicalLocation"]["artifactLocation"] == {"uri": "lists/models.txt"}
        lines.append(location["physicalLocation"]["region"])
    assert lines == [{"startLine": line} for line in (3, 3, 4, 7)]


def test_a_model_that_the_file_does_not_name_stands_at_the_file_as_a_whole() -> None:
    (location,) = one(audit_of(audited("you/Tuned", finding())), "models.txt")["locations"]
    assert location["physicalLocation"] == {"artifactLocation": {"uri": "models.txt"}}


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("models.txt", "models.txt"),
        ("./models.txt", "models.txt"),
        ("../lists/models.txt", "../lists/models.txt"),
        ("my models#1?.txt", "my%20models%231%3F.txt"),
        ("100%25.txt", "100%2525.txt"),
        ("c:models.txt", "c%3Amodels.txt"),
        ("Größe.txt", "Gr%C3%B6%C3%9Fe.txt"),
        ("\udcff.txt", "%FF.txt"),
        ("/srv/my models.txt", "file:///srv/my%20models.txt"),
    ],
)
def test_the_place_of_a_file_is_a_uri(file: str, uri: str) -> None:
    place = one(audit_of(audited("you/Tuned", finding(), line=1)), file)["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == uri
    assert re.fullmatch(r"(?:[\w./:~-]|%[0-9A-F]{2})+", uri, re.ASCII)


@pytest.mark.parametrize("file", [None, "models.txt"])
def test_the_flow_goes_from_the_ancestor_down_to_the_model(file: str | None) -> None:
    result = one(audit_of(audited("you/Tuned", finding(), line=2)), file)
    ((flow,),) = (code_flow["threadFlows"] for code_flow in result["codeFlows"])
    steps = [step["location"] for step in flow["locations"]]
    names = [step["logicalLocations"][0]["fullyQualifiedName"] for step in steps]
    assert names == ["meta/Base", "me/Merged", "you/Tuned"]
    assert [step["message"]["text"] for step in steps] == [
        "llama3 of meta/Base",
        "me/Merged: merge of meta/Base",
        "you/Tuned: finetune of me/Merged",
    ]
    assert [("physicalLocation" in step) for step in steps] == [file is not None] * 3


def test_a_step_of_a_kind_that_is_not_known_is_told_in_words() -> None:
    result = one(audit_of(audited("you/Tuned", finding(relations=("unknown", "merge")))))
    last = result["codeFlows"][0]["threadFlows"][0]["locations"][-1]
    assert last["location"]["message"]["text"] == "you/Tuned: derivative of me/Merged"


def test_a_finding_about_the_label_alone_has_no_flow() -> None:
    assert "codeFlows" not in one(audit_of(audited("you/Bare", bare())))


def test_a_fingerprint_stays_while_texts_and_places_change() -> None:
    first = one(audit_of(audited("you/Tuned", finding(), line=3)), "a.txt")
    way: Json = {"path": ("you/Tuned", "meta/Base"), "relations": ("merge",)}
    later = finding(says="Said anew.", clause=None, mend="", grade="review", waived="agreed", offender=None, **way)
    again = one(audit_of(audited("you/Tuned", later, line=99, declared="mit")), "b.txt")
    assert first["partialFingerprints"] == again["partialFingerprints"]
    assert set(first["partialFingerprints"]) == {"finding/v1", "primaryLocationLineHash"}
    assert re.fullmatch(r"[0-9a-f]{16}:1", first["partialFingerprints"]["primaryLocationLineHash"])


def test_fingerprints_tell_findings_apart() -> None:
    models = (
        audited(
            "you/Tuned",
            finding(),
            finding("flow-down"),
            finding(license="llama2"),
            finding(license=None),
            finding(ancestor="meta/Other"),
            finding(license="meta/Base", ancestor="llama3"),
        ),
        audited("you/Other", finding()),
    )
    prints = [tuple(result["partialFingerprints"].values()) for result in read(audit_of(*models))["results"]]
    assert len({whole for whole, _ in prints}) == len({line for _, line in prints}) == 7


def test_a_result_says_what_machines_want() -> None:
    result = one(audit_of(audited("you/Tuned", finding(arguable=True, unverified=True))))
    assert result["properties"] == {
        "verdict": "restriction-dropped", "class": "violation", "offender": "me/Merged", "arguable": True,
        "unverified": True,
    }  # fmt: skip
    plain = one(audit_of(audited("you/Tuned", finding())))["properties"]
    assert (plain["arguable"], plain["unverified"]) == (False, False)


def test_the_run_says_what_was_audited() -> None:
    assert read(mixed())["properties"] == {
        "asked": "models.txt", "claim": "apache-2.0", "selected": 6, "audited": 4,
        "classes": {"violation": 1, "review": 1, "pass": 2}, "waived": 1, "policy": "lineage.toml",
        "dataDate": "2026-08-22T00:00:00Z", "catalogue": "0123456789ab",
        "note": "This is about labels and terms; it is no legal advice.",
    }  # fmt: skip


def test_remarks_about_the_policy_are_notifications() -> None:
    (invocation,) = read(mixed())["invocations"]
    assert invocation["executionSuccessful"] is True
    assert invocation["toolConfigurationNotifications"] == [
        {"level": "warning", "message": {"text": "the waiver of a/B waives nothing"}}
    ]
    assert invocation["toolExecutionNotifications"] == []


def test_what_a_limit_leaves_out_is_said() -> None:
    found = audit_of(audited("you/Tuned", finding()), more={"models": 1234, "offenders": 0, "branches": 0})
    ((told,),) = (i["toolExecutionNotifications"] for i in read(found)["invocations"])
    assert told["level"] == "warning"
    assert "1,234 more models" in told["message"]["text"]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_data(text: str) -> None:
    written = sarif(hostile(text), text.replace("\x00", "").replace("\ud800", "") or "x")
    written.encode()
    assert not set(written) & set(STEERING)
    run = read(hostile(text), "models.txt")
    assert run["results"][0]["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == text
    assert run["properties"]["asked"] == text
    justification = run["results"][-1]["suppressions"][0]["justification"]
    assert justification == printable(text)
    for message in messages(run):
        assert "](" not in message
        assert not re.search(r"(?<!\{)(?:\{\{)*\{(?!\{)", message)
        assert not re.search(r"(?<!\})(?:\}\})*\}(?!\})", message)
        assert printable(message) == message


def messages(run: Json) -> list[str]:
    """The texts that services show and look for links and placeholders in."""
    found = [result["message"]["text"] for result in run["results"]]
    for result in run["results"]:
        for flow in result.get("codeFlows", []):
            found += [step["location"]["message"]["text"] for step in flow["threadFlows"][0]["locations"]]
    found += [told["message"]["text"] for told in run["invocations"][0]["toolConfigurationNotifications"]]
    return found


def test_a_message_keeps_its_words() -> None:
    text = one(audit_of(audited("you/Tuned", finding(says="Says [this](https://x.example) and {0}."))))["message"][
        "text"
    ]
    assert "Says [this] (https://x.example) and {{0}}." in text
