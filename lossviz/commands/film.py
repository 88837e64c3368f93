"""``lossviz film``: a landscape that turns, and paths that are played, as a film."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from lossviz.commands.render import add_view_arguments, drawn, read_checked, view_state
from lossviz.commands.sizes import finite, scale, size
from lossviz.errors import LossvizError, UsageError, printable

if TYPE_CHECKING:
    from lossviz.encoders import Frame
    from lossviz.viewer.scene import Scene
    from lossviz.viewer.state import ViewState

WIDTH, HEIGHT, FPS = 1280, 720, 30.0
SECONDS = 8.0
MOST_FRAMES = 100_000


def seconds(text: str) -> float:
    """A length of time, above 0."""
    value = finite(text)
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError(f"expected seconds such as 8, got {text!r:.60}")
    return value


def rate(text: str) -> float:
    """Frames a second."""
    value = finite(text)
    if not 1 <= value <= 120:
        raise argparse.ArgumentTypeError(f"expected 1 to 120 frames a second, got {text!r:.60}")
    return value


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``lossviz film``."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="landscapes (.ply), side by side")
    add = parser.add_argument
    add("-o", "--output", type=Path, required=True, metavar="OUT",
        help=".mp4 (pip install 'lossviz[film]'), .gif, or a new folder of PNGs")  # fmt: skip
    add("--turntable", nargs="?", type=seconds, const=SECONDS, metavar="SECONDS",
        help=f"once around in so long ({SECONDS:g})")  # fmt: skip
    add("--trajectory", nargs="?", type=seconds, const=SECONDS, metavar="SECONDS",
        help=f"the paths grow from first to last step in so long ({SECONDS:g})")  # fmt: skip
    add("--fps", type=rate, default=FPS, metavar="N", help=f"frames a second ({FPS:g})")
    add("--size", type=size, metavar="WxH",
        help=f"pixels (the saved view's, else {WIDTH}x{HEIGHT})")  # fmt: skip
    add("--scale", type=scale, metavar="N", help="pixels a point (in proportion to the size)")
    add("--supersample", type=int, choices=[1, 2, 3, 4],
        help="samples a pixel, each way (2)")  # fmt: skip
    add_view_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Read, draw frame by frame, write."""
    from tqdm import tqdm

    from lossviz import encoders
    from lossviz.viewer import film
    from lossviz.viewer.scene import Scene
    from lossviz.viewer.screenshot import check_size

    if not (args.turntable or args.trajectory):
        raise UsageError("film: expected --turntable, --trajectory or both")
    state = _state(args)
    own = state.picture.width, state.picture.height
    check_size(*own)
    lengths = {"turn": args.turntable, "play": args.trajectory}
    count = film.count(args.fps, **lengths)
    if count > MOST_FRAMES:
        raise UsageError(f"film: expected at most {MOST_FRAMES:,} frames, got {count:,}")
    encoders.check(args.output, own, args.fps, count)
    scene = Scene(read_checked(args.files, state))
    _check_scene(args, scene)
    states = list(film.frames(scene, state, args.fps, **lengths))
    with tqdm(total=count, unit="frames", desc=args.output.name, disable=None) as bar:
        _write(args, scene, states, bar.update)
    print(printable(f"{args.output}: {count} frames, {count / args.fps:.3g} s"))
    return 0


def _state(args: argparse.Namespace) -> ViewState:
    state = view_state(args)
    own = state.picture
    if args.size or args.view_state is None:
        own.width, own.height = args.size or (WIDTH, HEIGHT)
    own.scale, own.supersample = args.scale or own.scale, args.supersample or own.supersample
    own.transparent = False
    return state


def _check_scene(args: argparse.Namespace, scene: Scene) -> None:
    from lossviz.viewer.paths import all_paths

    names = ", ".join(args.files)
    if not scene.surfaces:
        raise UsageError(f"film: expected a surface, got curves only in {names}")
    paths = [path for item in scene.surfaces for path in all_paths(item) if not path.is_curve]
    if args.trajectory and not paths:
        raise UsageError(f"trajectory: expected a path, got none in {names}")


def _frames(
    scene: Scene, states: Sequence[ViewState], done: Callable[[int], object]
) -> Iterator[Frame]:
    """The pictures of views; one that repeats itself is drawn once."""
    runs = [(state, len(list(same))) for state, same in groupby(states)]
    with closing(drawn(scene, (state for state, _ in runs))) as pictures:
        for rgba, (_, times) in zip(pictures, runs, strict=True):
            for _ in range(times):
                yield rgba
                done(1)


def _write(
    args: argparse.Namespace, scene: Scene, states: Sequence[ViewState],
    done: Callable[[int], object],
) -> None:  # fmt: skip
    from lossviz import encoders

    path, own = args.output, states[0].picture
    frames = _frames(scene, states, done)
    kind = path.suffix.lower()
    if kind == ".mp4":
        encoders.mp4(path, frames, (own.width, own.height), args.fps)
    elif kind == ".gif":
        some = list(drawn(scene, [states[0], states[len(states) // 2], states[-1]]))
        encoders.gif(path, frames, args.fps, some)
    else:
        _folder(path, scene, states, frames)


def _folder(
    path: Path, scene: Scene, states: Sequence[ViewState], frames: Iterator[Frame]
) -> None:  # fmt: skip
    """A PNG for each frame, with its view inside; what is there when it is interrupted stays."""
    from lossviz.viewer.screenshot import save

    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise LossvizError(f"{path}: cannot be made: {error.strerror}") from None
    for number, (rgba, state) in enumerate(zip(frames, states, strict=True), 1):
        save(path / f"frame_{number:05d}.png", rgba, scene, state)
