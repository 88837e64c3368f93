"""``lossviz slice``."""

import csv
import io

import numpy as np
import pytest

from lossviz import cli, ply
from lossviz.landscape import Landscape, Surface
from tests.viewer.scenes import bumpy, fan, with_loss


@pytest.fixture
def file(tmp_path):
    ply.write(bumpy(21), tmp_path / "a.ply")
    return str(tmp_path / "a.ply")


def table(text):
    head, *rows = csv.reader(io.StringIO(text))
    return head, np.array(rows, float)


def test_along_alpha_the_stored_numbers_come_out(file, capsys):
    own = ply.read(file).surface
    beta = float(own.betas[4])
    assert cli.main(["slice", file, "--along", "alpha", "--offset", repr(beta)]) == 0
    head, rows = table(capsys.readouterr().out)
    assert head == ["place", "alpha", "beta", "loss", "accuracy"]
    expected = [own.alphas, own.alphas, np.full(21, beta), own.loss[:, 4],
                own.quantities["accuracy"][:, 4]]  # fmt: skip
    assert (rows == np.column_stack(expected)).all()  # all digits


def test_a_file_and_a_count(file, tmp_path, capsys):
    output = tmp_path / "profile.csv"
    words = ["slice", file, "--along", "-30", "--offset", "-0.1", "--count", "7"]
    assert cli.main([*words, "-o", str(output)]) == 0
    assert capsys.readouterr().out.strip() == str(output)
    _, rows = table(output.read_text())
    assert rows.shape == (7, 5) and np.ptp(np.diff(rows[:, 0])) < 1e-12
    turn = np.radians(-30)
    assert -np.sin(turn) * rows[:, 1] + np.cos(turn) * rows[:, 2] == pytest.approx(-0.1)


def test_without_an_offset_it_goes_through_the_middle(file, capsys):
    assert cli.main(["slice", file]) == 0
    _, rows = table(capsys.readouterr().out)
    assert (rows[:, 2] == 0).all() and len(rows) == 21


def test_isolines_of_a_level(file, capsys):
    assert cli.main(["slice", file, "--level", "1", "--quantity", "loss"]) == 0
    head, rows = table(capsys.readouterr().out)
    assert head == ["line", "alpha", "beta", "loss"] and len(rows) > 50
    assert rows[:, 3] == pytest.approx(1.0, rel=1e-9)
    assert cli.main(["slice", file, "--level", "1", "--straight"]) == 0
    assert table(capsys.readouterr().out)[1][:, 3] == pytest.approx(1.0, rel=1e-9)


def test_holes_are_nan(file, tmp_path, capsys):
    loss = bumpy(21).surface.loss.copy()
    loss[10, 10] = np.nan
    ply.write(with_loss(bumpy(21), loss), tmp_path / "b.ply")
    assert cli.main(["slice", str(tmp_path / "b.ply")]) == 0
    _, rows = table(capsys.readouterr().out)
    assert np.isnan(rows[10, 3]) and np.isfinite(np.delete(rows[:, 3], 10)).all()


@pytest.mark.parametrize("words, part", [
    (["--offset", "3"], "offset: expected -1 to 1, got 3"),
    (["--along", "gamma"], "expected alpha, beta or degrees"),
    (["--count", "1"], "expected 2 to"), (["--count", "x"], "expected 2 to"),
    (["--level", "1e9"], "level: expected a loss that the surface has"),
    (["--level", "1", "--along", "beta"], "along, level: expected one of them"),
    (["--level", "1", "--count", "9"], "count, level: expected one of them"),
    (["--level", "1", "--quantity", "acuracy"], "expected one of accuracy"),
    (["--quantity", "loss"], "expected it with --level"), (["--offset", "nan"], "finite"),
])  # fmt: skip
def test_wrong_usage_is_said_in_a_line(file, words, part, capsys):
    assert cli.main(["slice", file, *words]) == 2
    told = capsys.readouterr()
    assert part in told.err and told.err.count("\n") == 1 and not told.out


def test_one_line_of_points_is_cut_along_itself_alone(tmp_path, capsys):
    loss = np.arange(1.0, 6)[None]
    path = str(tmp_path / "thin.ply")
    ply.write(Landscape(surface=Surface([0.5], np.arange(5.0), {"loss": loss})), path)
    assert cli.main(["slice", path, "--along", "beta"]) == 0
    _, rows = table(capsys.readouterr().out)
    assert (rows == np.column_stack([np.arange(5), np.full(5, 0.5), np.arange(5), loss[0]])).all()
    for words in (["--along", "alpha"], ["--along", "30"], ["--level", "2"]):
        assert cli.main(["slice", path, *words]) == 2
        told = capsys.readouterr().err
        assert "expected two alphas at least" in told and told.count("\n") == 1


def test_what_cannot_be_cut_or_written(tmp_path, file, capsys):
    ply.write(fan(), tmp_path / "curves.ply")
    assert cli.main(["slice", str(tmp_path / "curves.ply")]) == 3
    assert "expected a surface to cut" in capsys.readouterr().err
    assert cli.main(["slice", file, "-o", str(tmp_path)]) == 1
    assert cli.main(["slice", file, "-o", str(tmp_path / "no" / "such.csv")]) == 1
    assert capsys.readouterr().err.count("\n") == 2


def test_slicing_loads_neither_scipy_nor_torch(file):
    import subprocess
    import sys

    code = (
        "import sys; from lossviz.cli import main; main(sys.argv[1:]); "
        "print([n for n in ('scipy', 'torch', 'moderngl') if n in sys.modules])"
    )
    for more in ([], ["--level", "1"]):
        done = subprocess.run([sys.executable, "-c", code, "slice", file, *more],
                              capture_output=True, text=True, check=True)  # fmt: skip
        assert done.stdout.splitlines()[-1] == "[]"
