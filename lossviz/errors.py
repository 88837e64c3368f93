"""The errors a user sees: one line with what was expected, what came, what to do."""

from __future__ import annotations


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
