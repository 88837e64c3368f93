"""An append-only file of fixed-size records, each with its checksum; one writer.

A damaged record is passed over, a torn last one is cut off when the file is opened.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from lossviz.errors import InputError

VERSION = 2
HEADER = struct.Struct("<8sII")  # magic, version, bytes a record
CHECKSUM = struct.Struct("<I")


class Log:
    """The records of ``size`` bytes in ``path``; ``magic`` (8 bytes) says what they are.

    Raises
    ------
    InputError
        If the file is something else.
    """

    def __init__(self, path: Path, magic: bytes, size: int) -> None:
        self.path, self.size = path, size
        self.stride = size + CHECKSUM.size
        header = HEADER.pack(magic, VERSION, size)
        # Unbuffered: what a full disk refused would be tried again by closing the file.
        self._file = open(path, "a+b", buffering=0)
        self._file.seek(0)
        found = self._file.read(HEADER.size)
        if len(found) < HEADER.size and header.startswith(found):
            self._file.truncate(0)
            self._write(header)
        elif found != header:
            self._file.close()
            raise InputError(f"{path}: expected a log of this computation; --restart begins anew")
        whole = (path.stat().st_size - HEADER.size) // self.stride
        self._file.truncate(HEADER.size + whole * self.stride)
        self.count = sum(1 for _ in self)
        self.damaged = whole - self.count

    def __iter__(self) -> Iterator[bytes]:
        """The sound records from the beginning."""
        self._file.seek(HEADER.size)
        while len(record := self._file.read(self.stride)) == self.stride:
            body = record[: self.size]
            if CHECKSUM.unpack(record[self.size :])[0] == zlib.crc32(body):
                yield body

    def append(self, body: bytes) -> None:
        """Keep a record; it survives a kill from here on, and a power cut after ``sync``.

        Raises OSError if it cannot be written, and then keeps nothing of it.
        """
        assert len(body) == self.size
        self._write(body + CHECKSUM.pack(zlib.crc32(body)))
        self.count += 1

    def _write(self, record: bytes) -> None:
        """All of it, or nothing."""
        end = self._file.seek(0, os.SEEK_END)
        try:
            rest = memoryview(record)
            while rest:
                rest = rest[self._file.write(rest) :]
        except BaseException:
            self._file.truncate(end)
            raise

    def sync(self) -> None:
        """Write everything to the disk."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Write everything to the disk and close."""
        if not self._file.closed:
            self.sync()
            self._file.close()
