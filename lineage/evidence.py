"""How well a claim is documented: grades from the files of the repositories. A verdict never rests on a grade alone.

0 nothing is declared; 1 the tag says it, and no file does; 2 a licence file holds the text of each licence declared;
3 what comes from upstream is named there too: the models it was made from in the card, their NOTICE in a file;
4 no finding, and every ancestor is documented at least by its licence's text.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lineage.licenses.labels import UNDECLARED, Declared
from lineage.licenses.texts import Recognition, recognise
from lineage.policy import Clarify, Policy


@dataclass(frozen=True, slots=True)
class FileText:
    """A file of a repository: its path, its text, and the SHA-256 of its bytes (hex)."""

    path: str
    text: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Files:
    """The licence, notice and readme files of a model; `problem` says why they could not be read."""

    files: tuple[FileText, ...] = ()
    problem: str | None = None


#: Reads the files of models (ids) on the Hub.
Reader = Callable[[Iterable[str]], Mapping[str, Files]]


@dataclass(frozen=True, slots=True)
class Evidence:
    """How well a claim is documented (its grade, 0 to 4), what was found, and what keeps it from the next grade."""

    level: int
    found: tuple[str, ...]
    lacks: str | None


@dataclass(frozen=True, slots=True)
class Documents:
    """What the files of one model say."""

    read: Files
    #: Licence files with what their text was recognised as.
    licenses: Mapping[str, Recognition] = field(default_factory=dict)

    @property
    def named(self) -> frozenset[str]:
        """The licences whose text is there."""
        return frozenset(r.license for r in self.licenses.values() if r.license)

    def text(self, *kinds: str) -> str:
        """The text of the files whose names begin so, as one."""
        return "\n".join(f.text for f in self.read.files if f.path.casefold().startswith(kinds))


def documents(read: Files) -> Documents:
    """Recognise the licence files of a model."""
    texts = [file for file in read.files if file.path.casefold().startswith(("license", "licence", "copying"))]
    return Documents(read, {file.path: recognise(file.text) for file in texts})


def contradiction(label: Declared, own: Documents) -> str | None:
    """What is wrong where the licence files hold other licences than the label names; None where nothing is."""
    if not label.licenses or not own.named or own.named & label.licenses:
        return None
    held = ", ".join(f"{path} holds {r.license}" for path, r in sorted(own.licenses.items()) if r.license)
    return f"license says {label.text}, {held}"


def graded(
    label: Declared, own: Documents, above: Mapping[str, Documents], parents: Sequence[str], *, passes: bool
) -> Evidence:
    """Grade a claim by a model's files and those of its ancestors (`above`, by id; `parents` are the direct ones)."""
    found = tuple(f"{path}: {_words(recognition)}" for path, recognition in sorted(own.licenses.items()))
    steps = (
        "no licence is declared" if label.lacking == UNDECLARED else None,
        _untold(label, own),
        _unnamed(own, above, parents),
        _ungrounded(above, passes=passes),
    )
    return next((Evidence(grade, found, lacks) for grade, lacks in enumerate(steps) if lacks), Evidence(4, found, None))


def _untold(label: Declared, own: Documents) -> str | None:
    """Which licence of the label no file holds."""
    if own.read.problem:
        return f"its files could not be read: {own.read.problem}"
    if not label.licenses:
        return "what the label means is not known"
    missing = label.licenses - own.named
    return f"no file holds the text of {', '.join(sorted(missing))}" if missing else None


def _ungrounded(above: Mapping[str, Documents], *, passes: bool) -> str | None:
    """What speaks against the claim, or which ancestor's licence text is not there."""
    if not passes:
        return "there are findings against the label"
    bare = sorted(id for id, theirs in above.items() if not theirs.named)
    return f"no licence text is known of {', '.join(bare)}" if bare else None


def _unnamed(own: Documents, above: Mapping[str, Documents], parents: Iterable[str]) -> str | None:
    """What of upstream is not named: a parent in the card or notices, or the NOTICE of an ancestor."""
    told = own.text("readme", "notice")
    folded = told.casefold()
    for parent in parents:
        if parent.casefold() not in folded:
            return f"neither card nor NOTICE names {parent}"
    for id, theirs in above.items():
        notice = _folded(theirs.text("notice"))
        if notice and notice not in _folded(told):
            return f"the NOTICE of {id} is not there"
    return None


def _folded(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))


def _words(r: Recognition) -> str:
    """What a text was recognised as."""
    if r.license:
        return r.license if r.by == "text" else f"{r.license}, by its title"
    near = (
        f"near {r.near} ({r.of_template:.0%} of it is there, and makes {r.of_text:.0%} of the text)" if r.near else ""
    )
    return near or "no licence that is known"


def changed_files(policy: Policy, read: Reader | None) -> dict[Clarify, str]:
    """The clarifications whose file is not what it was, or cannot be read, with which of that it is."""
    resting = [clarify for clarify in policy.clarifications if clarify.file]
    if read is None or not resting:
        return {}
    files = read(sorted({clarify.model for clarify in resting}))
    found = {}
    for clarify in resting:
        held = files.get(clarify.model, Files())
        now = {file.path: file.sha256 for file in held.files}.get(clarify.file or "")
        if now is None:
            found[clarify] = (
                f"{clarify.file} of {clarify.model} could not be read ({held.problem or 'it is not there'})"
            )
        elif now != clarify.sha256:
            found[clarify] = f"{clarify.file} of {clarify.model} is not what it was"
    return found
