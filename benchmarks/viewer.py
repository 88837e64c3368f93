"""The viewer beside PyVista showing the same mesh in a window: start, orbit, memory, reading.

``make bench-viewer`` runs it in ``.venv-bench``, on one core. Everything is CPU time (user and
system, with children), and the two alternate, A B A B, so that whatever else the machine does meets
both; medians are compared.

- Start: whole fresh processes, from the start of the interpreter to the first finished frame in a
  window of the same size, and their largest memory.
- Orbit: a frame of a turning camera in that window, in processes that print it themselves.
- Reading: the same binary PLY by lossviz and by VTK's own reader.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SIZE = (1280, 760)  # pixels of the window, lossviz's default

# Of PyVista's: what is aimed at, and what it is never above.
START = {51: (0.40, 0.50), 301: (0.40, 0.50), 1001: (0.45, 0.60), 2001: (0.45, 0.60)}
MEMORY = {301: (0.50, 0.50), 1001: (0.55, 0.55), 2001: (0.50, 0.50)}
ORBIT = {51: (0.40, 0.40), 301: (0.83, 0.83), 1001: (0.25, 0.25)}
READING = {1001: 0.15}
FRAMES = 30

LOSSVIZ = [sys.executable, "-m", "lossviz", "view", "{file}", "--exit-after-first-frame"]
# PyVista at its shortest: read, colour by height, colour bar, show.
SHOW = f"""
import sys
import pyvista
mesh = pyvista.read(sys.argv[1])
plotter = pyvista.Plotter(off_screen=False, window_size={list(SIZE)})
plotter.add_mesh(mesh, scalars=mesh.points[:, 2], cmap="viridis")
"""
PYVISTA = [sys.executable, "-c", f"""{SHOW}
plotter.show(interactive=False, auto_close=False)
plotter.close()
""", "{file}"]  # fmt: skip

PYVISTA_ORBIT = [sys.executable, "-c", f"""{SHOW}
import time
if sys.argv[2] == "isolines":
    mesh["height"] = mesh.points[:, 2]
    plotter.add_mesh(mesh.contour(20, scalars="height"), color="black")
plotter.show(interactive=False, auto_close=False)
for frame in range({FRAMES} + 5):
    if frame == 5:
        start = time.process_time()
    plotter.camera.azimuth += 3
    plotter.render()
print((time.process_time() - start) / {FRAMES})
plotter.close()
""", "{file}", "{lines}"]  # fmt: skip

# lossviz with its floor, axes, bar and panels, as its users have it.
LOSSVIZ_ORBIT = [sys.executable, "-c", f"""
import sys, time
from pathlib import Path
from lossviz.commands.view import _start_lightly
_start_lightly()
from lossviz import ply
from lossviz.viewer.app import App, Options
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState
path, state = Path(sys.argv[1]), ViewState()
state.isolines.surface = sys.argv[2] == "isolines"
app = App(Scene([ply.read(path)]), state, [path], Options())
with app._owned:
    app._start_gui()
    for frame in range({FRAMES} + 5):
        if frame == 5:
            app.ctx.finish()
            start = time.process_time()
        app.state.camera.azimuth += 3
        app.camera_moved(True)
        app._frame()
    app.ctx.finish()
    print((time.process_time() - start) / {FRAMES})
""", "{file}", "{lines}"]  # fmt: skip

LOSSVIZ_READ = [sys.executable, "-c", """
import sys, time
from lossviz import ply
ply.read(sys.argv[1])
start = time.process_time()
ply.read(sys.argv[1])
print(time.process_time() - start)
""", "{file}"]  # fmt: skip
VTK_READ = [sys.executable, "-c", """
import sys, time
from vtkmodules.vtkIOPLY import vtkPLYReader
def read():
    reader = vtkPLYReader()
    reader.SetFileName(sys.argv[1])
    reader.Update()
