"""The bookkeeping of runs: when a crawl sees, where one goes on, what it counts; and crawls of an older schema."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, func, insert, select, text

from crawler.answers import CrawlError
from crawler.crawl import resume
from crawler.hub import Hub
from crawler.load import save_rows
from registry.database import connect, open_for_upgrade, open_registry, parse_url, reading, upgrade
from registry.records import iso_time
from registry.runs import (
    begin_run,
    crawl_time,
    end_run,
    last_broken_off,
    last_complete,
    now,
    save_position,
)
from registry.tables import MODELS, RUNS, TASKS
from registry.transfer import check
from registry.write import Saved, writing
from tests.fakehub.server import FakeHub
from tests.families import Row, api_row, edges, names

HUB, MIRROR = "https://hub.example", "https://mirror.example"
SEEN, LATER = "2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
COMPLETE = {"tail": f"{HUB}/api/models?cursor=z", "watermark": SEEN}


def begun(engine: Engine, command: str = "crawl hub", source: str = HUB, seen: str = SEEN, **position: str) -> int:
    with writing(engine) as connection:
        return begin_run(connection, command, source, seen, **position)


def finished(engine: Engine, command: str = "crawl hub", source: str = HUB, seen: str = SEEN, **position: str) -> int:
    run = begun(engine, command, source, seen, **position)
    with writing(engine) as connection:
        end_run(connection, run)
    return run


def time_of_a_crawl(engine: Engine) -> str:
    with reading(engine) as connection:
        return crawl_time(connection)


def broken(engine: Engine) -> int | None:
    """The run that `resume` would go on with."""
    with reading(engine) as connection:
        at = last_broken_off(connection)
    return None if at is None else at.key


def complete(engine: Engine, source: str = HUB) -> int | None:
    """The run that an update would go on from."""
    with reading(engine) as connection:
        at = last_complete(connection, source)
    return None if at is None else at.key


def run_of(engine: Engine, key: int) -> dict[str, Any]:
    with reading(engine) as connection:
        return dict(connection.execute(select(RUNS).where(RUNS.c.key == key)).mappings().one())


def soon() -> str:
    """Two seconds from now."""
    return iso_time(datetime.now(UTC) + timedelta(seconds=2))


def test_a_crawl_sees_the_next_second(registry: Engine) -> None:
    before = now()
    assert before < time_of_a_crawl(registry) <= soon()
    finished(registry)
    assert before < time_of_a_crawl(registry) <= soon()


def test_a_crawl_sees_later_than_all_crawls_before_it(registry: Engine) -> None:
    begun(registry, seen=LATER)
    assert time_of_a_crawl(registry) == "2099-01-01T00:00:01Z"
    finished(registry, "crawl update", MIRROR, "2099-01-01T00:00:59Z")
    assert time_of_a_crawl(registry) == "2099-01-01T00:01:00Z"


def test_the_date_of_an_import_is_not_that_of_a_crawl(registry: Engine) -> None:
    finished(registry, "import", "models.parquet", LATER)
    assert time_of_a_crawl(registry) <= soon()


def test_two_crawls_in_one_second_see_at_different_times(registry: Engine) -> None:
    times = []
    for _ in range(5):
        times.append(time_of_a_crawl(registry))
        finished(registry, seen=times[-1])
    assert times == sorted(set(times))


def test_the_last_complete_crawl_is_one_of_this_source_that_ended_and_read_all(registry: Engine) -> None:
    assert complete(registry) is None
    finished(registry)  # by a version that kept no watermark
    finished(registry, tail=COMPLETE["tail"])
    finished(registry, watermark=SEEN)
    begun(registry, **COMPLETE)
    assert complete(registry) is None
    first = finished(registry, **COMPLETE)
    mirrored = finished(registry, source=MIRROR, **COMPLETE)
    finished(registry, "crawl family")
    assert (complete(registry), complete(registry, MIRROR)) == (first, mirrored)
    second = finished(registry, "crawl update", **COMPLETE)
    begun(registry, "crawl reconcile", **COMPLETE)
    assert complete(registry) == second


def test_what_broke_off_last_goes_on_unless_it_was_done_again(registry: Engine) -> None:
    assert broken(registry) is None
    begun(registry, "import", "models.parquet")
    finished(registry)
    assert broken(registry) is None
    sweep = begun(registry)
    assert broken(registry) == sweep
    update = begun(registry, "crawl update")
    assert broken(registry) == update
    finished(registry, "crawl update", MIRROR)  # of another source
    finished(registry, "crawl family")  # does less
    assert broken(registry) == update
    finished(registry, "crawl update")
    assert broken(registry) == sweep
    finished(registry)
    assert broken(registry) is None
    last = begun(registry)
    assert broken(registry) == last


def test_a_walk_is_made_needless_by_a_whole_crawl_only(registry: Engine) -> None:
    walk = begun(registry, "crawl family")
    finished(registry, "crawl family")  # its roots may be others
    assert broken(registry) == walk
    finished(registry, "crawl reconcile")
    assert broken(registry) is None
    reconciliation = begun(registry, "crawl reconcile")
    finished(registry, "crawl hub")
    assert broken(registry) == reconciliation


def test_a_position_is_kept_with_the_counts_of_its_page(registry: Engine) -> None:
    run = begun(registry, watermark=SEEN)
    pages = (Saved(5, 4, 1, 1, 0, 0), Saved(7, 1, 2, 0, 3, 1))
    for number, saved in enumerate(pages):
        with writing(registry) as connection:
            save_position(connection, run, saved, stage="sweep", cursor=f"{HUB}/{number}", tail=f"{HUB}/t{number}")
    found = run_of(registry, run)
    assert {name: found[name] for name in ("models", "new", "changed", "renamed", "gone", "returned")} == {
        "models": 12, "new": 5, "changed": 3, "renamed": 1, "gone": 3, "returned": 1
    }  # fmt: skip
    with reading(registry) as connection:
        at = last_broken_off(connection)
    assert at is not None
    assert (at.key, at.command, at.source, at.seen, at.stage) == (run, "crawl hub", HUB, SEEN, "sweep")
    assert (at.cursor, at.tail, at.watermark, at.models) == (f"{HUB}/1", f"{HUB}/t1", SEEN, 12)
    with writing(registry) as connection:
        save_position(connection, run, Saved(), stage=None, cursor=None)
    assert (run_of(registry, run)["tail"], run_of(registry, run)["models"]) == (f"{HUB}/t1", 12)


def test_what_is_not_committed_has_no_position(registry: Engine) -> None:
    run = begun(registry)

    def break_off() -> None:
        with writing(registry) as connection:
            save_position(connection, run, Saved(models=5), stage="sweep", cursor=f"{HUB}/1")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert (run_of(registry, run)["models"], run_of(registry, run)["cursor"]) == (0, None)


def test_the_end_of_a_run_keeps_what_updates_need_and_no_tasks(registry: Engine) -> None:
    run = begun(registry, "crawl family", **COMPLETE)
    later = begun(registry, "crawl family")
    with writing(registry) as connection:
        tasks = [{"run_key": key, "kind": "model", "name": "me/M", "done": False} for key in (run, later)]
        connection.execute(insert(TASKS), tasks)
        save_position(connection, run, Saved(), stage="walk", cursor=f"{HUB}/1")
        end_run(connection, run)
        assert list(connection.scalars(select(TASKS.c.run_key))) == [later]
    found = run_of(registry, run)
    assert (found["stage"], found["cursor"], found["finished_at"] is not None) == (None, None, True)
    assert (found["tail"], found["watermark"]) == (COMPLETE["tail"], COMPLETE["watermark"])


def test_of_a_run_that_did_not_end_only_that_is_told(registry: Engine) -> None:
    run = begun(registry, "import", "a.jsonl")
    with writing(registry) as connection:
        save_rows(connection, [api_row("a/A", ["b/Unseen"])], seen=SEEN, source="a.jsonl")
    with reading(registry) as connection:
        (said,) = check(connection)
    assert said.startswith("1 imports or crawls that did not end")
    with writing(registry) as connection:
        end_run(connection, run)
    with reading(registry) as connection:
        assert check(connection) == []


def test_a_walk_that_can_go_on_has_its_tasks(registry: Engine) -> None:
    walk = begun(registry, "crawl family")
    with writing(registry) as connection:
        connection.execute(insert(TASKS).values(run_key=walk, kind="model", name="me/M", done=False))
    finished(registry, "import", "models.parquet")
    finished(registry, source=MIRROR)
    with reading(registry) as connection:
        tasks = connection.scalar(select(func.count()).select_from(TASKS))
    # Either it was given up, or what it has still to ask is known; to go on with nothing would be to say that it ended.
    assert broken(registry) is None or tasks == 1


# Schema 0002


def old_crawl(path: Path, source: str, cursor: str | None, rows: list[Row]) -> None:
    """A registry of schema 0002 whose crawl broke off: an empty cursor says that only names were left to do."""
    engine = connect(parse_url(str(path)))
    config = Config()
    config.set_main_option("script_location", "registry:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.execute(
            text(
                "INSERT INTO runs (command, source, seen, started_at, models, new, changed, cursor) "
                "VALUES ('crawl hub', :source, :seen, :seen, :count, :count, 0, :cursor)"
            ),
            {"source": source, "seen": SEEN, "count": len(rows), "cursor": cursor},
        )
        for key, row in enumerate(rows, 1):
            values = {"k": key, "id": row["id"], "low": row["id"].casefold(), "hub": row["_id"], "seen": SEEN}
            connection.execute(
                text(
                    "INSERT INTO models (key, repo_id, folded, hub_id, state, first_seen, last_seen) "
                    "VALUES (:k, :id, :low, :hub, 'listed', :seen, :seen)"
                ),
                values,
            )
            for name in row["cardData"].get("base_model", []):
                connection.execute(
                    text(
                        "INSERT INTO derivations (child_key, position, name, relation, origin) "
                        "VALUES (:k, 0, :name, 'finetune', 'card')"
                    ),
                    {"k": key, "name": name},
                )
    engine.dispose()


@pytest.fixture
def upgraded(tmp_path: Path) -> Path:
    return tmp_path / "registry.db"


def brought_up(path: Path) -> Engine:
    engine, before = open_for_upgrade(str(path))
    assert before == "0002"
    upgrade(engine)
    engine.dispose()
    return open_registry(str(path))


FAMILY = [api_row("me/Base", tags=[]), api_row("me/Child", ["ME/BASE"], tags=[])]


def test_an_old_crawl_that_read_all_pages_goes_on_with_names_only(upgraded: Path) -> None:
    with FakeHub(FAMILY) as hub:
        old_crawl(upgraded, hub.url, "", FAMILY)
        engine = brought_up(upgraded)
        with Hub(hub.url) as asked:
            resume(engine, asked, lambda done, hub: None)
        assert hub.requests == []
    assert edges(engine) == {("me/Child", "me/Base"): "recovered-by-case"}
    assert names(engine) == {"ME/BASE": ("me/Base", "case")}
    assert broken(engine) is None
    with reading(engine) as connection:
        assert check(connection) == []
    engine.dispose()


def test_an_old_crawl_goes_on_with_its_next_page(upgraded: Path) -> None:
    with FakeHub(FAMILY) as hub:
        page = f"{hub.url}/api/models?limit=1000&sort=createdAt&direction=1&expand=tags&expand=cardData"
        old_crawl(upgraded, hub.url, page, FAMILY[:1])
        engine = brought_up(upgraded)
        with Hub(hub.url) as asked:
            resume(engine, asked, lambda done, hub: None)
        pages = [seen.parameters["sort"] for seen in hub.requests if seen.parameters["limit"] == ["1000"]]
        assert pages == [["createdAt"]]
        assert broken(engine) is None
        assert complete(engine, hub.url) is None  # nobody noted what was changed when it began
    assert edges(engine) == {("me/Child", "me/Base"): "recovered-by-case"}
    with reading(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(MODELS)) == 2
        assert check(connection) == []
    engine.dispose()


def test_an_old_crawl_that_ended_is_no_broken_one(upgraded: Path) -> None:
    old_crawl(upgraded, HUB, None, FAMILY)
    engine = connect(parse_url(str(upgraded)))
    with engine.begin() as connection:
        connection.execute(text("UPDATE runs SET finished_at = seen"))
    engine.dispose()
    engine = brought_up(upgraded)
    assert (broken(engine), complete(engine)) == (None, None)
    with Hub(HUB) as asked, pytest.raises(CrawlError, match="broke off: start one with `lineage crawl hub`"):
        resume(engine, asked, lambda done, hub: None)
    engine.dispose()
