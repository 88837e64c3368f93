"""``lossviz info``: the numbers in the file, for people and for machines."""

import json

import numpy as np
import pytest

from lossviz import ply
from lossviz.cli import main
from lossviz.landscape import Curve, Landscape, Mark, Provenance, Surface

from .test_ply import full


def refuse(word):
    raise AssertionError(f"{word} is not JSON")


def told(capsys, *words):
    assert main(["info", *map(str, words)]) == 0
    found = capsys.readouterr()
    assert found.err == ""
    return found.out


def as_json(capsys, *paths):
    return json.loads(told(capsys, *paths, "--json"), parse_constant=refuse)


@pytest.fixture
def path(tmp_path):
    ply.write(full(), tmp_path / "a.ply")
    return tmp_path / "a.ply"


@pytest.fixture
def holed(tmp_path):
    loss = [[np.nan, 2.0], [np.inf, -1.0], [0.5, np.nan]]
    mask = [[True, True], [True, True], [True, False]]
    surface = Surface([-1, 0, 2], [0, 3], {"loss": loss, "gone": np.full((3, 2), np.nan)}, mask)
    ply.write(Landscape(surface=surface, name="holed"), tmp_path / "holed.ply")
    return tmp_path / "holed.ply"


def test_the_numbers_are_the_surface_s(path, capsys):
    found, surface = as_json(capsys, path), full().surface
    assert found["file"] == str(path) and found["title"] == "bumpy"
    assert found["grid"] == {
        "shape": [11, 7], "alpha": [-1, 1], "beta": [-1, 1], "center": [0, 0], "evaluated": 77,
    }  # fmt: skip
    assert list(found["quantities"]) == ["loss", "accuracy"]
    for name, values in surface.quantities.items():
        assert found["quantities"][name] == {
            "min": values.min(), "max": values.max(), "center": values[5, 3], "not_finite": 0,
        }  # fmt: skip
    assert Provenance.from_json(found["provenance"]) == full().provenance


def test_curves_paths_points_and_contours_are_counted(path, capsys):
    found = as_json(capsys, path)
    assert [(c["name"], c["points"], c["alpha"]) for c in found["curves"]] == [
        ("line", 3, [0, 2]), ("другая", 2, [1, 2]),
    ]  # fmt: skip
    assert found["curves"][0]["quantities"]["loss"] == {"min": 1, "max": 3, "not_finite": 1}
    assert found["trajectories"] == [
        {"name": "SGD, β = 0.9", "kind": "optimiser", "steps": 3, "loss": [2, None]},
        {"name": "fall", "kind": "descent", "steps": 2, "loss": [1, 0.5]},
    ]
    assert found["critical_points"] == {"minimum": 3, "saddle": 1} and found["contours"] == 2
    assert found["critical"]["missing"] == [[0.5, -1]] and not found["critical"]["complete"]
    assert found["critical"]["shown"] == {"minimum": 1}
    assert found["critical"]["refined"] == sum(p.moved is not None for p in full().critical_points)


def test_what_is_not_finite_is_null_and_counted(holed, capsys):
    found = as_json(capsys, holed)
    assert found["grid"]["evaluated"] == 5
    assert found["quantities"] == {
        "loss": {"min": -1, "max": 2, "center": None, "not_finite": 3},
        "gone": {"min": None, "max": None, "center": None, "not_finite": 6},
    }


def test_several_files_are_a_list(path, holed, capsys):
    assert [one["title"] for one in as_json(capsys, path, holed)] == ["bumpy", "holed"]
    text = told(capsys, path, holed)
    assert text.count("  grid ") == 2 and "\n\nholed  (" in text


def test_people_read_an_aligned_table(path, capsys):
    lines = told(capsys, path).splitlines()
    assert lines[0] == f"bumpy  ({path})"
    assert lines[1] == "  grid   11 x 7, alpha -1 to 1, beta -1 to 1"
    assert "lowest" in lines[2] and "at (0, 0)" in lines[2]
    assert lines[3].startswith("  loss ") and lines[4].startswith("  accuracy ")
    assert len(set(map(len, lines[2:5]))) == 1
    text = "\n".join(lines)
    for part in ("curve  line: 3 points", "1 not finite", "path   fall: descent, 2 steps",
                 "critical points  3 minima, 1 saddle",
                 "of persistence 0.2 of log loss and more  1 minimum", "checks  not passed",
                 "contours  2", "    seed  "):  # fmt: skip
        assert part in text


