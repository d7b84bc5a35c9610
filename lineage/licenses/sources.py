"""Where a fact of the catalogue is to be read: its source as a link."""

import re
from urllib.parse import quote

#: `github:owner/repository@commit (date) path at commit (remark)`; all but repository, commit and path may lack.
_FILE = re.compile(
    r"(?:github:)?([\w.-]+/[\w.-]+)@([0-9a-f]{7,40})(?: \([\d-]+\))?"
    r" ([^,()]+?)(?: at ([0-9a-f]{7,40}))?(?:,.*| \(.*\))?",
    re.ASCII,
)
#: `excerpt: address, remark`: a text that quotes another.
_EXCERPT = re.compile(r"excerpt: (https://[^\s;,)]+)")


def link_of(source: str) -> str | None:
    """The address of what a source names: a file of a GitHub repository at a commit, or what was excerpted; None where
    it names neither.

    >>> link_of("github:meta-llama/llama-models@a9c89c4 (2025-07-15) models/llama3/LICENSE")
    'https://github.com/meta-llama/llama-models/blob/a9c89c4/models/llama3/LICENSE'
    """
    if file := _FILE.fullmatch(source):
        repository, commit, path, later = file.groups()
        return f"https://github.com/{repository}/blob/{later or commit}/{quote(path)}"
    excerpt = _EXCERPT.match(source)
    return excerpt[1] if excerpt else None
