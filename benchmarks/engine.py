"""One grid point: lossviz's engine beside the reference's loop and two packages.

``make bench-engine`` runs it in ``.venv-bench-engine``. Each contender lives in a process of its
own, with one thread, and is asked in turn, A B C D A B C D, so that whatever else the machine does
meets all. What is measured is the process' CPU time for a point of the plane; medians are compared.
Losses are compared with a plain loop in float64. Networks have random weights and batch-norm
statistics of the data they are evaluated on: the arithmetic is the same as that of trained ones.

The reference's loop is written anew from its description: set the weights, eval mode, go through a
DataLoader of tensors in batches of 128, CrossEntropyLoss().item() of each.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

NETS = {  # samples, points asked together
    "mlp": (1024, 64),
    "cnn": (512, 8),
    "resnet20": (256, 4),
    "resnet56": (256, 2),
}
AIM = {"mlp": (8.0, 3.0), "cnn": (2.3, 1.5), "resnet20": (2.3, 1.5), "resnet56": (1.9, 1.5)}
CONTENDERS = ("reference", "loss-landscapes", "loss-landscape-3d", "lossviz")
CORNERS = [(0.0, 0.0), (0.3, -0.2), (-0.7, 0.9), (1.0, 1.0)]


def network(name: str) -> tuple[Any, Any, Any]:
    """A network in eval mode, inputs and labels; the same in every process."""
    import torch
    from torch import nn

    from compute.models import build

    torch.manual_seed(0)
    samples, _ = NETS[name]
    shape = (3, 32, 32) if name.startswith("resnet") else (1, 28, 28)
    inputs, labels = torch.randn(samples, *shape), torch.randint(0, 10, (samples,))
    if name == "mlp":
        net = nn.Sequential(
            nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(),
            nn.Linear(64, 10),
        )  # fmt: skip
    elif name == "cnn":
        net = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(1568, 10),
        )  # fmt: skip
    else:
        net = build(name, inputs=shape, num_classes=10)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the plain average over what follows
    with torch.no_grad():
        net.train()(inputs[:128])
    return net.eval(), inputs, labels


def reference(net: Any, plane: Any, inputs: Any, labels: Any) -> Callable[[Any], list[float]]:
    """The reference implementation's loop."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    net = copy.deepcopy(net)
    loader = DataLoader(TensorDataset(inputs, labels), batch_size=128)
    criterion = torch.nn.CrossEntropyLoss()

    def at(alpha: float, beta: float) -> float:
        for name, parameter in net.named_parameters():
            change = (
                alpha * plane.delta[name] + beta * plane.eta[name] if name in plane.delta else 0
            )
            parameter.data = plane.theta[name] + change
        net.eval()
        total = right = 0.0
        with torch.no_grad():
            for x, y in loader:
                outputs = net(x)
                total += criterion(outputs, y).item() * x.size(0)
                right += outputs.max(1)[1].eq(y).sum().item()
        return total / len(labels)

    return lambda points: [at(*point) for point in points]


def landscapes_3d(net: Any, plane: Any, inputs: Any, labels: Any) -> Callable[[Any], list[float]]:
    """loss-landscape-3d from PyPI, along our directions."""
    import torch
    from loss_landscape_3d.calculator import LossLandscapeCalculator
    from torch.utils.data import DataLoader, TensorDataset

    net = copy.deepcopy(net)
    loader = DataLoader(TensorDataset(inputs, labels), batch_size=128)
    calculator = LossLandscapeCalculator(net, loader, torch.nn.CrossEntropyLoss())
    center = {name: value.clone() for name, value in net.state_dict().items()}

    def at(alpha: float, beta: float) -> float:
        return float(calculator.calculate([alpha], [beta], plane.delta, plane.eta, center)[0, 0])

    return lambda points: [at(*point) for point in points]


def landscapes(net: Any, plane: Any, inputs: Any, labels: Any) -> Callable[[Any], list[float]]:
    """loss-landscapes from PyPI; it draws directions of its own, so only its time compares.

    Without normalisation, since its filter normalisation divides by zero at batch norm.
    """
    import loss_landscapes
    import torch
    from loss_landscapes.metrics import Loss

    metric = Loss(torch.nn.CrossEntropyLoss(), inputs, labels)

    def grid(points: Any) -> list[float]:
        steps = max(2, round(len(points) ** 0.5))
        with torch.no_grad():
            loss_landscapes.random_plane(
                net, metric, 1, steps, normalization=None, deepcopy_model=True
            )
        return [float("nan")] * steps**2

    return grid


