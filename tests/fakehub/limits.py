"""The Hub's rate limit: a fixed window, told on every response, and the ways it refuses."""

import math
import time
from collections.abc import Callable
from typing import Literal

#: How a refusal looks: the window is used up; another limit than the window's; only `Retry-After`; an HTML page.
Style = Literal["window", "other", "retry-after", "html"]
#: The largest quota that the Hub sells, shown where nothing is refused.
LARGEST_QUOTA = 100_000
Answer = tuple[int, dict[str, str], bytes]


class RateLimit:
    """Counts requests in windows of fixed length. All attributes may be set at any time; quota None refuses nothing."""

    def __init__(
        self,
        quota: int | None = None,
        window: float = 300,
        clock: Callable[[], float] = time.monotonic,
        bucket: str = "api",
    ) -> None:
        self.quota = quota
        self.window = window
        self.clock = clock
        self.bucket = bucket
        #: How a request beyond the quota is refused.
        self.style: Style = "window"
        self.used = 0
        self._start = clock()

    @property
    def remaining(self) -> int:
        """Requests left in this window."""
        self._turn()
        return max(0, (LARGEST_QUOTA if self.quota is None else self.quota) - self.used)

    @property
    def seconds(self) -> int:
        """Seconds to the next window, rounded up."""
        self._turn()
        return max(1, math.ceil(self._start + self.window - self.clock()))

    def take(self) -> bool:
        """Count a request; whether it may pass."""
        if self.quota is not None and self.remaining == 0:
            return False
        self._turn()
        self.used += 1
        return True

    def headers(self, remaining: int | None = None, seconds: int | None = None) -> dict[str, str]:
        """What every response says of the limit."""
        left = self.remaining if remaining is None else remaining
        wait = self.seconds if seconds is None else seconds
        quota = LARGEST_QUOTA if self.quota is None else self.quota
        return {
            "RateLimit": f'"{self.bucket}";r={left};t={wait}',
            "RateLimit-Policy": f'"fixed window";"{self.bucket}";q={quota};w={self.window:g}',
        }

    def refusal(self, style: Style, seconds: int | None = None) -> Answer:
        """A 429 of some style; `seconds`: when it says to come back (default: with the next window)."""
        wait = self.seconds if seconds is None else seconds
        if style == "retry-after":
            return 429, {"Retry-After": str(wait), "Content-Type": "text/plain"}, b"Too Many Requests"
        if style == "other":
            text = b'{"error":"You have reached another limit than that of requests per window. Try again later."}'
            return 429, self.headers(max(1, self.remaining)) | {"Content-Type": "application/json"}, text
        quota = LARGEST_QUOTA if self.quota is None else self.quota
        period = f"{self.window / 60:g} minutes period"
        words = f"We had to rate limit you, you hit the quota of {quota} {self.bucket} requests per {period}."
        headers = self.headers(0, wait)
        if style == "html":
            page = f"<!DOCTYPE html><html><head><title>429</title></head><body><h1>429</h1><p>{words}</p></body></html>"
            return 429, headers | {"Content-Type": "text/html; charset=utf-8"}, page.encode()
        return 429, headers | {"Content-Type": "application/json"}, f'{{"error":"{words}"}}'.encode()

    def _turn(self) -> None:
        """Begin the window that the clock is in."""
        passed = math.floor((self.clock() - self._start) / self.window)
        if passed > 0:
            self._start += passed * self.window
            self.used = 0
