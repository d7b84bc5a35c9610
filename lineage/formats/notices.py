"""The attribution for a model as Markdown, to be put beside it."""

import re
from collections.abc import Iterator

from lineage.evidence import FileText
from lineage.formats.licenses import NO_ADVICE
from lineage.formats.rows import markdown_text as md
from lineage.formats.text import printable
from lineage.licenses.sources import link_of
from lineage.notice import Attribution, Notice, Terms
from registry.ids import ID
from registry.records import Relation

_MADE = {
    Relation.FINETUNE: "a fine-tune of", Relation.ADAPTER: "an adapter of", Relation.QUANTIZED: "a quantized copy of",
    Relation.MERGE: "a merge of", Relation.UNKNOWN: "made from",
}  # fmt: skip


def markdown(found: Notice) -> str:
    """The whole file."""
    asked = ", ".join(map(md, found.asked))
    lines = [f"# Notices for {asked}", ""]
    lines += ["What it was made from, under which licences, and the notices that these ask for.", ""]
    for model in found.models:
        lines += _model(model, asked=model.id in found.asked)
    lines += ["# Licences", ""]
    for terms in found.licenses:
        lines += _terms(terms)
    day = found.data_date[:10] if found.data_date else "an unknown date"
    return "\n".join([*lines, f"Data of {day}, catalogue {found.catalogue}. {NO_ADVICE}"])


def _model(model: Attribution, *, asked: bool) -> Iterator[str]:
    yield f"## {_linked(model.id)}"
    yield ""
    yield f"- declares: {md(model.declared)}"
    for relation, parent in model.made_from:
        yield f"- modified: it is {_MADE[Relation(relation)]} {_linked(parent)}"
    if not (model.made_from or asked):
        yield "- modified: it names nothing that it was made from"
    if model.problem:
        yield f"- **not known:** {md(model.problem)}"
    yield ""
    for file in model.files:
        yield from _file(file)


def _terms(terms: Terms) -> Iterator[str]:
    yield f"## {md(terms.name)}"
    yield ""
    yield f"- text: <{terms.link}>" if terms.link else "- text: in the repositories of the models under it"
    if terms.line:
        yield f"- notice: {md(terms.line)}"
    for fact in terms.facts:
        where = f" (section {md(fact.section)})" if fact.section else ""
        yield f"- asks: {md(fact.says)}{where}{' (unverified)' if fact.unverified else ''}"
    if not (terms.line or terms.facts):
        yield "- asks: nothing about notices is noted here; its text says what it asks"
    for page in dict.fromkeys(link_of(fact.source) for fact in terms.facts):
        if page:
            yield f"- read in: <{page}>"
    yield ""


def _file(file: FileText) -> Iterator[str]:
    """A file as it stands, in a fence that is longer than any in it."""
    longest = max(map(len, re.findall("`+", file.text)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"### {md(file.path)}"
    yield ""
    yield from [f"{fence}text", *map(printable, file.text.splitlines()), fence]
    yield ""


def _linked(id: str) -> str:
    return f"[{md(id)}](https://huggingface.co/{id})" if ID.fullmatch(id) else md(id)