def ours(net: Any, plane: Any, inputs: Any, labels: Any) -> Callable[[Any], list[float]]:
    """lossviz."""
    from compute.evaluation import Evaluator
    from compute.problem import Problem, batches_of, cross_entropy

    evaluator = Evaluator(Problem(net, cross_entropy, batches_of(inputs, labels, 64)), plane)
    print(json.dumps(evaluator.choices), file=sys.stderr)
    return lambda points: [float(o.values["loss"].mean()) for o in evaluator.many(points)]


MAKERS = dict(zip(CONTENDERS, (reference, landscapes, landscapes_3d, ours), strict=True))


def work(contender: str, name: str) -> None:
    """Answer each line of stdin with CPU seconds a point; first with the losses at the corners."""
    import torch

    from compute.peak import flops_per_sample, measured_peak
    from compute.plane import random_plane
    from compute.problem import cross_entropy

    torch.set_num_threads(1)
    net, inputs, labels = network(name)
    evaluate = MAKERS[contender](net, random_plane(net), inputs, labels)
    points = [(0.01 * k - 0.3, 0.2 - 0.01 * k) for k in range(NETS[name][1])]
    evaluate(points)
    corners = evaluate(CORNERS) if contender != "loss-landscapes" else []
    flops = flops_per_sample(net, cross_entropy, (inputs[:4], labels[:4])) * len(labels)
    print(json.dumps({"corners": corners, "flops": flops}), flush=True)
    for line in sys.stdin:
        if line.strip() == "peak":
            print(measured_peak(), flush=True)
            continue
        began = time.process_time()
        count = len(evaluate(points))
        print((time.process_time() - began) / count, flush=True)


def exact(name: str) -> list[float]:
    """The losses at the corners by a plain loop in float64."""
    import torch

    from compute.plane import random_plane

    net, inputs, labels = network(name)
    plane, net = random_plane(net), copy.deepcopy(net).double()
    found = []
    for alpha, beta in CORNERS:
        with torch.no_grad():
            for key, parameter in net.named_parameters():
                value = plane.theta[key].double()
                if key in plane.delta:
                    value = value + alpha * plane.delta[key].double()
                    value = value + beta * plane.eta[key].double()
                parameter.copy_(value)
            found.append(float(torch.nn.functional.cross_entropy(net(inputs.double()), labels)))
    return found


def compare(name: str, rounds: int) -> bool:
    """One network, all contenders; prints a line each. Whether no bound is broken."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    workers = {
        contender: subprocess.Popen(
            [sys.executable, __file__, "--work", contender, name], text=True, env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )
        for contender in CONTENDERS
    }  # fmt: skip

    def ask(contender: str, line: str) -> str:
        worker = workers[contender]
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(line + "\n")
        worker.stdin.flush()
        answer = worker.stdout.readline()
        if not answer:
            raise SystemExit(f"benchmarks/engine.py: {contender} failed on {name}")
        return answer

    first = {c: json.loads(w.stdout.readline()) for c, w in workers.items() if w.stdout}
    times: dict[str, list[float]] = {contender: [] for contender in CONTENDERS}
    peaks = []
    for _ in range(rounds):
        for contender in CONTENDERS:
            times[contender].append(float(ask(contender, "go")))
        peaks.append(float(ask("lossviz", "peak")))
    for worker in workers.values():
        worker.communicate("", timeout=60)
    medians = {contender: statistics.median(found) for contender, found in times.items()}
    truth, samples = exact(name), NETS[name][0]
    print(f"\n{name}: {samples} samples a point, medians of {rounds}")
    for contender in CONTENDERS:
        ratio = medians["reference"] / medians[contender]
        corners = first[contender]["corners"]
        errors = [abs(found / t - 1) for found, t in zip(corners, truth, strict=False)]
        told = f"largest error {max(errors):.1e}" if errors else "other directions"
        print(f"  {contender:18} {medians[contender] * 1e3:9.2f} ms   {ratio:5.2f} x   {told}")
    aim, never = AIM[name]
    ratio = medians["reference"] / medians["lossviz"]
    share = first["lossviz"]["flops"] / medians["lossviz"] / statistics.median(peaks)
    print(f"  aim ≥ {aim}, never below {never}", end="")
    print("" if name in ("mlp", "cnn") else f"; {share:.0%} of the measured convolution peak")
    return ratio >= never


def main() -> None:
    """Compare on all networks; exit 1 if a bound is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--nets", nargs="+", default=list(NETS), choices=list(NETS))
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(*arguments.work)
        return
    kept = [compare(name, arguments.rounds) for name in arguments.nets]
    if not all(kept):
        raise SystemExit("benchmarks/engine.py: a bound is broken")


if __name__ == "__main__":
    main()
