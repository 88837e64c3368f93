"""Images in folders, one a class: DIR/class/*.png, or DIR/train/class/ and DIR/test/class/.

Classes are in alphabetical order. Images are read as RGB. They have one size, or are scaled and cut
at the centre to squares by ``imagefolder:DIR@32``.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compute.data.stored import Images, held_out
from lossviz.errors import InputError

LARGEST = 8 << 30  # bytes of all chosen images, decoded
MOST_ACROSS = 4096


def load(spec: str, split: str, root: Path | None) -> Images:
    """The names and labels of one split; an image is decoded when it is chosen.

    Raises
    ------
    InputError
        If there is no such folder or it has no folders of images.
    """
    from compute.data.vision import torchvision

    match = re.fullmatch(r"(.+?)(?:@(\d{1,6}))?", spec, re.DOTALL)
    folder, size = (Path(match[1]), int(match[2] or 0)) if match else (Path(), 0)
    if match is None or not folder.is_dir():
        raise InputError(f"imagefolder: expected a folder of folders of images, got {spec!r:.120}")
    if size > MOST_ACROSS or (match[2] and not size):
        raise InputError(f"imagefolder: expected a size from 1 to {MOST_ACROSS}, got @{match[2]}")
    own = _split_folder(folder, split)
    try:
        found = torchvision().datasets.ImageFolder(str(own or folder), allow_empty=True)
    except OSError as error:
        text = " ".join(str(error).split())[:160]
        raise InputError(f"{folder}: expected a folder for each class: {text}") from None
    paths, labels = [path for path, _ in found.samples], np.array(found.targets, dtype=np.int64)
    part = np.arange(len(paths)) if own else held_out(len(paths), split)
    files = Files([paths[k] for k in part], size)
    return Images(files, labels[part], "none", classes=len(found.classes))


def _split_folder(folder: Path, split: str) -> Path | None:
    """DIR/train or DIR/test (or val), if both are there."""
    tests = [name for name in ("test", "val") if (folder / name).is_dir()]
    if not (folder / "train").is_dir() or not tests:
        return None
    return folder / ("train" if split == "train" else tests[0])


@dataclass(frozen=True)
class Files:
    """Image files that become pixels when they are chosen, squares of ``size`` if it is not 0."""

    paths: list[str]
    size: int

    def __getitem__(self, chosen: NDArray[np.int64], /) -> NDArray[np.uint8]:
        """``(k, H, W, 3)`` uint8."""
        pixels: NDArray[np.uint8] | None = None
        for k, index in enumerate(chosen):
            image = self._image(self.paths[index])
            if pixels is None:
                shape = (len(chosen), *image.shape)
                self._check(shape)
                pixels = np.empty(shape, np.uint8)
            if image.shape != pixels.shape[1:]:
                raise InputError(
                    f"{self.paths[index]}: expected {_size(pixels[0])} as the first image, got "
                    f"{_size(image)}; imagefolder:DIR@32 scales all to 32x32"
                )
            pixels[k] = image
        assert pixels is not None, "a choice of samples is never empty"
        return pixels

    def _check(self, shape: tuple[int, ...]) -> None:
        needed = int(np.prod(shape, dtype=object))
        if needed > LARGEST:
            raise InputError(
                f"imagefolder: {shape[0]:,} images of {shape[1]}x{shape[2]} take {needed:,} bytes, "
                f"expected at most {LARGEST:,}; choose fewer (--samples) or smaller (DIR@32)"
            )

    def _image(self, path: str) -> NDArray[np.uint8]:
        from PIL import Image, ImageOps

        try:
            with warnings.catch_warnings():  # a small file can claim any size: Pillow only warns
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                with Image.open(path) as image:
                    colours: Any = image.convert("RGB")
        except Exception as error:  # codecs raise what they like
            text = " ".join(str(error).split())[:120]
            raise InputError(f"{path}: expected an image: {text}") from None
        if self.size:
            colours = ImageOps.fit(colours, (self.size, self.size), Image.Resampling.BILINEAR)
        return np.asarray(colours, dtype=np.uint8)


def _size(image: NDArray[np.uint8]) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"
