"""How fast the fake Hub of the tests gives out its pages."""

import httpx2

from benchmarks.measures import Row, goal, median
from tests.fakehub.server import FakeHub
from tests.families import api_row

_MODELS = 10_000


def fake_hub() -> Row:
    """Ask for all pages of a listing, one after the other; who asks and who serves are threads of this process."""
    rows = [api_row(f"org/m{number}", ["org/m0"], license="mit") for number in range(_MODELS)]
    with FakeHub(rows) as hub, httpx2.Client(trust_env=False) as client:

        def all_pages() -> None:
            served, address = 0, f"{hub.url}/api/models?sort=createdAt"
            while address:
                answer = client.get(address)
                served += answer.content.count(b'"modelId"')
                address = answer.links.get("next", {}).get("url", "")
            assert served == _MODELS

        rate = _MODELS / median(all_pages)
    return Row(f"a listing of {_MODELS:,} models", f"{rate:,.0f}/s", "", goal("≥ 40,000/s", rate >= 40_000))
