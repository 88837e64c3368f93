"""Networks of other libraries by name: ``torchvision:NAME`` and ``timm:NAME``, untrained."""

from __future__ import annotations

from typing import Any

from torch import nn

from lossviz.errors import InputError, UsageError, nearest


def torchvision(name: str, *, inputs: tuple[int, ...], num_classes: int) -> nn.Module:
    """A classifier of torchvision.models, for colour images.

    Raises
    ------
    UsageError
        If there is none of that name, or the images are not coloured.
    """
    from compute.data.vision import torchvision as door

    models = door().models
    _known(name, models.list_models(module=models), "torchvision")
    if inputs[0] != 3:
        raise UsageError(
            f"torchvision:{name}: takes images of 3 channels, the data has {inputs[0]}"
        )
    options: dict[str, Any] = {"weights": None, "num_classes": num_classes}
    if name.startswith("vit_"):
        options["image_size"] = inputs[1]
    elif name.startswith("maxvit"):
        options["input_size"] = inputs[1:]
    elif name in ("googlenet", "inception_v3"):
        options["init_weights"] = True  # not saying it warns
    return models.get_model(name, **options)  # type: ignore[no-any-return]


def timm(name: str, *, inputs: tuple[int, ...], num_classes: int) -> nn.Module:
    """A model of timm, PyTorch Image Models, for images of any number of channels.

    Raises
    ------
    UsageError
        If there is none of that name.
    InputError
        If timm is not installed.
    """
    from compute.data.vision import torchvision as door

    door()  # timm imports torchvision, which may need help
    try:
        import timm as library
    except ImportError:
        raise InputError(
            f"timm:{name}: timm is not installed: pip install 'lossviz[timm]'"
        ) from None
    _known(name.partition(".")[0], library.list_models(), "timm")  # NAME or NAME.TAG
    options: dict[str, Any] = {"num_classes": num_classes, "in_chans": inputs[0]}
    known = library.get_pretrained_cfg(name)
    if known is not None and known.fixed_input_size:  # transformers, mostly
        options["img_size"] = inputs[1:]
    return library.create_model(name, pretrained=False, **options)  # type: ignore[no-any-return]


def _known(name: str, names: list[str], library: str) -> None:
    if name not in names:
        raise UsageError(f"model: {library} has no {name!r:.60}; it has {nearest(name, names)}")


LIBRARIES = {"torchvision": torchvision, "timm": timm}
