"""A run: the folder ``NAME.run/`` beside the result, from which a killed computation goes on.

``manifest.json`` says what is computed, ``directions.safetensors`` along which directions,
``points.log`` holds the results: append-only, fixed-size records, each with its checksum. A torn
last record is cut off, of two valid records of one point the last one counts.
"""

from __future__ import annotations

import json
import os
import struct
import time
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from compute import directions
from compute.plane import Plane
from lossviz.errors import InputError, LossvizError, UsageError

MAGIC = b"LVPOINTS"
VERSION = 1
HEADER = struct.Struct("<8sII")  # magic, version, number of values a record
SYNC_EVERY = 2.0  # seconds


class Run:
    """One computation's folder, open for one process.

    Raises
    ------
    UsageError
        If the folder belongs to a computation with other settings.
    LossvizError
        If another process works in it, or it cannot be written.
    """

    def __init__(
        self, path: Path, settings: Mapping[str, Any], names: Sequence[str], plane: Plane,
        *, date: str, restart: bool = False,
    ) -> None:  # fmt: skip
        self.path, self.names = path, tuple(names)
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(path / "lock", path)
        except OSError as error:
            raise LossvizError(f"{path}: cannot be written: {error.strerror}") from None
        try:
            self._open(settings, plane, date, restart)
        except BaseException:
            self._lock.close()
            raise

    def _open(
        self, settings: Mapping[str, Any], plane: Plane, date: str, restart: bool
    ) -> None:  # fmt: skip
        path, names = self.path, self.names
        manifest = {
            "lossviz_run": VERSION, "date": date, "values": list(names), "settings": dict(settings)
        }  # fmt: skip
        if restart:
            for name in ("points.log", "manifest.json"):
                (path / name).unlink(missing_ok=True)
        self.date = self._settle(manifest)
        if not (path / "directions.safetensors").is_file() or restart:
            temporary = path / "directions.safetensors.tmp"
            directions.save(temporary, plane.delta, plane.eta)
            os.replace(temporary, path / "directions.safetensors")
        self._record = struct.Struct(f"<Q{len(names)}ddI")
        self.points: dict[int, dict[str, float]] = {}
        self.seconds = 0.0
        self._log = self._open_log()
        self._synced = time.monotonic()

    def _settle(self, manifest: Mapping[str, Any]) -> str:
        """Write the manifest, or check that the one that is there says the same."""
        path = self.path / "manifest.json"
        if path.is_file():
            try:
                old = json.loads(path.read_text(encoding="utf-8"))
                before, date = dict(old["settings"]), str(old["date"])
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(
                    f"{path}: expected a manifest ({error!r:.60}); --restart begins anew"
                ) from None
            now = json.loads(json.dumps(manifest["settings"]))
            other = [key for key in {**before, **now} if before.get(key) != now.get(key)]
            if other or old["values"] != manifest["values"]:
                told = "; ".join(
                    f"{key} {str(before.get(key))[:40]} → {str(now.get(key))[:40]}"
                    for key in other[:3]
                )
                raise UsageError(
                    f"{self.path}: holds a computation with other settings ({told}); "
                    "choose another -o, or --restart to throw it away"
                )
            return date
        temporary = path.with_suffix(".tmp")
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(manifest, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        return str(manifest["date"])

    def _open_log(self) -> IO[bytes]:
        path = self.path / "points.log"
        content = path.read_bytes() if path.is_file() else b""
        header = HEADER.pack(MAGIC, VERSION, len(self.names))
        if len(content) < HEADER.size:
            path.write_bytes(header)
            content = header
        elif content[: HEADER.size] != header:
            raise InputError(f"{path}: expected a log of points; --restart begins anew")
        end = HEADER.size
        while end + self._record.size <= len(content):
            if not self._read(content[end : end + self._record.size]):
                break  # torn: what follows cannot be trusted either
            end += self._record.size
        log = open(path, "r+b")
        log.truncate(end)
        log.seek(end)
        return log

    def _read(self, record: bytes) -> bool:
        index, *values, seconds, checksum = self._record.unpack(record)
        if checksum != zlib.crc32(record[:-4]):
            return False
        self.points[index] = dict(zip(self.names, values, strict=True))
        self.seconds += seconds
        return True

    def add(self, index: int, values: Mapping[str, float], seconds: float) -> None:
        """Keep one point's results; they survive a kill from here on."""
        body = self._record.pack(index, *(values[name] for name in self.names), seconds, 0)[:-4]
        self._log.write(body + struct.pack("<I", zlib.crc32(body)))
        self._log.flush()
        if time.monotonic() - self._synced > SYNC_EVERY:
            os.fsync(self._log.fileno())
            self._synced = time.monotonic()
        self.points[index] = dict(values)
        self.seconds += seconds

    def close(self) -> None:
        """Write everything to the disk and let others in."""
        if not self._log.closed:
            os.fsync(self._log.fileno())
            self._log.close()
            self._lock.close()


def _locked(path: Path, run: Path) -> IO[bytes]:
    """Hold ``path`` open with a lock that the system drops when the process dies."""
    file = open(path, "ab")
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:  # no such locks on Windows
        pass
    except OSError:
        file.close()
        raise LossvizError(f"{run}: another process is computing it; wait or stop it") from None
    return file
