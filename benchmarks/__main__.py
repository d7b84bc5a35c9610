"""Measure, and write the page: `python -m benchmarks [OUTPUT.md] [MODELS …]`. Machines are noisy: read the ratios."""

import sys
import tempfile
from pathlib import Path

from benchmarks import crawls, imports
from benchmarks.measures import preface, table

#: A crawl of so many models is enough to see that memory does not grow with them.
_CRAWLED = 200_000


def main() -> None:
    """Measure and print; write the page if a name is given."""
    parts = [preface()]
    sizes = [int(size) for size in sys.argv[2:]] or [200_000]
    for work, size in [(crawls.measured, min(_CRAWLED, *sizes)), *((imports.measured, size) for size in sizes)]:
        with tempfile.TemporaryDirectory() as folder:
            parts.append(table(work(Path(folder), size)))
        print(parts[-1])
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
