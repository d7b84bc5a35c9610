"""The policy file, lineage.toml: which licences a team allows, what it waives, and what it knows besides.

In the manner of cargo-deny's deny.toml: everything that is not allowed is denied, and entries that serve no purpose any
more are reported (https://embarkstudios.github.io/cargo-deny/checks/licenses/cfg.html).
"""

import difflib
import hashlib
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from lineage.judgement import Judgement, grade_of
from lineage.licenses.catalogue import Clarification, License, Own, catalogue, license_of
from lineage.licenses.labels import license_named
from lineage.rules import RULES, Rule, Verdict
from lineage.toml_lines import Location, line_of
from registry.records import RegistryError

POLICY_FILE = "lineage.toml"
_LARGEST = 1_000_000
#: What is unknown never passes: it can be waived for models that somebody looked into.
_NEVER_PASS = {rule.id for rule in RULES.values() if rule.verdict in {Verdict.UNKNOWN, Verdict.UNDECLARED}}


class PolicyError(RegistryError):
    """A policy file that is not as it should be; the message names file and line, and what to do."""


def _known_rule(rule: str) -> str:
    if rule not in RULES:
        near = difflib.get_close_matches(rule, RULES, n=1)
        raise ValueError(f"no such rule: {rule}{f': did you mean {near[0]}?' if near else ': see docs/rules.md'}")
    return rule


