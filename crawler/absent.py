"""What became of models that a listing does not hold: the stage of a reconciliation that asks for each by its name."""

from collections.abc import Iterator, Sequence

from crawler.hub import EXPAND, Answer, CrawlError, Hub
from crawler.run import Crawl, Page
from registry.database import reading
from registry.identity import is_another, redirect
from registry.presence import not_seen_since
from registry.records import ModelRecord

#: Asked for together, and saved in one transaction.
_BATCH = 64
#: What the Hub says of a repository that its staff has disabled; it has no error code of its own
#: (huggingface_hub, `hf_raise_for_status`).
_DISABLED = "Access to this resource is disabled."
_REFUSED = "Invalid credentials in Authorization header"


def absent_models(crawl: Crawl) -> None:
    """Ask for each model that the sweep of this run did not meet. What is answered for is no longer absent."""
    with reading(crawl.engine) as connection:
        absent = not_seen_since(connection, crawl.seen)
    for start in range(0, len(absent), _BATCH):
        batch = absent[start : start + _BATCH]
        answers = ask(crawl.hub, [name for name, _, _ in batch])
        left = len(absent) - start - len(batch)
        with crawl.saving(over=not left) as page:
            page.left = left
            for (name, hub_id, gated), answer in zip(batch, answers, strict=True):
                save_answer(page, answer, ModelRecord(name, hub_id=hub_id, gated=gated))


def ask(hub: Hub, names: Sequence[str]) -> list[Answer]:
    """The Hub's answers for some models, over renames."""
    return hub.gather((hub.model_url(name), {"expand": list(EXPAND)}) for name in names)


def save_answer(page: Page, answer: Answer, held: ModelRecord) -> ModelRecord | None:
    """Save what the Hub answers for a model of which so much is held; returns its record where there is one.

    A model that is deleted, or private now (the Hub tells a stranger no difference), is kept as gone. One whose name
    leads to another model was renamed, if nothing is known that speaks against it; else it is gone.
    """
    if answer.status == 200 and isinstance(answer.body, dict):
        records = page.rows([answer.body])
        record = records[0] if records else None
        if record is None or record.hub_id is None or record.repo_id == held.repo_id:
            return record
        if is_another(page.connection, held.repo_id, record.hub_id):
            page.records([ModelRecord(held.repo_id, hub_id=held.hub_id, gone=True)])
        elif redirect(page.connection, held.repo_id, record.hub_id):
            page.saved.renamed += 1
        return record
    page.records(list(_mark(answer, held)))
    return None


def _mark(answer: Answer, held: ModelRecord) -> Iterator[ModelRecord]:
    """What a refusal says of a model: nothing, where it is about something else."""
    code = answer.headers.get("x-error-code")
    said = answer.body.get("error") if isinstance(answer.body, dict) else answer.body
    message = answer.headers.get("x-error-message", said)
    if message == _REFUSED:
        raise CrawlError("the Hub refuses the token: log in again with `hf auth login`, or set HF_TOKEN")
    if code == "GatedRepo":
        gated = held.gated if held.gated in {"auto", "manual"} else "true"
        yield ModelRecord(held.repo_id, hub_id=held.hub_id, gated=gated)
    elif message == _DISABLED:
        yield ModelRecord(held.repo_id, hub_id=held.hub_id, disabled=True)
    elif code == "RepoNotFound" or (answer.status == 401 and code is None):  # as huggingface_hub takes it
        yield ModelRecord(held.repo_id, hub_id=held.hub_id, gone=True)
