"""Small families in memory, drawn at random or written down, for tests that need no registry."""

from hypothesis import strategies as st

from lineage.ancestry import Ancestry
from registry.read import Brief, Step
from registry.records import Relation, State

LABELS = (
    None, (), ("apache-2.0",), ("mit",), ("qwen-research",), ("qwen",), ("llama3.1",), ("gemma",), ("cc-by-nc-4.0",),
    ("gpl-3.0",), ("apache-2.0", "llama3.1"), ("who-knows",),
)  # fmt: skip
IDS = ("01-ai/Yi-6B", "microsoft/phi-2", "tiiuae/falcon-7b")  # had other licences on other days
MODELS = 9


World = tuple[list[Step], dict[int, Brief]]


@st.composite
def worlds(draw: st.DrawFn, circles: bool = True) -> World:
    """A few models of a few owners, made from each other in any way, in circles too unless told otherwise."""
    briefs: dict[int, Brief] = {}
    for key in range(MODELS):
        owner = draw(st.sampled_from(["a", "B", "qwen", "google", None]))
        name = draw(st.sampled_from([*IDS, *[f"{owner}/{key}"] * 5]))
        if any(name == brief.id for brief in briefs.values()):
            name = f"{owner}/{key}"
        state = draw(st.sampled_from([State.LISTED] * 6 + [State.PLACEHOLDER, State.GONE]))
        labels = None if state == State.PLACEHOLDER else draw(st.sampled_from(LABELS))
        said = draw(st.sampled_from([None] * 4 + ["mit", "qwen"]))
        day = draw(st.sampled_from(["2023-05-01T00:00:00Z", "2024-01-02T00:00:00Z", "2025-01-01T00:00:00Z", None]))
        author = name.partition("/")[0] if owner else None
        downloads = draw(st.sampled_from([None, 0, 7, 7, 900]))
        briefs[key] = Brief(key, name, state, author, labels, said, downloads, day, None, None)
    downwards = draw(st.lists(st.tuples(st.integers(0, MODELS - 1), st.integers(0, MODELS - 1)), max_size=14))
    turned = not circles or draw(st.booleans())
    edges = {(max(pair), min(pair)) if turned else pair for pair in downwards}
    relation = st.sampled_from([str(Relation.FINETUNE), str(Relation.QUANTIZED), str(Relation.QUANTIZED)])
    steps = [Step(child, parent, n, draw(relation), "hub", "") for n, (child, parent) in enumerate(sorted(edges))]
    return steps, briefs


def ancestry_of(key: int, steps: list[Step], briefs: dict[int, Brief]) -> Ancestry:
    """The ancestry of one model, looked up by itself."""
    above = {key}
    while more := {step.parent for step in steps if step.child in above} - above:
        above |= more
    return Ancestry(key, [step for step in steps if step.child in above], {at: briefs[at] for at in above})


def model(key: int, name: str, *labels: str) -> Brief:
    """A model under these labels."""
    return Brief(key, name, State.LISTED, name.partition("/")[0], labels, None, None, None, None, None)


def finetunes(*pairs: tuple[int, int]) -> list[Step]:
    """Edges from a model to what it was made from."""
    return [Step(child, parent, 0, Relation.FINETUNE, "hub", "") for child, parent in pairs]
