"""The tensors that a model's state consists of, each once, and safetensors files of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from compute.checkpoints import without_prefixes
from lossviz import files
from lossviz.errors import LossvizError, UsageError


def write_tensors(path: Path, tensors: Mapping[str, Tensor], aliases: Mapping[str, str]) -> int:
    """Write safetensors atomically, on whatever device they are; the number of bytes.

    ``aliases`` (other names of tied tensors) go where ``safetensors.torch.save_model`` puts them.

    Raises
    ------
    LossvizError
        If they cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save

    try:
        # Copies: tensors of one storage (an RNN's weights, say) are refused otherwise.
        whole = {
            name: tensor.detach().to("cpu", copy=True).contiguous()
            for name, tensor in tensors.items()
        }
        content = save(whole, metadata={"format": "pt", **aliases})
    except (SafetensorError, ValueError, RuntimeError, KeyError) as error:
        text = " ".join(str(error).split())[:160]
        raise LossvizError(f"{path}: these weights cannot be safetensors: {text}") from None
    files.replace(path, lambda file: file.write(content), str(path))
    return len(content)


def save_weights(model: nn.Module, path: Path) -> None:
    """Write the parameters and buffers of ``model`` as a checkpoint.

    Raises
    ------
    LossvizError
        If it cannot be written.
    """
    parameters, buffers, aliases = state_of(model)
    write_tensors(path, parameters | buffers, aliases)


def state_of(model: nn.Module) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, str]]:
    """Floating-point parameters, all else of the state, and other names of what is tied."""
    known = {id(parameter): name for name, parameter in model.named_parameters()}
    state: dict[str, Tensor] = dict(model.named_parameters())
    aliases = {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        if isinstance(tensor, Tensor) and known.setdefault(id(tensor), name) == name:
            state[name] = tensor
        elif isinstance(tensor, Tensor):
            aliases[name] = known[id(tensor)]
    names = dict(zip(state, without_prefixes(state), strict=True))
    lazy = [name for name in state if torch.nn.parameter.is_lazy(state[name])]
    if lazy:
        raise UsageError(f"model: {lazy[0]} has no shape yet; run one batch through it first")
    moving = {n for n, p in model.named_parameters() if p.is_floating_point()}
    return (
        {names[name]: state[name] for name in state if name in moving},
        {names[name]: state[name] for name in state if name not in moving},
        {_renamed(alias, names, name): names[name] for alias, name in aliases.items()},
    )


def _renamed(alias: str, names: Mapping[str, str], name: str) -> str:
    """An alias without the prefix that all other names lost."""
    return alias.removeprefix(name[: len(name) - len(names[name])])


def shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[str, tuple[int, ...]]]:
    """The type ("float32") and shape of each."""
    return {
        name: (str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape))
        for name, tensor in tensors.items()
    }
