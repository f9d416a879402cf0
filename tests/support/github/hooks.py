"""What our GitHub tells by itself, to those who have asked to be told: as GitHub does it, or as badly as a test says.

GitHub sends each delivery once, in no certain order, waits for ten seconds, and never sends one again by itself.
"""

import hashlib
import hmac
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any
from urllib.parse import urlencode

import httpx2

# How long whoever is told may take to answer, in seconds.
_PATIENCE = 10


class Manner(Enum):
    """How deliveries are made."""

    ONCE = auto()
    TWICE = auto()
    HELD = auto()  # until they are released, in whichever order
    NEVER = auto()


@dataclass(frozen=True)
class Hook:
    """Where deliveries go. `form`: as a form that holds the JSON, and not as the JSON itself."""

    url: str
    secret: str
    form: bool = False


@dataclass
class Delivery:
    """One, with the statuses that it was answered with so far; 0: with none. A repeated one keeps its id."""

    event: str
    payload: dict[str, Any]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    answers: list[int] = field(default_factory=list)


class Hooks:
    """`all`: every delivery there was to be made, also those that never were."""

    def __init__(self) -> None:
        self.manner = Manner.ONCE
        self.all: list[Delivery] = []
        self._held: list[Delivery] = []
        self._hooks: list[Hook] = []

    def register(self, url: str, secret: str, *, form: bool = False) -> None:
        """Tell there as well."""
        self._hooks.append(Hook(url, secret, form))

    async def tell(self, event: str, payload: dict[str, Any]) -> None:
        """Make a delivery, or not, as the manner is."""
        delivery = Delivery(event, payload)
        self.all.append(delivery)
        if self.manner is Manner.HELD:
            self._held.append(delivery)
        elif self.manner is not Manner.NEVER:
            await self.deliver(delivery)
            if self.manner is Manner.TWICE:
                await self.deliver(delivery)

    async def release(self, order: Callable[[list[Delivery]], list[Delivery]] = list) -> None:
        """Make those that were held, in this order: `reversed`, for one."""
        held, self._held = self._held, []
        for delivery in order(held):
            await self.deliver(delivery)

    async def deliver(self, delivery: Delivery) -> None:
        """Make one, whatever the manner is: for the first time, or again."""
        if not self._hooks:
            return
        async with httpx2.AsyncClient(timeout=_PATIENCE, verify=False) as http:
            for hook in self._hooks:
                body, kind = _body(delivery.payload, form=hook.form)
                headers = {
                    "Content-Type": kind,
                    "User-Agent": "GitHub-Hookshot/0000000",
                    "X-GitHub-Event": delivery.event,
                    "X-GitHub-Delivery": delivery.id,
                    "X-Hub-Signature-256": signature(hook.secret, body),
                }
                try:
                    answer = await http.post(hook.url, content=body, headers=headers)
                    delivery.answers.append(answer.status_code)
                except httpx2.HTTPError:
                    delivery.answers.append(0)


def signature(secret: str, body: bytes) -> str:
    """As GitHub signs."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _body(payload: dict[str, Any], *, form: bool) -> tuple[bytes, str]:
    text = json.dumps(payload)
    if form:
        return urlencode({"payload": text}).encode(), "application/x-www-form-urlencoded"
    return text.encode(), "application/json"
