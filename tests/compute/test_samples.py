"""What is kept of every sample, and the errors that come from samples."""

import json
import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from compute.log import HEADER, Log
from compute.outcome import Outcome, standard_error
from compute.samples import SampleLog, choose_kept, encode, record_size
from lossviz import ply
from lossviz.cli import main
from lossviz.commands.origin import kept_plane
from lossviz.errors import InputError

ANY = st.floats(allow_nan=True, allow_infinity=True)


@given(arrays.arrays(np.float64, st.integers(1, 40), elements=ANY))
def test_halves_keep_eleven_bits_of_the_largest_and_nothing_overflows(losses):
    scale, halves = encode(losses)
    with np.errstate(over="ignore", invalid="ignore"):
        back = halves.astype(np.float64) * scale
    finite = np.isfinite(losses)
    assert (np.isnan(back) == np.isnan(losses)).all()
    assert (back[np.isinf(losses)] == losses[np.isinf(losses)]).all()
    allowed = np.maximum(np.abs(losses[finite]) * 2**-11, 6e-8 * scale)
    assert (np.abs(back[finite] / 2 - losses[finite] / 2) <= allowed / 2 * 1.0001).all()


def test_the_log_gives_back_what_was_kept(tmp_path):
    rng = np.random.default_rng(0)
    log = SampleLog(tmp_path / "samples.log", 13)
    kept = {}
    for index in (5, 2, 9, 2):
        losses, right = rng.lognormal(0, 4, 13), rng.random(13) > 0.5
        log.add(index, {"loss": losses, "accuracy": right.astype(float)})
        kept[index] = losses, right
    log.close()
    assert (tmp_path / "samples.log").stat().st_size == HEADER.size + 4 * (record_size(13) + 4)
    log = SampleLog(tmp_path / "samples.log", 13)
    found = log.read()
    log.close()
    assert found.keys() == kept.keys()
    for index, (losses, right) in kept.items():  # of two records of one point the last counts
        assert found[index][0] == pytest.approx(losses, rel=5e-4, abs=1e-7 * losses.max())
        assert (found[index][1] == right).all()


def test_a_torn_record_is_cut_off_and_another_file_refused(tmp_path):
    path = tmp_path / "x.log"
    log = Log(path, b"LVTESTED", 8)
    for number in range(5):
        log.append(number.to_bytes(8, "little"))
    log.close()
    path.write_bytes(path.read_bytes()[:-3])
    log = Log(path, b"LVTESTED", 8)
    assert log.count == 4
    log.append(bytes(8))
    assert [int.from_bytes(body, "little") for body in log] == [0, 1, 2, 3, 0]
    log.close()
    with pytest.raises(InputError, match="--restart"):
        Log(path, b"LVTESTED", 9)


@pytest.mark.parametrize("samples, points", [(256, 16641), (50_000, 2601), (50_000, 10**6), (7, 1)])
def test_the_cap_holds_and_what_is_kept_is_spread_evenly(samples, points):
    cap = 64 * 2**20
    kept = choose_kept(samples, points, cap)
    if kept.size:
        assert points * record_size(kept.size) <= cap * 1.01
        assert kept[0] == 0 and kept[-1] == samples - 1 and (np.diff(kept) > 0).all()
    if points * record_size(samples) < cap * 0.9:
        assert kept.tolist() == list(range(samples))


def test_standard_error_is_the_textbooks():
    values = np.random.default_rng(1).lognormal(0, 1, 50)
    expected = statistics.stdev(values) / 50**0.5
    assert standard_error(values) == pytest.approx(expected, rel=1e-12)
    assert standard_error(values * 1e300) == pytest.approx(expected * 1e300, rel=1e-12)
    assert math.isnan(standard_error(values[:1])) and standard_error(np.zeros(5)) == 0
    assert math.isnan(standard_error(np.array([1.0, np.inf])))


def test_stratified_standard_error_is_the_spread_of_repeated_samples():
    """Draw balanced samples again and again: their means spread as the formula says."""
    rng = np.random.default_rng(2)
    classes = [rng.lognormal(mu, 0.5, 20_000) for mu in (0, 1, 2)]
    strata = np.repeat(np.arange(3), 20)

    def drawn():
        return np.concatenate([rng.choice(values, 20) for values in classes])

    samples = [drawn() for _ in range(4000)]
    spread = statistics.stdev(sample.mean() for sample in samples)
    told = (statistics.fmean(standard_error(s, strata) ** 2 for s in samples)) ** 0.5
    plain = statistics.fmean(standard_error(s) for s in samples)
    assert told == pytest.approx(spread, rel=0.03)
    assert plain > 1.5 * spread  # the classes' differences are no error of a balanced sample


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_one_stratum_is_no_stratum(values):
    values = np.array(values)
    found = standard_error(values, np.zeros(values.size, dtype=np.int64))
    assert found == pytest.approx(standard_error(values), rel=1e-9, abs=1e-9)


