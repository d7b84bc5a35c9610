"""Synthetic data in the shape of the whole Hub, of any size: `python -m benchmarks.generator FILE MODELS [SEED]`.

FILE is JSON Lines of API objects (`.jsonl`, `.jsonl.gz`), or Parquet in the hub-stats schema. The same seed and size
give the same rows; what is kept in memory is two bytes a model. The figures to which it is calibrated are those of a
crawl of the whole Hub on 2026-09-25 (https://github.com/aikian/hf-model-supply-chain); every owner is "synthetic".
"""

import gzip
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

Row = dict[str, Any]

#: That crawl: models, edges by relation, models with a parent and with several, with a licence; odd ones among edges.
MODELS = 3_094_856
RELATIONS = {"finetune": 341_527, "adapter": 332_102, "quantized": 181_768, "merge": 47_662, "unspecified": 880}
EDGES = sum(RELATIONS.values())
WITH_PARENT, WITH_SEVERAL, WITH_LICENSE = 0.2813, 17_457, 0.3634
SELF_LOOPS, CASE_ERRORS, MISSING_PARENT, BEFORE_PARENT = 2_044, 2_343, 1 - 0.9811, 1 - 0.9958
CYCLES, CYCLE_EDGES = 12, 29
#: Direct children of the largest: FLUX.1-dev, Qwen1.5-0.5B and 1.8B, gemma-2b, distilbert, SDXL, gemma-7b, Qwen3-4B.
HUBS = (43_388, 32_534, 30_626, 24_035, 12_960, 10_956, 9_586, 8_280)
HUB_LABELS = ("other", "other", "other", "gemma", "apache-2.0", "openrail++", "gemma", "apache-2.0")
LICENSES = {
    "apache-2.0": 548_122, "mit": 198_167, "other": 118_553, "openrail": 41_635, "creativeml-openrail-m": 33_082,
    "cc-by-nc-4.0": 22_274, "openrail++": 17_506, "cc-by-4.0": 16_742, "gemma": 15_668, "unknown": 11_342,
}  # fmt: skip
#: The labels that are left to make up the share of models with a licence, in even parts.
RARER = ("llama3.1", "llama3", "llama3.2", "llama2", "cc-by-nc-sa-4.0", "gpl-3.0", "cc-by-sa-4.0", "bsd-3-clause")
_LABELS = (None, *LICENSES, *RARER)
_FIRST, _LAST = datetime(2022, 3, 2, tzinfo=UTC), datetime(2026, 9, 25, tzinfo=UTC)
_OWNERS = 400_000


@dataclass
class Figures:
    """What was made, to stand beside what the crawl found."""

    models: int = 0
    with_parent: int = 0
    with_several: int = 0
    with_license: int = 0
    odd: Counter[str] = field(default_factory=Counter)
    relations: Counter[str] = field(default_factory=Counter)
    licenses: Counter[str] = field(default_factory=Counter)
    children: Counter[int] = field(default_factory=Counter)
    depths: Counter[int] = field(default_factory=Counter)

    @property
    def edges(self) -> int:
        """Edges of every relation."""
        return self.relations.total()

    def table(self) -> str:
        """The figures beside those of the crawl, as shares, so that any size compares."""
        per_edge = max(self.edges, 1)
        rows = [
            ("models with a parent", self.with_parent / self.models, WITH_PARENT),
            ("models with several", self.with_several / self.models, WITH_SEVERAL / MODELS),
            ("models with a licence", self.with_license / self.models, WITH_LICENSE),
            ("edges a model", self.edges / self.models, EDGES / MODELS),
            *((f"edges: {name}", self.relations[name] / per_edge, n / EDGES) for name, n in RELATIONS.items()),
            *((f"licence: {name}", self.licenses[name] / self.models, n / MODELS) for name, n in LICENSES.items()),
            *((f"children of hub {k + 1}", self.children[k] / per_edge, n / EDGES) for k, n in enumerate(HUBS)),
            ("edges to the model itself", self.odd["self"] / self.models, SELF_LOOPS / MODELS),
            ("edges in another letter case", self.odd["case"] / per_edge, CASE_ERRORS / EDGES),
            ("edges to a parent that is not there", self.odd["missing"] / per_edge, MISSING_PARENT),
            ("edges to a younger parent", self.odd["younger"] / per_edge, BEFORE_PARENT),
            ("edges on a cycle", self.odd["cycle"] / per_edge, CYCLE_EDGES / EDGES),
        ]
        lines = ["| share of | made | on the Hub |", "| --- | --- | --- |"]
        lines += [f"| {what} | {made:.4%} | {found:.4%} |" for what, made, found in rows]
        deep = ", ".join(f"{depth}: {n:,}" for depth, n in sorted(self.depths.items()))
        return "\n".join([*lines, "", f"models by steps up to a root: {deep}"])


