"""The critical points of the two bundled ResNet-56 landscapes, as tables in critical_points.md.

Both networks have the same layers; one has skip connections, the other has none (Li et al. 2018,
arXiv:1712.09913, figure 1). Points, barriers and basins are told by `lossviz critical --markdown`.

Run it from the repository: .venv/bin/python examples/critical_points.py
"""

from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import compute
import lossviz
from lossviz.cli import main
from lossviz.resources import folder

NAMES = {"resnet56": "With skip connections", "resnet56_noshort": "Without"}
PERSISTENCE = 0.2  # of log loss, from which points of both are told: by itself each has its own

parts = [
    "# Critical points of ResNet-56, with and without skip connections",
    "Made by [critical_points.py](critical_points.py) from the bundled landscapes.",
]
for name, title in NAMES.items():
    path = folder("assets") / "landscapes" / f"{name}.ply"
    with redirect_stdout(StringIO()) as told:
        main(["critical", str(path), "--threshold", str(PERSISTENCE), "--dry-run", "--markdown",
              "--separatrices", "--basins"])  # fmt: skip
    parts += [f"## {title}", told.getvalue().strip()]
    found = compute.critical_points(lossviz.read(path).surface, threshold=PERSISTENCE)
    shown = found.shown()
    print(f"{title}: {sum(p.kind == 'minimum' for p in shown)} minima, {len(shown)} points of "
          f"persistence {found.threshold:.3g} and more; {found.checks()[0]}")  # fmt: skip
Path("critical_points.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
