"""Numbers on contour lines: on straight stretches, within the drawing, over nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossviz.figures.labels import AGAIN, HEIGHT, Places, place, width

SIZE = 6.0


def circle(x, y, radius, count=200):
    turn = np.linspace(0, 2 * np.pi, count)
    return np.column_stack([x + radius * np.cos(turn), y + radius * np.sin(turn)])


def test_a_straight_line_has_its_number_on_it_and_a_long_one_has_two():
    line = np.array([[0.0, 50.0], [150.0, 50.0]])
    (found,) = place(Places(200, 100), [("0.5", line)], SIZE)
    assert found[1] == pytest.approx(50) and 10 < found[0] < 140
    long = np.array([[0.0, 50.0], [700.0, 50.0]])
    two = place(Places(700, 100), [("0.5", long)], SIZE)
    assert len(two) == 2 and abs(two[0][0] - two[1][0]) >= AGAIN


def test_what_is_on_a_line_keeps_its_number_away():
    line = np.array([[0.0, 50.0], [150.0, 50.0]])
    places = Places(200, 100)
    places.draw(np.array([[0.0, 49.0], [100.0, 51.0]]))  # a path along the first two thirds
    (found,) = place(places, [("0.5", line)], SIZE)
    assert found[0] - width("0.5", SIZE) / 2 > 99
    places.draw(np.array([[0.0, 49.0], [150.0, 51.0]]))
    assert place(places, [("0.5", line)], SIZE) == []


def test_lines_close_together_and_small_rings_have_none():
    near = [("1", np.array([[0.0, y], [150.0, y]])) for y in (50.0, 52.0, 54.0)]
    assert place(Places(200, 100), near, SIZE) == []
    apart = [("1", np.array([[0.0, y], [150.0, y]])) for y in (30.0, 50.0, 70.0)]
    assert len(place(Places(200, 100), apart, SIZE)) == 3
    assert place(Places(100, 100), [("0.005", circle(50, 50, 4))], SIZE) == []
    assert len(place(Places(100, 100), [("0.005", circle(50, 50, 40))], SIZE)) == 1


@given(st.lists(st.tuples(*[st.floats(-50, 250)] * 2, st.floats(0, 90)), max_size=12))
def test_numbers_stay_within_and_apart(rings):
    lines = [("0.25", circle(*ring)) for ring in rings]
    found = place(Places(200, 150), lines, SIZE)
    for at in found:
        assert 0 < at[0] < 200 and 0 < at[1] < 150
        assert any(abs(np.hypot(at[0] - x, at[1] - y) - r) < 1.5 for x, y, r in rings)
    for one, at in enumerate(found):
        for other in found[:one]:
            assert np.hypot(*(at - other)) > 0.9 * HEIGHT * SIZE
