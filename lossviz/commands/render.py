"""``lossviz render``: the window's picture as a PNG, without a window or a display; and figures."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lossviz.commands import contouring
from lossviz.commands.sizes import add_size_arguments, finite, take_size
from lossviz.errors import InputError, UsageError, printable
from lossviz.folders import expanded

MOST_TOGETHER = 50  # landscapes in one picture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lossviz.landscape import Landscape
    from lossviz.viewer.scene import Scene
    from lossviz.viewer.state import ViewState


def number_pair(text: str) -> tuple[float, float]:
    """LOW:HIGH."""
    try:
        low, high = (finite(part) for part in text.split(":"))
    except (ValueError, argparse.ArgumentTypeError):
        low = high = math.nan
    if not low < high:
        raise argparse.ArgumentTypeError(f"expected LOW:HIGH such as 0.1:10, got {text!r}")
    return low, high


def add_view_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that change the view, the same for view and render."""
    look = parser.add_argument_group("the view")
    look.add_argument("--view-state", metavar="JSON", help="a saved view, or a lossviz PNG")
    look.add_argument("--theme", choices=["light", "dark", "paper"],
                      help="light, dark, or paper: white and flat for print (light)")  # fmt: skip
    look.add_argument("--height", metavar="QUANTITY", help="what is the height (loss)")
    look.add_argument("--color", metavar="QUANTITY", help="what is the colour (loss)")
    look.add_argument("--colormap", metavar="NAME",
                      help="viridis, cividis, magma, inferno, turbo, coolwarm, RdBu, Spectral, "
                      "batlow, oslo, terrain or grey (coolwarm)")  # fmt: skip
    look.add_argument("--scale-of", choices=["auto", "linear", "log"], dest="value_scale",
                      help="scale of heights, colours and isolines")  # fmt: skip
    look.add_argument("--color-range", metavar="LOW:HIGH", type=number_pair)
    look.add_argument("--color-percentiles", metavar="LOW:HIGH", type=number_pair,
                      help="of the values, instead: 2:98")  # fmt: skip
    look.add_argument("--bands", choices=["off", "isolines", "steps"],
                      help="colours in steps: between isolines, or steps of their own")  # fmt: skip
    look.add_argument("--cap", type=finite, metavar="VALUE", help="cut heights above VALUE")
    look.add_argument("--azimuth", type=finite, metavar="DEGREES",
                      help="0 looks from +alpha, then counter-clockwise (-60)")  # fmt: skip
    look.add_argument("--elevation", type=finite, metavar="DEGREES",
                      help="90 looks from above (38)")  # fmt: skip
    look.add_argument("--orthographic", action="store_true", default=None, help="no perspective")
    look.add_argument("--basins", action="store_true", default=None,
                      help="tint basins of attraction and draw their borders")  # fmt: skip
    look.add_argument("--compare", choices=["grid", "overlay", "swipe"],
                      help="several files side by side, in one frame of axes, or two of them left "
                      "and right of a divider")  # fmt: skip
    look.add_argument("--no-floor", action="store_true", default=None,
                      help="no isolines on the floor")  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``lossviz render``."""
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="landscapes (.ply), side by side; a folder stands for those in it",
    )
    parser.add_argument("-o", "--output", required=True, metavar="PNG",
                        help="a folder with --each; with --contour also .pdf, .svg")  # fmt: skip
    parser.add_argument("--each", action="store_true", help="a picture for each file, "
                        "with the same view and on the same scales")  # fmt: skip
    parser.add_argument("--supersample", type=int, choices=[1, 2, 3, 4],
                        help="samples a pixel, each way (2)")  # fmt: skip
    parser.add_argument("--transparent", action="store_true", default=None, help="no background")
    parser.add_argument("--vision", choices=["deuteranopia", "protanopia", "tritanopia", "grey"],
                        help="as seen with a colour-vision deficiency, or in grey")  # fmt: skip
    add_size_arguments(parser)
    contouring.add_contour_arguments(parser)
    add_view_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Read, draw, write."""
    state = view_state(args)
    contouring.check(args)
    args.files = expanded(args.files)
    if not args.each and len(args.files) > MOST_TOGETHER:
        raise UsageError(f"files: expected at most {MOST_TOGETHER} side by side, got "
                         f"{len(args.files):,}; --each draws a picture for each")  # fmt: skip
    take_size(args, state.picture)
    for name in ("supersample", "transparent"):  # a saved view says the others
        if (value := getattr(args, name)) is not None:
            setattr(state.picture, name, value)
    if args.each:
        from lossviz.commands.each import render_each

        written = render_each(args, state)
    elif args.contour:
        contouring.draw(read_checked(args.files, state), args.output, args, state)
        written = [args.output]
    else:
        render_files(args.files, args.output, state, args.vision or "full")
        written = [args.output]
    for path in written:
        print(printable(str(path)))
    return 0


def read_checked(paths: Sequence[str | Path], state: ViewState) -> list[Landscape]:
    """The landscapes in files, which have what the view shows.

    Raises
    ------
    InputError, UsageError
        If a file cannot be read or the view does not fit.
    """
    from lossviz import ply

    found = [ply.read(path) for path in paths]
    check_view(found, state)
    return found


