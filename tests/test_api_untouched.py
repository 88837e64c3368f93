"""What is the user's comes back as it was."""

import copy
import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import lossviz
from compute.problem import cross_entropy

from .small import EXACT, X, Y, check, network


class StopError(Exception):
    pass


@pytest.mark.parametrize("raised", [None, StopError, KeyboardInterrupt])
def test_everything_of_the_users_comes_back_untouched(raised):
    model = nn.Sequential(
        nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.Linear(6, 3)
    )  # fmt: skip
    model.train()
    model[1].eval()  # a frozen layer
    model[0].weight.requires_grad_(False)
    calls = []
    handle = model[3].register_forward_hook(lambda *_: calls.append(1))
    functional.cross_entropy(model(X), Y).backward()
    objects = [*model.parameters(), *model.buffers()]
    values = [value.detach().clone() for value in objects]
    gradients = [p.grad for p in model.parameters()]
    numbers = [None if g is None else g.clone() for g in gradients]
    hooks = {name: dict(m._forward_hooks) for name, m in model.named_modules()}
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    seen = []

    def loss(model, batch):
        seen.append(1)
        if raised and len(seen) > 30:
            raise raised
        return cross_entropy(model, batch)

    loader = DataLoader(TensorDataset(X, Y), 16, shuffle=True)
    if raised:
        with pytest.raises(raised):
            lossviz.surface(model, loss, loader, points=9)
    else:
        lossviz.surface(model, loss, loader, points=3)

    assert all(
        a is b for a, b in zip(objects, [*model.parameters(), *model.buffers()], strict=True)
    )
    assert all(torch.equal(a, b) for a, b in zip(objects, values, strict=True))
    for parameter, own, number in zip(model.parameters(), gradients, numbers, strict=True):
        assert parameter.grad is own and (own is None or torch.equal(own, number))
    assert [m.training for m in model.modules()] == [True, True, False, True, True]
    assert [p.requires_grad for p in model.parameters()] == [False] + [True] * 5
    assert hooks == {name: dict(m._forward_hooks) for name, m in model.named_modules()}
    assert all(p.device.type == "cpu" and p.dtype == torch.float32 for p in model.parameters())
    assert torch.equal(states[0], torch.get_rng_state())
    legacy = np.random.get_state()  # noqa: NPY002
    assert all(np.array_equal(a, b) for a, b in zip(states[1], legacy, strict=True))
    assert states[2] == random.getstate()
    handle.remove()


def test_a_loaders_own_generator_is_where_it_was():
    generator = torch.Generator().manual_seed(5)
    loader = DataLoader(TensorDataset(X, Y), 16, shuffle=True, generator=generator)
    before = generator.get_state()
    lossviz.surface(network(4, 3), "cross_entropy", loader, points=1)
    assert torch.equal(before, generator.get_state())


def test_a_checkpoint_goes_into_a_copy(tmp_path):
    model, trained = network(4, 6, 3), network(4, 6, 3, seed=9)
    path = tmp_path / "trained.pt"
    torch.save(trained.state_dict(), path)
    before = copy.deepcopy(model.state_dict())
    found = lossviz.surface(model, "cross_entropy", (X, Y), checkpoint=path, **EXACT)
    check(trained, found, lambda net: functional.cross_entropy(net(X.double()), Y))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert found.provenance.checkpoint == "trained.pt"
    assert len(found.provenance.checkpoint_sha256) == 64
