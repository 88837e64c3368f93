"""Meshes of other programs: lattices as they are, others sampled, all layouts of faces."""

import struct

import numpy as np
import pytest
import trimesh

from lossviz import ply
from lossviz.errors import InputError


def mesh_file(path, points, faces=(), *, order="<", length="B", index="i", extra=b""):
    """A binary PLY of double vertices and polygons, written by hand."""
    names = {"B": "uchar", "I": "uint", "b": "char", "i": "int", "h": "short"}
    kind = {"<": "little", ">": "big"}[order]
    lines = ["ply", f"format binary_{kind}_endian 1.0", f"element vertex {len(points)}"]
    lines += [f"property double {side}" for side in "xyz"]
    if len(faces):
        lines += [f"element face {len(faces)}"]
        lines += [f"property list {names[length]} {names[index]} vertex_index"]
    body = b"".join(struct.pack(f"{order}3d", *point) for point in points)
    for face in faces:
        body += struct.pack(f"{order}{length}{len(face)}{index}", len(face), *face)
    path.write_bytes("\n".join([*lines, "end_header", ""]).encode() + body + extra)
    return path


# A fan of three triangles and a quad over the plane z = x + 2 y, on no lattice.
POINTS = np.array([(0, 0), (1, 0.1), (0.9, 1), (0.05, 0.95), (0.45, 0.55), (0.7, 0.3)])
POINTS = np.column_stack([POINTS, POINTS @ [1, 2]])
TRIANGLES = [(0, 1, 5), (0, 5, 4), (0, 4, 3), (1, 2, 5), (2, 4, 5), (2, 3, 4)]
MIXED = [(0, 1, 5), (0, 5, 4), (0, 4, 3), (1, 2, 4, 5), (2, 3, 4)]


def assert_is_the_plane(landscape):
    surface = landscape.surface
    x, y = np.meshgrid(surface.alphas, surface.betas, indexing="ij")
    known = surface.evaluated
    assert known.any() and (known == np.isfinite(surface.loss)).all()
    assert surface.loss[known] == pytest.approx((x + 2 * y)[known])
    assert "of another program" in landscape.provenance.notes[0]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("length, index", [("B", "i"), ("I", "I"), ("b", "h"), ("i", "i")])
@pytest.mark.parametrize("faces", [TRIANGLES, MIXED], ids=["triangles", "mixed"])
def test_triangles_and_polygons_are_sampled(tmp_path, faces, order, length, index):
    path = mesh_file(tmp_path / "a.ply", POINTS, faces, order=order, length=length, index=index)
    assert_is_the_plane(ply.read(path))


def test_triangles_and_quads_give_the_same(tmp_path):
    a = ply.read(mesh_file(tmp_path / "a.ply", POINTS, TRIANGLES)).surface.loss
    b = ply.read(mesh_file(tmp_path / "b.ply", POINTS, MIXED)).surface.loss
    assert a == pytest.approx(b, nan_ok=True)


@pytest.mark.parametrize("encoding", ["ascii", "binary"])
def test_a_mesh_of_trimesh_is_sampled(tmp_path, encoding):
    sphere = trimesh.creation.icosphere(4)
    sphere.apply_transform(
        trimesh.transformations.random_rotation_matrix(np.array([0.1, 0.2, 0.3]))
    )
    sphere.export(tmp_path / "ball.ply", encoding=encoding)
    found = ply.read(tmp_path / "ball.ply")
    x, y = np.meshgrid(found.surface.alphas, found.surface.betas, indexing="ij")
    inner = x**2 + y**2 < 0.7
    assert found.name == "ball" and "triangles" in found.provenance.notes[0]
    top = np.sqrt(1 - x**2 - y**2, where=inner, out=np.zeros_like(x))
    assert found.surface.loss[inner] == pytest.approx(top[inner], abs=3e-3)  # not the lower half
    assert np.isnan(found.surface.loss[x**2 + y**2 > 1.001]).all()


@pytest.mark.parametrize("faces", [[(0, 1, 3, 2)], [(0, 1, 3), (0, 3, 2)], []])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_lattice_is_taken_as_it_is(tmp_path, faces, order):
    points = [(0, 0, 1), (1e-9, 2, 2), (1, 0, 3), (1, 2, 4)]
    surface = ply.read(mesh_file(tmp_path / "a.ply", points, faces, order=order)).surface
    assert surface.loss.tolist() == [[1, 2], [3, 4]]
    assert surface.alphas == pytest.approx([0, 1]) and surface.betas.tolist() == [0, 2]


def test_a_lattice_may_have_holes(tmp_path):
    points = [(i, j, i + j) for i in range(5) for j in range(4) if (i, j) != (2, 1)]
    surface = ply.read(mesh_file(tmp_path / "a.ply", points)).surface
    assert surface.shape == (5, 4)
    assert np.argwhere(np.isnan(surface.loss)).tolist() == [[2, 1]]
    assert np.argwhere(~surface.evaluated).tolist() == [[2, 1]]


@pytest.mark.parametrize(
    "points, faces, told",
    [
        (POINTS, [], "scattered"),
        (POINTS, [(0, 1, 6)], "indices 0 to 5, got 0 to 6"),
        (POINTS, [(0, 1, -1)], "indices 0 to 5, got -1 to 1"),
        ([(0, 0, np.nan)], [], "finite"),
        ([(1e300, 0, 0), (0, 1, 0)], [], "finite"),
        ([], [], "at least one"),
    ],
)
def test_meshes_that_are_no_heights_are_told(tmp_path, points, faces, told):
    with pytest.raises(InputError, match=told):
        ply.read(mesh_file(tmp_path / "a.ply", points, faces))


def test_many_layers_are_refused_before_they_cost_anything(tmp_path):
    rng = np.random.default_rng(0)
    points = rng.normal(size=(100_000, 3))
    mesh = trimesh.Trimesh(points, rng.integers(0, len(points), (100_000, 3)), process=False)
    mesh.export(tmp_path / "a.ply")
    with pytest.raises(InputError, match="many layers"):
        ply.read(tmp_path / "a.ply")
