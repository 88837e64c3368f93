"""The errors a user sees: one line with what was expected, what came, what to do."""

from __future__ import annotations

from collections.abc import Iterable


class LossvizError(Exception):
    """Something failed that the user should read about in one line. Exit status 1."""

    status = 1


class UsageError(LossvizError):
    """The command line or an argument is wrong. Exit status 2."""

    status = 2


class InputError(LossvizError):
    """A file, a model or data from outside cannot be used as it is. Exit status 3."""

    status = 3


def printable(text: str) -> str:
    """``text`` without what a terminal would obey: names and titles come from files of others."""
    return "".join(c if c.isprintable() else "?" for c in text)


def nearest(name: str, names: Iterable[str], most: int = 40) -> str:
    """``names`` in one line, the most similar to ``name`` first, and how many more there are."""
    from difflib import SequenceMatcher

    sought = name.lower()[:100]  # comparing takes the square of the length
    ordered = sorted(names, key=lambda known: -SequenceMatcher(None, sought, known.lower()).ratio())
    more = len(ordered) - most
    return ", ".join(ordered[:most]) + (f" and {more:,} more" if more > 0 else "")
