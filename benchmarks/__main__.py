"""Measure, and write the page: `python -m benchmarks [OUTPUT.md] [MODELS …]`. Machines are noisy: read the ratios."""

import sys
import tempfile
from pathlib import Path

from benchmarks import crawls, imports
from benchmarks.generator import Generator
from benchmarks.measures import preface, table

#: A crawl of so many models is enough to see that memory does not grow with them.
_CRAWLED = 180_000


def main() -> None:
    """Measure and print; write the page if a name is given."""
    parts = [preface()]
    sizes = [int(size) for size in sys.argv[2:]] or [180_000]
    for work, size in [(crawls.measured, min(_CRAWLED, *sizes)), *((imports.measured, size) for size in sizes)]:
        with tempfile.TemporaryDirectory() as folder:
            parts.append(table(work(Path(folder), size)))
        print(parts[-1])
    parts.append(calibration(max(sizes)))
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text("\n".join(parts), encoding="utf-8")


def calibration(models: int) -> str:
    """How near the synthetic data of a size comes to what is known of the Hub."""
    generator = Generator(models)
    for _ in generator.rows():
        pass
    return f"## The synthetic data, at {models:,} models\n\n{generator.figures.table()}\n"


if __name__ == "__main__":
    main()
