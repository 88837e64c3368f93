"""How others see a picture: matrices on linear light, for a preview in the window."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from lossviz.viewer.state import ViewState

# Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision
# Deficiency", IEEE TVCG 15(6), 2009, doi:10.1109/TVCG.2009.113: severity 1.0. Grey is the relative
# luminance (IEC 61966-2-1), what is left in a print without colour.
_MATRICES = {
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
    "grey": ((0.2126, 0.7152, 0.0722),) * 3,
}


class Preview(TypedDict, total=False):
    """What ``Picture.draw`` takes for a picture as it is seen."""

    vision: str
    note: str


def preview(state: ViewState) -> Preview:
    """How the window draws its picture: as it is seen, with a note where that is a preview."""
    vision = state.picture.vision
    if vision == "full":
        return {}
    seen = "in greyscale print" if vision == "grey" else f"with {vision}"
    return {"vision": vision, "note": f"as seen {seen}; saved pictures stay in full colour"}


def matrix(vision: str) -> NDArray[np.float64]:
    """``(3, 3)``: from linear sRGB to what is seen of it, before it is clamped to [0, 1].

    ``vision`` is one of ``lossviz.viewer.state.VISIONS``; "full" gives the identity.
    """
    return np.array(_MATRICES[vision]) if vision in _MATRICES else np.eye(3)
