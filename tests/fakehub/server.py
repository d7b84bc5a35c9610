"""The fake Hub as a server on this machine, in a thread of its own."""

import asyncio
import logging
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from tests.fakehub.app import Hub, build
from tests.fakehub.derive import Row
from tests.fakehub.faults import FaultPlan, Seen
from tests.fakehub.limits import RateLimit
from tests.fakehub.world import World

_RESET = struct.pack("ii", 1, 0)
Transports = dict[tuple[str, int], asyncio.Transport]


class FakeHub:
    """A Hub that holds these rows, at `url` while in its context.

        with FakeHub(rows, quota=500) as hub:
            hub.world.before_page.append(lambda page: hub.world.delete("a/b") if page == 2 else None)
            hub.faults.status(503, times=2, skip=1)
            crawl(hub.url)
            assert len(hub.requests) == 7

    Leaving it raises what went wrong in the fake itself.
    """

    def __init__(
        self,
        rows: Iterable[Row] | World = (),
        *,
        quota: int | None = None,
        window: float = 300,
        clock: Callable[[], float] = time.monotonic,
        list_allows_base_models: bool = True,
        files_quota: int | None = None,
        redirects_files: bool = False,
        port: int = 0,
    ) -> None:
        self.world = rows if isinstance(rows, World) else World(rows)
        self.faults = FaultPlan()
        self.quota = RateLimit(quota, window, clock)
        self.files_quota = RateLimit(files_quota, window, clock, "resolvers")
        self.hub = Hub(self.world, self.faults, self.quota, self.files_quota, list_allows_base_models, redirects_files)
        self._port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def requests(self) -> list[Seen]:
        """All requests so far, faulted ones too."""
        return self.hub.requests

    @property
    def list_allows_base_models(self) -> bool:
        """Whether lists expand `baseModels`, `childrenModelCount` and `usedStorage`."""
        return self.hub.list_allows_base_models

    @list_allows_base_models.setter
    def list_allows_base_models(self, allows: bool) -> None:
        self.hub.list_allows_base_models = allows

    def __enter__(self) -> Self:
        # asyncio sends small answers at once (no Nagle) only where a socket says that it is TCP
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", self._port))
        except OSError:
            listener.close()
            raise
        self._port = listener.getsockname()[1]
        self._server = _Server(self.hub)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="fake-hub", daemon=True)
        self._thread.start()
        if not self._server.ready.wait(10):
            raise RuntimeError("the fake Hub does not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        assert self._thread is not None
        self._server.stop()
        self._thread.join(10)
        if error is None and self.hub.errors:
            raise ExceptionGroup("the fake Hub failed", self.hub.errors)


class _Server(uvicorn.Server):
    """A server that starts and stops at once: it drops what is open rather than wait for it."""

    def __init__(self, hub: Hub) -> None:
        self.transports: Transports = {}
        self.ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        hub.reset = self.reset
        config = uvicorn.Config(
            build(hub),
            http=_protocol(self.transports),
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level=logging.CRITICAL + 1,
            access_log=False,
            server_header=False,
            date_header=False,
        )
        super().__init__(config)

    def stop(self) -> None:
        """End it, from another thread."""
        if self._loop is not None and self._end is not None:
            self._loop.call_soon_threadsafe(self._end.set)

    def reset(self, client: tuple[str, int]) -> None:
        """Reset the connection of a client: no goodbye, and what is on its way is lost."""
        transport = self.transports.get(client)
        if transport is not None:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            transport.abort()

    async def main_loop(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        await self.on_tick(0)
        self.ready.set()
        await self._end.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for transport in list(self.transports.values()):
            transport.abort()
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for server in self.servers:
            await server.wait_closed()
        for listener in sockets or []:
            listener.close()
        await asyncio.sleep(0)


def _protocol(transports: Transports) -> type[asyncio.Protocol]:
    """uvicorn's protocol, which notes its connections in `transports`."""

    class Noted(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if self.client is not None:
                transports[self.client] = transport

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            if self.client is not None:
                transports.pop(self.client, None)

    return Noted
