"""The header of a PLY file, scanned before anything believes it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lossviz.errors import InputError

LARGEST = 1 << 20  # bytes
MOST_ELEMENTS, MOST_PROPERTIES = 64, 256

# PLY's type names, old and new, as numpy's without byte order.
TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2",
    "ushort": "u2", "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4",
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
FORMATS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_COUNT = re.compile(r"\d{1,18}")
_NAME = re.compile(r"[!-~]{1,80}")


@dataclass(frozen=True)
class Property:
    """A scalar, or a list if ``length_type`` is given. Types are numpy's ("f4")."""

    name: str
    type: str
    length_type: str = ""


@dataclass
class Element:
    """``count`` rows of ``properties``."""

    name: str
    count: int
    properties: list[Property] = field(default_factory=list)

    @property
    def has_lists(self) -> bool:
        """Whether rows may differ in size."""
        return any(item.length_type for item in self.properties)

    @property
    def least_row(self) -> int:
        """Bytes that a binary row has at least: every list empty."""
        return sum(int((item.length_type or item.type)[1]) for item in self.properties)


@dataclass(frozen=True)
class Header:
    """What a file declares. ``order`` is "<", ">" or "" for ASCII; ``size`` in bytes."""

    order: str
    elements: list[Element]
    comments: list[str]
    size: int

    def element(self, name: str) -> Element | None:
        """An element by its name."""
        return next((item for item in self.elements if item.name == name), None)


def shown(text: object) -> str:
    """A piece of a hostile file as it may stand in an error message: short and printable."""
    text = text[:60].decode("latin-1") if isinstance(text, bytes) else str(text)
    return f"'{printable(text[:60])}'"


def reason(error: Exception) -> str:
    """What an exception about a hostile file says, in one short printable line."""
    text = str(error) or type(error).__name__
    return printable(text if len(text) <= 200 else text[:199] + "…")


def printable(text: str) -> str:
    """``text`` without what a terminal would obey."""
    return "".join(c if (c.isprintable() and c.isascii()) or c.isalpha() else "?" for c in text)


def scan(start: bytes, total: int, place: str) -> Header:
    """Read the header at the beginning of a file of ``total`` bytes.

    ``start`` is the file's first LARGEST bytes, or all of it.

    Raises
    ------
    InputError
        If it is not a header, or promises more than the file can hold.
    """
    if not total:
        raise InputError(f"{place}: expected a PLY file, got an empty file")
    if not re.match(rb"ply\r?\n", start):
        raise InputError(f"{place}: expected a PLY file that begins with 'ply', got {shown(start)}")
    end = re.search(rb"\nend_header\r?\n", start)
    if end is None:
        raise InputError(f"{place}: expected end_header within {LARGEST:,} bytes, found none")
    try:
        lines = start[: end.start()].decode("ascii").splitlines()[1:]
    except UnicodeDecodeError as error:
        raise InputError(f"{place}: header, byte {error.start}: expected plain ASCII") from None
    header = _Scanner(place).header(lines, end.end())
    _check_sizes(header, total - end.end(), place)
    return header


class _Scanner:
    def __init__(self, place: str) -> None:
        self.place = place
        self.order: str | None = None
        self.elements: list[Element] = []
        self.comments: list[str] = []

    def header(self, lines: list[str], size: int) -> Header:
        for number, line in enumerate(lines, start=2):
            words = line.split()
            if not words:
                continue
            if words[0] in ("comment", "obj_info"):
                self.comments.append(line.partition(" ")[2])
            elif not self._declaration(words):
                raise InputError(
                    f"{self.place}: header line {number}: expected format, element, property or "
                    f"comment, got {shown(line)}"
                )
        if self.order is None:
            raise InputError(f"{self.place}: header: expected a line 'format …', found none")
        return Header(self.order, self.elements, self.comments, size)

    def _declaration(self, words: list[str]) -> bool:
        match words:
            case ["format", kind, "1.0"] if kind in FORMATS and self.order is None:
                self.order = FORMATS[kind]
                return True
            case ["element", name, count] if _COUNT.fullmatch(count) and _NAME.fullmatch(name):
                self.elements.append(Element(name, int(count)))
                known = {item.name for item in self.elements}
                if len(self.elements) > MOST_ELEMENTS or len(known) < len(self.elements):
                    raise InputError(
                        f"{self.place}: header: expected at most {MOST_ELEMENTS} elements of "
                        f"different names, got {len(self.elements)} with {shown(name)}"
                    )
                return True
            case ["property", kind, name] if (
                kind in TYPES and self.elements and _NAME.fullmatch(name)
            ):
                return self._property(Property(name, TYPES[kind]))
            case ["property", "list", length, kind, name] if (
                length in TYPES and TYPES[length][0] in "iu" and kind in TYPES and self.elements
                and _NAME.fullmatch(name)
            ):  # fmt: skip
                return self._property(Property(name, TYPES[kind], TYPES[length]))
        return False

    def _property(self, item: Property) -> bool:
        properties = self.elements[-1].properties
        if any(item.name == other.name for other in properties):
            raise InputError(f"{self.place}: header: property {shown(item.name)} twice")
        properties.append(item)
        if len(properties) > MOST_PROPERTIES:
            raise InputError(
                f"{self.place}: header: expected at most {MOST_PROPERTIES} properties an element"
            )
        return True


def _check_sizes(header: Header, left: int, place: str) -> None:
    """The rows that are promised must fit into the bytes that are left."""
    for item in header.elements:
        # An ASCII row has at least one digit and one separator a property.
        row = item.least_row if header.order else 2 * len(item.properties)
        if item.count and not row:
            raise InputError(f"{place}: element {shown(item.name)}: {item.count} rows of nothing")
        needed = item.count * row - (0 if header.order or not item.count else 1)
        if needed > left:
            raise InputError(
                f"{place}: element {shown(item.name)}: {item.count:,} rows need at least "
                f"{needed:,} bytes, the file has {max(left, 0):,} left; it is truncated or damaged"
            )
        left -= needed
