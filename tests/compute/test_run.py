"""A run loses nothing and computes nothing twice, whatever kills it."""

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from compute.evaluation import Evaluator
from compute.log import HEADER
from compute.outcome import Outcome
from compute.run import Run
from compute.samples import choose_kept
from compute.surface import Grid, axis, evaluate
from lossviz import ply, underway
from lossviz.cli import main
from lossviz.errors import InputError, LossvizError, UsageError

from .nets import plane_of, small_problem

PLANE = plane_of(small_problem())


def opened(path, settings=None, **options):
    center = options.pop("center", {"loss": 0.5, "accuracy": 1.0})
    return Run(path, settings or {"seed": 1}, center, PLANE, date="now", points=100, **options)


def values(index):
    return {"loss": 0.1 * index - 1, "accuracy": float("nan") if index == 3 else index}


@pytest.fixture
def folder(tmp_path):
    run = opened(tmp_path / "a.run")
    for index in range(10):
        run.add(index, values(index), 0.5)
    run.close()
    return tmp_path / "a.run"


def points_of(path):
    run = opened(path)
    points, seconds = run.points, run.seconds
    run.close()
    return points, seconds


@pytest.mark.parametrize("reason", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_does_without(folder, monkeypatch, reason):
    fcntl = pytest.importorskip("fcntl")

    def none(file, how):
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(fcntl, "flock", none)
    assert points_of(folder)[0].keys() == set(range(10))
    (folder / underway.LOCK).touch()
    assert underway.is_held(folder) is None


def test_points_come_back_exactly(folder):
    points, seconds = points_of(folder)
    assert points.keys() == set(range(10)) and seconds == 5.0
    for index, found in points.items():
        assert list(map(str, found.values())) == [str(float(v)) for v in values(index).values()]


def test_every_cut_of_the_log_keeps_the_whole_records_before_it(folder):
    log = folder / "points.log"
    content = log.read_bytes()
    size = (len(content) - HEADER.size) // 10
    for cut in range(0, len(content), 7):
        log.write_bytes(content[:cut])
        points, _ = points_of(folder)
        assert len(points) == max(cut - HEADER.size, 0) // size
        run = opened(folder)  # and it can go on
        run.add(99, values(1), 0.1)
        run.close()
        assert 99 in points_of(folder)[0]


def test_a_damaged_record_is_not_believed(folder):
    log = folder / "points.log"
    content = bytearray(log.read_bytes())
    size = (len(content) - HEADER.size) // 10
    content[HEADER.size + 6 * size + 12] ^= 1
    log.write_bytes(content)
    run = opened(folder)
    assert run.points.keys() == {*range(10)} - {6} and run.damaged == 1
    run.add(6, values(6), 0.5)
    run.close()
    assert points_of(folder)[0].keys() == set(range(10))


def test_points_of_another_grid_are_passed_over(folder):
    run = opened(folder)
    run.add(100, values(1), 0.5)
    run.close()
    assert points_of(folder)[0].keys() == set(range(10))


def test_another_value_at_the_centre_is_another_computation(folder):
    """The settings cannot tell what a user's own function returns; the numbers do."""
    with pytest.raises(UsageError, match=r"loss at the centre is 0.5, now it is 0.6.*--restart"):
        opened(folder, center={"loss": 0.6, "accuracy": 1.0})
    opened(folder, center={"loss": 0.5 + 1e-8, "accuracy": 1.0}).close()  # another machine


@pytest.mark.parametrize(
    "change", [
        {"lossviz_run": 99}, {"values": None}, {"center": []}, {"settings": 3},
        {"center": {"loss": 10**400}},
    ],
)  # fmt: skip
def test_a_strange_manifest_is_told(folder, change):
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises((InputError, UsageError), match="--restart"):
        opened(folder)


def test_a_deeply_nested_manifest_is_told(folder):
    (folder / "manifest.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match="--restart"):
        opened(folder)


def test_of_duplicates_the_last_counts(folder):
    run = opened(folder)
    run.add(2, {"loss": 7.0, "accuracy": 1.0}, 0.0)
    run.close()
    assert points_of(folder)[0][2]["loss"] == 7.0


def test_other_settings_are_refused_by_name_and_restart_clears(folder):
    with pytest.raises(UsageError, match=r"seed 1 → 2.*--restart"):
        opened(folder, {"seed": 2})
    with pytest.raises(UsageError, match=r"\(quantities \['loss', 'accuracy'\] → \['loss'\]\)"):
        opened(folder, center={"loss": 0.5})
    with pytest.raises(UsageError, match=r"\(kept samples 0 → 3\)"):
        opened(folder, kept=np.arange(3))
    run = opened(folder, {"seed": 2}, restart=True)
    assert run.points == {}
    run.close()


def test_two_processes_do_not_share_a_run(folder):
    run = opened(folder)
    with pytest.raises(LossvizError, match="another process"):
        opened(folder)
    run.close()
    points_of(folder)


@pytest.mark.parametrize("name", ["manifest.json", "points.log"])
def test_garbage_is_told(folder, name):
    (folder / name).write_bytes(b"garbage garbage garbage")
    with pytest.raises(InputError, match="--restart"):
        opened(folder)


COMMAND = ["surface", "--model", "mlp", "--data", "digits", "--samples", "first:400", "--grid",
           "21x17", "--range", "-1:1,-0.5:0.5", "--threads", "1", "--seed", "3"]  # fmt: skip


def computed(folder, *words):
    """Run the command in a process; the model's weights come from a file, as random ones differ."""
    return [sys.executable, "-m", "lossviz", *COMMAND, "--checkpoint", str(folder / "net.pt"),
            *words, "-o", str(folder / "a.ply")]  # fmt: skip


@pytest.fixture
def checkpoint(tmp_path):
    import torch

    from compute.models import build

    torch.manual_seed(0)
    torch.save(build("mlp", inputs=(1, 8, 8), num_classes=10).state_dict(), tmp_path / "net.pt")
    return tmp_path


def test_killed_at_any_moment_it_ends_with_the_same_file(checkpoint):
    """kill -9 three times in the middle, then to the end; against one that was never killed."""
    words = computed(checkpoint)
    log = checkpoint / "a.run" / "points.log"
    counts = []
    for goal in (40, 120, 250):
        process = subprocess.Popen(words, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while time.monotonic() < end and process.poll() is None:
            if log.exists() and (log.stat().st_size - HEADER.size) // 44 >= goal:
                break
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        counts.append((log.stat().st_size - HEADER.size) // 44)
    assert 40 <= counts[0] < 357 and counts == sorted(counts)
    subprocess.run(words, check=True, capture_output=True)
    assert (log.stat().st_size - HEADER.size) == 357 * 44  # nothing twice
    killed = ply.read(checkpoint / "a.ply")
    # The engine is chosen by timing; with the same choice all numbers are the same, bit by bit.
    os.rename(checkpoint / "a.run", checkpoint / "old.run")
    (checkpoint / "a.run").mkdir()
    shutil.copy(checkpoint / "old.run" / "manifest.json", checkpoint / "a.run")
    subprocess.run(words, check=True, capture_output=True)
    whole = ply.read(checkpoint / "a.ply")
    for name, expected in whole.surface.quantities.items():
        assert (killed.surface.quantities[name] == expected).all()
    # When it was computed and how long it took differ, and nothing else.
    same = {"date": "", "duration": 0.0}
    assert replace(killed.provenance, **same) == replace(whole.provenance, **same)
    assert whole.surface.shape == (21, 17) and np.isfinite(whole.surface.loss).all()


def test_a_finished_run_writes_the_same_bytes_again(checkpoint, monkeypatch):
    words = computed(checkpoint)
    subprocess.run(words, check=True, capture_output=True)
    first = (checkpoint / "a.ply").read_bytes()
    (checkpoint / "a.ply").unlink()
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    assert "357 of 357 points are there already" in done.stderr
    assert (checkpoint / "a.ply").read_bytes() == first
    assert str(checkpoint) not in first.decode("latin-1")  # no folders of this machine


def test_interrupted_it_says_how_to_go_on(checkpoint):
    words = computed(checkpoint, "--grid", "201x201")
    # A shell's background job ignores SIGINT and hands that on; a person's terminal does not.
    process = subprocess.Popen(
        words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    log = checkpoint / "a.run" / "points.log"
    end = time.monotonic() + 60
    while time.monotonic() < end and not (log.exists() and log.stat().st_size > 2000):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "points; all are kept: the same command goes on" in told and "Traceback" not in told


@pytest.mark.parametrize(
    "words, status, told",
    [
        (["--grid", "0x5"], 2, "POINTSxPOINTS"),
        (["--range", "1:1"], 2, "low < high"),
        (["--range", "-1e308:1e308"], 2, "range: expected"),
        (["--range", "1:1.0000000000000002"], 2, "range: expected room"),
        (["--seed", str(2**63)], 2, "2^63"),
        (["--seed=-1"], 2, "2^63"),
        (["--std", "nan"], 2, "expected finite"),
        (["--std", "1e-300"], 2, "expected finite"),
        (["--num-classes", "3"], 2, "at least 10"),
        (["--num-classes=-3"], 2, "from 1"),
        (["--precision", "tf32"], 2, "CUDA"),
        (["--samples", "5000"], 2, "at most 1,437"),
        (["--checkpoint", "nothing.pt"], 3, "no such file"),
        (["--data", "npz:nothing.npz"], 3, "no such file"),
        (["--model", "resnet57"], 2, "resnet56"),
        (["--model", "compute:thing"], 2, "lossviz's own"),
        (["--model", "no_such_module:f"], 3, "cannot be imported"),
        (["--loss", "l1"], 2, "cross_entropy"),
        (["--device", "quantum"], 2, "cannot be used here"),
        (["--directions", "nothing.h5"], 3, "no such file"),
        (["-o", "nowhere/a.ply"], 2, "existing folder"),
        (["-o", "a.png"], 2, "ends in .ply"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(
    tmp_path, monkeypatch, capsys, words, status, told
):
    monkeypatch.chdir(tmp_path)
    assert main([*COMMAND, "-o", "a.ply", *words]) == status
    errors = [
        line for line in capsys.readouterr().err.splitlines() if "no --checkpoint" not in line
    ]
    assert len(errors) == 1 and told in errors[0]


def test_a_users_own_problem(tmp_path, monkeypatch, capsys):
    (tmp_path / "mine.py").write_text(
        "import torch\nfrom compute.problem import Problem\n"
        "def line():\n"
        "    torch.manual_seed(0)\n"
        "    x = torch.linspace(-1, 1, 20)[:, None]\n"
        "    loss = lambda model, batch: (model(batch[0]) - batch[1]).square()[:, 0]\n"
        "    return Problem(torch.nn.Linear(1, 1), loss, [(x, 3 * x)])\n"
    )
    monkeypatch.chdir(tmp_path)
    words = ["surface", "--model", "mine:line", "--grid", "5x5", "-o", "a.ply", "--ignore", "none",
             "--normalize", "none"]  # fmt: skip
    assert main(words) == 0
    surface = ply.read("a.ply").surface
    assert ply.read("a.ply").provenance.command.startswith("lossviz surface --model mine:line")
    assert list(surface.quantities) == ["loss", "loss_stderr"]
    # Along alpha and beta the loss of a linear model is a quadratic: third differences vanish.
    assert np.abs(np.diff(surface.loss, 3, axis=0)).max() < 1e-4 * surface.loss.max()


MINE = """
import os
import torch
from torch import nn
from compute.problem import Problem, cross_entropy

def problem():
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(4).eval()
    norm.running_mean.fill_(float(os.environ.get("MEAN", 0)))
    x = float(os.environ.get("SCALE", 1)) * torch.randn(20, 3)
    weight = float(os.environ.get("WEIGHT", 1))
    loss = lambda model, batch: {"loss": weight * cross_entropy(model, batch)["loss"]}
    y = torch.arange(20) % 2
    return Problem(nn.Sequential(nn.Linear(3, 4), norm, nn.Linear(4, 2)), loss, [(x, y)])
"""


@pytest.mark.parametrize("changed", ["SCALE", "MEAN", "WEIGHT"])
def test_old_points_are_not_mixed_with_those_of_another_function(tmp_path, changed):
    """The inputs, a buffer or the loss that a user's function returns can change unseen."""
    (tmp_path / "mine.py").write_text(MINE)
    words = [sys.executable, "-m", "lossviz", "surface", "--model", "mine:problem", "--grid", "3",
             "-o", "a.ply"]  # fmt: skip
    options = {"cwd": tmp_path, "capture_output": True, "text": True}
    assert subprocess.run(words, check=False, **options).returncode == 0
    assert subprocess.run(words, check=False, **options).returncode == 0
    other = subprocess.run(words, check=False, env={**os.environ, changed: "3"}, **options)
    assert other.returncode == 2 and "--restart" in other.stderr


def test_a_report_in_json_is_json_whatever_the_losses_are(tmp_path, monkeypatch, capsys):
    (tmp_path / "nothing.py").write_text(MINE.replace("weight *", "float('nan') *"))
    monkeypatch.chdir(tmp_path)
    words = ["surface", "--model", "nothing:problem", "--grid", "3", "-o", "a.ply", "--json"]
    assert main(words) == 0

    def refused(name):
        raise ValueError(name)

    report = json.loads(capsys.readouterr().out, parse_constant=refused)
    assert report["center"]["loss"] is None and report["not_finite"] == 9


class Slow(Evaluator):
    """A formula that writes down each point before it computes it, without torch."""

    def __init__(self, diary):
        self.diary, self.strata = diary, None
        self.choices = {"points_at_once": 1}

    def many(self, points):
        with open(self.diary, "a") as file:
            file.write("".join(f"{alpha!r} {beta!r}\n" for alpha, beta in points))
        time.sleep(0.0005)
        return [Outcome({"loss": np.exp(a) + b * b + np.arange(9.0)}, True) for a, b in points]


def continued(folder):
    """Go on with the run in ``folder`` to the end; the last surface."""
    kept = choose_kept(9, GRID.count)
    center = {"loss": 5.0, "loss_stderr": 1.0}
    run = Run(folder / "a.run", {}, center, PLANE, date="", points=GRID.count, kept=kept)
    *_, surface = evaluate(Slow(folder / "diary"), GRID, run)
    samples = run.samples.read()
    run.close()
    return surface, samples


GRID = Grid(axis(-1, 1, 45), axis(-1, 1, 45))


def test_a_hundred_kills_lose_nothing_and_compute_nothing_twice(tmp_path):
    """kill -9 at random moments, then to the end."""
    random = np.random.default_rng(0)
    killed = tmp_path / "killed"
    killed.mkdir()
    log, before, kills = killed / "a.run" / "points.log", b"", 0
    for _ in range(100):
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                continued(killed)
            os._exit(0)
        time.sleep(random.uniform(0.002, 0.03))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        kills += os.WIFSIGNALED(status)
        after = log.read_bytes() if log.exists() else b""
        whole = len(before) - (len(before) - HEADER.size) % 36 if before else 0
        assert after[:whole] == before[:whole]  # no finished point is ever lost
        before = after
    assert kills > 50
    surface, samples = continued(killed)
    straight = tmp_path / "straight"
    straight.mkdir()
    expected, all_samples = continued(straight)
    for name, values in expected.quantities.items():
        assert (surface.quantities[name] == values).all()
    assert (log.stat().st_size - HEADER.size) / 36 == GRID.count  # no point is there twice
    computed = (killed / "diary").read_text().splitlines()
    assert len(computed) <= GRID.count + kills  # and none was computed twice but those in flight
    assert samples.keys() == all_samples.keys()
    assert all((samples[k][0] == all_samples[k][0]).all() for k in samples)


def test_a_preview_says_that_it_is_one(checkpoint, monkeypatch, capsys):
    monkeypatch.chdir(checkpoint)
    words = [*COMMAND, "--checkpoint", "net.pt", "--grid", "3", "--precision", "bfloat16"]
    assert main([*words, "-o", "a.ply"]) == 0
    assert "a preview: evaluated in bfloat16" in capsys.readouterr().out
    assert ply.read("a.ply").provenance.is_preview
    assert main([*words[:-2], "-o", "b.ply"]) == 0
    exact = ply.read("b.ply")
    assert not exact.provenance.is_preview
    difference = np.abs(ply.read("a.ply").surface.loss / exact.surface.loss - 1)
    assert 0 < difference.max() < 0.02


class Full:
    """A file on a disk with room for ``room`` bytes more."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def write(self, data):
        if not self.room:
            raise OSError(28, "No space left on device")
        count = self.file.write(bytes(data)[: self.room])
        self.room -= count
        return count

    def __getattr__(self, name):
        return getattr(self.file, name)


@pytest.mark.parametrize("room", [0, 1, 20])
def test_a_full_disk_loses_no_point_and_keeps_no_half_of_one(folder, room):
    run = opened(folder)
    size = (folder / "points.log").stat().st_size
    run._log._file = Full(run._log._file, room)
    with pytest.raises(LossvizError, match="No space left on device; 10 points are kept"):
        run.add(10, values(10), 0.5)
    assert (folder / "points.log").stat().st_size == size and 10 not in run.points
    run._log._file.room = 10**6
    run.add(11, values(11), 0.5)
    run.close()
    assert points_of(folder)[0].keys() == {*range(10), 11}


@pytest.mark.parametrize("command", ["surface", "line", "trajectory"])
def test_a_full_disk_is_one_line(command, tmp_path, monkeypatch, capsys):
    from compute.log import Log

    monkeypatch.chdir(tmp_path)
    words = ["--model", "mlp", "--data", "digits", "--samples", "20", "--device", "cpu"]
    if command == "trajectory":
        assert main(["train", *words, "--epochs", "3", "-o", "run"]) == 0
        words = ["run", "--samples", "20", "--grid", "3x3"]
    opening = Log.__init__

    def small(self, path, magic, size):
        opening(self, path, magic, size)
        self._file = Full(self._file, 2 * self.stride - 1)

    capsys.readouterr()
    with monkeypatch.context() as patch:
        patch.setattr(Log, "__init__", small)
        assert main([command, *words, "-o", "a.ply"]) == 1
    told = [line for line in capsys.readouterr().err.splitlines() if "cannot be written" in line]
    assert len(told) == 1 and "No space left on device; 1 points are kept" in told[0]
    assert main([command, *words, "-o", "a.ply"]) == 0


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.run").write_text("mine")
    words = ["--model", "mlp", "--data", "digits", "--samples", "20", "--device", "cpu"]
    assert main(["surface", *words, "--directions", "hessian", "-o", "a.ply"]) == 1
    assert "a.run: cannot be written" in capsys.readouterr().err.splitlines()[-1]
