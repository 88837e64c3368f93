"""Training runs: a Recorder of anyone's training, what it recorded, and a reference trainer.

>>> recorder = Recorder(model, "run/")  # doctest: +SKIP
>>> for epoch in range(epochs):  # doctest: +SKIP
...     recorder.step(epoch + 1, train(model))
>>> Snapshots("run/").parameters(-1)  # doctest: +SKIP
"""

from __future__ import annotations

from compute.training.recorder import Recorder
from compute.training.snapshots import Snapshots

__all__ = ["Recorder", "Snapshots"]
