"""Landscapes to files and back, exactly; and what other programs make of the files."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lossviz import ply
from lossviz.critical_points import FlatRegion
from lossviz.errors import InputError, LossvizError
from lossviz.landscape import (
    Contour,
    CriticalPoint,
    CriticalPoints,
    Curve,
    Landscape,
    Mark,
    Provenance,
    Surface,
    Trajectory,
)

from .viewer.scenes import bumpy, with_loss

NUMBERS = st.floats(allow_nan=True, allow_infinity=True, width=64)
NAMES = st.text(min_size=1, max_size=20).filter(lambda name: name != "loss")


def full():
    """A landscape with one of everything."""
    path = Trajectory(
        "SGD, β = 0.9", "optimiser", [[-0.5, 0.1], [0.2, 0.3], [0, 0]], [2, 1, np.nan]
    )
    fall = Trajectory("fall", "descent", [[0.5, 0.5], [0.1, 0]], [1, 0.5], [0.1, 0.2], [0, 10])
    return bumpy(11, 7).with_changes(
        curves=[
            Curve("line", [0, 0.5, 2], {"loss": [1, np.inf, 3], "accuracy": [0, 0.5, 1]}),
            Curve("другая", [1, 2], {"loss": [1, 2], "x y": [3, np.nan]}, [[0, 1], [0.5, -1]]),
        ],
        marks=[Mark("Adam, β₂ = 0.9", 0.25, -0.5, 1.5), Mark("", 1e9, 0.0)],
        trajectories=[path, fall],
        critical_points=CriticalPoints(
            [
                CriticalPoint(0.1, -0.2, 0.5, 1.0, 2.0, "minimum", 0.3),
                CriticalPoint(-1, 1, 5, -1.0, 2.0, "saddle", 0.0),
                CriticalPoint(1, 1, 5, -1.0, 2.0, "maximum", 1.0, border=True),
                CriticalPoint(0, 0, 1, 1, 2, "minimum", 0.1, moved=0.02, gradient_norm=1e-6),
                CriticalPoint(0, 1, 1, 1, 2, "minimum", 0.1, confidence=0.9, position_error=0.3),
            ],
            log=True,
            noise=0.01,
            threshold=0.2,
            winding=-1,
            index_sum=2,
            missing=[(0.5, -1.0)],
            flat=[FlatRegion(0.5, 0.5, 1.0, 0.1)],
        ),
        contours=[Contour(0.5, [[0, 0], [0, 1]]), Contour(0.5, [[0.5, 0], [0.6, 1], [0.7, 0]])],
    )


def test_points_without_checks_stay_so(tmp_path):
    plain = full().with_changes(critical_points=list(full().critical_points))
    ply.write(plain, tmp_path / "a.ply")
    found = ply.read(tmp_path / "a.ply").critical_points
    assert found == CriticalPoints(full().critical_points)
    assert found.winding is None and not found.complete and found[1:3] == found.points[1:3]
    assert b"index_sum" not in (tmp_path / "a.ply").read_bytes()


def assert_same(a, b):
    assert (a.name, a.provenance) == (b.name, b.provenance)
    assert (a.surface is None) == (b.surface is None)
    if a.surface is not None:
        assert_bits(a.surface.alphas, b.surface.alphas)
        assert_bits(a.surface.betas, b.surface.betas)
        assert list(a.surface.quantities) == list(b.surface.quantities)
        for name, values in a.surface.quantities.items():
            assert_bits(values, b.surface.quantities[name])
        assert (a.surface.evaluated == b.surface.evaluated).all()
    assert a.critical_points == b.critical_points
    assert repr(a.marks) == repr(b.marks)  # NaN as it is
    for kind, parts in (
        ("curves", ("alphas",)), ("contours", ("points",)),
        ("trajectories", ("points", "losses", "off_plane", "steps")),
    ):  # fmt: skip
        assert len(getattr(a, kind)) == len(getattr(b, kind))
        for one, two in zip(getattr(a, kind), getattr(b, kind), strict=True):
            for part in parts:
                assert_bits(getattr(one, part), getattr(two, part))
    for one, two in zip(a.curves, b.curves, strict=True):
        assert one.name == two.name and list(one.quantities) == list(two.quantities)
        assert (one.points is None) == (two.points is None)
        if one.points is not None:
            assert_bits(one.points, two.points)
        for name in one.quantities:
            assert_bits(one.quantities[name], two.quantities[name])
    assert [(t.name, t.kind) for t in a.trajectories] == [(t.name, t.kind) for t in b.trajectories]
    assert [c.level for c in a.contours] == [c.level for c in b.contours]


def assert_bits(a, b):
    """Equal to the last bit, all NaNs alike."""
    a, b = np.asarray(a), np.asarray(b)
    assert a.shape == b.shape
    assert (np.isnan(a) == np.isnan(b)).all()
    known = ~np.isnan(a)
    assert (a[known] == b[known]).all() and (np.signbit(a[known]) == np.signbit(b[known])).all()


@pytest.mark.parametrize("options", [{}, {"ascii": True}, {"edges": True}])
def test_everything_comes_back(tmp_path, options):
    ply.write(full(), tmp_path / "a.ply", **options)
    assert_same(full(), ply.read(tmp_path / "a.ply"))


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 6), st.integers(1, 6))
def test_any_numbers_and_names_come_back(tmp_path_factory, data, n, m):
    axes = [np.cumsum(data.draw(arrays(float, k, elements=st.floats(1e-3, 1e3)))) for k in (n, m)]
    values = {"loss": data.draw(arrays(float, (n, m), elements=NUMBERS))}
    for name in data.draw(st.lists(NAMES, unique=True, max_size=3)):
        values[name] = data.draw(arrays(float, (n, m), elements=NUMBERS))
    mask = data.draw(arrays(bool, (n, m)))
    surface = Surface(*axes, {k: np.where(mask, v, np.nan) for k, v in values.items()}, mask)
    known = Provenance(model=data.draw(st.text()), seed=data.draw(st.integers(-1000, 1000)))
    landscape = Landscape(surface=surface, provenance=known, name=data.draw(st.text(max_size=30)))
    path = tmp_path_factory.mktemp("ply") / "a.ply"
    for text in (False, True):
        ply.write(landscape, path, ascii=text)
        assert_same(landscape, ply.read(path))


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1)])
def test_thin_grids_come_back(tmp_path, shape):
    surface = Surface(np.arange(shape[0]), np.arange(shape[1]), {"loss": np.ones(shape)})
    ply.write(Landscape(surface=surface), tmp_path / "a.ply")
    assert_same(Landscape(surface=surface), ply.read(tmp_path / "a.ply"))


def test_curves_alone_come_back(tmp_path):
    only = Landscape(curves=full().curves, name="lines")
    ply.write(only, tmp_path / "a.ply")
    assert_same(only, ply.read(tmp_path / "a.ply"))


def test_the_header_is_what_other_programs_bear(tmp_path):
    notes = ["ß" * 3000, "\n\r\x1b[31m"]
    landscape = full().with_changes(provenance=Provenance(notes=notes, command="é\u2028" * 500))
    ply.write(landscape, tmp_path / "a.ply")
    content = (tmp_path / "a.ply").read_bytes()
    header = content[: content.index(b"end_header\n") + 11]
    assert header.isascii() and max(map(len, header.split(b"\n"))) < 480
    elements = [line.split()[1] for line in header.split(b"\n") if line.startswith(b"element")]
    expected = [
        b"vertex", b"face", b"trajectory", b"mark", b"critical_point", b"curve", b"contour",
    ]  # fmt: skip
    assert elements == expected
    assert header.count(b"property list") == 1 and b" short " not in header
    assert_same(landscape, ply.read(tmp_path / "a.ply"))


def holed():
    loss = bumpy(11, 7).surface.loss.copy()
    loss[3, 4], loss[6, 1] = np.nan, np.inf
    return with_loss(bumpy(11, 7), loss)


def test_courtesy_columns_are_finite_and_faces_spare_the_holes(tmp_path):
    import plyfile

    ply.write(holed(), tmp_path / "a.ply")
    mesh = plyfile.PlyData.read(str(tmp_path / "a.ply"))
    vertices = mesh["vertex"].data
    for name in ("x", "y", "z", "nx", "ny", "nz", "quality"):
        assert np.isfinite(vertices[name]).all()
    assert np.isnan(vertices["loss"]).sum() == 1 and np.isinf(vertices["loss"]).sum() == 1
    hole = np.nonzero(~np.isfinite(vertices["loss"]))[0]
    corners = np.stack(mesh["face"].data["vertex_indices"])
    assert not np.isin(corners, hole).any() and len(corners) == 2 * (10 * 6 - 8)
    assert vertices["x"][:11] == pytest.approx(np.linspace(-1, 1, 11), abs=1e-6)  # alpha fastest


def test_trimesh_and_meshio_open_it(tmp_path):
    import meshio
    import trimesh

    ply.write(full(), tmp_path / "a.ply")
    mesh = trimesh.load(tmp_path / "a.ply", process=False)
    assert mesh.vertices.shape == (77, 3) and mesh.faces.shape == (120, 3)
    ply.write(full(), tmp_path / "plain.ply", plain=True)
    mesh = meshio.read(tmp_path / "plain.ply")
    assert len(mesh.points) == 77 and len(mesh.cells_dict["triangle"]) == 120


def test_a_mesh_of_others_opens_as_a_lattice(tmp_path):
    ply.write(bumpy(11, 7), tmp_path / "plain.ply", plain=True)
    found = ply.read(tmp_path / "plain.ply")
    heights = ply.display_height(bumpy(11, 7).surface)
    assert found.surface.shape == (11, 7)
    assert found.surface.loss == pytest.approx(heights, abs=1e-6)
    assert found.surface.alphas == pytest.approx(np.linspace(-1, 1, 11), abs=1e-6)


def test_a_mesh_that_is_no_lattice_is_told(tmp_path):
    points = np.random.default_rng(0).normal(size=(50, 3))
    lines = ["ply", "format ascii 1.0", "element vertex 50"]
    lines += [f"property float {side}" for side in "xyz"] + ["end_header"]
    lines += [" ".join(map(str, point)) for point in points]
    (tmp_path / "cloud.ply").write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match="lattice"):
        ply.read(tmp_path / "cloud.ply")


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.ply"
    ply.write(bumpy(5), path)
    before = path.read_bytes()

    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(KeyboardInterrupt):
        ply.write(bumpy(9), path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["a.ply"]


def test_where_nothing_can_be_written(tmp_path):
    with pytest.raises(LossvizError, match="cannot be written"):
        ply.write(bumpy(5), tmp_path / "nowhere" / "a.ply")


def test_a_newer_version_is_told(tmp_path):
    ply.write(bumpy(5), tmp_path / "a.ply")
    content = (tmp_path / "a.ply").read_bytes()
    (tmp_path / "b.ply").write_bytes(content.replace(b"lossviz 1\n", b"lossviz 1.7\n"))
    assert ply.read(tmp_path / "b.ply").surface.shape == (5, 5)
    (tmp_path / "c.ply").write_bytes(content.replace(b"lossviz 1\n", b"lossviz 2\n"))
    with pytest.raises(InputError, match="newer lossviz"):
        ply.read(tmp_path / "c.ply")


def test_metadata_is_json_in_numbered_pieces(tmp_path):
    ply.write(full(), tmp_path / "a.ply")
    lines = (tmp_path / "a.ply").read_bytes().split(b"end_header")[0].decode().splitlines()
    pieces = [line.split(" ", 3)[3] for line in lines if line.startswith("comment lossviz.json")]
    data = json.loads("".join(pieces))
    assert data["provenance"]["samples"] == 256 and data["grid"]["alphas"][0] == -1


def small(**changes):
    surface = Surface([0, 1, 3], [-1, 2], {"loss": np.arange(6.0).reshape(3, 2)})
    return Landscape(surface=surface).with_changes(**changes)


EMPTY = Trajectory("nowhere", "descent", np.zeros((0, 2)), [])
POINT = Trajectory("one", "optimiser", [[1, 2]], [3])
FAR = Trajectory("lost", "optimiser", [[np.nan, 1], [np.inf, -1e300]], [np.inf, np.nan])
AWKWARD = {
    "no steps": small(trajectories=[EMPTY]),
    "no steps between others": small(trajectories=[EMPTY, POINT, EMPTY, FAR]),
    "long names": small(curves=[Curve("c" * 500, [0], {"loss": [1], "x" * 64: [2], "α": [3]})]),
    "curves of different quantities": small(
        curves=[Curve("a", [0], {"loss": [1], "b": [2]}), Curve("b", [0], {"b": [3], "loss": [4]})]
    ),
    "vast axes": Landscape(Surface([-1e308, 1e308], [0, 1], {"loss": np.ones((2, 2))})),
    "tiny axes": Landscape(Surface([0, 5e-324], [0, 1], {"loss": np.eye(2)})),
    "vast losses": Landscape(Surface([0, 1], [0, 1], {"loss": 1e308 * np.eye(2)})),
    "tiny losses": Landscape(Surface([0, 1], [0, 1], {"loss": 5e-324 * np.eye(2)})),
    "nothing evaluated": Landscape(
        Surface([0, 1], [0], {"loss": [[np.nan], [np.nan]]}, np.zeros((2, 1), bool))
    ),
    "names of columns": small(
        surface=Surface([0], [0], {n: [[1.0]] for n in ("x", "valid", "quality", "loss", "a b")})
    ),
    "spaces": small(provenance=Provenance(command="  a   b" * 300, notes=[" " * 2000])),
    "half a character": small(name="\ud800\x00"),
}


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("options", [{}, {"ascii": True}, {"edges": True}])
def test_awkward_landscapes_come_back(tmp_path, name, options):
    ply.write(AWKWARD[name], tmp_path / "a.ply", **options)
    assert_same(AWKWARD[name], ply.read(tmp_path / "a.ply"))


@pytest.mark.parametrize("length", range(380, 420))
def test_no_line_of_the_header_ends_in_a_space(tmp_path, length):
    """Other programs trim lines, and the metadata must survive it."""
    ply.write(small(name="x" * length + " y"), tmp_path / "a.ply")
    lines = (tmp_path / "a.ply").read_bytes().split(b"end_header")[0].split(b"\n")
    pieces = [line.split(b" ", 3)[3] for line in lines if line.startswith(b"comment lossviz.json")]
    assert all(piece == piece.strip() and len(piece) <= 400 for piece in pieces)


def test_the_mask_is_kept_beside_results_that_are_nan(tmp_path):
    loss = [[np.nan, np.nan], [1, np.inf]]
    surface = Surface([0, 1], [0, 1], {"loss": loss}, [[True, False], [True, True]])
    ply.write(Landscape(surface=surface), tmp_path / "a.ply")
    assert ply.read(tmp_path / "a.ply").surface.evaluated.tolist() == [[True, False], [True, True]]


def test_edges_follow_the_paths(tmp_path):
    import plyfile

    ply.write(small(trajectories=[EMPTY, POINT, FAR]), tmp_path / "a.ply", edges=True)
    mesh = plyfile.PlyData.read(str(tmp_path / "a.ply"))
    assert [p.name for p in mesh["edge"].properties] == ["vertex1", "vertex2"]
    assert mesh["edge"].data.tolist() == [(7, 8)] and mesh["vertex"].count == 6 + 3
    assert all(np.isfinite(mesh["vertex"][name]).all() for name in "xyz")


@pytest.mark.parametrize(
    "landscape, told",
    [
        (small(provenance=Provenance(notes=["x" * 1_200_000])), "shorten the notes"),
        (small(provenance=Provenance(duration=np.nan)), "cannot be JSON"),
        (small(provenance=Provenance(notes=[object()])), "cannot be JSON"),
        (
            Landscape(Surface([0], [0], {n: [[1]] for n in ["loss", *map(str, range(300))]})),
            "leave out quantities",
        ),
    ],
    ids=["long notes", "nan", "no json", "many quantities"],
)
def test_what_could_not_be_read_again_is_not_written(tmp_path, landscape, told):
    ply.write(small(), tmp_path / "a.ply")
    before = (tmp_path / "a.ply").read_bytes()
    with pytest.raises(LossvizError, match=told) as caught:
        ply.write(landscape, tmp_path / "a.ply")
    assert "\n" not in str(caught.value)
    assert (tmp_path / "a.ply").read_bytes() == before and os.listdir(tmp_path) == ["a.ply"]


def test_curves_alone_cannot_be_a_plain_mesh(tmp_path):
    with pytest.raises(LossvizError, match="curves only"):
        ply.write(Landscape(curves=full().curves), tmp_path / "a.ply", plain=True)


def test_folders_and_devices_are_not_replaced(tmp_path):
    (tmp_path / "folder.ply").mkdir()
    os.mkfifo(tmp_path / "pipe.ply")
    for name, told in (("folder.ply", "a folder"), ("pipe.ply", "no regular file")):
        with pytest.raises(LossvizError, match=told):
            ply.write(small(), tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == ["folder.ply", "pipe.ply"]
    with pytest.raises(LossvizError, match=r"no folder .*absent"):
        ply.write(small(), tmp_path / "absent" / "a.ply")


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real.ply").write_bytes(b"")
    (tmp_path / "link.ply").symlink_to("real.ply")
    ply.write(small(), tmp_path / "link.ply")
    assert (tmp_path / "link.ply").is_symlink()
    assert_same(small(), ply.read(tmp_path / "real.ply"))


def test_files_get_the_rights_that_the_umask_gives(tmp_path):
    old = os.umask(0o027)
    try:
        ply.write(small(), tmp_path / "a.ply")
    finally:
        os.umask(old)
    assert (tmp_path / "a.ply").stat().st_mode & 0o777 == 0o640


KILLED = """
import os, signal, sys
import numpy as np
from lossviz import Landscape, Surface, write
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
write(Landscape(Surface([0], [0], {"loss": np.ones((1, 1))})), sys.argv[1])
"""


def test_a_killed_write_leaves_the_old_file(tmp_path):
    ply.write(small(), tmp_path / "a.ply")
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "a.ply"], check=False)
    assert done.returncode == -signal.SIGKILL
    assert_same(small(), ply.read(tmp_path / "a.ply"))
    ply.write(full(), tmp_path / "a.ply")  # and what it left behind is in nobody's way
    assert_same(full(), ply.read(tmp_path / "a.ply"))


def test_reading_our_own_files_needs_no_plyfile(tmp_path):
    ply.write(full(), tmp_path / "a.ply")
    code = "import sys, lossviz; lossviz.read(sys.argv[1]); sys.exit('plyfile' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "a.ply"], check=False)
    assert done.returncode == 0
