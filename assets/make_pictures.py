"""Draw the README's pictures from the bundled landscapes, as users would: ``make images``.

Each is one ``lossviz render``. A picture keeps its view: ``lossviz render FILE… -o again.png
--view-state PICTURE`` draws the same one again.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from lossviz import cli

ASSETS = Path(__file__).resolve().parent
PAIR = ("resnet56", "resnet56_noshort")
SIZE = ("--size", "1080x720")
DARK = {"picture": {"theme": "dark"}, "surface": {"colormap": "viridis"}}

# By name: of which landscapes, what of the view is not as it is at first, and other options.
PICTURES: Mapping[str, tuple[tuple[str, ...], Mapping[str, object], tuple[str, ...]]] = {
    "resnet56_pair": (PAIR, {}, ("--size", "1800x840")),
    "optimizers": (
        ("optimizers",),
        {"camera": {"azimuth": -32, "elevation": 33}, "isolines": {"labels": "nowhere"}},
        SIZE,
    ),
    "trajectory": (
        ("resnet20_trajectory",),
        {"camera": {"azimuth": -28, "elevation": 36}, "isolines": {"labels": "nowhere"}},
        SIZE,
    ),
    "overlay": (
        PAIR,
        {"compare": {"arrangement": "overlay"}, "camera": {"azimuth": -60, "elevation": 22}},
        SIZE,
    ),
    "swipe": (PAIR, {**DARK, "compare": {"arrangement": "swipe"}}, SIZE),
    "sliced": (
        ("resnet56",),
        {
            "slice": {"shown": True, "along": "angle", "angle": 35.0, "mode": "clip"},
            "camera": {"azimuth": -80, "elevation": 28},
        },
        SIZE,
    ),
    "basins": (
        ("resnet56_noshort",),
        {
            **DARK,
            "critical": {"basins": True},
            "camera": {"azimuth": -90, "elevation": 90, "orthographic": True},
            "isolines": {"floor": False},
        },
        SIZE,
    ),
    "steps": (
        ("resnet56_noshort",),
        {
            "picture": {"theme": "paper"},
            "surface": {"bands": "isolines", "rim": True, "shadow": 0.7},
            "camera": {"azimuth": -50, "elevation": 30},
        },
        SIZE,
    ),
    "contours": (PAIR, {}, ("--contour", "--size-cm", "17x8", "--dpi", "180")),
}


def main() -> int:
    """Draw them all into ``assets/pictures``."""
    with tempfile.TemporaryDirectory() as folder:
        for name, (landscapes, view, options) in PICTURES.items():
            state = Path(folder) / f"{name}.json"
            state.write_text(json.dumps({"lossviz_view": 1, **view}))
            files = [str(ASSETS / "landscapes" / f"{one}.ply") for one in landscapes]
            target = str(ASSETS / "pictures" / f"{name}.png")
            words = ["render", *files, "-o", target, "--view-state", str(state), *options]
            if status := cli.main(words):
                return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
