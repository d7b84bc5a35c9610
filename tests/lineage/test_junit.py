"""JUnit XML, as a reader of it understands it."""

from typing import Any
from xml.etree import ElementTree

import junitparser
import pytest

from lineage.audit import Audit
from lineage.formats.junit import junit
from lineage.formats.text import printable
from tests.lineage.audits import HOSTILE, SOURCE, STEERING, audit_of, audited, bare, finding, hostile, mixed


def read(found: Audit, file: str | None = None, *, strict: bool = False) -> junitparser.TestSuite:
    """The one suite; what it and the document count is what is there."""
    document = junitparser.JUnitXml.fromstring(junit(found, file, strict=strict))
    (suite,) = document
    cases = list(suite)
    actual = (
        len(cases),
        sum(isinstance(result, junitparser.Failure) for case in cases for result in case.result),
        0,
        sum(isinstance(result, junitparser.Skipped) for case in cases for result in case.result),
    )
    for counted in (document, suite):
        assert (counted.tests, counted.failures, counted.errors, counted.skipped) == actual
    return suite


def kinds(suite: junitparser.TestSuite) -> dict[str, list[str]]:
    return {case.name: [type(result).__name__ for result in case.result] for case in suite}


def test_a_model_is_a_case_of_its_owner() -> None:
    suite = read(mixed())
    assert suite.name == "models.txt: apache-2.0"
    assert [(case.classname, case.name) for case in suite] == [
        ("you", "you/Tuned"),
        ("you", "you/Bare"),
        ("you", "you/Waived"),
        ("you", "you/Fine"),
    ]


def test_the_owner_is_the_author_else_what_the_id_begins_with() -> None:
    suite = read(audit_of(audited("x/A", author="Real"), audited("x/B", author=None), audited("gpt2", author=None)))
    assert [case.classname for case in suite] == ["Real", "x", "gpt2"]


def test_a_violation_fails_and_what_is_for_review_is_skipped() -> None:
    assert kinds(read(mixed())) == {"you/Tuned": ["Failure"], "you/Bare": ["Skipped"], "you/Waived": [], "you/Fine": []}


def test_under_strict_what_is_for_review_fails_too() -> None:
    suite = read(mixed(), strict=True)
    assert kinds(suite) == {"you/Tuned": ["Failure"], "you/Bare": ["Failure"], "you/Waived": [], "you/Fine": []}


def test_an_empty_audit_is_an_empty_suite() -> None:
    assert read(audit_of()).tests == 0


def test_a_failure_tells_the_worst_finding_and_how_many_more() -> None:
    found, bare_, *_ = read(mixed())
    ((failure,), (skipped,)) = (found.result, bare_.result)
    assert failure.type == "restriction-dropped"
    assert failure.message == "violation: restriction-dropped: llama3 of meta/Base (and 1 more)"
    assert skipped.type == "undeclared"
    assert skipped.message == "review: undeclared: No licence is declared, which grants nobody anything."


def test_a_waived_finding_is_none_of_those_that_fail() -> None:
    found = audit_of(audited("you/Tuned", finding(), finding("flow-down", waived="agreed")))
    ((case,), (failure,)) = ([*read(found)], next(iter(read(found))).result)
    assert case.name == "you/Tuned"
    assert failure.message.endswith("llama3 of meta/Base")
    assert "waived (agreed): not-alone: llama3 of meta/Base" in failure.text


def test_the_text_tells_every_finding_in_full() -> None:
    held = finding(arguable=True, unverified=True)
    (case,) = read(audit_of(audited("you/Tuned", held, bare("contradictory-metadata", says="It says two things."))))
    (failure,) = case.result
    assert failure.text.split("\n") == [
        "restriction-dropped: llama3 of meta/Base",
        f"  says    {held.says} Arguable: whether the licence reaches weights is open.",
        "  path    you/Tuned ← finetune of me/Merged ← merge of meta/Base",
        "  begins  me/Merged",
        "  clause  1.b.i: The agreement goes with every copy.",
        f"  source  {SOURCE} (unverified)",
        f"  mend    {held.mend}",
        "",
        "contradictory-metadata",
        "  says    It says two things.",
        "  begins  you/Tuned",
        "  mend    let license and license_name say the same",
    ]


