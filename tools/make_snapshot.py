"""Make the embedded snapshot from the two data sets named in crawler/data/README.md.

    python tools/make_snapshot.py DATA_FOLDER [OUTPUT]

DATA_FOLDER holds `radar/radar_models.jsonl.gz` and `roots.jsonl`. The output is the same byte for byte each time.
"""

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RADAR_DATE = "2026-08-22"
OUTPUT = Path(__file__).parents[1] / "crawler" / "data" / "snapshot.jsonl.gz"


def main() -> None:
    """Write the snapshot."""
    data = Path(sys.argv[1])
    output = Path(sys.argv[2]) if len(sys.argv) > 2 else OUTPUT
    rows = sorted([*radar_rows(data), *root_rows(data)], key=lambda row: row["id"])
    lines = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    with output.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(lines.encode())
    print(f"{output.name}: {len(rows):,} models, {output.stat().st_size:,} bytes")


def radar_rows(data: Path) -> Iterator[dict[str, Any]]:
    """The radar data set as API objects: its fields under the Hub's names, its sight as `observation`."""
    with gzip.open(data / "radar" / "radar_models.jsonl.gz", "rt", encoding="utf-8") as lines:
        for model in map(json.loads, lines):
            observation: dict[str, Any] = {"source": "radar", "seen": RADAR_DATE}
            if model["removed"]:
                observation |= {"gone": True}
            yield _without_nulls(
                id=model["id"],
                author=model["author"],
                createdAt=model["created_at"],
                lastModified=model["updated_at"],
                downloads=model["downloads_30d"],
                likes=model["likes"],
                pipeline_tag=model["pipeline_tag"],
                library_name=model["library"],
                gated=model["gated"],
                tags=model["tags"],
                cardData=_without_nulls(
                    **_radar_license(model),
                    base_model=model["base_model"].split(", ") if model["base_model"] else None,
                ),
                observation=observation,
            )


def _radar_license(model: dict[str, Any]) -> dict[str, Any]:
    """Undo radar's collapsing of `license_name` into `license`; the tags still hold the Hub's own value."""
    tagged = [tag.removeprefix("license:") for tag in model["tags"] if tag.startswith("license:")]
    if not tagged:
        return {"license": model["license"]}
    name = model["license"] if model["license"] not in tagged else None
    return {"license": tagged if len(tagged) > 1 else tagged[0], "license_name": name}


def root_rows(data: Path) -> Iterator[dict[str, Any]]:
    """Models that radar's models name as parents, each as the crawl named in `source` saw it."""
    with (data / "roots.jsonl").open(encoding="utf-8") as lines:
        for model in map(json.loads, lines):
            parents = model.get("base_model")
            facts: dict[str, Any] = {}
            if "license" in model:
                facts["cardData"] = _without_nulls(
                    license=model["license"],
                    license_name=model.get("license_name"),
                    base_model=parents,
                    base_model_relation=model.get("relation"),
                )
            elif parents:  # a crawl of tags, which says nothing about licences
                facts["baseModels"] = {"relation": model.get("relation"), "models": [{"id": name} for name in parents]}
            observation = {"source": model["source"], "seen": model.get("seen")}
            yield _without_nulls(id=model["id"], createdAt=model.get("created_at"), **facts) | {
                "observation": observation
            }


def _without_nulls(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


if __name__ == "__main__":
    main()
