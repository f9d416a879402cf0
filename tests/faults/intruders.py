"""Intruders: they send callbacks with proofs that allow none, to deploys of which others know."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.faults.callers import Caller, Response
from tests.faults.history import Answer, Sending
from tests.support import model
from tests.support.logins import OPERATOR, REVOKED, TOOL, VIEWER

# What proves an intruder to be whom, and how it is refused.
PROOFS = (
    (None, "anonymous", "UNAUTHENTICATED"),
    (REVOKED, "anonymous", "UNAUTHENTICATED"),
    (VIEWER[:-1] + "x", "anonymous", "UNAUTHENTICATED"),
    (VIEWER, "token:viewer", "FORBIDDEN"),
    (TOOL, "token:tool", "FORBIDDEN"),
    (OPERATOR, "token:operator", "FORBIDDEN"),
)
# How a deploy's log says that somebody may not report on it.
CODES = frozenset(code for *_, code in PROOFS)


@dataclass
class Intruder(Caller):
    """Sends each callback once: it does not wait for an answer that it would not get."""

    deploys: Sequence[str] = field(default_factory=tuple)

    async def intrude(self, pause: float, stopping: asyncio.Event) -> None:
        """Send callbacks to any of the deploys, with pauses of this length at most, until told to stop."""
        while not stopping.is_set():
            token, actor, refusal = self.random.choice(PROOFS)
            deploy, status = self.random.choice(self.deploys), self.random.choice(model.STATUSES)
            sending = Sending(self._name(), deploy, status, self.random.randint(1, 3), time.monotonic(), actor=actor)
            self.history.intrusions.append(sending)
            _note(sending, refusal, await self.send_callback(sending, token))
            await asyncio.sleep(self.random.uniform(0, pause))


def _note(sending: Sending, refusal: str, response: Response | None) -> None:
    sending.answered = time.monotonic()
    if response is None:
        return
    code = response.error.get("code")
    if (code, response.body.get("data")) == (refusal, None):
        sending.answer, sending.refusal = Answer.REFUSED, refusal
    elif response.status == 503:
        sending.answer = Answer.STOPPING if code == "SERVER_STOPPING" else Answer.UNAVAILABLE
    elif response.status == 429:
        sending.answer = Answer.HELD_OFF
    else:
        sending.answer, sending.told = Answer.ODD, f"{response.status} {response.body}"
