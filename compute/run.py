"""A run: the folder ``NAME.run/`` beside the result, from which a killed computation goes on.

``manifest.json`` says what is computed and with which choices of the engine,
``directions.safetensors`` along which directions, ``points.log`` holds the results and
``samples.log`` the loss of every sample. Of two records of one point the last one counts.
"""

from __future__ import annotations

import json
import math
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compute import direction_files
from compute.lock import locked
from compute.log import VERSION, Log
from compute.outcome import Outcome
from compute.plane import Plane
from compute.samples import SampleLog
from lossviz import files
from lossviz.errors import InputError, LossvizError, UsageError

MAGIC = b"LVPOINTS"
SYNC_EVERY = 2.0  # seconds
ENGINES = ("plain", "folded", "stacked", "recomputed")
SAME = 1e-4  # relative: another machine rounds otherwise


class Run:
    """One computation's folder, open for one process.

    Parameters
    ----------
    settings
        What the numbers depend on, as JSON.
    center
        The values at the centre, by name: the same names at every point, and a check that the
        computation is the same.
    points
        How many points there are to compute.
    choices
        How they are evaluated, ``Evaluator.choices``.
    kept
        Which samples' losses are kept, ``(K,)`` indices.

    Raises
    ------
    UsageError
        If the folder belongs to a computation with other settings.
    LossvizError
        If another process works in it, or it cannot be written.
    """

    def __init__(
        self, path: Path, settings: Mapping[str, Any], center: Mapping[str, float], plane: Plane,
        *, date: str, points: int, choices: Mapping[str, Any] | None = None,
        kept: NDArray[np.int64] | None = None, restart: bool = False,
    ) -> None:  # fmt: skip
        self.path, self.names, self.count = path, tuple(center), points
        self.kept = np.zeros(0, np.int64) if kept is None else kept
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = locked(path)
        except OSError as error:
            raise LossvizError(f"{path}: cannot be written: {error.strerror}") from None
        try:
            self._open(settings, center, plane, date, dict(choices or {}), restart)
        except OSError as error:
            self._lock.close()
            raise LossvizError(f"{path}: cannot be written: {error.strerror}") from None
        except BaseException:
            self._lock.close()
            raise

    def _open(
        self, settings: Mapping[str, Any], center: Mapping[str, float], plane: Plane, date: str,
        choices: dict[str, Any], restart: bool,
    ) -> None:  # fmt: skip
        path, names = self.path, self.names
        manifest = {
            "lossviz_run": VERSION, "date": date, "values": list(names), "choices": choices,
            "kept": self.kept.size, "center": dict(center), "settings": dict(settings),
        }  # fmt: skip
        if restart:
            for name in ("points.log", "samples.log", "manifest.json"):
                (path / name).unlink(missing_ok=True)
        self.date = self._settle(manifest)
        if not (path / "directions.safetensors").is_file() or restart:
            direction_files.save(
                path / "directions.safetensors", plane.delta, plane.eta, plane.theta
            )
        self._record = struct.Struct(f"<Q{len(names)}dd")  # point, values, seconds
        self.points: dict[int, dict[str, float]] = {}
        self.seconds = 0.0
        self._log = Log(path / "points.log", MAGIC, self._record.size)
        for body in self._log:
            index, *values, seconds = self._record.unpack(body)
            if index >= self.count:
                continue
            self.points[index] = dict(zip(names, values, strict=True))
            self.seconds += seconds
        self.samples = SampleLog(path / "samples.log", self.kept.size) if self.kept.size else None
        self.damaged = self._log.damaged
        self._synced = time.monotonic()

    def _settle(self, manifest: Mapping[str, Any]) -> str:
        """Write the manifest, or check that the one that is there says the same."""
        path = self.path / "manifest.json"
        if path.is_file():
            try:
                old = json.loads(path.read_text(encoding="utf-8"))
                before, date = dict(old["settings"]), str(old["date"])
                before |= {"quantities": old["values"], "kept samples": old["kept"]}
                center = {str(k): float(v) for k, v in old["center"].items()}
                if old["lossviz_run"] != VERSION:
                    raise ValueError(f"version {old['lossviz_run']}")
            except files.DAMAGED as error:
                raise InputError(
                    f"{path}: expected a manifest ({error!r:.60}); --restart begins anew"
                ) from None
            now = json.loads(json.dumps(manifest["settings"]))
            now |= {"quantities": manifest["values"], "kept samples": manifest["kept"]}
            other = [key for key in {**before, **now} if before.get(key) != now.get(key)]
            if other:
                told = "; ".join(
                    f"{key} {str(before.get(key))[:40]} → {str(now.get(key))[:40]}"
                    for key in other[:3]
                )
                raise UsageError(
                    f"{self.path}: holds a computation with other settings ({told}); "
                    "choose another -o, or --restart to throw it away"
                )
            self._check_center(center, manifest["center"])
            return date
        content = json.dumps(manifest, indent=1).encode()
        files.replace(path, lambda file: file.write(content), str(path))
        return str(manifest["date"])

    def _check_center(self, before: Mapping[str, float], now: Mapping[str, float]) -> None:
        """The settings are the same; what else a user's functions do shows in the numbers."""
        for name, value in now.items():
            old = before.get(name, float("nan"))
            same = old == value or (math.isnan(old) and math.isnan(value))
            if not same and not abs(old - value) <= SAME * max(abs(old), abs(value)):
                raise UsageError(
                    f"{self.path}: holds a computation whose {name} at the centre is {old:.9g}, "
                    f"now it is {value:.9g}; choose another -o, or --restart to throw it away"
                )

    def add(
        self, index: int, values: Mapping[str, float], seconds: float,
        outcome: Outcome | None = None,
    ) -> None:  # fmt: skip
        """Keep one point's results; they survive a kill from here on.

        Raises
        ------
        LossvizError
            If the disk is full, above all.
        """
        try:
            self._keep(index, values, seconds, outcome)
        except OSError as error:
            raise LossvizError(
                f"{self.path}: cannot be written: {error.strerror}; {len(self.points):,} points "
                "are kept: where there is room again the same command goes on"
            ) from None
        self.points[index] = dict(values)
        self.seconds += seconds

    def _keep(
        self, index: int, values: Mapping[str, float], seconds: float, outcome: Outcome | None
    ) -> None:
        if self.samples is not None and outcome is not None:
            # First the samples: a point that is in points.log has them for certain.
            kept = {name: v[self.kept] for name, v in outcome.values.items() if self._fits(v)}
            self.samples.add(index, kept)
        self._log.append(self._record.pack(index, *(values[name] for name in self.names), seconds))
        if time.monotonic() - self._synced > SYNC_EVERY:
            self._sync()

    def _fits(self, values: NDArray[np.float64]) -> bool:
        return bool(values.size > self.kept[-1])

    def _sync(self) -> None:
        if self.samples is not None:
            self.samples.sync()
        self._log.sync()
        self._synced = time.monotonic()

    def close(self) -> None:
        """Write everything to the disk and let others in.

        Raises
        ------
        LossvizError
            If the disk does not take it.
        """
        try:
            if self.samples is not None:
                self.samples.close()
            self._log.close()
        except OSError as error:
            raise LossvizError(f"{self.path}: cannot be written: {error.strerror}") from None
        finally:
            self._lock.close()


def read_choices(path: Path) -> dict[str, Any]:
    """How the run in the folder ``path`` was evaluated so far; empty if there is none."""
    try:
        stored = dict(json.loads((path / "manifest.json").read_text(encoding="utf-8"))["choices"])
        return {
            "engine": {name: name for name in ENGINES}[stored["engine"]],
            "batch_size": min(1 << 30, max(0, int(stored["batch_size"]))),
            "points_at_once": min(1024, max(1, int(stored["points_at_once"]))),
            "compiled": bool(stored["compiled"]),
            "samples": max(0, int(stored.get("samples", 0))),
        }
    except (OSError, *files.DAMAGED):
        return {}
