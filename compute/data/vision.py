"""CIFAR and (Fashion-)MNIST through torchvision, from a local folder or by download."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from compute.data import idx
from compute.data.stored import Images
from lossviz.errors import InputError

_CLASSES = {
    "cifar10": "CIFAR10", "cifar100": "CIFAR100", "mnist": "MNIST", "fashion_mnist": "FashionMNIST",
}  # fmt: skip
_keep_alive: list[Any] = []


def load(name: str, split: str, root: Path | None) -> Images:
    """One split of ``name``; downloaded into ``root`` if it is not there.

    ``root`` may also be a folder of MNIST's own idx files, packed or not, under their usual names.

    Raises
    ------
    InputError
        If it is neither there nor to be had.
    """
    folder = Path(root) if root is not None else default_root()
    if name.endswith("mnist") and idx.is_there(folder, split):
        return Images(*idx.read(folder, split), name)
    datasets = torchvision().datasets
    kind = getattr(datasets, _CLASSES[name])
    try:
        found = _open(kind, folder, split == "train")
    except Exception as error:  # downloads fail in many ways
        text = " ".join(str(error).split())[:120]
        raise InputError(
            f"{name}: expected it in {folder}, and it could not be downloaded ({text}); "
            "put it there or name its folder with --data-root"
        ) from None
    images = np.asarray(found.data)
    images = images[..., None] if images.ndim == 3 else images
    labels = np.asarray(found.targets, dtype=np.int64)
    return Images(images, labels, name, classes=len(found.classes))


def _open(kind: Any, folder: Path, train: bool) -> Any:
    try:  # first without download: local copies may have other checksums than torchvision expects
        return kind(root=str(folder), train=train, download=False)
    except RuntimeError:
        folder.mkdir(parents=True, exist_ok=True)
        return kind(root=str(folder), train=train, download=True)


def default_root() -> Path:
    """Where downloads go: the platform's cache folder."""
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("lossviz")) / "data"


def torchvision() -> Any:
    """The one door to torchvision.

    A torchvision that was built for another torch cannot load its C extension and then fails to
    import on two operators that it only describes; declaring them lets data sets work.
    """
    import torch

    if not _keep_alive:
        try:
            import torchvision.datasets
        except RuntimeError:
            library = torch.library.Library("torchvision", "FRAGMENT")
            library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            _keep_alive.append(library)
            import torchvision.datasets
        _keep_alive.append(torchvision)
    return _keep_alive[-1]
