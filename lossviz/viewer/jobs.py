"""One thing to compute about a landscape, and where it is kept."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from lossviz.viewer.items import Item


@dataclass(frozen=True, eq=False)
class Job:
    """``kept[name] = make()``, for ``item``; ``what`` it is in a word, for messages."""

    what: str
    item: Item
    kept: dict[Any, Any]
    name: Hashable
    make: Callable[[], Any]

    @property
    def key(self) -> Hashable:
        """Equal for the same thing asked for again."""
        return self.item.key, self.what, self.name
