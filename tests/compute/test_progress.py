"""What a person at a terminal sees while a surface is computed, and a log file does not."""

import fcntl
import itertools
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

from compute import peak
from compute.peak import flops_per_sample, measured_peak
from compute.problem import cross_entropy

from .nets import small_convnet, small_problem

NET = """
import torch
from torch import nn

def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10))
"""


def on_a_terminal(words, folder):
    """Run a command whose stderr is a terminal; what came there."""
    own, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 140, 0, 0))
    process = subprocess.Popen(words, cwd=folder, stderr=other, stdout=subprocess.DEVNULL)
    os.close(other)
    parts = []
    while True:
        try:
            part = os.read(own, 65536)
        except OSError:  # the other end is closed
            break
        parts.append(part)
    assert process.wait() == 0
    os.close(own)
    return b"".join(parts).decode()


def test_a_terminal_shows_points_rate_share_and_time_left(tmp_path):
    (tmp_path / "mine.py").write_text(NET)
    words = [sys.executable, "-m", "lossviz", "surface", "--model", "mine:net", "--data", "digits",
             "--grid", "15x15", "-o", "a.ply"]  # fmt: skip
    told = on_a_terminal(words, tmp_path)
    assert re.search(r"\d+/225 \[\d\d:\d\d<.*points/s.*[\d,]+ samples/s, \d+% of the peak\]", told)
    (tmp_path / "a.ply").unlink()
    silent = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "samples/s" not in silent.stderr and "225 of 225 points are there" in silent.stderr


def test_a_tolerance_tells_how_it_goes_on(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import torch\n"
        "from compute.problem import Problem\n"
        "def rough():\n"
        "    net = torch.nn.Linear(2, 1, bias=False)\n"
        "    torch.nn.init.ones_(net.weight)\n"
        "    loss = lambda model, batch: 2 + torch.sin(3e3 * model(batch[0]))[:, 0]\n"
        "    return Problem(net, loss, [(torch.eye(2),)])\n"
    )
    words = [sys.executable, "-m", "lossviz", "surface", "--model", "mine:rough", "-o", "a.ply",
             "--tolerance", "2%"]  # fmt: skip
    told = on_a_terminal(words, tmp_path)
    assert "does not interpolate; all 129x129 points are evaluated" in told
    assert "16641/16641" in told.replace(",", "")


def test_what_a_network_costs():
    problem = small_problem()
    # 2 a multiplication and addition: 36 places x 5x2x9, 16 places x 4x5x9, 64 x 3.
    expected = 2 * (36 * 5 * 2 * 9 + 16 * 4 * 5 * 9 + 64 * 3)
    assert flops_per_sample(small_convnet(), cross_entropy, problem.batches[0]) == expected
    assert flops_per_sample(small_convnet(), cross_entropy, None) == 0


def test_the_peak_is_that_of_the_convolutions_that_are_timed(monkeypatch):
    clock = itertools.count()
    monkeypatch.setattr(peak.time, "perf_counter", lambda: 0.25 * next(clock))
    # 64 images of 16 channels and 32x32 pixels, 3x3; the other stages cost the same.
    assert measured_peak() == pytest.approx(2 * 64 * 32 * 32 * 16 * 16 * 9 / 0.25)
