"""Make ``assets/colormaps.npz``: each map as 256 sRGB colours, low values first.

Run by hand when a map is added, in an environment with matplotlib and cmcrameri.
"""

from __future__ import annotations

from pathlib import Path

import cmcrameri.cm
import matplotlib as mpl
import numpy as np

OUTPUT = Path(__file__).resolve().parent / "colormaps.npz"
# In the order in which they are offered: sequential, diverging, then the rest.
MATPLOTLIB = ["viridis", "cividis", "magma", "inferno", "turbo"]
CRAMERI = ["batlow", "oslo"]


def table(colormap: mpl.colors.Colormap) -> np.ndarray:
    """``(256, 3)`` uint8."""
    colors = colormap(np.linspace(0, 1, 256))[:, :3]
    return np.rint(colors * 255).astype(np.uint8)


if __name__ == "__main__":
    tables = {name: table(mpl.colormaps[name]) for name in MATPLOTLIB}
    tables |= {name: table(getattr(cmcrameri.cm, name)) for name in CRAMERI}
    # RdBu and Spectral are turned round: in every diverging map low is blue and high is red.
    tables["coolwarm"] = table(mpl.colormaps["coolwarm"])
    tables["RdBu"] = table(mpl.colormaps["RdBu_r"])
    tables["Spectral"] = table(mpl.colormaps["Spectral_r"])
    tables["terrain"] = table(mpl.colormaps["terrain"])
    tables["grey"] = table(mpl.colormaps["gray"])
    np.savez_compressed(OUTPUT, **tables)
    print(OUTPUT, OUTPUT.stat().st_size, "bytes,", ", ".join(tables))
