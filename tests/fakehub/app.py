"""The Hub's model API as an ASGI application: what it answers, and before that what goes wrong."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.fakehub.faults import Fault, FaultPlan, Seen
from tests.fakehub.files import cached_at, content_of, served
from tests.fakehub.limits import Answer, RateLimit
from tests.fakehub.listing import Refused, next_url, read_expand, read_listing
from tests.fakehub.paging import LARGEST_PAGE
from tests.fakehub.shapes import EXPAND, SINGLE, serialised
from tests.fakehub.world import Model, World

_JSON = "application/json; charset=utf-8"
_DISABLED = "Access to this resource is disabled."
_EXPOSED = "X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,X-Total-Count,ETag,Link,RateLimit,RateLimit-Policy"


@dataclass
class Hub:
    """All that requests read and leave behind."""

    world: World
    faults: FaultPlan
    quota: RateLimit
    #: The limit of files, which is another one than that of the API.
    files_quota: RateLimit
    #: Whether lists expand `baseModels`, `childrenModelCount` and `usedStorage`; the real Hub's word on it has changed.
    list_allows_base_models: bool = True
    #: Whether `resolve` leads to the Hub's own cache of files, under /api/resolve-cache, as it has done since 2025.
    redirects_files: bool = False
    requests: list[Seen] = field(default_factory=list)
    #: What went wrong in the fake itself, or in a function of `World.before_page`.
    errors: list[Exception] = field(default_factory=list)
    pages: int = 0
    #: The most rows that a page holds, whatever is asked for.
    largest_page: int = LARGEST_PAGE
    #: Resets the connection of a client (host, port); set by the server.
    reset: Callable[[tuple[str, int]], None] = lambda client: None


def build(hub: Hub) -> ASGIApp:
    """The application of a Hub."""
    api = Api(hub)
    routes = [
        Route("/api/models", api.models),
        Route("/api/models/{name}", api.model),
        Route("/api/models/{owner}/{name}", api.model),
        Route("/api/models/{owner}/{name}/revision/{revision}", api.model),
        Route("/api/whoami-v2", api.whoami),
        Route("/api/agent-harnesses", api.harnesses),
        *(
            Route(f"{name}/{way}/{{revision}}/{{path:path}}", api.file)
            for way in ("resolve", "raw")
            for name in ("/{owner}/{name}", "/{name}")
        ),
        Route("/api/resolve-cache/models/{owner}/{name}/{revision}/{path:path}", api.file),
        Route("/api/resolve-cache/models/{name}/{revision}/{path:path}", api.file),
    ]
    return Door(Starlette(routes=routes, exception_handlers={Refused: _refused}), hub)


class Api:
    """The endpoints."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    async def models(self, request: Request) -> Response:
        """One page of a listing."""
        world = self.hub.world
        parameters = request.query_params.multi_items()
        asked = read_listing(parameters, allows_base_models=self.hub.list_allows_base_models)
        with world.lock:
            self.hub.pages += 1
            for function in world.before_page:
                function(self.hub.pages)
            page, cursor = world.page(asked.query, min(asked.limit, self.hub.largest_page), asked.after)
            body = b",".join([serialised(world, model, asked.shape) for model in page])
        headers = {}
        if cursor is not None:
            base = f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"
            url = next_url(base, parameters, cursor.encode(asked.query))
            headers["Link"] = f'<{url}>; rel="next"'
        return Response(b"[%b]" % body, headers=headers, media_type=_JSON)

    async def model(self, request: Request) -> Response:
        """One model, or the way to it."""
        name = _name(request)
        shape = read_expand(request.query_params.multi_items(), allowed=set(EXPAND)) or SINGLE
        with self.hub.world.lock:
            model = self._found(request, name)
            if model.name != name:
                return _renamed(request, f"/api/models/{name}", f"/api/models/{quote(model.name)}")
            self._open(model)
            self._revision(request, model)
            return Response(serialised(self.hub.world, model, shape), media_type=_JSON)

    async def file(self, request: Request) -> Response:
        """A file of a model, whole or the way to it."""
        path, place = request.path_params["path"], request.url.path
        with self.hub.world.lock:
            model = self._found(request, _name(request))
            if model.name != _name(request):
                return _renamed(request, f"/{_name(request)}/", f"/{quote(model.name)}/")
            self._open(model)
            if model.row.get("gated"):
                raise Refused(403, f"Access to model {model.name} is restricted.", "GatedRepo")
            sha = self._revision(request, model)
            content = content_of(model, path)
            if content is None:
                raise Refused(404, "Entry not found", "EntryNotFound")
        way = "cache" if "/resolve-cache/" in place else "raw" if "/raw/" in place else "resolve"
        if way == "resolve" and self.hub.redirects_files and not isinstance(content, dict):
            where = cached_at(model.name, sha, path)
            return Response(f"Temporary Redirect. Redirecting to {where}", 307, {"Location": where})
        return served(content, sha, raw=way == "raw")

    async def whoami(self, request: Request) -> Response:
        """Who the token is for."""
        if "authorization" not in request.headers:
            raise Refused(401, "Invalid username or password.")
        return Response(b'{"type":"user","name":"someone","orgs":[]}', media_type=_JSON)

    async def harnesses(self, request: Request) -> Response:
        """What the Hub's client asks for once a day."""
        return Response(b'{"standardEnvVars":[],"harnesses":{}}', media_type=_JSON)

    def _found(self, request: Request, name: str) -> Model:
        """The model of a name. A stranger is not told whether a repository is missing or hidden."""
        model = self.hub.world.find(name)
        if model is not None:
            return model
        if "authorization" in request.headers:
            raise Refused(404, "Repository not found", "RepoNotFound")
        raise Refused(401, "Invalid username or password.", "RepoNotFound")

    @staticmethod
    def _open(model: Model) -> None:
        if model.row.get("disabled"):
            raise Refused(403, _DISABLED)

    @staticmethod
    def _revision(request: Request, model: Model) -> str | None:
        """The commit that is asked for, where it is known."""
        sha = model.row.get("sha")
        revision = request.path_params.get("revision", "main")
        if revision not in {"main", sha}:
            raise Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return str(sha) if sha else None


