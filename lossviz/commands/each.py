"""``lossviz render --each``: a picture for each file, comparable with the others."""

from __future__ import annotations

import argparse
import copy
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lossviz.commands import contouring
from lossviz.errors import LossvizError, UsageError
from lossviz.files import distinct

if TYPE_CHECKING:
    from lossviz.landscape import Landscape
    from lossviz.viewer.state import ViewState


def render_each(args: argparse.Namespace, state: ViewState) -> list[Path]:
    """Draw every file into the folder ``args.output``; the paths of what was written.

    Raises
    ------
    InputError, UsageError, LossvizError
        If a file cannot be read, the view does not fit, or nothing can be written.
    """
    from lossviz.commands.render import draw, read_checked
    from lossviz.viewer.screenshot import check_size, save

    check_size(state.picture.width, state.picture.height)
    landscapes = read_checked(args.files, state)
    paths = _paths(args.files, Path(args.output), ".pdf" if args.contour else ".png")
    state = common(landscapes, state)
    for landscape, path in zip(landscapes, paths, strict=True):
        own = copy.deepcopy(state)
        if args.contour:
            contouring.draw([landscape], path, args, own)
        else:
            rgba, scene = draw([landscape], own, args.vision or "full")
            save(path, rgba, scene, own)
    return paths


def _paths(files: Sequence[str], folder: Path, suffix: str) -> list[Path]:
    if folder.suffix.lower() in (".png", ".pdf", ".svg"):
        raise UsageError(f"output: expected a folder with --each, got {str(folder)!r}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LossvizError(f"{folder}: cannot be made: {error.strerror}") from None
    names = distinct([str(Path(file).with_suffix("")) for file in files])
    return [folder / (name.replace("/", "_") + suffix) for name in names]


def common(landscapes: Sequence[Landscape], state: ViewState) -> ViewState:
    """The view with one camera and one scale for all, written out: any one of them alone is drawn
    as beside the others."""
    from lossviz.viewer.framing import framed
    from lossviz.viewer.legend import arranged
    from lossviz.viewer.scene import Scene
    from lossviz.viewer.state import CompareState

    state, own = copy.deepcopy(state), state.picture
    state.compare = CompareState()
    scene = Scene(landscapes)
    if not scene.surfaces:
        return state
    surface = state.surface
    surface.shared_scale = True
    ranges = {
        "height": scene.height_range(_without_cap(state), 0), "color": scene.color_range(state, 0)
    }  # fmt: skip
    for name, span in ranges.items():
        setattr(surface, f"{name}_range", (span.low, span.high))
        setattr(surface, f"{name}_scale", "log" if span.log else "linear")
    from lossviz.viewer.screenshot import natural_scale

    scale = own.scale or natural_scale(own.width, own.height)
    cameras = []
    for landscape in landscapes:
        alone = Scene([landscape])
        if alone.surfaces:
            cell = arranged(alone, state, own.width, own.height, scale).cells[0]
            cameras.append(framed(alone, state, cell, scale))
    state.camera = max(cameras, key=lambda camera: camera.distance)
    return state


def _without_cap(state: ViewState) -> ViewState:
    found = copy.deepcopy(state)
    found.surface.cap = None
    return found
