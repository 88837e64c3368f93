"""Small networks and data that the tests of compute share."""

import torch
from torch import nn

from compute.models import build
from compute.plane import random_plane
from compute.problem import Problem, batches_of, cross_entropy


def small_convnet(seed=0, bias=False):
    """Convolution, batch norm with lived-in statistics, pooling, linear: 6x6 images, 3 classes."""
    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Conv2d(2, 5, 3, padding=1, bias=bias), nn.BatchNorm2d(5), nn.ReLU(),
        nn.Conv2d(5, 4, 3, bias=bias), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3),
    )  # fmt: skip
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.uniform_(-0.5, 0.5)
                module.running_var.uniform_(0.5, 2.0)
                module.weight.uniform_(0.5, 1.5)
                module.bias.uniform_(-0.5, 0.5)
    return net


def network(seed=0):
    """An untrained mlp:5:tanh for irises."""
    torch.manual_seed(seed)
    return build("mlp:5:tanh", inputs=(4,), num_classes=3)


def small_problem(samples=23, batch_size=5, seed=0, loss=cross_entropy, net=None):
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(samples, 2, 6, 6, generator=generator)
    targets = torch.randint(0, 3, (samples,), generator=generator)
    return Problem(net or small_convnet(), loss, batches_of(inputs, targets, batch_size))


def slow_loss(problem, plane, alpha, beta):
    """The oracle: a float64 state dict, one sample at a time, nothing clever."""
    import copy

    net = copy.deepcopy(problem.model).double().eval()
    state = net.state_dict()
    for name in plane.theta:
        value = plane.theta[name].double()
        for step, direction in ((alpha, plane.delta), (beta, plane.eta)):
            if name in direction:
                value = value + step * direction[name].double()
        state[name] = value
    net.load_state_dict(state)
    losses, correct = [], []
    with torch.no_grad():
        for inputs, targets in problem.batches:
            for x, y in zip(inputs, targets, strict=True):
                logits = net(x[None].double())[0]
                losses.append(float(torch.logsumexp(logits, 0) - logits[y]))
                correct.append(float(logits.argmax() == y))
    return losses, correct


def plane_of(problem, **options):
    return random_plane(problem.model, **{"seed": 3, **options})