class Door:
    """What every request passes: it is noted, counted, perhaps struck by a fault, and its answer gets the headers."""

    def __init__(self, app: ASGIApp, hub: Hub) -> None:
        self.app = app
        self.hub = hub
        #: The rows of the page before that was spoiled, of each listing.
        self._rows_before: dict[str, list[object]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        seen = Seen(
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            authorization=headers.get("authorization"),
            user_agent=headers.get("user-agent"),
        )
        self.hub.requests.append(seen)
        of_files = seen.path.startswith("/api/resolve-cache/") or not seen.path.startswith("/api/")
        quota = self.hub.files_quota if of_files else self.hub.quota
        passes = quota.take()
        fault = self.hub.faults.meet(seen)
        seen.met, seen.fault = fault, fault.kind if fault else None
        if fault and fault.kind == "stall" and await _left(receive, fault.seconds):
            return
        if fault and fault.kind == "reset":
            await self._reset(scope)
            return
        if fault and fault.kind == "changed":
            fault.act()
        struck = _instead(fault, seen, quota) if fault else None
        if struck is None:
            struck = await self._answer(scope, receive) if passes else quota.refusal(quota.style)
        seen.status, given, body = self._spoiled(fault, struck, seen) if fault else struck
        if not (seen.status == 429 and "Retry-After" in given):
            given = quota.headers() | given
        shift = fault.seconds if fault and fault.kind == "clock" else 0
        if shift:
            given |= quota.headers(0, max(0, quota.seconds + int(shift)))
        given |= self._common(len(body), shift)
        await send(_start(seen.status, given))
        if fault and fault.kind == "reset-inside":
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            await self._reset(scope)
            return
        await send({"type": "http.response.body", "body": b"" if seen.method == "HEAD" else body})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        """What the application says."""
        status, headers, body = 500, {"Content-Type": "text/plain"}, [b"Internal Server Error"]

        async def send(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = {
                    name.decode("latin-1").title(): value.decode("latin-1") for name, value in message["headers"]
                }
                body.clear()
            else:
                body.append(message.get("body", b""))

        try:
            await self.app(scope, receive, send)
        except Exception as error:
            self.hub.errors.append(error)
        return status, headers, b"".join(body)

    def _spoiled(self, fault: Fault, answer: Answer, seen: Seen) -> Answer:
        """What becomes of a good answer; a fault that does nothing to it was none."""
        status, headers, body = answer
        if fault.kind == "truncated":
            body = body[: len(body) // 2]
        if fault.kind == "elsewhere" and "Link" in headers:
            path = headers["Link"].partition("://")[2].partition("/")[2]
            headers = headers | {"Link": f"<{fault.host}/{path}"}
        if fault.kind in {"twice", "missing"} and status == 200 and body.startswith(b"[{"):
            rows, listing = json.loads(body), seen.query.partition("cursor=")[0]
            before = self._rows_before.get(listing, [])
            spoiled = [*before[-5:], *rows, *rows[:5]] if fault.kind == "twice" else _thinned(rows)
            self._rows_before[listing] = rows
            body = json.dumps(spoiled).encode()
        if fault.kind in {"truncated", "elsewhere", "twice", "missing"} and (headers, body) == answer[1:]:
            seen.met = seen.fault = None
        return status, headers, body

    def _common(self, length: int, shift: float) -> dict[str, str]:
        return {
            "Date": formatdate(time.time() + shift, usegmt=True),
            "Content-Length": str(length),
            "Vary": "Origin",
            "X-Powered-By": "huggingface-moon",
            "X-Request-Id": f"Root=1-00000000-{len(self.hub.requests):024x}",
            "Access-Control-Expose-Headers": _EXPOSED,
        }

    async def _reset(self, scope: Scope) -> None:
        await asyncio.sleep(0.01)  # what was sent before arrives before
        self.hub.reset(tuple(scope["client"]))
        await asyncio.sleep(0)


def _instead(fault: Fault, seen: Seen, quota: RateLimit) -> Answer | None:
    """What a fault has the Hub answer without looking, if it is one of that kind."""
    match fault.kind:
        case "status":
            again = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
            return fault.status, again | {"Content-Type": "application/json"}, b'{"error":"Internal Error"}'
        case "too-many":
            return quota.refusal(fault.style, int(fault.seconds))
        case "redirect":
            place = f"{fault.host}{quote(seen.path)}" + (f"?{seen.query}" if seen.query else "")
            return 307, {"Location": place, "Content-Type": "text/plain"}, b"Temporary Redirect"
        case "garbage":
            return 200, {"Content-Type": _JSON}, b"\xff\x00{'ok': True}"
        case "html":
            page = b"<!DOCTYPE html><html><head><title>Hub</title></head><body>We will be back soon</body></html>"
            return 200, {"Content-Type": "text/html; charset=utf-8"}, page
    return None


def _thinned(rows: list[object]) -> list[object]:
    return [row for number, row in enumerate(rows) if number % 3 != 2]


async def _left(receive: Receive, seconds: float) -> bool:
    """Wait so long; whether the client left meanwhile."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True


def _start(status: int, headers: dict[str, str]) -> Message:
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": encoded}


def _name(request: Request) -> str:
    owner = request.path_params.get("owner")
    name: str = request.path_params["name"]
    return f"{owner}/{name}" if owner else name


def _renamed(request: Request, name: str, now: str) -> Response:
    """The way to a model of another name, or of another letter case."""
    path = quote(request.url.path).replace(name, now, 1)
    where = f"{path}?{request.url.query}" if request.url.query else path
    return Response(f"Temporary Redirect. Redirecting to {where}", 307, {"Location": where}, media_type="text/plain")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    headers = {"X-Error-Message": error.message} | ({"X-Error-Code": error.code} if error.code else {})
    return Response(json.dumps({"error": error.message}), error.status, headers, media_type=_JSON)
