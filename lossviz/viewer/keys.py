"""The user's own keys: ``keys.toml`` in the folder of settings, over the usual ones.

Its names are the words of the help card, its values a key or a list of keys::

    "isolines" = "J"
    "show everything" = ["R", "Ctrl+Home"]

What a wheel and two fingers do stands there too: "zoom", "turn" or "move"::

    "wheel" = "zoom"
    "two fingers" = "turn"
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lossviz.errors import LossvizError, nearest, printable
from lossviz.viewer.commands import BINDINGS, Binding, Command, Keep, Recall
from lossviz.viewer.config import read_text
from lossviz.viewer.scrolling import FINGERS, WHEEL, Scrolls, chosen
from lossviz.viewer.window import KEY_NAMES

FILE = "keys.toml"
_MODIFIERS = {"CTRL": "Ctrl+", "CMD": "Ctrl+", "SHIFT": "Shift+"}
_OTHERS = {"ESC": "ESCAPE", "RETURN": "ENTER", "DEL": "DELETE"}  # how else keys are called


def load() -> tuple[tuple[Binding, ...], Scrolls, list[str]]:
    """All bindings with the user's keys, what scrolling does, and a line for each entry that
    cannot be used."""
    try:
        values = _values(read_text(FILE))
    except LossvizError as error:
        return BINDINGS, Scrolls(), [str(error)]
    except (ValueError, RecursionError) as error:
        return BINDINGS, Scrolls(), [f"{FILE}: expected TOML: {printable(str(error))}"]
    scrolls, odd = chosen(values)
    bindings, problems = rebound(
        {words: value for words, value in values.items() if words.lower() not in (WHEEL, FINGERS)}
    )
    return bindings, scrolls, [*problems, *(f"{FILE}: {problem}" for problem in odd)]


def _values(text: str) -> dict[str, Any]:
    """The entries of a file; most have none, and starts are spared the parser."""
    if not text:
        return {}
    import tomllib

    return tomllib.loads(text)


def rebound(values: Mapping[str, Any]) -> tuple[tuple[Binding, ...], list[str]]:
    """The bindings with the keys of ``values``, from a binding's words to its key or keys.

    Entries of unknown words or keys, and those that clash, leave the usual keys; there is a line
    for each.
    """
    own: dict[str, tuple[str, ...]] = {}
    problems = []
    for words, value in values.items():
        try:
            binding = _named(words)
            own[binding.says] = _keys(binding, value)
        except LossvizError as error:
            problems.append(f"{FILE}: {error}")
    while clash := _clash(own):
        words, key, other = clash
        del own[words]
        problems.append(f"{FILE}: {words}: {spoken(key)} is also the key of {other!r}")
    return tuple(replace(b, keys=own.get(b.says, b.keys)) for b in BINDINGS), problems


def _named(words: str) -> Binding:
    by_words = {binding.says.lower(): binding for binding in BINDINGS}
    if words.lower() not in by_words:
        known = nearest(words, (binding.says for binding in BINDINGS), most=3)
        raise LossvizError(f"expected words of the help card ({known}), got {printable(words):.60}")
    return by_words[words.lower()]


def _keys(binding: Binding, value: Any) -> tuple[str, ...]:
    """The keys as they are named in bindings."""
    entries = [value] if isinstance(value, str) else value
    if not isinstance(entries, list) or not all(isinstance(one, str) for one in entries):
        got = printable(repr(value))
        raise LossvizError(f"{binding.says}: expected a key or a list of keys, got {got:.60}")
    most = len(binding.keys) if isinstance(binding.command, Recall | Keep) else 8
    if len(entries) > most:
        raise LossvizError(f"{binding.says}: expected at most {most} keys, got {len(entries)}")
    return tuple(_key(binding, one) for one in entries)


def _key(binding: Binding, text: str) -> str:
    *held, key = (part.strip().upper() for part in text.split("+"))
    key = _OTHERS.get(key, key).replace(" ", "_")
    found = {_MODIFIERS.get(one, "") for one in held}
    if key not in KEY_NAMES or "" in found:
        raise LossvizError(
            f'{binding.says}: expected a key such as "J", "F5" or "Ctrl+Shift+Home", '
            f"got {printable(text):.40}"
        )
    return "".join(sorted(found)) + key


def _clash(own: dict[str, tuple[str, ...]]) -> tuple[str, str, str] | None:
    """The last entry of ``own`` with a key that is given twice, the key, and who else has it."""
    keys = {binding.says: own.get(binding.says, binding.keys) for binding in BINDINGS}
    count = Counter(key for each in keys.values() for key in each)
    for words in reversed(own):
        for key in own[words]:
            if count[key] > 1:
                others = (other for other in keys if other != words and key in keys[other])
                return words, key, next(others, words)
    return None


def spoken(key: str) -> str:
    """A key as the help card writes it."""
    *held, name = key.split("+")
    if name == "ESCAPE":
        name = "Esc"
    elif len(name) > 1 and not name[1:].isdecimal():  # no letter, no function key
        name = name.replace("_", " ").capitalize()
    return "+".join([*held, name])


def listed(keys: Sequence[str]) -> str:
    """Keys as the help card writes them: "F2 … F9" for a run of function keys."""
    parts: list[list[str]] = []
    for key in keys:
        if parts and _follows(parts[-1][-1], key):
            parts[-1].append(key)
        else:
            parts.append([key])
    shown = [part if len(part) < 3 else [f"{part[0]} … {part[-1].split('+')[-1]}"]
             for part in parts]  # fmt: skip
    return " or ".join(spoken(key) if "…" not in key else key for part in shown for key in part)


def _follows(before: str, key: str) -> bool:
    """Whether two are function keys in sequence, with the same others held."""
    (*held, one), (*also, other) = before.split("+"), key.split("+")
    numbers = one[1:], other[1:]
    known = one[0] == other[0] == "F" and all(number.isdecimal() for number in numbers)
    return held == also and known and int(numbers[1]) == int(numbers[0]) + 1


def of(bindings: Sequence[Binding], command: Command) -> str:
    """The first key of a command as the help card writes it; empty if it has none."""
    keys = next((binding.keys for binding in bindings if binding.command == command), ())
    return spoken(keys[0]) if keys else ""
