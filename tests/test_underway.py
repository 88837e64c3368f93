"""What a computation tells while it runs, and how it is asked to stop."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from lossviz import ply, underway
from lossviz.errors import LossvizError
from lossviz.underway import Status, Telling, telling
from tests.small import SLOW


def eventually(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "never came true"
        time.sleep(0.02)
    return found


@contextlib.contextmanager
def surface(folder, *more, pause=0.02, environment=os.environ, **options):
    """A slow ``lossviz surface`` in another process, ``pause`` seconds a point."""
    (folder / "mine.py").write_text(SLOW)
    options["env"] = {**environment, "PAUSE": str(pause)}
    process = subprocess.Popen(
        [sys.executable, "-m", "lossviz", "surface", "--model", "mine:bowl", "--grid", "17x17",
         "-o", "a.ply", *more],
        cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, **options,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def some(run):
    status = underway.read(run)
    return status if status is not None and status.done > 10 else None


def ignore_interrupts():
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@pytest.mark.parametrize("ignored", [False, True], ids=["foreground", "background"])
def test_a_surface_that_is_stopped_is_one_that_was_interrupted(tmp_path, ignored):
    run = tmp_path / "a.run"
    options = {"preexec_fn": ignore_interrupts} if ignored else {}
    with surface(tmp_path, **options) as process:
        status = eventually(lambda: some(run))
        assert status.state == "computing" and status.what == "points" and status.total == 289
        assert underway.is_held(run) is True
        assert status.command == "lossviz surface --model mine:bowl --grid 17x17 -o a.ply"
        underway.ask_to_stop(run)
        assert process.wait(30) == 130
        told = process.stderr.read()
    status = underway.read(run)
    assert status.state == "interrupted" and status.rate > 0 and 10 < status.done < 289
    assert f"interrupted after {status.done} of 289 points; all are kept" in told
    assert "Traceback" not in told
    assert not (run / "stop").exists() and underway.is_held(run) is False
    # The file holds every point that was finished, not those of two seconds ago.
    assert int(ply.read(tmp_path / "a.ply").surface.evaluated.sum()) == status.done
    with surface(tmp_path) as process:
        assert process.wait(60) == 0
        assert f"{status.done} of 289 points are there already" in process.stderr.read()
    assert underway.read(run) == Status(
        "done", "critical points", 289, 289, underway.read(run).rate, "", status.command
    )


def test_a_killed_process_holds_nothing(tmp_path):
    with surface(tmp_path) as process:
        eventually(lambda: some(tmp_path / "a.run"))
        process.kill()
        process.wait()
        assert underway.read(tmp_path / "a.run").running
        assert underway.is_held(tmp_path / "a.run") is False


def test_an_error_is_told_in_a_line(tmp_path):
    with pytest.raises(LossvizError), telling(lambda: tmp_path, lambda: 3, 9, "lossviz x"):
        raise LossvizError("no\n  room\x1b")
    assert underway.read(tmp_path) == Status("failed", "points", 3, 9, 0.0, "no room?", "lossviz x")


def test_rate_and_time_left_are_those_of_late(tmp_path, monkeypatch):
    clock, done = [0.0], [0]
    monkeypatch.setattr(underway, "EVERY", 60.0)
    monkeypatch.setattr(underway.time, "monotonic", lambda: clock[0])
    told = Telling(lambda: tmp_path, lambda: done[0], 1000)
    assert told._status("computing").left != told._status("computing").left  # not known yet
    for _ in range(100):  # one a second, and then four
        clock[0] += 1
        done[0] += 1
        told._status("computing")
    for _ in range(40):
        clock[0] += 1
        done[0] += 4
        status = told._status("computing")
    assert status.rate == pytest.approx(4) and status.left == pytest.approx((1000 - 260) / 4)
    clock[0], before = clock[0] + 20, status
    assert told._status("computing") == before  # nothing new: nothing to draw
    done[0] = 5  # other images: it begins anew
    assert told._status("computing").rate == 0
    clock[0], done[0] = clock[0] + 10, 25
    assert told._status("computing").rate == pytest.approx(2)
    told.end("done")


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path):
    missing = tmp_path / "nothing"
    with telling(lambda: missing, lambda: 0, 9):
        pass
    assert underway.read(missing) is None and underway.is_held(missing) is False
    with pytest.raises(LossvizError, match="cannot be written"):
        underway.ask_to_stop(missing)


GOOD = {"lossviz_progress": 1, "state": "computing", "what": "points", "done": 1, "total": 2,
        "rate": 1.5, "said": "", "command": ""}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"state": "flying"}, {"done": -1}, {"done": 3}, {"total": 1 << 60}, {"rate": "fast"},
        {"rate": -1.0}, {"rate": float("nan")}, {"what": 5}, {"said": None}, {"command": []},
        {"done": True}, {"lossviz_progress": 2}, {"more": 1}, {"state": ["computing"]},
        {"rate": 10**400},
    ],
)  # fmt: skip
def test_odd_files_tell_nothing(tmp_path, change):
    path = tmp_path / "progress.json"
    path.write_text(json.dumps(GOOD))
    assert underway.read(tmp_path) == Status("computing", "points", 1, 2, 1.5)
    path.write_text(json.dumps(GOOD | change))
    assert underway.read(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"[1]", b"\xff", b"[" * 60_000, b"{}" * 10**6])
def test_damaged_files_tell_nothing(tmp_path, content):
    (tmp_path / "progress.json").write_bytes(content)
    assert underway.read(tmp_path) is None


def test_words_of_others_are_printable_and_short(tmp_path):
    odd = {"what": "x" * 1000, "command": "rm\x1b[31m\n" + "y" * 5000, "said": "\x00"}
    (tmp_path / "progress.json").write_text(json.dumps(GOOD | odd))
    found = underway.read(tmp_path)
    assert len(found.what) == 40 and len(found.command) == 2000 and found.said == "?"
    assert found.command.isprintable()


def test_looking_disturbs_no_one(tmp_path):
    """The lock is free or held, and stays so, however often somebody looks."""
    told = Telling(lambda: tmp_path, lambda: 0, 9)
    assert all(underway.is_held(tmp_path) is True for _ in range(5))
    told.end("done")
    assert all(underway.is_held(tmp_path) is False for _ in range(5))
    assert os.listdir(tmp_path) and not (tmp_path / "stop").exists()