_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_RuleId = Annotated[str, AfterValidator(_known_rule)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Waiver(_Table):
    """A finding that a team lives with: `model` and `ancestor` are shell patterns over ids, in any letter case;
    `expires` is the last day on which it holds."""

    model: _Text
    reason: _Text
    expires: date
    rule: _RuleId | None = None
    ancestor: _Text | None = None

    def concerns(self, model: str) -> bool:
        """Whether it is about findings of this model."""
        return _like(model, self.model)

    def covers(self, model: str, rule: str, ancestor: str | None) -> bool:
        """Whether it is about this finding."""
        return (
            self.concerns(model)
            and self.rule in {None, rule}
            and (self.ancestor is None or (ancestor is not None and _like(ancestor, self.ancestor)))
        )


class Clarify(_Table):
    """What a model is under, and why; with `file` and `sha256` only while that file of its repository is the same."""

    model: _Text
    license: _Text
    evidence: _Text
    file: _Text | None = None
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None


class _Licenses(_Table):
    allow: list[_Text] | None = None
    on_unknown: Literal["review", "violation"] = Field("review", validation_alias="on-unknown")


class _File(_Table):
    licenses: _Licenses = Field(default_factory=lambda: _Licenses.model_validate({}))
    rules: dict[_RuleId, Literal["violation", "review", "pass"]] = {}
    clarify: list[Clarify] = []
    waiver: list[Waiver] = []
    license: list[dict[str, Any]] = []


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy; without a file, one that changes nothing.

    `allow` are ids of licences (None: all), `levels` classes of rules, `own` is what it adds to the catalogue; `lines`
    says where each entry stands in the file.
    """

    path: str | None = None
    allow: frozenset[str] | None = None
    on_unknown: str = "review"
    levels: Mapping[str, str] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
    clarifications: tuple[Clarify, ...] = ()
    own: Own = field(default_factory=Own)
    lines: Mapping[object, int] = field(default_factory=dict)

    def weight(self, rule: Rule) -> str:
        """The class of a rule's findings under this policy."""
        if rule.id in self.levels:
            return self.levels[rule.id]
        return self.on_unknown if rule.verdict == Verdict.UNKNOWN else rule.weight

    def overall(self, judgements: Iterable[Judgement]) -> tuple[str, Verdict]:
        """The class of what the rules say of a label, and the verdict that makes it so; no waiver is looked at."""
        weighed = [(judgement, self.weight(RULES[judgement.rule])) for judgement in judgements]
        grade = grade_of(weight for _, weight in weighed)
        return grade, max((j.verdict for j, weight in weighed if weight == grade), default=Verdict.OK)

    def waiver(self, model: str, rule: str, ancestor: str | None, today: date) -> Waiver | None:
        """The first waiver that covers a finding, and has not expired."""
        return next((w for w in self.waivers if w.expires >= today and w.covers(model, rule, ancestor)), None)

    def without(self, unsure: Collection[Clarify]) -> Own:
        """What it adds to the catalogue but for clarifications that cannot be relied on."""
        models = {clarify.model.casefold() for clarify in unsure}
        kept = {model: known for model, known in self.own.clarifications.items() if model not in models}
        text = f"{self.own.text} without {sorted(models)}" if models else self.own.text
        return replace(self.own, clarifications=kept, text=text)

    def at(self, entry: object) -> str:
        """Where an entry stands: file and line."""
        return f"{self.path}:{self.lines.get(entry, 1)}"


class Usage:
    """What of a policy an audit met; what it did not meet is reported."""

    def __init__(self, policy: Policy, today: date) -> None:
        self._policy, self._today = policy, today
        self._met: set[object] = set()

    def waive(self, model: str, rule: str, ancestor: str | None) -> str | None:
        """Why a finding is waived; None where it is not."""
        waiver = self._policy.waiver(model, rule, ancestor, self._today)
        self._met.add(waiver)
        return waiver.reason if waiver else None

    def allowed(self, licenses: Iterable[str]) -> set[str]:
        """Which of these licences the policy allows."""
        allow = self._policy.allow
        found = {license for license in licenses if allow is None or license in allow}
        self._met |= found
        return found

    def models(self, names: Iterable[str]) -> None:
        """Note the models that a verdict rested on."""
        folded = {name.casefold() for name in names}
        self._met.update(c for c in self._policy.clarifications if c.model.casefold() in folded)

    def remarks(self) -> tuple[str, ...]:
        """The entries that expired, or that nothing met."""
        policy = self._policy
        found = []
        for waiver in policy.waivers:
            if waiver.expires < self._today:
                found.append(f"{policy.at(waiver)}: this waiver expired on {waiver.expires}: its findings count again")
            elif waiver not in self._met:
                found.append(f"{policy.at(waiver)}: this waiver covers nothing that was audited: is it still needed?")
        found += [
            f"{policy.at(clarify)}: {clarify.model} is not among or above what was audited"
            for clarify in policy.clarifications
            if clarify not in self._met
        ]
        if unmet := sorted((policy.allow or frozenset()) - self._met):
            found.append(f"{policy.at(unmet[0])}: allowed, but not met: {', '.join(unmet)}")
        return tuple(found)


def read_policy(path: Path) -> Policy:
    """Read a policy file. PolicyError where it cannot be read, or holds anything that it should not."""
    text = _read(path)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{path}: {error}: write it as TOML") from error
    try:
        file = _File.model_validate(data)
    except ValidationError as error:
        location, words = _first(error)
        raise PolicyError(f"{path}:{line_of(text, location)}: {words}") from error
    return _Reader(path, text, data, file).policy()


class _Reader:
    """What a file that is well-formed means; each error names its line."""

    def __init__(self, path: Path, text: str, data: Mapping[str, Any], file: _File) -> None:
        self._path, self._text, self._data, self._file = path, text, data, file

    def policy(self) -> Policy:
        licenses, names = self._own_licenses()
        known = {**names, **{license.id: license.id for license in licenses}}
        allowed: dict[str, Location] = {}
        for n, text in enumerate(self._file.licenses.allow or ()):
            location = ("licenses", "allow", n)
            allowed.setdefault(self._id(text, known, location), location)
        for rule, level in self._file.rules.items():
            if level == "pass" and rule in _NEVER_PASS:
                raise self._error(("rules", rule), f"{rule} cannot pass: waive it for the models you looked into")
        clarified = {
            c.model.casefold(): Clarification(self._id(c.license, known, ("clarify", n, "license")), c.evidence)
            for n, c in enumerate(self._file.clarify)
        }
        for n, c in enumerate(self._file.clarify):
            if (c.file is None) != (c.sha256 is None):
                raise self._error(("clarify", n), "file and sha256 go together: name both, or neither")
            if any(c.model.casefold() == other.model.casefold() for other in self._file.clarify[:n]):
                raise self._error(("clarify", n), f"{c.model} is clarified already: keep one of the two")
        lines: dict[object, int] = {w: self._line(("waiver", n)) for n, w in enumerate(self._file.waiver)}
        lines |= {c: self._line(("clarify", n)) for n, c in enumerate(self._file.clarify)}
        lines |= {id: self._line(location) for id, location in allowed.items()}
        digest = hashlib.sha256(repr((self._data.get("license"), self._data.get("clarify"))).encode()).hexdigest()
        return Policy(
            path=str(self._path),
            allow=None if self._file.licenses.allow is None else frozenset(allowed),
            on_unknown=self._file.licenses.on_unknown,
            levels=dict(self._file.rules),
            waivers=tuple(self._file.waiver),
            clarifications=tuple(self._file.clarify),
            own=Own(tuple(licenses), names, clarified, digest if licenses or clarified else ""),
            lines=lines,
        )

    def _own_licenses(self) -> tuple[list[License], dict[str, str]]:
        found: list[License] = []
        names: dict[str, str] = {}
        for n, table in enumerate(self._file.license):
            given = table.get("names", [])
            if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
                raise self._error(("license", n, "names"), "names is a list of texts")
            where = f"{self._path}:{self._line(('license', n))}"
            license = license_of(where, {key: value for key, value in table.items() if key != "names"})
            taken = {other.id for other in found} | catalogue().licenses.keys()
            if license.id in taken:
                raise self._error(("license", n, "id"), f"there is a licence {license.id} already: choose another id")
            if unknown := (license.compatible | license.carries) - taken:
                raise self._error(("license", n), f"it names licences that are not there: {', '.join(sorted(unknown))}")
            found.append(license)
            names.update(dict.fromkeys(given, license.id))
        return found, names

    def _id(self, text: str, own: Mapping[str, str], location: Location) -> str:
        found = own.get(text) or license_named(text)
        if found is None:
            raise self._error(location, f"no such licence: {text}: `lineage license --list` shows those that are known")
        return found

    def _error(self, location: Location, words: str) -> PolicyError:
        return PolicyError(f"{self._path}:{self._line(location)}: {words}")

    def _line(self, location: Location) -> int:
        return line_of(self._text, location)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise PolicyError(f"cannot read {path} ({error.strerror}): `lineage policy init` writes one") from error
    except UnicodeDecodeError as error:
        raise PolicyError(f"{path} is not UTF-8: save it as UTF-8") from error
    if len(content) > _LARGEST:
        raise PolicyError(f"{path} is larger than {_LARGEST:,} bytes: is it a policy?")
    return text


_KEYS: Mapping[str, type[BaseModel]] = {"licenses": _Licenses, "clarify": Clarify, "waiver": Waiver}


def _first(error: ValidationError) -> tuple[Location, str]:
    """Where an error is, and what is wrong; a key that is not known first, since another may be missing for it."""
    found = max(error.errors(include_url=False), key=lambda one: one["type"] == "extra_forbidden")
    location = tuple(part for part in found["loc"] if part != "[key]")
    key = str(location[-1])
    if found["type"] == "extra_forbidden":
        table = str(location[0]) if len(location) > 1 else ""
        fields = (_KEYS[table] if table else _File).model_fields
        allowed = [str(each.validation_alias or name) for name, each in fields.items()]
        near = difflib.get_close_matches(key, allowed, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(allowed)}"
        return location, f"no such key {key!r}{f' in {table}' if table else ''}: {hint}"
    if found["type"] == "missing":
        return location[:-1], f"{location[0]} lacks {key!r}: add it"
    said = str(found["ctx"]["error"]) if "error" in found.get("ctx", {}) else f"{key}: {found['msg']}"
    return location, said


def _like(text: str, pattern: str) -> bool:
    return fnmatchcase(text.casefold(), pattern.casefold())


#: What `lineage policy init` writes: it changes nothing until it is edited.
INITIAL = """\
# The licence policy of this project, for `lineage audit` and `lineage license`.

[licenses]
# Licences that models may declare and inherit; without this list every licence will do.
# allow = ["apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "isc", "cc0-1.0", "cc-by-4.0", "unlicense"]

# What it comes to where the terms of an ancestor are not known: "review", or "violation".
on-unknown = "review"

[rules]
# How much the findings of a rule count: "violation", "review" or "pass" (`lineage audit` names the rule of a finding).
# stale-label = "violation"
# file-scope = "pass"

# A finding that you live with, for whom, why, and until when.
# [[waiver]]
# model = "our-team/*"                 # a pattern over ids
# rule = "flow-down"                   # optional: this rule only
# ancestor = "google/gemma-2-9b"       # optional: because of this ancestor only
# reason = "signed off by legal, ticket 12"
# expires = 2027-12-31

# What a model is under, where its metadata does not say it, or says it wrong.
# [[clarify]]
# model = "our-team/base"
# license = "mit"
# evidence = "asked the owner, 2026-10-01"
# file = "LICENSE"                     # optional: the file that it rests on, and the SHA-256 of its bytes;
# sha256 = "..."                       # `lineage audit --evidence` says when that has changed

# A licence of your own, with the keys of the product's own catalogue, and what cards write for it.
# [[license]]
# id = "our-model-license"
# names = ["Our Model License 1.0"]
# name = "Our Model License"
# kind = "vendor-community"
# use.commercial = "no"
# child.terms = "direct-licence"
# outputs.training = "unknown"
"""
