"""The root of a Merkle tree as RFC 6962 (2.1) has it, over leaves that come one by one."""

from hashlib import sha256

_LEAF = b"\x00"
_NODE = b"\x01"


class Tree:
    """A tree that grows by a leaf at a time, and keeps no more than the roots of its complete subtrees."""

    def __init__(self) -> None:
        # Of each its number of leaves, a power of two, larger ones first.
        self._subtrees: list[tuple[int, bytes]] = []

    def add(self, leaf: bytes) -> None:
        """One more leaf, after the others."""
        size, top = 1, sha256(_LEAF + leaf).digest()
        while self._subtrees and self._subtrees[-1][0] == size:
            _, left = self._subtrees.pop()
            size, top = 2 * size, sha256(_NODE + left + top).digest()
        self._subtrees.append((size, top))

    @property
    def root(self) -> str:
        """The root in lower-case hexadecimal; of no leaves, the hash of nothing."""
        if not self._subtrees:
            return sha256(b"").hexdigest()
        *lefts, (_, top) = self._subtrees
        for _, left in reversed(lefts):
            top = sha256(_NODE + left + top).digest()
        return top.hex()