def test_people_are_told_of_holes(holed, capsys):
    text = told(capsys, holed)
    assert "3 x 2, 5 evaluated" in text and "3 not finite" in text and "—" in text


def test_curves_alone(tmp_path, capsys):
    ply.write(Landscape(curves=[Curve("a", [0, 1], {"loss": [1, 2]})]), tmp_path / "a.ply")
    assert "grid" not in as_json(capsys, tmp_path / "a.ply")
    assert "curve  a: 2 points, 0 to 1" in told(capsys, tmp_path / "a.ply")


def test_quantities_without_a_number_are_left_out_of_a_curve_for_people(tmp_path, capsys):
    curve = Curve("density", [0, 1], {"loss": [np.nan, np.nan], "spectral_density": [1, 2]})
    ply.write(Landscape(curves=[curve]), tmp_path / "a.ply")
    rows = [line.split()[0] for line in told(capsys, tmp_path / "a.ply").splitlines()]
    assert "spectral_density" in rows and "loss" not in rows
    assert as_json(capsys, tmp_path / "a.ply")["curves"][0]["quantities"]["loss"]["not_finite"] == 2


def test_marks_and_barriers_are_told(tmp_path, capsys):
    over = {"loss": [1, 4, 2], "test_loss": [1, 1, 1], "accuracy": [0, 0, 0]}
    curves = [Curve("between", [0, 0.5, 1], over), Curve("around", [-1, 0, 2], {"loss": [1, 4, 2]})]
    marks = [Mark("first.pt", 0, 0, 0.25), Mark("second.pt", 1.5, -2)]
    ply.write(full().with_changes(curves=curves, marks=marks), tmp_path / "a.ply")
    found = as_json(capsys, tmp_path / "a.ply")
    assert [curve["barrier"] for curve in found["curves"]] == [
        {"loss": {"height": 2.5, "alpha": 0.5}, "test_loss": {"height": 0, "alpha": 0}}, {},
    ]  # fmt: skip
    assert found["marks"] == [
        {"name": "first.pt", "alpha": 0, "beta": 0, "loss": 0.25},
        {"name": "second.pt", "alpha": 1.5, "beta": -2, "loss": None},
    ]
    text = told(capsys, tmp_path / "a.ply")
    assert "barrier of the loss from 0 to 1: 2.5 at alpha 0.5" in text
    assert "mark   first.pt: (0, 0), loss 0.25" in text and "(1.5, -2), loss —" in text


def test_the_variance_explained_stands_beside_that_of_chance(tmp_path, capsys):
    known = Provenance(
        explained_variance=[0.753, 0.2], explained_by_chance=[0.61, 0.15], direction_angle=89.5
    )
    ply.write(full().with_changes(provenance=known), tmp_path / "a.ply")
    text = told(capsys, tmp_path / "a.ply")
    assert "75.3% + 20.0% (a random walk: 61.0% + 15.0%)" in text and "89.5 degrees" in text
    assert "by chance" not in text
    alone = Provenance(explained_variance=[0.5])
    ply.write(full().with_changes(provenance=alone), tmp_path / "a.ply")
    assert "variance   50.0%\n" in told(capsys, tmp_path / "a.ply") + "\n"


def test_the_terminal_gets_no_orders_from_a_file(tmp_path, capsys):
    evil = "\x1b]0;owned\x07\r\n\u202e\ud800"
    known = Provenance(model=evil, notes=[evil], versions={evil: evil})
    line = Curve(evil, [0], {"loss": [1], evil: [2]})
    ply.write(full().with_changes(provenance=known, name=evil, curves=[line]), tmp_path / "a.ply")
    text = told(capsys, tmp_path / "a.ply")
    assert all(part.isprintable() for part in text.split("\n"))
    assert as_json(capsys, tmp_path / "a.ply")["title"] == evil


def test_a_missing_file_is_one_line_and_3(tmp_path, capsys):
    assert main(["info", str(tmp_path / "absent.ply")]) == 3
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "absent.ply" in err


def test_small_differences_can_be_seen(tmp_path, capsys):
    surface = Surface([0, 1], [0, 1], {"loss": [[1000, 1000.0000005], [1000.0000001, 1000]]})
    ply.write(Landscape(surface=surface), tmp_path / "a.ply")
    assert "1000.0000005" in told(capsys, tmp_path / "a.ply")