def test_what_is_not_known_is_not_told() -> None:
    facts: dict[str, Any] = {"license": None, "clause": None, "section": None, "source": None}
    (case,) = read(audit_of(audited("you/Tuned", finding("unknown-ancestor", **facts))))
    (skipped,) = case.result
    assert skipped.message == "review: unknown: the unknown terms of meta/Base"
    assert skipped.text.startswith("unknown: the unknown terms of meta/Base\n")
    assert "None" not in skipped.text


def test_a_model_that_passes_as_its_finding_is_waived_says_so() -> None:
    *_, waived, fine = read(mixed())
    assert waived.system_out.startswith("waived (we asked the owner): not-alone: llama3 of meta/Base\n")
    assert fine.system_out is None


def places(found: Audit, file: str | None) -> list[tuple[str | None, str | None]]:
    root = ElementTree.fromstring(junit(found, file))
    return [(case.get("file"), case.get("line")) for case in root.iter("testcase")]


def test_a_case_has_the_line_that_names_it() -> None:
    assert places(mixed(), "lists/./models.txt")[0] == ("lists/models.txt", "3")
    assert [line for _, line in places(mixed(), "models.txt")] == ["3", "4", "7", "9"]
    assert places(mixed(), None) == [(None, None)] * 4
    assert places(audit_of(audited("you/Tuned")), "models.txt") == [(None, None)]


def notes(found: Audit) -> str:
    """What the suite says as a whole."""
    return ElementTree.fromstring(junit(found)).findtext("testsuite/system-out") or ""


def properties(found: Audit) -> dict[str | None, str | None]:
    root = ElementTree.fromstring(junit(found))
    return {property.get("name"): property.get("value") for property in root.iterfind("testsuite/properties/property")}


def test_the_suite_says_what_was_audited() -> None:
    assert properties(mixed()) == {
        "asked": "models.txt", "claim": "apache-2.0", "policy": "lineage.toml",
        "data date": "2026-08-22T00:00:00Z", "catalogue": "0123456789ab",
    }  # fmt: skip
    assert set(properties(audit_of(data_date=None))) == {"asked", "claim", "catalogue"}
    assert notes(mixed()).startswith("the waiver of a/B waives nothing\n")
    assert "no legal advice" in notes(mixed())


def test_what_a_limit_leaves_out_is_said() -> None:
    assert "more models" not in notes(mixed())
    found = audit_of(more={"models": 1234, "offenders": 0, "branches": 0})
    assert "1,234 more models are not in this file" in notes(found)


def test_the_document_says_that_it_is_utf_8() -> None:
    written = junit(mixed())
    assert written.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ')
    assert ElementTree.fromstring(written.encode()).tag == "testsuites"


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("strict", [False, True])
def test_hostile_text_is_data(text: str, strict: bool) -> None:
    written = junit(hostile(text), text, strict=strict)
    assert not set(written) & {*STEERING, "\ufffe", "\uffff"}
    shown = printable(text).replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
    root = ElementTree.fromstring(written.encode())
    assert {element.tag for element in root.iter()} == {
        "testsuites", "testsuite", "properties", "property", "testcase", "failure", "system-out",
    }  # fmt: skip
    case = next(root.iter("testcase"))
    assert (case.get("name"), case.get("classname")) == (shown, shown)
    failure = next(root.iter("failure"))
    assert failure.get("message") == f"violation: restriction-dropped: {shown} of {shown} (and 1 more)"
    assert failure.text is not None
    assert f"  clause  {shown}: {shown}\n" in failure.text
    assert read(hostile(text), strict=strict).tests == 3
