"""Start to first picture: ``lossviz view`` beside PyVista showing the same mesh in a window.

``make bench`` runs it in ``.venv-bench``. What is measured is the CPU time (user and system, with
children) and the largest memory of whole fresh processes, from the start of the interpreter to the
first finished frame in a window of the same size. The two alternate, A B A B, so that whatever else
the machine does meets both; medians are compared.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SIZE = (1280, 760)  # pixels of the window, lossviz's default
AIM, LIMIT = 0.40, 0.50  # of PyVista's CPU time

LOSSVIZ = [sys.executable, "-m", "lossviz", "view", "{file}", "--exit-after-first-frame"]
# PyVista at its shortest: read, colour by height, colour bar, show.
PYVISTA_CODE = f"""
import sys
import pyvista
mesh = pyvista.read(sys.argv[1])
plotter = pyvista.Plotter(off_screen=False, window_size={list(SIZE)})
plotter.add_mesh(mesh, scalars=mesh.points[:, 2], cmap="viridis")
plotter.show(interactive=False, auto_close=False)
plotter.close()
"""
PYVISTA = [sys.executable, "-c", PYVISTA_CODE, "{file}"]


@dataclass(frozen=True)
class Cost:
    """What one process needed."""

    cpu: float  # seconds, user and system, children included
    memory: float  # MiB, the largest resident set


def landscape(path: Path, n: int) -> None:
    """A bumpy basin of ``n`` x ``n`` points over four decades, as lossviz writes it."""
    import numpy as np

    from lossviz import ply
    from lossviz.landscape import Landscape, Surface

    axis = np.linspace(-1, 1, n)
    a, b = np.meshgrid(axis, axis, indexing="ij")
    bumps = 0.4 * (np.sin(7 * a + 1) * np.cos(6 * b) + np.sin(13 * a * b))
    loss = 1e-3 * np.exp(5 * (a**2 + 1.3 * b**2) + bumps)
    surface = Surface(axis, axis, {"loss": loss, "accuracy": 1 / (1 + loss)})
    ply.write(Landscape(surface=surface, name=f"bumpy {n}"), path)


@contextmanager
def screen():
    """A private virtual screen; yields the environment of programs that shall draw on it."""
    if shutil.which("Xvfb") is None:
        raise SystemExit("benchmarks/viewer.py: needs Xvfb: apt-get install xvfb")
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", "1600x1000x24", "-nolisten", "tcp", "-noreset"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        number = server.stdout.readline().strip()
        if not number:
            raise SystemExit("benchmarks/viewer.py: Xvfb did not start")
        # Both with compiled modules, as pip leaves a package: the run that warms up writes ours.
        left_out = ("WAYLAND_DISPLAY", "PYTHONDONTWRITEBYTECODE")
        kept = {k: v for k, v in os.environ.items() if k not in left_out}
        yield {**kept, "DISPLAY": f":{number}"}
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


def measure(command: list[str], file: Path, environment: dict[str, str]) -> Cost:
    """Run a command to its end."""
    words = [word.replace("{file}", str(file)) for word in command]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            words, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read().decode(errors="replace")
    if process.returncode != 0:
        raise SystemExit(f"{words[:4]} ended with {process.returncode}:\n{text}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 2**20)


def compare(n: int, runs: int, environment: dict[str, str], folder: Path) -> float:
    """Print one row a program and the ratio; returns the ratio of CPU times."""
    file = folder / f"bumpy{n}.ply"
    landscape(file, n)
    costs: dict[str, list[Cost]] = {"lossviz": [], "PyVista": []}
    commands = {"lossviz": LOSSVIZ, "PyVista": PYVISTA}
    for run in range(runs + 1):
        for name, command in commands.items():
            cost = measure(command, file, environment)
            if run > 0:  # the first fills the disk's cache and writes the bytecode
                costs[name].append(cost)
    cpu = {name: statistics.median(c.cpu for c in all_) for name, all_ in costs.items()}
    memory = {name: statistics.median(c.memory for c in all_) for name, all_ in costs.items()}
    for name, all_ in costs.items():
        low, high = min(c.cpu for c in all_), max(c.cpu for c in all_)
        print(f"{n:>5}²  {name:<8} {cpu[name]:7.2f} s  ({low:.2f} to {high:.2f})  "
              f"{memory[name]:7.0f} MiB")  # fmt: skip
    ratio = cpu["lossviz"] / cpu["PyVista"]
    print(f"{n:>5}²  ratio    {ratio:7.2f}{'':22}{memory['lossviz'] / memory['PyVista']:7.2f}")
    return ratio


def main() -> int:
    parser = argparse.ArgumentParser(description="Start to first picture, beside PyVista.")
    parser.add_argument("--runs", type=int, default=7, help="of each program, after one to warm up")
    parser.add_argument("--sizes", type=int, nargs="+", default=[51, 301], metavar="N")
    options = parser.parse_args()
    print("  grid  program   CPU time, median (range)      memory")
    with screen() as environment, tempfile.TemporaryDirectory() as folder:
        ratios = [compare(n, options.runs, environment, Path(folder)) for n in options.sizes]
    worst = max(ratios)
    verdict = "reached" if worst <= AIM else "missed" if worst <= LIMIT else "missed by far"
    print(f"aim: at most {AIM:.2f} of PyVista's CPU time ({verdict}); never above {LIMIT:.2f}")
    return 0 if worst <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
