"""Confidence of critical points against what chance itself says."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.stats import binom

from compute import critical_points
from compute.confidence import _alike, _weights, confidence, resampled, with_confidence
from compute.samples import SampleLog
from compute.surface import Grid
from lossviz.errors import UsageError
from lossviz.landscape import CriticalPoint, Landscape, Surface

X = np.linspace(-1, 1, 21)


def mean_of(losses):
    return Surface(X, X, {"loss": losses.mean(axis=2)})


def places(losses):
    for i, j in np.ndindex(losses.shape[:2]):
        yield i, j, losses[i, j]


def bowls(samples=40, spread=0.15):
    """(x − a_k)² + (y − b_k)² − 9: the mean's minimum is the mean of the a_k and b_k."""
    a, b = np.random.default_rng(0).normal(0.1, spread, (2, samples))
    return (X[:, None, None] - a) ** 2 + (X[:, None] - b) ** 2 - 9, np.stack([a, b])


def test_the_position_error_is_the_standard_error_of_the_place():
    losses, centres = bowls()
    own = mean_of(losses)
    found = confidence(own, critical_points(own), places(losses), resamples=150)
    (minimum,) = found.shown()
    assert (minimum.alpha, minimum.beta) == pytest.approx(centres.mean(axis=1))
    expected = np.sqrt(centres.var(axis=1).sum() / 40)
    assert minimum.position_error == pytest.approx(expected, rel=0.15)
    assert minimum.confidence > 0.9
    border = [point for point in found if point.border]
    assert border and all(p.confidence is None and p.position_error is None for p in border)


def test_confidence_is_the_chance_that_the_point_is_there():
    """Of 20 samples 11 have a dimple and 9 a bump: a minimum, where most drawn are of the first."""
    dimple = 0.8 * np.exp(-np.add.outer((X - 0.5) ** 2, X**2) / 2 / 0.2**2)
    signs = np.repeat([-1.0, 1.0], [11, 9])
    base = np.add.outer(-0.02 * (X - 0.5) ** 2, 0.02 * X**2) - 9
    losses = base[:, :, None] + dimple[:, :, None] * signs
    own = mean_of(losses)
    found = confidence(own, critical_points(own), places(losses), resamples=200)
    (minimum,) = (p for p in found.shown() if p.kind == "minimum")
    assert (minimum.alpha, minimum.beta) == pytest.approx((0.5, 0), abs=0.02)
    assert minimum.confidence == pytest.approx(binom.sf(10, 20, 11 / 20), abs=0.08)


def test_again_is_the_nearest_of_the_kind_within_a_cell_that_is_persistent_enough():
    """The second route: all pairs, one after the other."""
    rng = np.random.default_rng(0)
    x, y = np.linspace(1e6, 1e6 + 4, 9), np.linspace(0, 1e-6, 5)

    def drawn(count):
        return [
            CriticalPoint(
                float(a), float(b), 0.0, 0.0, 0.0, str(kind), float(strength), border=bool(border)
            )
            for a, b, kind, strength, border in zip(
                rng.uniform(x[0], x[-1], count), rng.uniform(0, 1e-6, count),
                rng.choice(["minimum", "saddle", "degenerate"], count), rng.uniform(0, 1, count),
                rng.random(count) < 0.2, strict=True,
            )
        ]  # fmt: skip

    asked, found = dict(enumerate(drawn(60))), drawn(80)
    own = Surface(x, y, {"loss": np.zeros((9, 5))})
    expected = {}
    for k, p in asked.items():
        away = {
            np.hypot((q.alpha - p.alpha) / 0.5, (q.beta - p.beta) / 2.5e-7): q
            for q in found
            if q.kind == p.kind and not q.border and q.persistence >= p.persistence / 2
        }
        if min(away) <= 1:
            expected[k] = away[min(away)]
    assert dict(_alike(asked, found, own)) == expected and 10 < len(expected) < 60


