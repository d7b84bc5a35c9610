"""What a crawl says of how far it has come."""

import pytest

from crawler.hub import Hub, Quota
from crawler.run import Crawled
from lineage.cli.crawl import progress_line
from registry.write import Saved


@pytest.mark.parametrize(
    ("done", "quota", "seconds", "line"),
    [
        (Crawled(Saved(), 0, 0, 0.0, None), Quota(), 0.0, "0 requests, 0 models, 0/s"),
        (Crawled(Saved(models=2_000), 2, 3, 0.0, None), Quota(), 4.0, "3 requests, 2,000 models, 500/s"),
        (
            Crawled(Saved(models=2_000), 2, 2, 0.0, 40),
            Quota(left=498, limit=500, window=300),
            4.0,
            "2 requests, 2,000 models, 500/s, 498 of 500 requests left, about 80 s to go",
        ),
        (
            Crawled(Saved(models=2_000), 2, 2, 0.0, 3_098),
            Quota(left=98, limit=1_000, window=300),
            0.4,  # the quota takes longer than the crawl: 3,000 more requests, three windows of 300 s a thousand
            "2 requests, 2,000 models, 5,000/s, 98 of 1,000 requests left, about 15 min to go",
        ),
        (Crawled(Saved(models=8), 2, 2, 0.0, 9_000), Quota(), 4.0, "2 requests, 8 models, 2/s, about 5.0 h to go"),
        (Crawled(Saved(models=8), 2, 2, 0.0, 0), Quota(), 4.0, "2 requests, 8 models, 2/s, about 0 s to go"),
    ],
    ids=["nothing yet", "no end in sight", "by pace", "by quota", "hours", "the end"],
)
def test_the_line_of_progress(done: Crawled, quota: Quota, seconds: float, line: str) -> None:
    with Hub("https://hub.example") as hub:
        hub.quota = quota
        assert progress_line(done, hub, seconds) == line
