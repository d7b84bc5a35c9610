"""What became of models that a listing does not hold: the stage of a reconciliation that asks for each by its name."""

from crawler.answers import Answer, CrawlError
from crawler.hub import EXPAND
from crawler.reading import read_page
from crawler.run import Crawl, Page
from registry.database import reading
from registry.identity import is_another, redirect
from registry.presence import count_listed, not_seen_since
from registry.records import ModelRecord

#: Asked for together, and saved in one transaction.
_BATCH = 64
#: More absent models than these, and more than a quarter of all, are not believed at once: a listing may break off.
_FEW = 1_000
#: What the Hub says of a repository that its staff has disabled; it has no error code of its own
#: (huggingface_hub, `hf_raise_for_status`).
_DISABLED = "Access to this resource is disabled."
#: What the Hub says to a stranger of a repository that is missing or private (huggingface_hub, errors.py).
_NO_REPOSITORY = "Invalid username or password."


def absent_models(crawl: Crawl) -> None:
    """Ask for each model that the sweep of this run did not meet. What is answered for is no longer absent."""
    with reading(crawl.engine) as connection:
        absent = not_seen_since(connection, crawl.seen)
        listed = count_listed(connection)
    if not crawl.resumed and len(absent) > max(_FEW, listed / 4):
        crawl.refuse(
            f"{crawl.hub.endpoint} does not list {len(absent):,} of {listed:,} models: see whether it lists all it has"
        )
    for start in range(0, len(absent), _BATCH):
        batch = absent[start : start + _BATCH]
        answers = crawl.hub.gather((crawl.hub.model_url(held.repo_id), {"expand": list(EXPAND)}) for held in batch)
        left = len(absent) - start - len(batch)
        with crawl.saving(over=not left) as page:
            for held, answer in zip(batch, answers, strict=True):
                save_answer(page, answer, held)
            page.left = left


def save_answer(page: Page, answer: Answer | CrawlError, held: ModelRecord) -> ModelRecord | None:
    """Save what the Hub answers for a model of which so much is held; returns its record where there is one.

    A model that is deleted, or private now (the Hub tells a stranger no difference), is kept as gone. One whose name
    leads to another model was renamed, if nothing is known that speaks against it; else it is gone. CrawlError where
    the Hub does not let us in.
    """
    if isinstance(answer, CrawlError):
        page.unclear += 1
    elif answer.status == 200 and isinstance(answer.body, dict):
        return _save_found(page, answer.body, held)
    elif (mark := _mark(answer, held)) is not None:
        page.save([mark])
    else:
        page.unclear += 1
    return None


def is_missing(answer: Answer) -> bool:
    """Whether the Hub says that there is no such repository, or none that it shows us."""
    by_code = answer.headers.get("x-error-code") == "RepoNotFound"
    return by_code or (answer.status == 401 and answer.said == _NO_REPOSITORY)


def _save_found(page: Page, row: dict[str, object], held: ModelRecord) -> ModelRecord | None:
    records, loose = read_page([row])
    page.save(records, loose)
    record = records[0] if records else None
    if record is None or record.hub_id is None or record.repo_id == held.repo_id:
        return record
    if is_another(page.connection, held.repo_id, record.hub_id):
        page.save([ModelRecord(held.repo_id, hub_id=held.hub_id, gone=True)])
    elif redirect(page.connection, held.repo_id, record.hub_id):
        page.saved.renamed += 1
    return record


def _mark(answer: Answer, held: ModelRecord) -> ModelRecord | None:
    """What a refusal says of a model; None where it is not about the model."""
    if is_missing(answer):
        return ModelRecord(held.repo_id, hub_id=held.hub_id, gone=True)
    if answer.headers.get("x-error-code") == "GatedRepo":
        gated = held.gated if held.gated in {"auto", "manual"} else "true"
        return ModelRecord(held.repo_id, hub_id=held.hub_id, gated=gated)
    if answer.said == _DISABLED:
        return ModelRecord(held.repo_id, hub_id=held.hub_id, disabled=True)
    if answer.status == 401:
        raise CrawlError(f"the Hub does not let us in ({answer.said}): log in with `hf auth login`, or set HF_TOKEN")
    return None
