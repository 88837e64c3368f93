"""Small networks: many points of the plane in one call, the first layer's products kept.

A linear layer's output is linear in its weights: x(W + αD + βE)ᵀ = A₀ + αA₁ + βA₂. Where the first
layer's input is the same at every point, the three products are formed once for all points.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.func import functional_call, vmap

from compute.directions import Direction
from compute.outcome import Outcome
from compute.problem import Loss

CONVOLUTIONS = (nn.modules.conv._ConvNd,)
MOST_WEIGHTS = 2_000_000  # stacked copies of larger networks do not stay in a cache
MOST_PRODUCTS = 256 * 2**20  # bytes


def stackable(model: nn.Module, moved: int) -> bool:
    """Whether it is worth trying: something moves, it is small, and there are no convolutions
    (they lose, measured)."""
    small = sum(p.numel() for p in model.parameters()) <= MOST_WEIGHTS
    return moved > 0 and small and not any(isinstance(m, CONVOLUTIONS) for m in model.modules())


class Stack:
    """Evaluates ``loss`` at several points of a plane in one vectorised call per batch.

    ``model`` is a private copy at theta*. Raises whatever torch.func raises if the model or the
    loss cannot be vectorised: run it once before it is used.
    """

    def __init__(
        self, model: nn.Module, loss: Loss, theta: Direction, delta: Direction, eta: Direction,
        batches: list[Any], *, gradients: bool = False,
    ) -> None:  # fmt: skip
        self.model, self.loss, self.batches, self.gradients = model, loss, batches, gradients
        own = dict(model.named_parameters())
        self.center = {name: theta[name].to(own[name]) for name in (*delta, *eta)}
        self.moves = [
            {name: d[name].to(own[name]) if name in d else torch.zeros_like(c)
             for name, c in self.center.items()}
            for d in (delta, eta)
        ]  # fmt: skip
        self.split = _split(model)
        self.products = self._products() if self.split is not None else None

    @torch.no_grad()
    def _products(self) -> list[Tensor] | None:
        """For each batch ``(3, …)``: A₀, A₁, A₂ of the first layer, if its input never changes."""
        assert self.split is not None
        linear = self.model.get_submodule(self.split[1])
        assert isinstance(linear, nn.Linear)
        found, kept = [], 0
        for batch in self.batches:
            if type(batch) not in (tuple, list) or not isinstance(batch[0], Tensor):
                return None
            inputs = [self._input_of(linear, batch[0], *at) for at in ((0.0, 0.0), (0.9, -0.8))]
            if inputs[0] is None or inputs[1] is None or not torch.equal(*inputs):  # type: ignore[arg-type]
                return None
            weight, bias = (f"{self.split[1]}.{kind}" for kind in ("weight", "bias"))
            product = torch.stack([
                nn.functional.linear(
                    inputs[0],
                    part.get(weight, torch.zeros_like(linear.weight) if k else linear.weight),
                    part.get(bias, None if k else linear.bias),
                )
                for k, part in enumerate((self.center, *self.moves))
            ])  # fmt: skip
            kept += product.numel() * product.element_size()
            if kept > MOST_PRODUCTS:
                return None
            found.append(product)
        return found

    def _input_of(
        self, linear: nn.Linear, inputs: Tensor, alpha: float, beta: float
    ) -> Tensor | None:
        seen: list[Tensor] = []
        hook = linear.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        try:
            functional_call(self.model, self._at(alpha, beta), (inputs,))
        finally:
            hook.remove()
        return seen[0] if len(seen) == 1 else None

    def _at(self, alpha: float, beta: float) -> dict[str, Tensor]:
        d, e = self.moves
        return {name: c + alpha * d[name] + beta * e[name] for name, c in self.center.items()}

    def many(self, points: Sequence[tuple[float, float]]) -> list[Outcome]:
        """The outcome at each point."""
        like = next(iter(self.center.values()))
        coefficients = [like.new_tensor(steps) for steps in zip(*points, strict=True)]
        stacked = {}
        for name, center in self.center.items():
            alpha, beta = (c.to(center).view(-1, *[1] * center.ndim) for c in coefficients)
            stacked[name] = center + alpha * self.moves[0][name] + beta * self.moves[1][name]
        parts: dict[str, list[Tensor]] = {}
        by_sample = True
        for number, batch in enumerate(self.batches):
            first = None
            if self.products is not None:
                product = self.products[number]
                steps = torch.stack([torch.ones_like(coefficients[0]), *coefficients], dim=1)
                first = (steps.to(product) @ product.flatten(1)).view(-1, *product.shape[1:])
            with torch.set_grad_enabled(self.gradients):
                found = self._vectorised(stacked, first, batch)
            for name, values in found.items():
                parts.setdefault(name, []).append(values.reshape(len(points), -1))
                by_sample = by_sample and (name != "loss" or values.ndim > 1)
        whole = {name: torch.cat(part, 1).cpu().double().numpy() for name, part in parts.items()}
        return [
            Outcome({name: values[k] for name, values in whole.items()}, by_sample)
            for k in range(len(points))
        ]

    def _vectorised(
        self, stacked: dict[str, Tensor], first: Tensor | None, batch: Any
    ) -> dict[str, Tensor]:
        def one(weights: dict[str, Tensor], first: Tensor | None) -> dict[str, Tensor]:
            def called(*inputs: Any, **named: Any) -> Any:
                alone = len(inputs) == 1 and not named and inputs[0] is batch[0]
                if first is not None and alone and self.split is not None:
                    rest = self.split[0]
                    own = {
                        name: weights[name]
                        for name, _ in rest.named_parameters()
                        if name in weights
                    }
                    return functional_call(rest, own, (first,))
                return functional_call(self.model, weights, inputs, named)

            value = self.loss(called, batch)
            given = value if isinstance(value, Mapping) else {"loss": value}
            return {name: one.detach() for name, one in given.items()}

        result: dict[str, Tensor] = vmap(one, in_dims=(0, None if first is None else 0))(
            stacked, first
        )
        return result


def _split(model: nn.Module) -> tuple[nn.Module, str] | None:
    """What follows the first linear layer, as a module of its output; and that layer's name."""
    try:
        traced = fx.symbolic_trace(model)
    except Exception:  # control flow: such a model is evaluated whole
        return None
    nodes: Iterable[fx.Node] = traced.graph.nodes
    modules = dict(traced.named_modules())
    calls = [
        n for n in nodes if n.op == "call_module" and type(modules[str(n.target)]) is nn.Linear
    ]
    if not calls or sum(n.target == calls[0].target for n in calls) != 1:
        return None
    first = calls[0]
    name = str(first.target)
    own = {id(parameter) for parameter in modules[name].parameters()}
    shared = [n for n, p in model.named_parameters(remove_duplicate=False) if id(p) in own]
    if len(shared) != len(own):
        return None  # tied: what follows needs them too
    with traced.graph.inserting_before(first):
        given = traced.graph.placeholder("first")
    first.replace_all_uses_with(given)
    traced.graph.erase_node(first)
    for node in reversed(list(traced.graph.nodes)):  # what led to the first layer
        if not node.users and node.op != "output" and node is not given:
            traced.graph.erase_node(node)
    if any(node.op == "placeholder" and node is not given for node in traced.graph.nodes):
        return None  # the inputs are used elsewhere too
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced, name
