"""Films into files: MP4 by ffmpeg, GIF by Pillow, or a folder of PNGs.

A file is there when it is whole, and not before.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossviz.errors import LossvizError, UsageError
from lossviz.files import replace
from lossviz.resources import extra

Frame = NDArray[np.uint8]  # (height, width, 3 or 4) sRGB

FASTEST_GIF = 50.0  # frames a second: times are hundredths, and browsers slow shorter ones down
MOST_GIF = 1_500_000_000  # pixels of all frames together: Pillow keeps them until the end
BT709 = "setparams=colorspace=bt709:color_primaries=bt709:color_trc=iec61966-2-1:range=tv"
QUALITY = 16  # constant rate factor of x264; 18 is called visually lossless


def check(path: Path, size: tuple[int, int], fps: float, frames: int) -> None:
    """Refuse what could not be written, before anything is drawn.

    Raises
    ------
    UsageError
        If the name, the size or the rate does not fit the kind of file.
    LossvizError
        If it cannot be written, or ffmpeg is missing.
    """
    kind, (width, height) = path.suffix.lower(), size
    if kind == ".mp4":
        if width % 2 or height % 2:
            raise UsageError(f"size: MP4 needs even numbers of pixels, got {width}x{height}")
        ffmpeg()
    elif kind == ".gif":
        if fps > FASTEST_GIF:
            raise UsageError(f"fps: GIF has at most {FASTEST_GIF:g}, got {fps:g}")
        if frames * width * height > MOST_GIF:
            raise UsageError(
                f"size: {frames} frames of {width}x{height} are too much for a GIF; expected "
                "smaller ones, fewer, or an .mp4"
            )
    elif kind:
        raise UsageError(
            f"output: expected a name that ends in .mp4 or .gif, or a folder, got {str(path)!r}"
        )
    elif path.is_file() or (path.is_dir() and any(path.iterdir())):
        raise UsageError(f"output: expected a new or an empty folder, got {str(path)!r}")
    parent = path.parent
    if kind and (path.is_dir() or not os.access(parent, os.W_OK)):
        why = "is a folder" if path.is_dir() else "its folder is missing or cannot be written"
        raise LossvizError(f"{path}: cannot write the film: {why}")


def ffmpeg() -> Any:
    """The library that brings ffmpeg.

    Raises
    ------
    LossvizError
        If it is not there, with how to install it.
    """
    other = "; .gif and folders of PNGs do not"
    return extra("imageio_ffmpeg", "film", "MP4 films", instead=other)


def mp4(path: Path, frames: Iterable[Frame], size: tuple[int, int], fps: float) -> None:
    """H.264 that every browser plays, in the colours of HD television (ITU-R BT.709), said so in
    the file: without that players guess, and colours come out wrong.

    Raises
    ------
    LossvizError
        If ffmpeg fails or the file cannot be written.
    """
    told = ["-crf", str(QUALITY), "-preset", "medium", "-movflags", "+faststart",
            "-vf", f"scale=out_color_matrix=bt709:out_range=tv,{BT709}"]  # fmt: skip
    with _beside(path) as temporary:
        writer = ffmpeg().write_frames(
            str(temporary), size, fps=fps, codec="libx264", pix_fmt_in="rgb24",
            pix_fmt_out="yuv420p", macro_block_size=1, quality=None, ffmpeg_log_level="error",
            output_params=told,
        )  # fmt: skip
        try:
            writer.send(None)
            for frame in frames:
                writer.send(np.ascontiguousarray(frame[..., :3]))
        except (OSError, RuntimeError) as error:
            text = " ".join(str(error).split())[:200]
            raise LossvizError(f"{path}: ffmpeg could not write the film: {text}") from None
        finally:
            writer.close()


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A name for a file that takes the place of ``path`` if all goes well, and else is gone."""
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".lossviz-") as folder:
            temporary = Path(folder) / path.name
            yield temporary
            if not (temporary.is_file() and temporary.stat().st_size):
                raise LossvizError(f"{path}: ffmpeg could not write the film")
            os.replace(temporary, path)
    except OSError as error:
        raise LossvizError(f"{path}: cannot write the film: {error.strerror or error}") from None


def gif(path: Path, frames: Iterable[Frame], fps: float, samples: Sequence[Frame]) -> None:
    """A GIF that repeats for ever, in 256 colours for all frames, chosen from ``samples``.

    Raises
    ------
    LossvizError
        If it cannot be written.
    """
    from PIL import Image

    palette = Image.new("P", (1, 1))
    palette.putpalette(colors(np.concatenate([frame[..., :3] for frame in samples])).tobytes())

    def images() -> Iterator[Image.Image]:
        for number, frame in enumerate(frames):
            image = Image.fromarray(np.ascontiguousarray(frame[..., :3]))
            found = image.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
            # Hundredths of a second, so that the whole keeps time.
            found.info["duration"] = 10 * (
                round(100 * (number + 1) / fps) - round(100 * number / fps)
            )
            yield found

    drawn = images()
    first = next(drawn)

    def fill(file: Any) -> None:
        first.save(
            file, format="GIF", save_all=True, append_images=drawn, loop=0, optimize=False,
            disposal=1,
        )  # fmt: skip

    replace(path, fill, str(path))


def colors(pixels: Frame) -> NDArray[np.uint8]:
    """``(256, 3)``: colours for ``pixels (…, 3)``, their most frequent one exactly among them.

    What is rare counts more than its pixels: a path is thin, and still has its own colour.
    """
    from PIL import Image

    flat = pixels.reshape(-1, 3)
    shift = np.array([16, 8, 0])
    found, numbers = np.unique((flat.astype(np.int64) << shift).sum(axis=1), return_counts=True)
    exact = (found[:, None] >> shift & 255).astype(np.uint8)
    keys = (exact >> 3).astype(np.int64) @ [1 << 10, 1 << 5, 1]
    which = np.unique(keys, return_inverse=True)[1]
    held = np.bincount(which, numbers)
    middle = np.stack([np.bincount(which, numbers * side) / held for side in exact.T], axis=1)
    weights = np.maximum(1, np.sqrt(held)).astype(int)
    image = Image.fromarray(np.repeat(np.rint(middle).astype(np.uint8), weights, axis=0)[None])
    chosen = image.quantize(255, method=Image.Quantize.MEDIANCUT, kmeans=3).getpalette() or []
    result = np.zeros((256, 3), np.uint8)
    result[:255] = np.resize(np.array(chosen[: 255 * 3], np.uint8), (255, 3))
    result[255] = exact[numbers.argmax()]
    return result
