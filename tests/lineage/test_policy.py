"""The policy file: what it may hold, what each error says and where, and what it does to an audit."""

import hashlib
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from lineage.audit import Audit, audit
from lineage.evidence import Files, FileText, Reader
from lineage.inheritance import inheritance
from lineage.licenses.catalogue import catalogue, own_facts
from lineage.licenses.labels import clarified, license_named
from lineage.policy import INITIAL, Policy, PolicyError, read_policy
from lineage.rules import RULES
from lineage.selection import Selection
from lineage.toml_lines import line_of
from registry.records import RegistryError
from tests.families import family
from tests.lineage.test_texts import MIT

TODAY = date(2026, 11, 24)
OWN = """
[[license]]
id = "acme-1"
names = ["Acme License", "acme v1"]
name = "Acme License 1"
kind = "vendor-community"
use.commercial = "no"
child.terms = "direct-licence"
outputs.training = "unknown"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "lineage.toml"


def written(file: Path, text: str) -> Policy:
    file.write_text(text, encoding="utf-8")
    return read_policy(file)


def test_the_first_policy_changes_nothing(file: Path) -> None:
    found = written(file, INITIAL)
    assert (found.allow, found.on_unknown, found.levels) == (None, "review", {})
    assert (found.waivers, found.clarifications, found.own.text) == ((), (), "")
    for rule in RULES.values():
        assert found.weight(rule) == Policy().weight(rule) == rule.weight


def test_the_first_policy_is_valid_with_all_its_examples(file: Path) -> None:
    lines = [line.removeprefix("# ") if "=" in line or "[[" in line else line for line in INITIAL.splitlines()]
    found = written(file, "\n".join(lines).replace('"..."', f'"{"0" * 64}"'))
    assert "apache-2.0" in (found.allow or ())
    assert (len(found.waivers), len(found.clarifications), len(found.own.licenses)) == (1, 1, 1)
    assert found.levels == {"stale-label": "violation", "file-scope": "pass"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[licenses\n", r":.*line 1.*write it as TOML"),
        ("\n[licence]\n", r":2: no such key 'licence': did you mean 'license'\?"),
        ('[licenses]\nallowed = ["mit"]\n', r":2: no such key 'allowed' in licenses: did you mean 'allow'\?"),
        ("[licenses]\non_unknown = 'review'\n", r":2: no such key 'on_unknown' in licenses: did you mean 'on-unknown'"),
        ("[licenses]\n\non-unknown = 'pass'\n", r":3: on-unknown: .*'review' or 'violation'"),
        ('[licenses]\nallow = ["mit", "nope-1"]\n', r":2: no such licence: nope-1"),
        ('[licenses]\nallow = "mit"\n', r":2: allow: .*list"),
        ("[rules]\nflowdown = 'pass'\n", r":2: no such rule: flowdown: did you mean flow-down\?"),
        ("[rules]\nflow-down = 'ignore'\n", r":2: flow-down: .*'violation', 'review' or 'pass'"),
        ("[rules]\nunknown-ancestor = 'pass'\n", r":2: unknown-ancestor cannot pass: waive it"),
        ("[rules]\nunknown-label = 'pass'\n", r":2: unknown-label cannot pass"),
        ("[rules]\nundeclared = 'pass'\n", r":2: undeclared cannot pass"),
        ("[[waiver]]\nmodel = 'a/b'\nexpires = 2027-01-01\n", r":1: waiver lacks 'reason': add it"),
        ("[[waiver]]\nmodel = 'a/b'\nreason = 'x'\n", r":1: waiver lacks 'expires': add it"),
        ("[[waiver]]\nmodel = 'a/b'\nreason = ' '\nexpires = 2027-01-01\n", r":3: reason: .*at least 1"),
        ("[[waiver]]\nmodel = 'a/b'\nreason = 'x'\nexpires = '2027-01-01'\n", r":4: expires: .*date"),
        (
            "[[waiver]]\nmodel='a'\nreason='x'\nexpires=2027-01-01\n\n[[waiver]]\nmodle='a'\n",
            r":7: no such key 'modle'",
        ),
        ("[[waiver]]\nmodel='a'\nreason='x'\nexpires=2027-01-01\nrule='no'\n", r":5: no such rule: no"),
        ("[[clarify]]\nmodel='a/b'\nlicense='nope-1'\nevidence='x'\n", r":3: no such licence: nope-1"),
        ("[[clarify]]\nmodel='a/b'\nlicense='mit'\n", r":1: clarify lacks 'evidence'"),
        ("[[clarify]]\nmodel='a/b'\nlicense='mit'\nevidence='x'\nfile='L'\n", r":1: file and sha256 go together"),
        ("[[clarify]]\nmodel='a'\nlicense='mit'\nevidence='x'\nfile='L'\nsha256='0'\n", r":6: sha256: "),
        (2 * "[[clarify]]\nmodel='a'\nlicense='mit'\nevidence='x'\n", r":5: a is clarified already"),
        ("[[license]]\nid = 'mit'\n", r":1: "),
        (OWN.replace("acme-1", "mit"), r":3: there is a licence mit already"),
        (OWN.replace('"no"', '"maybe"'), r":2: commercial is 'maybe'"),
        (OWN.replace("terms =", "compatible = ['nope']\nchild.terms ="), r":2: it names licences that are not there"),
        (OWN.replace('["Acme License", "acme v1"]', '"Acme"'), r":4: names is a list"),
        ("[[license]]\nnme = 'x'\n", r":1: "),
    ],
)
def test_every_error_is_one_line_that_names_its_place(file: Path, text: str, said: str) -> None:
    with pytest.raises(RegistryError, match=rf"lineage\.toml{said}") as caught:
        written(file, text)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_policies_are_refused(file: Path) -> None:
    with pytest.raises(PolicyError, match="`lineage policy init` writes one"):
        read_policy(file)
    file.write_bytes(b"\xff")
    with pytest.raises(PolicyError, match="not UTF-8"):
        read_policy(file)
    file.write_bytes(b"#" * 1_000_001)
    with pytest.raises(PolicyError, match="larger than"):
        read_policy(file)
    with pytest.raises(PolicyError, match="cannot read"):
        read_policy(file.parent)


@given(st.text(alphabet="[]='\"#\nab.-12{}, ", max_size=60) | st.text(max_size=40))
def test_any_text_is_a_policy_or_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "lineage.toml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with suppress(PolicyError):
        assert read_policy(file).path


@pytest.mark.parametrize(
    ("location", "line"),
    [
        (("licenses",), 2),
        (("licenses", "allow"), 3),
        (("licenses", "allow", 1), 3),
        (("waiver", 0), 5),
        (("waiver", 0, "reason"), 6),
        (("waiver", 1), 11),
        (("waiver", 1, "reason"), 12),
        (("license", 0, "use", "commercial"), 14),
        (("license", 0, "child"), 15),
        (("license", 0, "child", "terms"), 16),
        (("license", 0, "quoted key"), 14 - 1),
        (("nowhere",), 1),
    ],
)
def test_lines_are_found_in_spite_of_comments_and_long_strings(location: tuple[str | int, ...], line: int) -> None:
    text = """# [licenses]
