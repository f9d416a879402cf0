"""Reads as much of a declarative Jenkinsfile as the recipe uses; raises SyntaxError at anything else."""

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""(?P<space>[ \t]+|//[^\n]*) | (?P<line>\n) | (?P<word>[A-Za-z_]\w*) | (?P<number>\d+)
    | '(?P<plain>[^'\\\n]*)' | "(?P<interpolated>[^"\\\n]*)" | (?P<sign>[{}(),:=])""",
    re.VERBOSE,
)
_VALUES = ("word", "number", "plain", "interpolated")


@dataclass(frozen=True)
class Value:
    """`kind` is word, number, plain (in single quotes) or interpolated (in double quotes). A call has arguments."""

    kind: str
    text: str
    arguments: tuple["Value", ...] = ()


@dataclass
class Node:
    """A step, directive or section: `name value`, `name(values, key: value) { body }` or `name = value`."""

    name: str
    values: list[Value] = field(default_factory=list)
    named: dict[str, Value] = field(default_factory=dict)
    body: list["Node"] = field(default_factory=list)
    assigned: Value | None = None

    def all(self, name: str) -> list["Node"]:
        """What is called so in the body."""
        return [node for node in self.body if node.name == name]

    def one(self, name: str) -> "Node":
        """The only one that is called so in the body."""
        [node] = self.all(name)
        return node


def parse(text: str) -> Node:
    """The `pipeline` that the file consists of."""
    reader = _Reader(text)
    [pipeline] = reader.nodes(until="")
    return pipeline


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise SyntaxError(f"not understood: {text[at:].splitlines()[0]!r}")
            if match.lastgroup is not None and match.lastgroup != "space":
                self._tokens.append((match.lastgroup, match[match.lastgroup]))
            at = match.end()
        self._tokens.append(("end", ""))

    def nodes(self, until: str) -> list[Node]:
        """All up to this sign, or to the end of the file."""
        found = []
        while not self._skip_lines().take(until):
            found.append(self._node())
        return found

    def _node(self) -> Node:
        node = Node(self._expect("word"))
        if self.take("="):
            node.assigned = self._value()
        elif self.take("("):
            self._arguments(node)
        elif self._kind in _VALUES:
            node.values.append(self._value())
        if self.take("{"):
            node.body = self.nodes(until="}")
        elif self._kind not in ("line", "end") and self._text != "}":
            raise SyntaxError(f"{self._text!r} behind {node.name}")
        return node

    def _arguments(self, node: Node) -> None:
        while not self.take(")"):
            value = self._value()
            if value.kind == "word" and self.take(":"):
                node.named[value.text] = self._value()
            else:
                node.values.append(value)
            if not self.take(",") and self._text != ")":
                raise SyntaxError(f"{self._text!r} among the arguments of {node.name}")

    def _value(self) -> Value:
        kind, text = self._kind, self._expect(*_VALUES)
        if kind == "word" and self.take("("):
            call = Node(text)
            self._arguments(call)
            return Value(kind, text, tuple(call.values))
        return Value(kind, text)

    @property
    def _kind(self) -> str:
        return self._tokens[0][0]

    @property
    def _text(self) -> str:
        return self._tokens[0][1]

    def take(self, sign: str) -> bool:
        """Whether this sign comes next (an empty one: the end); it is then left behind."""
        if self._tokens[0] != (("sign", sign) if sign else ("end", "")):
            return False
        self._tokens = self._tokens[1:]
        return True

    def _skip_lines(self) -> "_Reader":
        while self._kind == "line":
            self._tokens = self._tokens[1:]
        return self

    def _expect(self, *kinds: str) -> str:
        kind, text = self._tokens[0]
        if kind not in kinds:
            raise SyntaxError(f"{text!r} where one of {kinds} was to come")
        self._tokens = self._tokens[1:]
        return text
