"""The shared types: what they refuse, and that nothing in them changes afterwards."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossviz.landscape import (
    Contour,
    CriticalPoint,
    Curve,
    Landscape,
    Provenance,
    Surface,
    Trajectory,
)


def surface(n=3, m=2, **quantities):
    loss = np.arange(n * m, dtype=float).reshape(n, m)
    return Surface(np.arange(n), np.arange(m), {"loss": loss, **quantities})


def test_a_surface_knows_its_shape_loss_and_centre():
    one = Surface([-1, 0.1, 2], [-3, -0.2], {"loss": np.ones((3, 2))})
    assert one.shape == (3, 2) and one.center == (1, 1)
    assert one.cell.tolist() == [1.5, 2.8]
    assert Surface([7], [0, 1], {"loss": np.ones((1, 2))}).cell.tolist() == [1, 1]
    assert one.loss is one.quantities["loss"]
    assert one.evaluated.shape == (3, 2) and one.evaluated.all()


@pytest.mark.parametrize(
    "alphas, betas, quantities, told",
    [
        ([0, 1], [0], {"loss": np.ones((1, 2))}, r"expected shape \(2, 1\), got \(1, 2\)"),
        ([0, 1], [0], {"accuracy": np.ones((2, 1))}, "a quantity named 'loss', got"),
        ([1, 0], [0], {"loss": np.ones((2, 1))}, "alphas: .* strictly increasing"),
        ([0, 0], [0], {"loss": np.ones((2, 1))}, "alphas: .* strictly increasing"),
        ([0, 1], [np.nan], {"loss": np.ones((2, 1))}, "betas: expected finite"),
        ([0, 1], [np.inf], {"loss": np.ones((2, 1))}, "betas: expected finite"),
        ([], [0], {"loss": np.ones((0, 1))}, "non-empty"),
        ([[0, 1]], [0], {"loss": np.ones((2, 1))}, r"got shape \(1, 2\)"),
    ],
)
def test_a_surface_that_does_not_fit_is_refused(alphas, betas, quantities, told):
    with pytest.raises(ValueError, match=told):
        Surface(alphas, betas, quantities)


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="evaluated: expected shape"):
        Surface([0, 1], [0], {"loss": np.ones((2, 1))}, np.ones((1, 2), bool))


def test_axes_of_any_size_warn_of_nothing():
    assert Surface([-1e308, 1e308], [0, 5e-324], {"loss": np.ones((2, 2))}).shape == (2, 2)


def test_nothing_changes_afterwards():
    loss = np.ones((3, 2))
    one = Surface([0, 1, 2], [0, 1], {"loss": loss})
    loss[0, 0] = 7
    assert one.loss[0, 0] == 1
    for array in (one.loss, one.alphas, one.evaluated):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.alphas = np.zeros(3)


def test_what_a_trajectory_leaves_out_has_plain_values():
    path = Trajectory("a", "descent", [[0, 1], [2, 3]], [1, 2])
    assert path.off_plane.tolist() == [0, 0] and path.steps.tolist() == [0, 1]


@pytest.mark.parametrize(
    "make, told",
    [
        (lambda: Trajectory("a", "flight", np.zeros((1, 2)), [1]), "kind: expected one of"),
        (lambda: Trajectory("a", "descent", np.zeros((2, 3)), [1, 2]), r"\(2, 2\), got \(2, 3\)"),
        (lambda: Trajectory("a", "descent", np.zeros((2, 2)), [1]), r"losses: .*\(2,\), got"),
        (lambda: CriticalPoint(0, 0, 0, 0, 0, "hole"), "kind: expected one of"),
        (lambda: Contour(1.0, np.zeros((3, 3))), r"points: expected shape \(3, 2\)"),
        (lambda: Curve("a", [0, 1], {"loss": [1]}), r"expected shape \(2,\), got \(1,\)"),
        (lambda: Curve("a", [0, 1], {}), "curve 'a': expected a quantity named 'loss'"),
        (Landscape, "a surface or at least one curve"),
    ],
)
def test_parts_that_do_not_fit_are_refused(make, told):
    with pytest.raises(ValueError, match=told):
        make()


def test_the_title_is_the_first_name_there_is():
    assert Landscape(surface()).title == "landscape"
    assert Landscape(surface(), provenance=Provenance(model="net")).title == "net"
    assert Landscape(surface(), provenance=Provenance(model="net"), name="x").title == "x"


def test_a_landscape_is_changed_by_copies_and_is_no_sequence():
    one = Landscape(surface())
    two = one.with_changes(name="b", contours=[Contour(1, np.zeros((2, 2)))])
    assert (one.name, two.name) == ("", "b") and isinstance(two.contours, tuple)
    with pytest.raises(TypeError, match="not a sequence"):
        iter(one)


WHOLE = st.integers(-(2**63) + 1, 2**63 - 1)


@given(
    st.builds(
        Provenance,
        model=st.text(),
        samples=WHOLE,
        seed=st.none() | WHOLE,
        versions=st.dictionaries(st.text(), st.text(), max_size=3),
        duration=st.floats(0, 1e18),
        notes=st.lists(st.text(), max_size=3),
        explained_variance=st.lists(st.floats(0, 1), max_size=3),
    )
)
def test_a_provenance_comes_back_from_json(known):
    assert Provenance.from_json(json.loads(json.dumps(known.to_json()))) == known


def test_a_provenance_leaves_out_what_it_does_not_know():
    assert Provenance.from_json({"model": "a", "of the future": 1}) == Provenance(model="a")


@pytest.mark.parametrize(
    "values",
    [
        {"samples": "5"}, {"samples": True}, {"samples": 1.5}, {"model": 3}, {"seed": "0"},
        {"versions": []}, {"notes": "a"}, {"duration": None}, {"duration": float("inf")},
        {"duration": float("nan")}, {"samples": 10**400}, {"seed": -(2**63)},
        {"explained_variance": [0.5, "a"]}, {"explained_by_chance": [float("nan")]},
    ],
)  # fmt: skip
def test_a_provenance_of_wrong_types_is_refused(values):
    with pytest.raises(ValueError, match=f"{next(iter(values))}: expected"):
        Provenance.from_json(values)
