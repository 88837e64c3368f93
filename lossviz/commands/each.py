"""``lossviz render --each``: a picture for each file, comparable with the others."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lossviz.commands import contouring
from lossviz.errors import LossvizError, UsageError
from lossviz.files import distinct

if TYPE_CHECKING:
    from lossviz.viewer.state import ViewState


def render_each(args: argparse.Namespace, state: ViewState) -> list[Path]:
    """Draw every file into the folder ``args.output``; the paths of what was written.

    Raises
    ------
    InputError, UsageError, LossvizError
        If a file cannot be read, the view does not fit, or nothing can be written.
    """
    from lossviz.commands.render import draw, read_checked
    from lossviz.viewer.alike import alike, of_one
    from lossviz.viewer.screenshot import check_size, save

    check_size(state.picture.width, state.picture.height)
    landscapes = read_checked(args.files, state)
    paths = _paths(args.files, Path(args.output), ".pdf" if args.contour else ".png")
    state = alike(landscapes, state)
    for number, (landscape, path) in enumerate(zip(landscapes, paths, strict=True)):
        own = of_one(state, number)
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