def test_a_class_with_one_sample_has_no_spread_of_its_own():
    values, strata = np.array([1.0, 2.0, 5.0]), np.array([0, 0, 1])
    assert standard_error(values, strata) == standard_error(values)
    assert Outcome({"loss": values}, True).summarize(strata)["loss_stderr"] > 0


def test_the_surface_of_a_class_needs_no_further_forward(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["surface", "--model", "mlp", "--data", "digits", "--samples", "200", "--grid", "5x5",
             "-o", "a.ply"]  # fmt: skip
    assert main(words) == 0
    whole = ply.read("a.ply").surface
    log = (tmp_path / "a.run" / "points.log").read_bytes()
    assert main([*words, "--per-class"]) == 0
    assert (tmp_path / "a.run" / "points.log").read_bytes() == log
    found = ply.read("a.ply").surface
    losses = [found.quantities[f"loss_class_{label}"] for label in range(10)]
    assert np.mean(losses, axis=0) == pytest.approx(whole.loss, rel=1e-3)  # 20 of each class
    rights = [found.quantities[f"accuracy_class_{label}"] for label in range(10)]
    assert np.mean(rights, axis=0) == pytest.approx(whole.quantities["accuracy"], abs=1e-12)


def test_losses_that_have_no_room_are_left_out_and_that_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(choose_kept, "__defaults__", (25 * record_size(60),))
    words = ["surface", "--model", "mlp", "--data", "digits", "--samples", "200", "--grid", "5x5",
             "-o", "a.ply", "--per-class", "--critical-points", "none"]  # fmt: skip
    assert main(words) == 0
    assert "losses kept of 60 of 200 samples" in capsys.readouterr().out
    found = ply.read("a.ply").surface
    assert np.isfinite(found.quantities["loss_class_0"]).all()
    assert main([*words, "--restart", "--samples", "60"]) == 0
    assert "losses kept" not in capsys.readouterr().out


ACCURACIES = """
import torch

def share(model, batch):
    logits = model(batch[0])
    return {"loss": torch.nn.functional.cross_entropy(logits, batch[1], reduction="none"),
            "accuracy": 0.25 * (logits.argmax(1) == batch[1])}

def batch(model, batch):
    found = share(model, batch)
    return {**found, "accuracy": found["accuracy"].mean()}
"""


@pytest.mark.parametrize("loss", ["batch", "share"])
def test_a_class_has_no_accuracy_where_samples_are_not_right_or_wrong(loss, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "accuracies.py").write_text(ACCURACIES)
    words = ["surface", "--model", "mlp", "--data", "digits", "--samples", "50", "--grid", "3x3"]
    assert main([*words, "--loss", f"accuracies:{loss}", "--per-class", "-o", "a.ply"]) == 0
    found = ply.read("a.ply").surface.quantities
    assert found["accuracy"].max() > 0 and "loss_class_3" in found
    assert not [name for name in found if name.startswith("accuracy_class")]


def test_choices_from_a_damaged_manifest_are_not_believed(tmp_path):
    from compute.run import read_choices

    assert read_choices(tmp_path) == {}
    good = {"engine": "folded", "batch_size": 64, "points_at_once": 1, "compiled": False}
    for choices in ({"engine": "rm -rf"}, {**good, "batch_size": "x"}, [], None, {}):
        (tmp_path / "manifest.json").write_text(json.dumps({"choices": choices}))
        assert read_choices(tmp_path) == {}
    infinite = json.dumps({"choices": {**good, "batch_size": float("inf")}})
    for text in (infinite, '{"choices": ' + "[" * 100_000):
        (tmp_path / "manifest.json").write_text(text)
        assert read_choices(tmp_path) == {} and kept_plane(tmp_path, {}) is None
    (tmp_path / "manifest.json").write_text(json.dumps({"choices": {**good, "batch_size": 10**40}}))
    assert read_choices(tmp_path)["batch_size"] == 1 << 30
    (tmp_path / "manifest.json").write_text(json.dumps({"choices": good}))
    assert read_choices(tmp_path) == {**good, "samples": 0}
