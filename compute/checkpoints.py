"""Checkpoints: files of weights, read without executing anything in them."""

from __future__ import annotations

import hashlib
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lossviz.errors import InputError

TORCH_SUFFIXES = (".t7", ".pth", ".pt", ".th", ".ckpt", ".bin", ".tar")
NESTS = ("state_dict", "model", "model_state_dict")
PREFIXES = ("module.", "_orig_mod.")
FIRST = 5  # so many names of each kind are listed when keys do not match


def sha256(path: str | Path) -> str:
    """The SHA-256 of a file, as hexadecimal digits.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def read(path: str | Path, *, trust_pickle: bool = False) -> dict[str, Tensor]:
    """The state dict of a checkpoint, on the CPU, its wrappers' prefixes taken off.

    Parameters
    ----------
    trust_pickle
        Unpickle without restriction, which runs whatever code the file carries.

    Raises
    ------
    InputError
        If the file is missing, of another kind, needs unsafe unpickling, holds no state dict or
        claims tensors larger than their storage.
    """
    path = Path(path)
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise InputError(f"{path}: expected a checkpoint, got {found}")
    if path.suffix == ".safetensors":
        return without_prefixes(_safetensors(path))
    if path.suffix not in TORCH_SUFFIXES:
        known = " ".join((*TORCH_SUFFIXES, ".safetensors"))
        raise InputError(f"{path}: expected a name that ends in one of {known}")
    state = _unnested(_torch(path, trust_pickle), path)
    _check_storages(state, path)
    return without_prefixes(state)


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            aliases = dict(file.metadata() or {})
        # Where save_model of safetensors keeps the other names of tied tensors.
        return state | {new: state[old] for new, old in aliases.items() if old in state}
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path}: expected safetensors: {_one_line(error)}") from None


def _torch(path: Path, trust_pickle: bool) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what matters of them is in the error
            return torch.load(path, map_location="cpu", weights_only=not trust_pickle)
    except pickle.UnpicklingError as error:
        if not _is_pickle(path):
            raise InputError(f"{path}: expected a PyTorch file: {_one_line(error)}") from None
        raise InputError(
            f"{path}: holds Python objects and not only weights, so reading it could run code; "
            "where you trust it, convert it once with torch.save(model.state_dict(), 'weights.pt') "
            "or name the risk with --trust-pickle"
        ) from None
    except Exception as error:  # torch raises many kinds for damaged files
        raise InputError(
            f"{path}: expected a PyTorch file, got another one or part of one: {_one_line(error)}"
        ) from None


def _is_pickle(path: Path) -> bool:
    """Whether a file begins as a zip archive or as a pickle of protocol 2 or later."""
    with open(path, "rb") as file:
        return file.read(2)[:2] in (b"PK", *(bytes([0x80, protocol]) for protocol in range(2, 6)))


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__


def _unnested(loaded: Any, path: Path) -> dict[str, Tensor]:
    """The mapping of names to tensors, at the top or one level down."""
    if isinstance(loaded, nn.Module):
        return dict(loaded.state_dict())
    candidates = [loaded]
    if isinstance(loaded, Mapping):
        candidates = [loaded[nest] for nest in NESTS if nest in loaded] + candidates
    for found in candidates:
        if isinstance(found, nn.Module):
            return dict(found.state_dict())
        if isinstance(found, Mapping):
            tensors = {str(k): v for k, v in found.items() if isinstance(v, Tensor)}
            if tensors and len(tensors) == len(found):
                return tensors
    what = (
        f"a mapping with keys {', '.join(map(str, list(loaded)[:FIRST]))}"
        if isinstance(loaded, Mapping)
        else type(loaded).__name__
    )
    raise InputError(f"{path}: expected a state dict, bare or under {', '.join(NESTS)}; got {what}")


def _check_storages(state: Mapping[str, Tensor], path: Path) -> None:
    """A few bytes can claim a huge tensor through zero strides: refuse that before it is copied."""
    for name, tensor in state.items():
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_meta:
            found = "one without numbers" if tensor.is_meta else f"{tensor.layout} {tensor.dtype}"
            raise InputError(f"{path}: {name}: expected a dense tensor, got {found}")
        claimed = tensor.numel() * tensor.element_size()
        if claimed > tensor.untyped_storage().nbytes():
            raise InputError(
                f"{path}: {name}: claims {claimed:,} bytes, its storage has "
                f"{tensor.untyped_storage().nbytes():,}; the file is damaged or hostile"
            )


def without_prefixes(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names without what DataParallel and torch.compile put before them."""
    names = dict(zip(state, state, strict=True))
    changed = True
    while changed:
        changed = False
        for prefix in PREFIXES:
            if names and all(new.startswith(prefix) for new in names.values()):
                names = {old: new.removeprefix(prefix) for old, new in names.items()}
                changed = True
    return {new: state[old] for old, new in names.items()}


def load_into(model: nn.Module, state: Mapping[str, Tensor], source: str) -> None:
    """Load ``state`` strictly.

    Raises
    ------
    InputError
        If names, shapes or kinds of numbers differ; the first of each kind are listed.
    """
    expected = model.state_dict()
    # Written before batch norm counted its batches: nothing is lost by leaving the count at 0.
    optional = {name for name in expected if name.endswith("num_batches_tracked")}
    missing = [name for name in expected if name not in state and name not in optional]
    unexpected = [name for name in state if name not in expected]
    wrong = [
        f"{name} (model {_shape(expected[name])}, file {_shape(state[name])})"
        for name in expected
        if name in state and expected[name].shape != state[name].shape
    ]
    # Quantised or complex weights would be taken for numbers that they are not.
    other = [
        f"{name} (model {_kind(expected[name])}, file {_kind(state[name])})"
        for name in expected
        if name in state and expected[name].is_floating_point()
        and not state[name].is_floating_point()
    ]  # fmt: skip
    kinds = {
        "the file misses": missing, "the model does not know": unexpected, "other shapes": wrong,
        "other kinds of numbers": other,
    }  # fmt: skip
    if any(kinds.values()):
        told = "; ".join(_listed(kind, found) for kind, found in kinds.items() if found)
        raise InputError(f"{source}: does not fit {type(model).__name__}: {told}")
    model.load_state_dict({**{name: expected[name] for name in optional}, **state})


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "scalar"


def _kind(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _listed(kind: str, names: list[str]) -> str:
    more = f" and {len(names) - FIRST} more" if len(names) > FIRST else ""
    return f"{kind} {', '.join(names[:FIRST])}{more}"
