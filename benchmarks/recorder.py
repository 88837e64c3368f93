"""What a Recorder costs: ResNet-20, an epoch of CIFAR-10 in batches of 128, a snapshot at its end.

``python benchmarks/recorder.py`` times training batches (of random images: the arithmetic is the
same), and calls of ``Recorder.step`` between them, which bring a snapshot and its record to the
disk. The share is that of one snapshot an epoch; the aim is below 2 %.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

IMAGES, BATCH, AIM = 50_000, 128, 0.02


def measured(device, batches, folder):
    """Seconds of one batch and of one snapshot, the medians."""
    import torch
    from torch.nn import functional

    from compute.models import build
    from compute.training import Recorder
    from compute.weights import channels_last

    torch.manual_seed(0)
    net = build("resnet20", inputs=(3, 32, 32), num_classes=10).to(device)
    channels_last(net)
    optimizer = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9, weight_decay=5e-4)
    inputs = torch.randn(BATCH, 3, 32, 32, device=device)
    labels = torch.randint(0, 10, (BATCH,), device=device)
    recorder = Recorder(net, folder)
    spent = {"batch": [], "snapshot": []}
    for step in range(batches):
        began = time.perf_counter()
        optimizer.zero_grad()
        loss = functional.cross_entropy(net(inputs), labels)
        loss.backward()
        optimizer.step()
        if device != "cpu":
            torch.cuda.synchronize()
        trained = time.perf_counter()
        recorder.step(step + 1, loss)
        spent["batch"].append(trained - began)
        spent["snapshot"].append(time.perf_counter() - trained)
    recorder.close()
    return {name: statistics.median(times[3:]) for name, times in spent.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batches", type=int, default=20)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:  # a disk, not memory
        spent = measured(args.device, args.batches, folder)
    epoch = spent["batch"] * IMAGES / BATCH
    share = spent["snapshot"] / epoch
    print(f"ResNet-20 on {args.device}: {spent['batch'] * 1e3:.1f} ms a batch of {BATCH}")
    print(f"  {epoch:.1f} s an epoch of {IMAGES:,}, {spent['snapshot'] * 1e3:.1f} ms a snapshot")
    print(f"  {share:.3%} of the epoch, {'below' if share < AIM else 'NOT below'} {AIM:.0%}")
    raise SystemExit(share >= AIM)


if __name__ == "__main__":
    main()
