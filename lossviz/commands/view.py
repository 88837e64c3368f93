"""``lossviz view``: landscapes in a window."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lossviz.commands.render import (
    add_view_arguments,
    check_view,
    read_checked,
    render_files,
    view_state,
)
from lossviz.commands.sizes import size
from lossviz.errors import LossvizError, printable
from lossviz.files import distinct
from lossviz.folders import expanded

if TYPE_CHECKING:
    from lossviz.landscape import Landscape
    from lossviz.viewer.memory import Memory
    from lossviz.viewer.state import ViewState

SMALLEST, LARGEST = 64, 8192  # of the window
BUNDLED = ("resnet56", "resnet56_noshort")


def window_size(text: str) -> tuple[int, int]:
    """WxH in screen units."""
    found = size(text)
    if min(found) < SMALLEST or max(found) > LARGEST:
        raise argparse.ArgumentTypeError(
            f"expected from {SMALLEST}x{SMALLEST} to {LARGEST}x{LARGEST}, got {text}"
        )
    return found


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``lossviz view``."""
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="landscapes, or a folder of them as a gallery (the bundled pair)",
    )
    parser.add_argument(
        "--size",
        type=window_size,
        metavar="WxH",
        help="of the window (the last one's, or 1280x760)",
    )
    parser.add_argument("--fresh", action="store_true",
                        help="without what is remembered of earlier windows (place, panels, "
                        "recent files and their views), and remember nothing")  # fmt: skip
    parser.add_argument("--output-dir", type=Path, default=Path("out"), metavar="FOLDER",
                        help="where the pictures go if there is no display (out)")  # fmt: skip
    add_view_arguments(parser)
    # For tests and benchmarks.
    parser.add_argument("--exit-after-first-frame", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--report", type=Path, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Open the window; without a display, draw the same pictures into files."""
    _start_lightly()
    paths = [Path(path) for path in args.files] or bundled()
    state = view_state(args)
    gallery = any(path.is_dir() for path in paths)
    landscapes = [] if gallery else read_checked(paths, state)
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return _into_files(paths, state, args.output_dir, "no display")
    from lossviz.viewer.app import Options, show
    from lossviz.viewer.browsing import nothing
    from lossviz.viewer.scene import Scene
    from lossviz.viewer.window import NoWindowError

    memory = None if args.fresh or args.exit_after_first_frame else _remembered()
    place = memory.place if memory else None
    options = Options(
        size=args.size or (place.size if place else (1280, 760)),
        in_points=args.size is None and place is None,
        exit_after_first_frame=args.exit_after_first_frame, report=args.report,
        check_gl=bool(os.environ.get("LOSSVIZ_CHECK_GL")), memory=memory, offer=not args.files,
        gallery=paths if gallery else (),
    )  # fmt: skip
    try:
        seen = _as_seen(args, memory, paths, landscapes) if memory else state
        if gallery:
            return show(nothing(paths[0].name), seen, [], options)
        return show(Scene(landscapes), seen, paths, options)
    except NoWindowError as error:
        return _into_files(paths, state, args.output_dir, str(error))


def _remembered() -> Memory:
    """What earlier windows left; a line if it is damaged."""
    from lossviz.viewer import memory

    try:
        return memory.load()
    except LossvizError as error:
        print(f"lossviz: {printable(str(error))}; starting without it", file=sys.stderr)
        return memory.Memory()


def _as_seen(
    args: argparse.Namespace, memory: Memory, paths: list[Path], landscapes: list[Landscape]
) -> ViewState:
    """The view that the options describe, on how these files were seen last."""
    known = memory.of(paths)
    state = view_state(args, known.state() if known else None)
    try:
        check_view(landscapes, state)
    except LossvizError:  # the files have changed since
        state = view_state(args)
    state.panels = memory.panels
    return state


def _start_lightly() -> None:
    """Spare the start what numpy and GLFW's binding do by default, unless the user set it."""
    # numpy's threads for matrices spin while idle: a fifth of the start's CPU time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # GLFW's binding starts a second Python to ask its own library for the version.
    wayland = os.environ.get("XDG_SESSION_TYPE") == "wayland"
    if sys.platform.startswith("linux") and not wayland:
        from importlib.util import find_spec

        found = find_spec("glfw")
        library = Path(found.origin or "").parent / "x11" / "libglfw.so" if found else Path()
        if library.is_file() and "PYGLFW_LIBRARY_VARIANT" not in os.environ:
            os.environ.setdefault("PYGLFW_LIBRARY", str(library))


def bundled() -> list[Path]:
    """The pair that comes with lossviz.

    Raises
    ------
    LossvizError
        If the installation lacks it.
    """
    from lossviz.resources import folder

    paths = [folder("assets") / "landscapes" / f"{name}.ply" for name in BUNDLED]
    if missing := [path for path in paths if not path.is_file()]:
        raise LossvizError(f"{missing[0]}: expected a bundled landscape; install lossviz again")
    return paths


def _into_files(paths: list[Path], state: ViewState, folder: Path, why: str) -> int:
    """One picture of all, and one of each if there are several; of folders one of each alone."""
    from lossviz.viewer.screenshot import file_stem
    from lossviz.viewer.state import CompareState

    alone = CompareState()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LossvizError(f"{folder}: cannot be made: {error.strerror}") from None
    folders = any(path.is_dir() for path in paths)
    paths = expanded(paths)
    jobs = [] if folders else [(paths, file_stem((path.stem for path in paths), "_and_"))]
    if folders or len(paths) > 1:
        names = distinct([str(path.with_suffix("")) for path in paths])
        jobs += [([path], file_stem([name])) for path, name in zip(paths, names, strict=True)]
    print(f"lossviz: {printable(why)}, so the pictures go into files:")
    for some, name in jobs:
        target = folder / f"{name}.png"
        state.picture.width, state.picture.height = (1920, 960) if len(some) > 1 else (1440, 1080)
        render_files(some, target, state if some is paths else replace(state, compare=alone))
        print(f"  {printable(str(target))}")
    return 0