def test_a_stratum_with_one_sample_always_has_it():
    losses, _ = bowls()
    strata = np.arange(40)
    surfaces = resampled((21, 21), places(losses), strata=strata, count=3)
    assert surfaces == pytest.approx(np.broadcast_to(losses.mean(axis=2), (3, 21, 21)))
    own = mean_of(losses)
    (point,) = confidence(
        own, critical_points(own), places(losses), strata=strata, resamples=3
    ).shown()
    assert point.confidence == 1.0 and point.position_error == pytest.approx(0, abs=1e-9)


def test_weights_are_those_of_drawing_with_replacement():
    strata = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    weights = _weights(strata, 20_000, 0)
    counts = weights * 8
    assert (counts == counts.round()).all()
    assert (counts[:, :3].sum(axis=1) == 3).all() and (counts[:, 3:].sum(axis=1) == 5).all()
    assert counts.mean(axis=0) == pytest.approx(1, abs=0.03)
    assert counts[:, 0].var() == pytest.approx(1 - 1 / 3, rel=0.05)
    assert counts[:, 5].var() == pytest.approx(1 - 1 / 5, rel=0.05)


def test_where_nothing_is_known_is_a_hole():
    losses, _ = bowls()
    known = [place for place in places(losses) if place[0] != 4]
    found = resampled((21, 21), known, count=2)
    assert np.isnan(found[:, 4]).all() and np.isfinite(np.delete(found, 4, axis=1)).all()
    losses[6, 6, 0] = np.inf
    assert not np.isfinite(resampled((21, 21), places(losses), count=2)[:, 6, 6]).any()


@pytest.mark.parametrize(
    "losses, count", [([], 5), ([(0, 0, np.ones(1))], 5), ([(0, 0, np.ones(3))], 0)]
)
def test_without_samples_or_resamples_it_is_refused(losses, count):
    with pytest.raises(UsageError, match="confidence: expected"):
        resampled((2, 2), losses, count=count)


def test_a_run_gives_what_it_kept(tmp_path):
    """The surface is every second point of the run's grid, the kept samples some of a problem's."""
    losses, centres = bowls()
    kept = np.arange(0, 80, 2)
    log = SampleLog(tmp_path / "samples.log", 40)
    fine = Grid(np.linspace(-1, 1, 41), np.linspace(-1, 1, 41))
    for index in range(fine.count):
        j, i = divmod(index, 41)
        a = (fine.alphas[i] - centres[0]) ** 2 + (fine.betas[j] - centres[1]) ** 2 - 9
        log.add(index, {"loss": a})
    own = mean_of(losses)
    landscape = Landscape(surface=own, critical_points=critical_points(own))
    run = SimpleNamespace(samples=log, kept=kept)
    for strata in (None, torch.arange(80) % 4):
        found = with_confidence(landscape, run, fine, SimpleNamespace(strata=strata), resamples=20)
        ours = None if strata is None else strata.numpy()[kept]
        expected = confidence(
            own, landscape.critical_points, places(losses), strata=ours, resamples=20
        )
        (point,), (other,) = found.critical_points.shown(), expected.shown()
        assert point.confidence == other.confidence > 0.9
        assert point.position_error == pytest.approx(other.position_error, rel=0.05)  # halves
    log.close()
    for run in (SimpleNamespace(samples=None), SimpleNamespace(samples=log, kept=kept[:1])):
        assert with_confidence(landscape, run, fine, None) is landscape
    points = critical_points(Surface(X, X, {"loss": own.loss, "error": own.loss}), quantity="error")
    other = landscape.with_changes(critical_points=points)
    with pytest.raises(UsageError, match="points of the loss, got those of error"):
        with_confidence(other, SimpleNamespace(samples=log, kept=kept), fine, None)


def test_without_points_nothing_is_read():
    slope = Surface(X, X, {"loss": np.add.outer(X, X)})
    found = critical_points(slope)
    assert found.shown() == [] and confidence(slope, found, iter(())) is found
