"""``lossviz convert``: the same landscape in another form."""

import meshio
import pytest

from lossviz import ply
from lossviz.cli import main
from lossviz.landscape import Landscape

from .test_ply import assert_same, full


@pytest.fixture
def path(tmp_path):
    ply.write(full(), tmp_path / "in.ply")
    return tmp_path / "in.ply"


def convert(*words):
    return main(["convert", *map(str, words)])


def test_a_name_that_cannot_be_printed_is_no_error(path, tmp_path, capsys):
    assert convert(path, tmp_path / "\udcff\n.ply") == 0
    assert capsys.readouterr().out == f"{tmp_path}/??.ply\n"


@pytest.mark.parametrize("options", [[], ["--ascii"], ["--edges"], ["--ascii", "--edges"]])
def test_everything_is_kept(path, tmp_path, options, capsys):
    out = tmp_path / "out.PLY"
    assert convert(path, out, *options) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert_same(full(), ply.read(out))
    content = out.read_bytes()
    assert (b"format ascii" in content) == ("--ascii" in options)
    assert (b"element edge" in content) == ("--edges" in options)


def test_a_plain_file_opens_in_meshio(path, tmp_path):
    assert convert(path, tmp_path / "plain.ply", "--plain") == 0
    assert len(meshio.read(tmp_path / "plain.ply").points) == 77
    header = (tmp_path / "plain.ply").read_bytes().split(b"end_header")[0]
    assert b"comment" not in header and header.count(b"element") == 2


def test_there_and_back_gives_the_same_bytes(path, tmp_path):
    assert convert(path, tmp_path / "text.ply", "--ascii") == 0
    assert convert(tmp_path / "text.ply", tmp_path / "back.ply") == 0
    assert (tmp_path / "back.ply").read_bytes() == path.read_bytes()


def test_a_file_may_take_its_own_place(path):
    assert convert(path, path, "--ascii") == 0
    assert_same(full(), ply.read(path))


@pytest.mark.parametrize("name", ["out.obj", "out", "out.ply.gz"])
def test_an_unknown_form_is_told(path, tmp_path, name, capsys):
    assert convert(path, tmp_path / name) == 2
    error = capsys.readouterr().err
    assert "ends in .ply" in error and name in error and error.count("\n") == 1


def test_plain_and_edges_exclude_each_other(path, tmp_path, capsys):
    assert convert(path, tmp_path / "out.ply", "--plain", "--edges") == 2
    assert "one of them" in capsys.readouterr().err and not (tmp_path / "out.ply").exists()


def test_curves_alone_are_no_plain_mesh(tmp_path, capsys):
    ply.write(Landscape(curves=full().curves), tmp_path / "in.ply")
    assert convert(tmp_path / "in.ply", tmp_path / "out.ply", "--plain") == 2
    assert "curves only" in capsys.readouterr().err


def test_a_bad_file_and_a_bad_place(path, tmp_path, capsys):
    assert convert(tmp_path / "absent.ply", tmp_path / "out.ply") == 3
    assert convert(path, tmp_path / "absent" / "out.ply") == 1
    assert capsys.readouterr().err.count("\n") == 2