read()
start = time.process_time()
read()
print(time.process_time() - start)
""", "{file}"]  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """What one process needed."""

    cpu: float  # seconds, user and system, children included; or as the process printed it
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
    shaders = tempfile.TemporaryDirectory()  # compiled ones: those of other programs push none out
    try:
        number = server.stdout.readline().strip()
        if not number:
            raise SystemExit("benchmarks/viewer.py: Xvfb did not start")
        # Both with compiled modules, as pip leaves a package: the run that warms up writes ours.
        left_out = ("WAYLAND_DISPLAY", "PYTHONDONTWRITEBYTECODE")
        kept = {k: v for k, v in os.environ.items() if k not in left_out}
        yield {**kept, "DISPLAY": f":{number}", "MESA_SHADER_CACHE_DIR": shaders.name}
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()
        shaders.cleanup()


def measure(command: list[str], environment: dict[str, str], *, printed: bool) -> Cost:
    """Run a command to its end; its CPU time, or what it ``printed`` of a part of it."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read().decode(errors="replace")
    if process.returncode != 0:
        raise SystemExit(f"{command[:4]} ended with {process.returncode}:\n{text}")
    unit = 1 if sys.platform == "darwin" else 1024
    cpu = float(text.split()[-1]) if printed else usage.ru_utime + usage.ru_stime
    return Cost(cpu, usage.ru_maxrss * unit / 2**20)


def compare(
    label: str,
    ours: list[str],
    theirs: list[str],
    runs: int,
    environment: dict[str, str],
    *,
    printed: bool = False,
) -> tuple[float, float]:
    """Print a row of each program and the ratios; returns those of CPU time and memory."""
    commands = {"lossviz": ours, "VTK" if theirs[2] == VTK_READ[2] else "PyVista": theirs}
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for run in range(runs + 1):
        for name, command in commands.items():
            cost = measure(command, environment, printed=printed)
            if run > 0:  # the first fills the disk's cache and writes the bytecode
                costs[name].append(cost)
    medians = []
    for name, all_ in costs.items():
        cpu, memory = (statistics.median(getattr(c, k) for c in all_) for k in ("cpu", "memory"))
        medians.append((cpu, memory))
        low, high = min(c.cpu for c in all_), max(c.cpu for c in all_)
        print(f"{label:<18} {name:<8} {cpu * 1e3:8.1f} ms  ({low * 1e3:.1f} to {high * 1e3:.1f})"
              f"  {memory:6.0f} MiB", flush=True)  # fmt: skip
    return medians[0][0] / medians[1][0], medians[0][1] / medians[1][1]


def verdict(label: str, ratio: float, aim: float, limit: float) -> bool:
    """Print how a ratio stands to its bounds; whether it is within the outer one."""
    word = "reached" if ratio <= aim else "missed" if ratio <= limit else "missed by far"
    print(f"{label:<18} {ratio:.2f} of it; aim {aim:.2f} ({word}), never above {limit:.2f}")
    return ratio <= limit


def main() -> int:
    parser = argparse.ArgumentParser(description="lossviz's viewer beside PyVista.")
    parser.add_argument("--runs", type=int, default=7, help="of each program, after one to warm up")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(START), metavar="N")
    parser.add_argument("--only", nargs="+", choices=("start", "orbit", "read"),
                        default=["start", "orbit", "read"])  # fmt: skip
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print("                            CPU time, median (range)    memory")
    with screen() as environment, tempfile.TemporaryDirectory() as folder:
        good = list(_all(options, environment, Path(folder)))
    return 0 if all(good) else 1


def _all(options: argparse.Namespace, environment: dict[str, str], folder: Path) -> Iterable[bool]:
    for n in options.sizes:
        file = folder / f"bumpy{n}.ply"
        # In a process of its own: the memory that this one once had would count for its children.
        maker = multiprocessing.get_context("spawn").Process(target=landscape, args=(file, n))
        maker.start()
        maker.join()
        put = {"{file}": str(file), "{lines}": "isolines" if n == 301 else "none"}

        def of(command: list[str], put: dict[str, str] = put) -> list[str]:
            return [put.get(word, word) for word in command]

        if "start" in options.only:
            label = f"start {n}²"
            cpu, memory = compare(label, of(LOSSVIZ), of(PYVISTA), options.runs, environment)
            yield verdict(label, cpu, *START.get(n, (0.5, 0.6)))
            if n in MEMORY:
                yield verdict(f"memory {n}²", memory, *MEMORY[n])
        if "orbit" in options.only and n in ORBIT:
            label = f"orbit {n}²"
            cpu, _ = compare(
                label, of(LOSSVIZ_ORBIT), of(PYVISTA_ORBIT), options.runs, environment, printed=True
            )
            print(f"{label:<18} {1 / cpu:.2f} times faster")
            yield verdict(label, cpu, *ORBIT[n])
        if "read" in options.only and n in READING:
            label = f"reading {n}²"
            cpu, _ = compare(
                label, of(LOSSVIZ_READ), of(VTK_READ), options.runs, environment, printed=True
            )
            yield verdict(label, cpu, READING[n], READING[n])


if __name__ == "__main__":
    sys.exit(main())
