"""What the licences above a model ask of its name, its card and its files, and whether the folder has it."""

import re
from collections.abc import Iterator, Sequence

from lineage.inheritance import Inheritance
from lineage.licenses.catalogue import catalogue
from lineage.obligations import Obligation
from lineage.problems import Problem

_LICENSE_FILE = re.compile(r"(?:licen[sc]e|copying)(?:[._-][^/]*)?(?<!\.json)", re.IGNORECASE)


def has_license_file(files: Sequence[str]) -> bool:
    """Whether a licence's text lies at the top of a folder, by the names of its files."""
    return any(_LICENSE_FILE.fullmatch(path) for path in files)


def duties(files: Sequence[str], readme: str, notices: str, judged: Inheritance, *, named: bool) -> Iterator[Problem]:
    """What is missing: a name, a sentence to show, a licence file, a notice.

    `files` are paths in the folder, `readme` and `notices` the texts of its card and of its notice files; `named` if
    the name is the one that it is to have. That a text is there says nothing of where and how it has to be shown.
    """
    for duty in judged.obligations:
        if duty.axis == "naming" and duty.met is False:
            begins = catalogue().licenses[duty.license].begins
            grade, how = ("violation", "") if named else ("review", ", and say it with --name")
            yield _problem("name", grade, duty, f'let the name begin with "{begins}"{how}')
    for id in judged.inherited:
        license = catalogue().licenses[id]
        if license.display and not _holds(readme, license.display):
            mend = f'show "{license.display}" in README.md'
            yield _asked(judged, id, "display", "naming", license.display.casefold(), mend)
        if license.notice and not _holds(notices, license.notice):
            mend = f'add a file NOTICE that says: "{license.notice}"'
            yield _asked(judged, id, "notice", "notice", "notice", mend)
    copies = [duty for duty in judged.obligations if duty.axis == "notice"]
    if copies and not has_license_file(files):
        names = ", ".join(dict.fromkeys(duty.license for duty in copies))
        yield _problem("license-file", "review", copies[0], f"add the text of {names} as LICENSE")


def _asked(judged: Inheritance, license: str, rule: str, axis: str, words: str, mend: str) -> Problem:
    """What a licence asks for, by the clause on that axis which has these words, else any; some were not read."""
    said = [duty for duty in judged.obligations if (duty.license, duty.axis) == (license, axis)]
    if not said:
        says = f"{catalogue().licenses[license].name} asks for it; its clause is not noted (unverified)."
        return Problem(rule, "review", says, mend, license)
    return _problem(rule, "review", next((duty for duty in said if words in duty.says.casefold()), said[0]), mend)


def _holds(text: str, words: str) -> bool:
    """Whether a text has these words, however it breaks its lines."""
    return " ".join(words.casefold().split()) in " ".join(text.casefold().split())


def _problem(rule: str, grade: str, duty: Obligation, mend: str) -> Problem:
    return Problem(rule, grade, duty.says, mend, duty.license, duty.section, duty.source)
