"""``lossviz critical``: points into the file, tables and checks onto the terminal."""

import json

import numpy as np
import pytest

from lossviz import ply
from lossviz.cli import main
from lossviz.landscape import Curve, Landscape, Surface, Trajectory
from tests.compute.fields import himmelblau, rastrigin, surface, truth


@pytest.fixture
def path(tmp_path):
    own = surface(himmelblau, 61)
    quantities = {"loss": own.loss, "accuracy": surface(rastrigin, 61).loss}
    paths = [
        Trajectory("sgd", "optimiser", [[0, 0], [1, 1]], [3, 2]),
        Trajectory("old", "descent", [[0, 0], [1, 1]], [3, 2]),
    ]
    landscape = Landscape(
        surface=Surface(own.alphas, own.betas, quantities), trajectories=paths, name="Himmelblau"
    )
    ply.write(landscape, tmp_path / "a.ply")
    return tmp_path / "a.ply"


def told(capsys, *words):
    capsys.readouterr()
    assert main(["critical", *map(str, words)]) == 0
    found = capsys.readouterr()
    assert found.err == ""
    return found.out


def as_json(capsys, *words):
    return json.loads(told(capsys, *words, "--json"))


def test_points_go_into_the_file_and_onto_the_terminal(path, capsys):
    text = told(capsys, path)
    assert text.startswith("Himmelblau: 4 minima, 4 saddles, 1 maximum; 9 found")
    assert "indices: sum +1, winding +1: no point is missing" in text
    assert "lower links: sum +1: passed" in text and "estimated noise: " in text
    assert sum(line.lstrip().startswith("minimum") for line in text.splitlines()) == 4
    found = ply.read(path)
    inside = [point for point in found.critical_points if not point.border]
    assert len(inside) == 9 and found.critical_points.complete
    assert [t.name for t in found.trajectories] == ["sgd", "old"]
    again = told(capsys, path)
    assert again == text and ply.read(path).critical_points == found.critical_points


def test_json_tells_the_same(path, capsys):
    found = as_json(capsys, path)
    assert found["found"] == len(found["points"]) == 9
    assert found["complete"] is True and found["missing"] == [] and found["flat"] == []
    assert (found["winding"], found["index_sum"], found["link_sum"]) == (1, 1, 1)
    places = np.array([(p["alpha"], p["beta"]) for p in found["points"]])
    exact, _ = truth(himmelblau)
    assert np.linalg.norm(places[:, None] - exact, axis=2).min(axis=1).max() < 1e-3
    assert "separatrices" not in found and "basins" not in found
    more = as_json(capsys, path, "--border", "--threshold", "0")
    assert len(more["points"]) > 9 and more["threshold"] == 0
    few = as_json(capsys, path, "--threshold", "100", "--dry-run")
    assert len(few["points"]) < 9 and few["found"] == 9


def test_separatrices_basins_and_descent_lines(path, capsys):
    found = as_json(capsys, path, "--separatrices", "--basins", "--descend", "0.5,-4", "--contours")
    assert len(found["separatrices"]) == 4 and len(found["basins"]) == 4
    assert sum(basin["share"] for basin in found["basins"]) == pytest.approx(1)
    for one in found["separatrices"]:
        assert len(one["minima"]) == 2 and min(one["barriers"]) > 10
    landscape = ply.read(path)
    kinds = [line.kind for line in landscape.trajectories]
    assert kinds == ["optimiser"] + ["descent"] * 9  # "old" went: lines of descent were made anew
    assert landscape.trajectories[-1].points[0] == pytest.approx([0.5, -4])
    levels = {line.level for line in landscape.contours}
    saddles = {p.value for p in landscape.critical_points if p.kind == "saddle"}
    assert levels == saddles
    text = told(capsys, path, "--separatrices", "--basins")
    assert "lowest loss" in text and "barrier" in text


def test_markdown_has_tables_of_its_own(path, capsys):
    lines = told(capsys, path, "--markdown", "--basins").splitlines()
    assert "| kind | alpha | beta | loss | lambda min | lambda max | persistence |" in lines
    rows = [line for line in lines if line.startswith("| minimum")]
    assert len(rows) == 4 and all(row.count("|") == 8 for row in rows)
    assert sum(line.startswith("- ") for line in lines) == 3


def test_another_file_is_written_and_a_dry_run_writes_nothing(path, capsys, tmp_path):
    before = path.read_bytes()
    told(capsys, path, "--dry-run")
    told(capsys, path, "-o", tmp_path / "b.ply")
    assert path.read_bytes() == before
    assert len(ply.read(tmp_path / "b.ply").critical_points) > 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.ply", "b.ply"]


def test_another_quantity(path, capsys):
    found = as_json(capsys, path, "--quantity", "accuracy", "--dry-run")
    assert found["found"] == 81


def test_a_long_table_ends(path, capsys):
    text = told(capsys, path, "--quantity", "accuracy", "--dry-run")
    assert "… and 41 more (--json tells all)" in text
    assert "41 more" not in told(capsys, path, "--quantity", "accuracy", "--dry-run", "--markdown")


def test_flat_regions_are_told(tmp_path, capsys):
    x = np.linspace(-1, 1, 40)
    flat = Surface(x, x, {"loss": np.maximum(np.add.outer(x**2, x**2), 0.5)})
    ply.write(Landscape(surface=flat), tmp_path / "f.ply")
    text = told(capsys, tmp_path / "f.ply")
    assert "no critical points; 0 found" in text and "flat: " in text


@pytest.mark.parametrize(
    "words, message",
    [
        (["--quantity", "error"], "quantity: expected one of accuracy, loss, got 'error'"),
        (["--threshold", "-1"], "threshold: expected a persistence from 0 on, got -1"),
        (["--threshold", "nan"], "threshold: expected a persistence"),
        (["--descend", "9,0"], "expected a start within alpha -5 to 5"),
        (["-o", "x.png"], "output: expected a name that ends in .ply"),
        (["--descend", "1"], "expected two numbers such as 0.5,-0.25, got '1'"),
        (["--descend", "1,b"], "expected two numbers"),
        (["--json", "--markdown"], "not allowed with"),
    ],
)
def test_what_cannot_be_is_one_line(path, capsys, words, message):
    before = path.read_bytes()
    try:
        code = main(["critical", str(path), *words])
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    assert message in capsys.readouterr().err
    assert path.read_bytes() == before


def test_curves_have_no_critical_points(tmp_path, capsys):
    curve = Curve("line", [0, 1], {"loss": [1, 2]})
    ply.write(Landscape(curves=[curve]), tmp_path / "c.ply")
    assert main(["critical", str(tmp_path / "c.ply")]) == 2
    assert "expected a surface, got curves only" in capsys.readouterr().err
    assert main(["critical", str(tmp_path / "gone.ply")]) == 3
