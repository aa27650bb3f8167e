"""Items that belong together because of what they share."""

from __future__ import annotations

from array import array
from collections.abc import Sequence


class Clusters:
    """Items 0 to n − 1, each alone until it is joined to others (disjoint sets).

    Memory: 8 bytes an item.
    """

    def __init__(self, count: int) -> None:
        self._parent = array("q", range(count))

    def root(self, item: int) -> int:
        """Return the least item of the cluster of *item*."""
        parent = self._parent
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    def join(self, item: int, other: int) -> None:
        """Make one cluster of those of two items."""
        one, two = self.root(item), self.root(other)
        # The smaller number is the root, whatever order they are joined in.
        self._parent[max(one, two)] = min(one, two)

    def roots(self) -> Sequence[int]:
        """Return the root of each item."""
        return array("q", map(self.root, range(len(self._parent))))
