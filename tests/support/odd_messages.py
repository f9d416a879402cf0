"""What a viewer of graphql-transport-ws may never send, may send once, or may send at another time; made by chance."""

import json
from random import Random
from typing import Any

from tests.support.logins import VIEWER, WORKFLOW, bearer
from tests.support.raw_socket import frame
from tests.support.viewer import AUDIT_ENTRY_ADDED, PHASE_CHANGED

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

_TEXTS = [
    "",
    "1",
    "x" * 200_000,
    "\0",
    "\ud800",
    "\u202e",
    "é" * 5000,
    "👩‍🚀" * 999,
    "{",
    "null",
    "__proto__",
    "' OR 1=1",
]
_DOCUMENTS = [
    *("{ __typename }", "{", "{ nope }", "subscription { nope }", "{ ...a } fragment a on Query { ...a }", "\ufeff{a}"),
    *("{ deploys { edges { node { id } } } }", "{ __schema { types { name } } }", "{" + "a{" * 400, "query a query b"),
    *(
        "mutation { startDeploy(input: {}) { id } }",
        "{" + "__typename " * 3000 + "}",
        '{ deploy(id: "\\ud800") { id } }',
    ),
    *('mutation { applyCallback(input: {deployId: "1", status: "x"}) { duplicate } }', "{ identity { name } }"),
]


class Odd:
    """The same for the same seed. `unfinished`: what it sends may be the beginning of a frame without an end."""

    def __init__(self, seed: int, deploy: str) -> None:
        self.unfinished = False
        self._random = Random(seed)
        self._deploy = deploy

    def beginning(self) -> list[bytes]:
        """Most begin as they should."""
        payload = self._random.choice([bearer(VIEWER)] * 6 + [bearer(WORKFLOW), bearer("x"), {}, None, 5])
        return [_text({"type": "connection_init", "payload": payload})] * self._random.choice([1] * 8 + [0, 2])

    def frames(self) -> list[bytes]:
        """A few of all that can come then."""
        kinds = [self._message] * 6 + [self._race] * 4 + [self._no_message] * 2 + [self._no_frame, self._in_pieces]
        return [each for _ in range(self._random.randint(1, 8)) for each in self._random.choice(kinds)()]

    def cut(self, data: bytes) -> bytes | None:
        """What of it is sent by a viewer that vanishes in the middle; None for most, who stay."""
        return data[: self._random.randint(0, len(data))] if self._random.random() < 0.15 else None

    def _value(self, depth: int = 0) -> Any:
        simple: list[Any] = [None, True, 5, -1, 1e300, 2**70, *_TEXTS, [], {}, VIEWER]
        if depth > 3 or self._random.random() < 0.7:
            return self._random.choice(simple)
        return {self._random.choice(_TEXTS): self._value(depth + 1), "a": [self._value(depth + 1)]}

    def _id(self) -> Any:
        return self._random.choice(["1", "2", "3", "1", "2", "3", self._value()])

    def _payload(self) -> Any:
        follow = {
            "query": self._random.choice([PHASE_CHANGED, AUDIT_ENTRY_ADDED]),
            "variables": {"id": self._deploy, "after": self._random.choice([None, 0, 1, 99, -1, "x"])},
        }
        ask = {"query": self._random.choice(_DOCUMENTS), "operationName": self._random.choice([None, "a", "x" * 9999])}
        return self._random.choice([follow, follow, ask, ask, {"query": self._value()}, self._value()])

    def _message(self) -> list[bytes]:
        kind = self._random.choice(
            ["subscribe"] * 5 + ["complete", "ping", "pong", "connection_init", "next", self._value()]
        )
        return [_text({"type": kind, "id": self._id(), "payload": self._payload()})]

    def _race(self) -> list[bytes]:
        """The same id is asked for and given back, over and over, in whatever order."""
        messages = [
            _text({"type": "subscribe", "id": "9", "payload": self._payload()}),
            _text({"type": "complete", "id": "9"}),
        ] * self._random.randint(1, 10)
        if self._random.random() < 0.3:
            self._random.shuffle(messages)
        return messages

    def _no_message(self) -> list[bytes]:
        text = self._random.choice(["", "{", "[" * 90_000, '{"a":' * 9000, "5", "NaN", "[{}]", "\ufeff{}", "{}" * 999])
        return [frame(self._random.choice([TEXT, TEXT, BINARY]), text.encode())]

    def _no_frame(self) -> list[bytes]:
        if self._random.random() < 0.25:
            self.unfinished = True
            announced = frame(TEXT, b"", length=self._random.choice([2**20, 2**40, 2**63]))
            return [self._random.choice([announced, self._random.randbytes(self._random.randint(1, 200))])]
        return [
            self._random.choice(
                [
                    frame(TEXT, b"\xff\xfe\x00"),
                    frame(self._random.randint(3, 7), b"x"),
                    frame(PING, b"x" * 126),
                    frame(CLOSE, self._random.choice([b"", b"\x03", b"\x03\xe8", b"\x00\x05", b"\xff\xff\xff"])),
                    frame(0, b"no beginning"),
                    frame(TEXT | 0x70, b"{}"),
                    b"\x81\x02{}",  # without a mask
                ]
            )
        ]

    def _in_pieces(self) -> list[bytes]:
        text = json.dumps({"type": "ping", "payload": {"a": self._random.choice(_TEXTS)}}).encode()
        at = self._random.randint(0, len(text))
        between = self._random.choice([frame(PING, b"between"), frame(PONG, b""), frame(TEXT, b"{}"), b""])
        return [frame(TEXT, text[:at], fin=False), between, frame(0, b"", fin=False), frame(0, text[at:])]


def _text(message: Any) -> bytes:
    return frame(TEXT, json.dumps(message).encode())
