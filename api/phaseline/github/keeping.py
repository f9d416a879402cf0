"""Answers that are kept with their ETags, so that asking again for what has not changed costs nothing of the limit."""

from collections import OrderedDict
from collections.abc import Iterator, MutableMapping
from typing import Any

# As gidgethub has it: ETag, date, what was answered, and the next page.
Kept = tuple[str | None, str | None, Any, str | None]

# Whatever is larger is not kept, in bytes of the answer; so all that is kept came in no more than 32 MB.
LARGEST = 65_536
MOST = 512


class Answers(MutableMapping[str, Kept]):
    """By address, for one token: another one gets other ETags, and may see something else.

    Those that were not asked for again for the longest time make room for new ones.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def __getitem__(self, address: str) -> Kept:
        kept = self._kept[address]
        self._kept.move_to_end(address)
        return kept

    def __setitem__(self, address: str, kept: Kept) -> None:
        self._kept[address] = kept
        self._kept.move_to_end(address)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def __delitem__(self, address: str) -> None:
        del self._kept[address]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)
