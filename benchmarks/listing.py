"""The Hub's listing by creation straight from a file of any size: `python -m benchmarks.listing FILE.jsonl`.

The fake Hub of the tests keeps its world in memory, 4 kB a model; this one keeps nothing, and serves but one listing.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

_PAGE = 1_000


def main() -> None:
    """Say the URL, then serve until the end."""
    path = Path(sys.argv[1])

    class Handler(BaseHTTPRequestHandler):
        """Answers for the file."""

        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            """A page that begins at the place in the file which the cursor names."""
            asked = parse_qs(urlsplit(self.path).query)
            with path.open("rb") as file:
                file.seek(int(asked.get("cursor", ["0"])[0]))
                rows = list(islice(file, min(_PAGE, int(asked["limit"][0]))))
                place = file.tell()
                over = not file.readline()
            body = b"[" + b",".join(row.rstrip() for row in rows) + b"]"
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            if not over:
                host = self.headers["host"]
                query = f"sort=createdAt&direction=1&limit={_PAGE}&cursor={place}"
                self.send_header("link", f'<http://{host}/api/models?{query}>; rel="next"')
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Not a word."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
