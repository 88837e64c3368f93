"""``lossviz critical --basins``: what it writes and what it tells."""

import json

import numpy as np

from lossviz import ply
from lossviz.cli import main
from lossviz.landscape import Landscape, Surface
from tests.compute.fields import himmelblau, surface


def tilted():
    """Four minima of different losses, a hole, and a quantity that stays."""
    own = surface(himmelblau, 51)
    loss = own.loss + 2 * own.alphas[:, None] + own.betas
    loss = np.where(np.hypot(own.alphas[:, None] - 4.4, own.betas - 4.4) < 0.5, np.nan, loss)
    return Surface(own.alphas, own.betas, {"loss": loss, "accuracy": 1 / (100 + loss)})


def test_labels_are_written_lowest_first_and_told_in_the_same_order(tmp_path, capsys):
    path, own = tmp_path / "tilted.ply", tilted()
    ply.write(Landscape(surface=own), path)
    assert main(["critical", str(path), "--basins", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["basins"]
    written = ply.read(path).surface
    assert list(written.quantities) == ["loss", "accuracy", "basin"]
    np.testing.assert_array_equal(written.loss, own.loss)
    labels = written.quantities["basin"]
    assert (np.isnan(labels) == np.isnan(own.loss)).all()
    assert np.unique(labels[np.isfinite(labels)]).tolist() == [0, 1, 2, 3]
    assert [basin["value"] for basin in told] == sorted(basin["value"] for basin in told)
    for label, basin in enumerate(told):
        i = np.abs(own.alphas - basin["alpha"]).argmin()
        j = np.abs(own.betas - basin["beta"]).argmin()
        assert labels[i, j] == label
        assert np.nanmin(own.loss[labels == label]) >= basin["value"] - 1e-9

    again = path.read_bytes()
    assert main(["critical", str(path), "--basins"]) == 0
    assert path.read_bytes() == again
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    (start,) = (k for k, row in enumerate(rows) if row[:2] == ["basin", "of"])
    assert [row[0] for row in rows[start + 1 : start + 5]] == ["0", "1", "2", "3"]


def test_nothing_is_written_without_being_asked_for(tmp_path, capsys):
    path = tmp_path / "tilted.ply"
    ply.write(Landscape(surface=tilted()), path)
    before = path.read_bytes()
    assert main(["critical", str(path), "--basins", "--dry-run"]) == 0
    assert path.read_bytes() == before and "lowest loss" in capsys.readouterr().out
    assert main(["critical", str(path)]) == 0
    assert "basin" not in ply.read(path).surface.quantities