def view_state(args: argparse.Namespace, base: ViewState | None = None) -> ViewState:
    """The view that the options describe, on that of ``--view-state`` or on the ``base``.

    Raises
    ------
    InputError
        If the saved view cannot be read.
    UsageError
        If there is no such colour map, or a number is out of its range.
    """
    from lossviz.viewer.state import ViewState
    from lossviz.viewer.views import load_view

    state = (base or ViewState()) if args.view_state is None else load_view(args.view_state)
    choices = (
        (state.surface, "height", args.height), (state.surface, "color", args.color),
        (state.surface, "colormap", args.colormap), (state.surface, "cap", args.cap),
        (state.surface, "color_percentiles", args.color_percentiles),
        (state.surface, "color_range", args.color_range), (state.surface, "bands", args.bands),
        (state.surface, "height_scale", args.value_scale),
        (state.surface, "color_scale", args.value_scale),
        (state.isolines, "spacing", args.value_scale),
        (state.camera, "azimuth", args.azimuth), (state.camera, "elevation", args.elevation),
        (state.camera, "orthographic", args.orthographic), (state.picture, "theme", args.theme),
        (state.critical, "basins", args.basins),
        (state.compare, "arrangement", args.compare),
        (state.isolines, "floor", None if args.no_floor is None else False),
    )  # fmt: skip
    for part, name, value in choices:
        if value is not None:
            setattr(part, name, value)
    if args.color_percentiles is not None and args.color_range is None:
        state.surface.color_range = None  # of the saved view: it would come first
    if args.colormap is not None:
        from lossviz.viewer.colormaps import names

        if args.colormap not in names():
            raise UsageError(f"colormap: expected {', '.join(names())}, got {args.colormap!r:.60}")
    try:
        return ViewState.from_json(state.to_json())  # checks the ranges of what was typed
    except InputError as error:
        raise UsageError(str(error).replace("view state.", "", 1)) from None


def check_view(landscapes: Sequence[Landscape], state: ViewState) -> None:
    """Refuse a view of quantities or differences that no landscape has, or with a cap below all.

    Raises
    ------
    UsageError
        With the names that there are, or the lowest height.
    """
    import numpy as np

    from lossviz.landscape import LOSS
    from lossviz.viewer.arrangement import check as check_differences
    from lossviz.viewer.colormaps import table

    table(state.surface.colormap)
    check_differences(landscapes, state)
    known = {name for one in landscapes if one.surface for name in one.surface.quantities}
    known = known or {LOSS}  # curves alone
    for option in ("height", "color"):
        name = getattr(state.surface, option)
        if name not in known:
            raise UsageError(f"{option}: expected one of {', '.join(sorted(known))}, got {name!r}")
    own = state.surface
    heights = [one.surface.quantities[own.height].ravel() for one in landscapes
               if one.surface and own.height in one.surface.quantities]  # fmt: skip
    finite = [array[np.isfinite(array)] for array in heights]
    lowest = min((float(array.min()) for array in finite if array.size), default=-math.inf)
    if own.cap is not None and own.cap <= lowest:
        raise UsageError(f"cap: expected a value above the lowest {own.height}, {lowest:g}, "
                         f"got {own.cap:g}")  # fmt: skip


def render_files(
    paths: Sequence[str | Path], output: str | Path, state: ViewState, vision: str = "full"
) -> None:  # fmt: skip
    """Draw landscapes side by side, in the size that ``state.picture`` says, into a PNG.

    Raises
    ------
    InputError, UsageError, LossvizError
        If a file cannot be read, the view does not fit, or there is no OpenGL.
    """
    from lossviz import ply
    from lossviz.viewer.screenshot import check_output, check_size, save

    check_output(output)
    check_size(state.picture.width, state.picture.height)
    rgba, scene = draw([ply.read(path) for path in paths], state, vision)
    save(output, rgba, scene, state)


def draw(
    landscapes: Sequence[Landscape], state: ViewState, vision: str = "full"
) -> tuple[NDArray[np.uint8], Scene]:  # fmt: skip
    """Draw landscapes side by side off the screen: ``(height, width, 4)`` uint8, and the scene.

    Raises
    ------
    InputError, UsageError, LossvizError
        If the view does not fit, or there is no OpenGL.
    """
    from lossviz.viewer.scene import Scene

    check_view(landscapes, state)
    scene = Scene(landscapes)
    (rgba,) = drawn(scene, [state], vision)
    return rgba, scene


def drawn(
    scene: Scene, states: Iterable[ViewState], vision: str = "full"
) -> Generator[NDArray[np.uint8]]:
    """Draw a scene in one view after the other off the screen: ``(height, width, 4)`` uint8 each.

    As it is seen with ``vision``, not with that of the views, which is the window's preview.

    Raises
    ------
    LossvizError
        If there is no OpenGL.
    """
    from lossviz.viewer.arrangement import follow
    from lossviz.viewer.beside import finish
    from lossviz.viewer.picture import Picture
    from lossviz.viewer.screenshot import create_context, take

    context = create_context()
    picture = Picture(context)
    try:
        for state in states:
            follow(scene, state)
            finish(scene, state)
            asked = state.picture
            yield take(
                picture, scene, state, width=asked.width, height=asked.height, scale=asked.scale,
                supersample=asked.supersample, transparent=asked.transparent, vision=vision,
            )  # fmt: skip
        if context.error != "GL_NO_ERROR":
            print("lossviz: warning: the graphics driver reported an error", file=sys.stderr)
    finally:
        picture.release()
        context.release()