class Generator:
    """Rows of a Hub of so many models, oldest first."""

    def __init__(self, models: int, seed: int = 1) -> None:
        """The rows are made by `rows`; `figures` count them."""
        self.models = models
        self.figures = Figures()
        self._random = Random(seed)
        self._labels, self._depths = bytearray(models), bytearray(models)
        #: The hubs are early: what is made from them is younger.
        self._hubs = {models * (k + 1) // 1_000: k for k in range(len(HUBS))}
        self._hub_places = list(self._hubs)
        self._cycles = self._laid_out_cycles()
        rest = max(0.0, WITH_LICENSE * MODELS - sum(LICENSES.values()))
        self._shares = list(accumulate([*LICENSES.values(), *[rest / len(RARER)] * len(RARER)]))

    def rows(self) -> Iterator[Row]:
        """The models as the Hub's API lists them by creation."""
        for place in range(self.models):
            yield self._row(place)

    def name(self, place: int) -> str:
        """The id of the model at a place."""
        if place in self._hubs:
            return f"synthetic-hub/base-{self._hubs[place] + 1}"
        # A few owners have many models: the cube of a number that looks random.
        owner = int(_OWNERS * (_mixed(place) / 2**64) ** 3)
        return f"synthetic-{owner}/model-{place}"

    def _row(self, place: int) -> Row:
        edges = self._edges(place)
        label = self._label(place, edges)
        name = self.name(place)
        owner = name.partition("/")[0]
        made = _FIRST + (_LAST - _FIRST) * (place / self.models)
        card: Row = {"license": label} if label else {}
        tags = ["transformers", "safetensors", *(tag for edge in edges for tag in edge.tags)]
        if edges:
            card["base_model"] = [edge.name for edge in edges]
        if label:
            tags.append(f"license:{label}")
        self._count(place, label, edges)
        return {
            "_id": f"{place:024x}",
            "id": name,
            "author": owner,
            "createdAt": _stamp(made),
            "lastModified": _stamp(made + timedelta(minutes=5)),
            "downloads": int(self._random.paretovariate(0.6)) - 1,
            "likes": int(self._random.paretovariate(1.2)) - 1,
            "gated": False,
            "private": False,
            "disabled": False,
            "pipeline_tag": "text-generation",
            "library_name": "transformers",
            "sha": f"{_mixed(place):040x}"[-40:],
            "tags": tags,
            "cardData": card,
        }

    def _edges(self, place: int) -> list["Edge"]:
        random = self._random
        if place in self._hubs:
            return []
        if place in self._cycles:
            return [Edge(self.name(self._cycles[place]), "finetune", self._cycles[place], "cycle")]
        if random.random() < SELF_LOOPS / MODELS:
            return [Edge(self.name(place), "finetune", None, "self")]
        if random.random() >= WITH_PARENT:
            return []
        several = random.random() < WITH_SEVERAL / (WITH_PARENT * MODELS)
        number = random.choices((2, 3, 4, 5), (50, 25, 15, 10))[0] if several else 1
        relation = "merge" if several else random.choices(_SINGLE, _SINGLE_WEIGHTS)[0]
        edges = {edge.name: edge for edge in (self._edge(place, relation) for _ in range(number))}
        return list(edges.values())

    def _edge(self, place: int, relation: str) -> "Edge":
        random = self._random
        chance = random.random()
        if chance < MISSING_PARENT or place == 0:
            return Edge(f"synthetic-gone/model-{random.randrange(self.models)}", relation, None, "missing")
        parent, odd = self._parent(place), None
        if chance > 1 - BEFORE_PARENT and place + 1 < self.models:
            parent = min(place + 1 + random.randrange(1_000), self.models - 1)
            odd = "younger"
        name = self.name(parent)
        if random.random() < CASE_ERRORS / EDGES:
            return Edge(name.upper(), relation if relation != "unspecified" else "adapter", parent, "case")
        return Edge(name, relation, parent, odd)

    def _parent(self, place: int) -> int:
        """A place before this one: a hub, one of the many that are popular, or any."""
        random = self._random
        hubs = [hub for hub in self._hub_places if hub < place]
        if hubs and random.random() < sum(HUBS) / EDGES / (1 - MISSING_PARENT):
            return random.choices(hubs, HUBS[: len(hubs)])[0]
        if random.random() < 0.7:
            return int(place * random.random() ** 4)
        return random.randrange(place)

    def _label(self, place: int, edges: list["Edge"]) -> str | None:
        """Most derivatives that declare anything declare what their parent does."""
        random = self._random
        code = 0
        if place in self._hubs:
            code = _LABELS.index(HUB_LABELS[self._hubs[place]])
        elif random.random() < WITH_LICENSE:
            known = [self._labels[e.place] for e in edges if e.place is not None and e.place < place]
            inherited = next((code for code in known if code), 0)
            code = inherited if inherited and random.random() < 0.4 else 0
            code = code or 1 + random.choices(range(len(self._shares)), cum_weights=self._shares)[0]
        self._labels[place] = code
        return _LABELS[code]

    def _laid_out_cycles(self) -> dict[int, int]:
        """Places of models whose only parent is another one of a circle of two or three."""
        circles = max(1, round(CYCLES * self.models / MODELS))
        found: dict[int, int] = {}
        for number in range(circles):
            start = self.models * (2 * number + 1) // (2 * circles + 1)
            size = 3 if number % 12 in {1, 3, 5, 7, 9} else 2
            if start + size < self.models and not {*range(start, start + size)} & {*self._hubs}:
                found |= {start + n: start + (n + 1) % size for n in range(size)}
        return found

    def _count(self, place: int, label: str | None, edges: list["Edge"]) -> None:
        figures = self.figures
        figures.models += 1
        above = [e.place for e in edges if e.place is not None and e.place < place]
        depth = min(255, max((self._depths[parent] + 1 for parent in above), default=1 if edges else 0))
        self._depths[place] = depth
        figures.depths[depth] += 1
        figures.with_license += label is not None
        figures.licenses[label or ""] += 1
        lineage = [edge for edge in edges if edge.odd != "self"]
        figures.with_parent += bool(lineage)
        figures.with_several += len(lineage) > 1
        figures.odd.update(edge.odd for edge in edges if edge.odd)
        figures.relations.update(edge.relation for edge in lineage)
        figures.children.update(self._hubs[e.place] for e in lineage if e.place in self._hubs)


@dataclass(frozen=True, slots=True)
class Edge:
    """A parent as it is named, where it stands (None: nowhere), and what is odd about it."""

    name: str
    relation: str
    place: int | None
    odd: str | None

    @property
    def tags(self) -> list[str]:
        """As the Hub writes it; one in another letter case as a training library does, which the Hub does not check."""
        plain, related = f"base_model:{self.name}", f"base_model:{self.relation}:{self.name}"
        if self.odd == "case":
            return [related]
        return [plain] if self.relation == "unspecified" else [plain, related]


_SINGLE = [name for name in RELATIONS if name != "merge"]
_SINGLE_WEIGHTS = [RELATIONS[name] for name in _SINGLE]


def write(path: Path, models: int, seed: int = 1) -> Figures:
    """Write so many models to a file; its name says in which format."""
    generator = Generator(models, seed)
    write_rows(path, generator.rows())
    return generator.figures


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write rows to a file; its name says in which format."""
    if path.suffix == ".parquet":
        _write_parquet(path, iter(rows))
        return
    with ExitStack() as opened:
        binary = opened.enter_context(path.open("wb"))
        packed = (
            opened.enter_context(gzip.GzipFile(path.stem, "wb", 1, binary, mtime=0)) if path.suffix == ".gz" else binary
        )
        for row in rows:
            packed.write(json.dumps(row).encode() + b"\n")


def a_week_later(rows: Iterable[Row]) -> Iterator[Row]:
    """The same Hub with 20,000 of 3.1 million models changed, half of them under another licence, and 3,000 new."""
    for place, row in enumerate(rows):
        now = _relabelled(row) if place % 310 == 7 else row
        yield now | {"downloads": row["downloads"] + 1} if place % 155 == 7 else now
        if place % 1_033 == 7:
            fresh = {"_id": f"f{place:023x}", "id": f"synthetic-new/model-{place}", "author": "synthetic-new"}
            yield row | fresh


def _relabelled(row: Row) -> Row:
    """A model that is under another licence by now."""
    card = row["cardData"] or {}
    label = "mit" if card.get("license") != "mit" else "apache-2.0"
    tags = [tag for tag in row["tags"] if not tag.startswith("license:")]
    return row | {"tags": [*tags, f"license:{label}"], "cardData": card | {"license": label}}


def write_files(folder: Path, models: int) -> Figures:
    """Write the same Hub as a table and as lines, and as it is a week later; several at once."""
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        later = pool.submit(write_later, folder, models)
        columns, text = (pool.submit(write, folder / name, models) for name in ("hub.parquet", "hub.jsonl"))
        later.result()
        text.result()
        return columns.result()


def write_later(folder: Path, models: int) -> None:
    """The Hub of a week later."""
    write_rows(folder / "later.parquet", a_week_later(Generator(models).rows()))


def _write_parquet(path: Path, rows: Iterator[Row]) -> None:
    """Rows in the hub-stats schema, in groups of 50,000."""
    import pyarrow as pa  # noqa: PLC0415 - the other formats do without
    import pyarrow.parquet as pq  # noqa: PLC0415

    parents = pa.struct([("relation", pa.string()), ("models", pa.list_(pa.struct([("id", pa.string())])))])
    texts = ("_id", "id", "author", "cardData", "pipeline_tag", "library_name")
    schema = pa.schema(
        [(name, pa.string()) for name in texts]
        + [(name, pa.timestamp("us")) for name in ("createdAt", "lastModified")]
        + [(name, pa.int64()) for name in ("downloads", "likes")]
        + [("tags", pa.list_(pa.string())), ("baseModels", parents)]
    )
    with pq.ParquetWriter(path, schema) as writer:
        while group := [_hub_stats(row) for row in islice(rows, 50_000)]:
            writer.write_table(pa.Table.from_pylist(group, schema))


def _hub_stats(row: Row) -> Row:
    """A row as hub-stats has it: the card as JSON text, dates without a zone, the parents resolved."""
    named = [tag.split(":", 2)[1:] for tag in row["tags"] if tag.startswith("base_model:")]
    resolved = [pair for pair in named if len(pair) == 2]
    parents = {"relation": resolved[0][0], "models": [{"id": name} for _, name in resolved]} if resolved else None
    dates = {name: datetime.fromisoformat(row[name]).replace(tzinfo=None) for name in ("createdAt", "lastModified")}
    return row | dates | {"cardData": json.dumps(row["cardData"]), "baseModels": parents}


def _mixed(place: int) -> int:
    """A number of 64 bits that looks random, always the same for a place (splitmix64)."""
    x = (place + 0x9E3779B97F4A7C15) & (2**64 - 1)
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & (2**64 - 1)
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & (2**64 - 1)
    return x ^ (x >> 31)


def _stamp(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}.000Z"  # whole seconds, as all 8,334 times of a sample of hub-stats are


if __name__ == "__main__":
    print(write(Path(sys.argv[1]), *map(int, sys.argv[2:])).table())
