"""What a checkpoint holds: how far every deploy's log had come, and one hash over all of it, to be kept elsewhere."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from phaseline_schema.audit.merkle import Tree
from phaseline_schema.audit.stored import is_digest

FORMAT = "phaseline-checkpoint-1"


class NoCheckpoint(Exception):
    """A text that is no checkpoint. What it says tells why."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """The newest entry of a deploy, when the checkpoint was made."""

    deploy_id: str
    sequence: int
    digest: str

    @property
    def content(self) -> bytes:
        """What is hashed of it: JSON as RFC 8785 makes it canonical."""
        return json.dumps(_members(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Leaves in the order of their deploys' ids, and the root that was written down with them."""

    root: str
    leaves: tuple[Leaf, ...]


def of(leaves: Iterable[Leaf]) -> Checkpoint:
    """The checkpoint of these heads, each of another deploy."""
    ordered = tuple(sorted(leaves, key=lambda leaf: leaf.deploy_id))
    return Checkpoint(root(ordered), ordered)


def root(leaves: Iterable[Leaf]) -> str:
    """The root over leaves in this order."""
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf.content)
    return tree.root


def written(checkpoint: Checkpoint) -> str:
    """As JSON, a leaf a line."""
    leaves = ",\n".join(f"    {json.dumps(_members(leaf), ensure_ascii=False)}" for leaf in checkpoint.leaves)
    listed = f"[\n{leaves}\n  ]" if leaves else "[]"
    return f'{{\n  "format": "{FORMAT}",\n  "root": "{checkpoint.root}",\n  "leaves": {listed}\n}}\n'


def read(text: str) -> Checkpoint:
    """The checkpoint that was written as this. Raises NoCheckpoint."""
    try:
        content = json.loads(text, object_pairs_hook=_members_once)
    except (ValueError, RecursionError):
        raise NoCheckpoint("it is not JSON") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise NoCheckpoint(f"it is not of the format {FORMAT}")
    leaves = content.get("leaves")
    if not is_digest(content.get("root")) or not isinstance(leaves, list):
        raise NoCheckpoint("it has no root, or no leaves")
    made = Checkpoint(content["root"], tuple(map(_leaf, leaves)))
    # One set of leaves has one root, and is not to have another in another order, or with a leaf twice.
    if any(one.deploy_id >= next_one.deploy_id for one, next_one in pairwise(made.leaves)):
        raise NoCheckpoint("its leaves are not one for each deploy, in the order of their ids")
    return made


def _members_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON. Of a name that is there twice, who reads it would take the one or the other."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise NoCheckpoint("it has a name twice in one object")
    return members


def _leaf(members: Any) -> Leaf:
    match members:
        case {"deployId": str(deploy_id), "sequence": int(sequence), "digest": str(digest), **others}:
            is_number = not isinstance(sequence, bool) and 1 <= sequence < 2**31
            if not others and is_number and is_digest(digest) and _can_be_stored(deploy_id):
                return Leaf(deploy_id, sequence, digest)
    raise NoCheckpoint("one of its leaves is none")


def _can_be_stored(text: str) -> bool:
    """Whether it is a text that every database could hold."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _members(leaf: Leaf) -> dict[str, Any]:
    return {"deployId": leaf.deploy_id, "sequence": leaf.sequence, "digest": leaf.digest}
