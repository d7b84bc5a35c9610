"""Serve a dump as if it were the Hub: `python -m tests.fakehub --data crawler/data/snapshot.jsonl.gz`."""

import argparse
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from crawler.dumps import Dump
from crawler.raw import DumpError
from tests.fakehub.server import FakeHub


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the arguments, serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakehub", description="Serve a dump as if it were the Hub.")
    parser.add_argument("--data", type=Path, required=True, help="JSON, JSON Lines (.gz too) or Parquet")
    parser.add_argument("--port", type=int, default=8123, help="default: 8123; 0: any that is free")
    parser.add_argument("--quota", type=int, help="requests per five minutes (default: no limit)")
    given = parser.parse_args(arguments)
    try:
        rows = [row for row in Dump(given.data).rows() if isinstance(row, dict)]
        with FakeHub(rows, quota=given.quota, port=given.port) as hub:
            sys.stdout.write(f"{hub.url}\n")
            sys.stdout.flush()
            threading.Event().wait()
    except KeyboardInterrupt:
        return 0
    except (DumpError, OSError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
