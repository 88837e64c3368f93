"""Batch norm folded into the convolution before it: exact in eval mode, and faster.

y = γ (W∗x + b − μ)/√(σ²+ε) + ν is a convolution with kernel sW and bias s(b − μ) + ν, where
s = γ/√(σ²+ε), one factor an output channel. As long as γ, ν, μ, σ do not move along the plane, the
folded kernel is linear in alpha and beta, so that centre and directions are folded once.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, fx, nn

from compute.directions import STATISTICS, Direction

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def fold(
    model: nn.Module, theta: Direction, delta: Direction, eta: Direction
) -> tuple[nn.Module, Direction, Direction, Direction] | None:
    """Fold what can be folded inside ``model``, a private copy in eval mode.

    Returns it with its centre and directions, or None if torch.fx cannot trace it or there is
    nothing to fold. The modules stay where they are (a folded batch norm becomes an identity), so
    that a loss that calls a part of the model finds it. What tracing cannot see (hooks, a loss
    that reads the weights) makes the result wrong: compare it before it is used.
    """
    try:
        graph = fx.symbolic_trace(model).graph
    except Exception:  # models with Python control flow cannot be traced: that is no error
        return None
    modules = dict(model.named_modules())
    theta, delta, eta = dict(theta), dict(delta), dict(eta)
    read = {str(node.target) for node in graph.nodes if node.op == "get_attr"}
    pairs = [pair for node in graph.nodes if (pair := _pair(node, modules)) is not None]
    folded = 0
    for conv_name, norm_name in pairs:
        kinds = ("weight", "bias")
        if any(_moves(norm_name, kind, delta, eta) for kind in (*kinds, *STATISTICS)):
            continue
        if any(f"{name}.{kind}" in read for name in (conv_name, norm_name) for kind in kinds):
            continue
        if f"{conv_name}.weight" not in theta:  # tied to another, or made by a parametrization
            continue
        _fold_pair(modules[conv_name], modules[norm_name], conv_name, theta, delta, eta)
        for kind in (*kinds, *STATISTICS):
            theta.pop(f"{norm_name}.{kind}", None)
        model.set_submodule(norm_name, nn.Identity())
        folded += 1
    return (model, theta, delta, eta) if folded else None


def batch_norm_of(model: nn.Module, mode: str = "stored") -> str:
    """Which statistics batch norm uses: a layer without its own takes those of each batch."""
    norms = [module for module in model.modules() if isinstance(module, BATCH_NORMS)]
    return "of each batch" if any(n.running_mean is None for n in norms) else mode


def why_not(model: nn.Module) -> str:
    """Why torch.fx cannot trace the model, in a line; empty if it can."""
    try:
        fx.symbolic_trace(model)
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())}"[:120]
    return ""


def _pair(node: fx.Node, modules: dict[str, nn.Module]) -> tuple[str, str] | None:
    """Names of a convolution and the batch norm that alone uses its output."""
    if node.op != "call_module" or not isinstance(modules.get(str(node.target)), BATCH_NORMS):
        return None
    before = node.args[0]
    if not isinstance(before, fx.Node) or before.op != "call_module" or len(before.users) != 1:
        return None
    conv, norm = modules.get(str(before.target)), modules[str(node.target)]
    if not isinstance(conv, CONVOLUTIONS) or norm.running_var is None:
        return None
    if conv.bias is not None and not isinstance(conv.bias, nn.Parameter):
        return None
    graph = node.graph
    for target in (before.target, node.target):  # a module used twice cannot be folded once
        if sum(other.target == target for other in graph.nodes) != 1:
            return None
    return str(before.target), str(node.target)


def _moves(module: str, kind: str, delta: Direction, eta: Direction) -> bool:
    return f"{module}.{kind}" in delta or f"{module}.{kind}" in eta


def _fold_pair(
    conv: Any, norm: Any, name: str, theta: Direction, delta: Direction,
    eta: Direction,
) -> None:  # fmt: skip
    """Fold in float64, store in the parameters' own precision."""
    variance, mean = norm.running_var.double(), norm.running_mean.double()
    scale = torch.rsqrt(variance + norm.eps)
    shift = torch.zeros_like(scale)
    if norm.weight is not None:
        scale, shift = scale * norm.weight.detach().double(), norm.bias.detach().double()
    scale, shift, mean = scale.cpu(), shift.cpu(), mean.cpu()
    weight, bias = f"{name}.weight", f"{name}.bias"
    dtype = theta[weight].dtype

    def scaled(values: Tensor) -> Tensor:
        return (values.double() * scale.view((-1,) + (1,) * (values.ndim - 1))).to(dtype)

    for direction in (theta, delta, eta):
        for key in (weight, bias):
            if key in direction:
                direction[key] = scaled(direction[key])
    old = theta[bias].double() if bias in theta else 0.0
    theta[bias] = (old - mean * scale + shift).to(dtype)
    if conv.bias is None:
        conv.bias = nn.Parameter(theta[bias].clone(), requires_grad=False)
