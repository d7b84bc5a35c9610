"""Models that code names and the registry does not know: each is a finding, since what is unknown never passes."""

from collections.abc import Sequence

from lineage.findings import Finding
from lineage.policy import Policy, Usage
from lineage.rules import RULES
from lineage.scoreboard import Offender
from registry.services import of_service

_RULE = RULES["not-in-registry"]
_ANOTHERS = "this looks like a model of another service, whose own terms apply: if it is one, waive it in the policy"


def unlisted(name: str, policy: Policy, usage: Usage) -> Finding:
    """What is to be said of such a model, under a policy."""
    mend = _ANOTHERS if of_service(name) else _RULE.mend.format(model=name)
    waived = usage.waive(name, _RULE.id, None)
    return Finding(
        rule=_RULE.id, verdict=_RULE.verdict.word, grade=policy.weight(_RULE), ancestor=None, license=None, path=(),
        relations=(), axis=_RULE.axis, says=_RULE.says, clause=None, section=None, source=None, unverified=False,
        arguable=False, mend=mend, offender=name if waived is None else None,
        waived=waived,
    )  # fmt: skip


def also_begin(offenders: Sequence[Offender], findings: Sequence[Finding], limit: int | None) -> list[Offender]:
    """The models where findings begin, with those that are not known behind them: at most `limit`."""
    cleared = offenders[-1].clears if offenders else 0
    names = [found.offender for found in findings if found.offender is not None]
    more = [
        Offender(name, name.partition("/")[0], None, "not in the registry", 1, 1, cleared + n)
        for n, name in enumerate(names, 1)
    ]
    return [*offenders, *more][:limit]