[licenses] # here
allow = ["a",
  "b"]
[[waiver]]
reason = '''
[[waiver]]
reason = "not this"
''' # over
"model" = 1
[[ waiver ]]
reason = "#"
[[license]]
use.commercial = "no"
[license.child]
terms = "x"
"""
    assert line_of(text, location) == line


FAMILY = """
google/Base  gemma
  acme/Child  apache-2.0
  acme/Other  apache-2.0
acme/Free  apache-2.0
  acme/Copy  mit
acme/Odd  other-thing
  acme/Of-odd  apache-2.0
"""


@pytest.fixture
def world(registry: Engine) -> Engine:
    family(registry, FAMILY)
    return registry


def audited(engine: Engine, file: Path, text: str) -> Audit:
    return audit(engine, Selection(), claim="any", policy=written(file, text), today=TODAY)


def verdicts(found: Audit) -> dict[str, tuple[str, str]]:
    return {model.model: (model.verdict, model.grade) for model in found.models}


def test_what_is_not_allowed_is_a_violation(world: Engine, file: Path) -> None:
    found = audited(world, file, '[licenses]\nallow = ["gemma", "Apache 2.0", "isc"]\n')
    said = verdicts(found)
    assert said["acme/Copy"] == ("not-allowed", "violation")  # its own label
    assert said["acme/Free"] == ("ok", "pass")
    assert said["acme/Child"] == ("not-alone", "violation")
    copy = next(model for model in found.models if model.model == "acme/Copy")
    assert [(f.rule, f.license, f.ancestor) for f in copy.findings] == [("not-allowed", "mit", None)]
    assert found.summary.remarks == (f"{file}:2: allowed, but not met: isc",)


def test_what_is_inherited_has_to_be_allowed_too(world: Engine, file: Path) -> None:
    found = audited(world, file, '[licenses]\nallow = ["mit"]\n')
    copy = next(model for model in found.models if model.model == "acme/Copy")
    (finding,) = copy.findings
    assert (finding.rule, finding.license, finding.ancestor) == ("not-allowed", "apache-2.0", "acme/Free")
    assert finding.path == ("acme/Copy", "acme/Free")


def test_levels_change_the_class(world: Engine, file: Path) -> None:
    assert verdicts(audited(world, file, "[rules]\nflow-down = 'review'\n"))["acme/Child"] == ("not-alone", "review")
    assert verdicts(audited(world, file, "[rules]\nflow-down = 'pass'\n"))["acme/Child"] == ("not-alone", "pass")


def test_what_is_unknown_may_be_a_violation(world: Engine, file: Path) -> None:
    assert verdicts(audited(world, file, ""))["acme/Of-odd"] == ("unknown", "review")
    strict = audited(world, file, "[licenses]\non-unknown = 'violation'\n")
    assert verdicts(strict)["acme/Of-odd"] == ("unknown", "violation")
    both = "[licenses]\non-unknown = 'violation'\n[rules]\nunknown-ancestor = 'review'\n"
    assert verdicts(audited(world, file, both))["acme/Of-odd"] == ("unknown", "review")


WAIVER = """
[[waiver]]
model = "ACME/ch*"
rule = "flow-down"
ancestor = "google/*"
reason = "signed off"
expires = 2026-11-24
"""


def test_a_waived_finding_does_not_count_but_is_told(world: Engine, file: Path) -> None:
    found = audited(world, file, WAIVER)
    said = verdicts(found)
    assert said["acme/Child"] == ("ok", "pass")
    assert said["acme/Other"] == ("not-alone", "violation")
    child = next(model for model in found.models if model.model == "acme/Child")
    assert [(f.rule, f.waived) for f in child.findings] == [("flow-down", "signed off")]
    assert child.offenders == ()
    assert found.summary.waived == 1
    assert found.summary.remarks == ()


@pytest.mark.parametrize(
    ("change", "remark"),
    [
        (("2026-11-24", "2026-11-23"), ":2: this waiver expired on 2026-11-23: its findings count again"),
        (("ch*", "x*"), ":2: this waiver covers nothing that was audited: is it still needed?"),
        (("flow-down", "residual"), ":2: this waiver covers nothing that was audited: is it still needed?"),
        (("google/*", "meta/*"), ":2: this waiver covers nothing that was audited: is it still needed?"),
    ],
)
def test_a_waiver_that_serves_no_purpose_is_reported(
    world: Engine, file: Path, change: tuple[str, str], remark: str
) -> None:
    found = audited(world, file, WAIVER.replace(*change))
    assert verdicts(found)["acme/Child"] == ("not-alone", "violation")
    assert found.summary.remarks == (f"{file}{remark}",)


def test_a_clarification_says_what_a_model_is_under_whatever_its_label(world: Engine, file: Path) -> None:
    text = '[[clarify]]\nmodel = "ACME/odd"\nlicense = "mit"\nevidence = "asked them"\n'
    found = audited(world, file, text)
    assert verdicts(found)["acme/Of-odd"] == ("ok-with-notices", "pass")
    assert verdicts(found)["acme/Odd"] == ("ok", "pass")
    assert found.summary.remarks == ()
    assert found.summary.catalogue != audit(world, Selection()).summary.catalogue
    wrong = text.replace("ACME/odd", "google/Base")
    assert verdicts(audited(world, file, wrong))["acme/Child"] == ("ok-with-notices", "pass")
    stranger = audited(world, file, text.replace("ACME/odd", "no/Body"))
    assert stranger.summary.remarks == (f"{file}:1: no/Body is not among or above what was audited",)


def reader(held: Files) -> Reader:
    """Files of acme/Odd; the others have none."""
    return lambda ids: {id: held if id == "acme/Odd" else Files() for id in ids}


def test_a_clarification_that_rests_on_a_file_holds_while_that_is_the_same(world: Engine, file: Path) -> None:
    content = "All rights granted."
    text = (
        '[[clarify]]\nmodel = "acme/Odd"\nlicense = "mit"\nevidence = "its licence file"\nfile = "LICENSE"\n'
        f'sha256 = "{hashlib.sha256(content.encode()).hexdigest()}"\n'
    )
    policy = written(file, text)
    unchecked = audit(world, Selection(), claim="any", policy=policy, today=TODAY)
    assert verdicts(unchecked)["acme/Of-odd"] == ("ok-with-notices", "pass")
    assert unchecked.summary.remarks == (
        f"{file}:1: rests on LICENSE of acme/Odd, which was not compared: see --evidence",
    )
    for now, verdict, remarks in (
        (content, ("ok-with-notices", "pass"), 0),
        ("All rights reserved.", ("unknown", "review"), 1),
    ):
        held = Files((FileText("LICENSE", now, hashlib.sha256(now.encode()).hexdigest()),))
        found = audit(world, Selection(), claim="any", policy=policy, today=TODAY, read=reader(held))
        assert verdicts(found)["acme/Of-odd"] == verdict
        assert len(found.summary.remarks) == remarks
    assert found.summary.remarks == (
        f"{file}:1: LICENSE of acme/Odd is not what it was: this clarification is not used",
    )
    gone = audit(world, Selection(), claim="any", policy=policy, today=TODAY, read=reader(Files(problem="gated")))
    assert verdicts(gone)["acme/Of-odd"] == ("unknown", "review")
    assert gone.summary.remarks == (
        f"{file}:1: LICENSE of acme/Odd could not be read (gated): this clarification is not used",
    )


def test_what_the_user_says_of_a_model_stands_whatever_its_files_hold(world: Engine, file: Path) -> None:
    policy = written(file, '[[clarify]]\nmodel = "acme/odd"\nlicense = "apache-2.0"\nevidence = "asked"\n')
    held = Files((FileText("LICENSE", MIT, ""),))
    found = audit(world, Selection(), claim="any", policy=policy, today=TODAY, read=reader(held))
    assert verdicts(found)["acme/Odd"] == ("ok", "pass")


def test_a_licence_of_ones_own_is_known_by_its_names_and_judged_by_its_terms(registry: Engine, file: Path) -> None:
    family(registry, "acme/Base  acme-1\n  b/Child  apache-2.0\n  c/Child  acme-1")
    assert license_named("Acme License") is None
    before = catalogue().version
    policy = written(file, OWN)
    with own_facts(policy.own):
        assert license_named("ACME  v1") == license_named("Acme License") == "acme-1"
        assert catalogue().version != before
        found = inheritance(registry, "b/Child")
        assert (found.verdict, found.findings[0].license) == ("conflict", "acme-1")
        assert inheritance(registry, "c/Child").verdict == "ok"
    assert license_named("Acme License") is None
    assert catalogue().version == before
    assert inheritance(registry, "b/Child").verdict == "unknown"
    said = audit(registry, Selection(models=("c/Child",)), claim="Acme License", policy=policy, today=TODAY)
    assert (said.summary.claim, said.summary.audited) == ("acme-1", 1)


def test_own_facts_go_when_the_block_ends_by_an_error(file: Path) -> None:
    policy = written(file, '[[clarify]]\nmodel = "a/b"\nlicense = "mit"\nevidence = "x"\n')
    with suppress(ZeroDivisionError), own_facts(policy.own):
        assert clarified("A/B", "2020-01-01") is not None
        raise ZeroDivisionError
    assert clarified("A/B", None) is None
