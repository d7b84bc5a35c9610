"""A finding as an article of an HTML page: what it says, by which way the licence came, and the clause it rests on."""

from collections.abc import Iterable
from urllib.parse import quote

from lineage.findings import Finding
from lineage.formats.markup import Markup, clipped, joined, link, tag
from lineage.formats.pages import definitions
from lineage.formats.text import number
from lineage.licenses.sources import link_of
from registry.records import Relation
from registry.services import of_service

#: Of a long path so many models are drawn at each end.
ENDS = 8
#: The mark of each class, for those who do not see its colour, and what it means.
MARKS = {"violation": "✕", "review": "?", "pass": "✓"}
MEANING = {
    "violation": "Terms that came along, or the policy, speak against the label.",
    "review": "It cannot be told from what is known, or the law is open: somebody has to look.",
    "pass": "Nothing that is known speaks against the label.",
}
ANNOTATIONS = {"tool-default": "the label is one that a tool writes into every card"}


def article(found: Finding, declared: str) -> Markup:
    """A finding about a model that declares this."""
    by = f" of {found.ancestor}" if found.ancestor else ""
    against = f"{found.license or 'unknown terms'}{by}" if found.license or by else ""
    waived = found.waived is not None
    facts = {
        "Waived": found.waived,
        "Begins at": model_link(found.offender) if found.offender and found.offender not in found.path else None,
        "Clause": _clause(found),
        "Source": _source(found.source, unverified=found.unverified) if found.source else None,
        "To mend it": tag("span", found.mend, class_="mend") if found.mend and not waived else None,
    }
    parts = [
        tag(
            "h3",
            tag("span", f"{'waived: ' if waived else ''}{found.verdict}", class_="badge"),
            against,
            tag("span", f"rule {found.rule}", class_="note"),
        ),
        tag("p", found.says),
    ]
    parts += [tag("p", "Arguable: whether the licence reaches weights is open.", class_="note")] * found.arguable
    parts += [_path(found, declared)] if len(found.path) > 1 else []
    return tag("article", *parts, definitions(facts), class_=f"finding {'waived' if waived else found.grade}")


def _clause(found: Finding) -> str | None:
    if found.clause:
        return f"{f'{found.section}: ' if found.section else ''}{found.clause}"
    return "none is noted: the licence was not read in full" if found.license and found.unverified else None


def _source(source: str, *, unverified: bool) -> Markup:
    """Where a clause stands, as a link where that is to be read at an address."""
    return joined([link(source, link_of(source)), " (unverified: it was not read in full)" if unverified else ""])


def _path(found: Finding, declared: str) -> Markup:
    """The way of a licence: from the ancestor that brought it down to the model, with how each was made."""
    ids, made = found.path[::-1], ("", *found.relations[::-1])
    last = len(ids) - 1
    drawn = [i for i, id_ in enumerate(ids) if i < ENDS or i > last - ENDS or id_ == found.offender]
    steps: list[Markup] = []
    for before, i in zip([-1, *drawn], drawn, strict=False):
        if i - before > 1:
            steps.append(
                tag("li", _arrow("…"), tag("span", f"{number(i - before - 1)} more", class_="box"), class_="gap")
            )
        notes = [f"brings {found.license or 'unknown terms'}"] * (i == 0)
        notes += [f"declares {clipped(declared)}"] * (i == last)
        steps.append(_step(ids[i], made[i], notes, offender=ids[i] == found.offender))
    return tag("ol", *steps, class_="path", aria_label="The way of the licence down to the model")


def _step(id_: str, relation: str, notes: Iterable[str], *, offender: bool) -> Markup:
    """A model on the way, with the arrow that leads to it."""
    arrow = [_arrow("derived" if relation == Relation.UNKNOWN else relation)] if relation else []
    mark = [tag("strong", "◆ it begins here")] if offender else []
    box = tag("span", model_link(id_), *(tag("small", note) for note in notes), *mark, class_="box")
    return tag("li", *arrow, box, class_="offender" if offender else None)


def _arrow(words: str) -> Markup:
    return tag("span", words, class_="arrow")


def model_link(id_: str) -> Markup:
    """A model's id, as a link to its page on the Hub."""
    if "@" in id_ or of_service(id_):  # a version that somebody registered, or not of the Hub
        return tag("span", id_, class_="id")
    return link(id_, f"https://huggingface.co/{quote(id_, errors='replace')}", class_="id")
