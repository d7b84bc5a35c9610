"""What nobody could tell about the live Hub without asking it, asked in a handful of requests."""

from collections.abc import Iterator
from time import perf_counter

from crawler.answers import Answer
from crawler.hub import Hub
from crawler.listings import SWEEP

#: A model that has stood under a short name, now under an organisation, since the Hub's first years.
_OLD, _NEW = "bert-base-uncased", "google-bert/bert-base-uncased"
_MISSING = "finetune-lineage/there-is-no-such-model"


def probe(hub: Hub) -> Iterator[tuple[str, str]]:
    """Questions and the Hub's answers, each as one line. Under 20 requests."""
    models = hub.models_url
    start = perf_counter()
    page = hub.get(models, SWEEP)
    seconds = perf_counter() - start
    rows = page.body if isinstance(page.body, list) else []
    yield "a page of the sweep", f"{_status(page)}, {len(rows):,} models in {seconds:.2f} s, {page.size:,} bytes"
    yield "is it compressed", page.headers.get("content-encoding", "no")
    dates = [str(row.get("createdAt") or "") for row in rows if isinstance(row, dict)]
    yield "does it ascend by creation", "yes" if dates and dates == sorted(dates) else "no"
    yield "is there a next page", "yes" if page.next_url else "no"
    yield "how many models are there", page.headers.get("x-total-count", "it does not say")
    unlimited = hub.get(models, {"expand": "likes"}).body
    yield "page size without a limit", f"{len(unlimited):,}" if isinstance(unlimited, list) else "no list"
    for name in ("baseModels", "childrenModelCount"):
        answer = hub.get(models, {"limit": 1, "filter": "base_model:finetune", "expand": name})
        yield f"may a list expand {name}", "yes" if answer.status == 200 else f"no ({_status(answer)})"
        answer = hub.get(f"{models}/{_NEW}", {"expand": name})
        known = answer.body.get(name, "absent") if isinstance(answer.body, dict) else "absent"
        yield f"{name} of {_NEW}", f"{_status(answer)}: {str(known)[:100]}"
    known = [row for row in rows if isinstance(row, dict)]
    yield "are disabled models listed", f"{sum(row.get('disabled') is True for row in known):,} of {len(known):,} are"
    newest = hub.get(models, {"limit": 100, "sort": "createdAt", "expand": "childrenModelCount"})
    young = [row for row in newest.body if isinstance(row, dict)] if isinstance(newest.body, list) else []
    counts = {str(row.get("childrenModelCount", "absent"))[:40] for row in young}
    yield "childrenModelCount of the newest models", f"{_status(newest)}: {'; '.join(sorted(counts)[:3]) or 'none'}"
    yield "is there a hub-stats dump", _status(hub.get(f"{hub.endpoint}/api/datasets/cfahlgren1/hub-stats"))
    for what, name in (("an old name", _OLD), ("another letter case", _NEW.upper()), ("no such model", _MISSING)):
        answer = hub.get(f"{models}/{name}")
        code = answer.headers.get("x-error-code", "no error code")
        where = answer.headers.get("location", "nowhere")
        yield f"{what} ({name})", f"{_status(answer)}, leads {where[:100]}, {code}"
    left = "it does not say" if hub.quota.left is None else f"{hub.quota.left:,} of {hub.quota.limit or 0:,}"
    yield "requests left", left


def _status(answer: Answer) -> str:
    return f"status {answer.status}"
