"""Labels: what they tell, where their cards stand, and which of them is clicked on."""

from itertools import pairwise, product

import numpy as np
import pytest

from lossviz.viewer.labels import near_label, told
from lossviz.viewer.layout import Rect
from lossviz.viewer.picking import pick
from lossviz.viewer.picture import Picture, views
from lossviz.viewer.pins import HEAD, overlap
from lossviz.viewer.pointing import card_at, clicked_at
from lossviz.viewer.renderers.overlay import Box, Label
from lossviz.viewer.scene import Scene
from lossviz.viewer.screenshot import take
from lossviz.viewer.state import ViewState

from .scenes import between, bumpy, dimpled

SIZE = (800, 600, 1.0)


def test_a_label_tells_every_quantity_and_the_distance_to_the_one_before():
    scene, state = Scene([bumpy(21), bumpy(21, seed=1)]), ViewState()
    own = scene.items[0].surface
    state.labels.places = ((0, 0.5, 0.3), (1, 0.0, 0.0), (0, 0.8, -0.1))
    rows = dict(told(scene, state, 0))
    i, j = np.abs(own.alphas - 0.5).argmin(), np.abs(own.betas - 0.3).argmin()
    assert rows == {"α": "0.5", "β": "0.3", "loss": f"{own.loss[i, j]:.4g}",
                    "accuracy": f"{own.quantities['accuracy'][i, j]:.4g}"}  # fmt: skip
    assert dict(told(scene, state, 2))["distance to 1"] == "0.5"
    assert "distance to 1" not in dict(told(scene, state, 1))


def drawn_cards(ctx, monkeypatch, scene, state, scale=1.0):
    """The boxes of all cards in a picture, by the places' numbers, in the order of drawing."""
    drawn, picture = [], Picture(ctx)
    monkeypatch.setattr(picture.overlay, "draw", lambda parts, *rest, **more: drawn.extend(parts))
    width, height = (round(side * scale) for side in SIZE[:2])
    try:
        take(picture, scene, state, width=width, height=height, scale=scale, supersample=1)
    finally:
        picture.release()
    return {
        int(label.text.split()[0]) - 1: box.rect
        for box, label in pairwise(drawn)
        if isinstance(box, Box) and isinstance(label, Label) and label.bold and "α" in label.text
    }


@pytest.fixture
def labelled():
    scene, state = Scene([dimpled(31)]), ViewState()
    state.labels.places = ((0, 0.5, 0.3), (0, -0.5, 0.0))
    return scene, state


def test_a_click_on_a_label_takes_it_away(labelled):
    scene, state = labelled
    before = state.labels.places
    at = next((x, 300) for x in range(300, 500, 9) if pick(scene, state, *SIZE, x, 300)
              and clicked_at(scene, state, *SIZE, x, 300)[:2] == before)  # fmt: skip
    hit = pick(scene, state, *SIZE, *at)
    state.labels.places = clicked_at(scene, state, *SIZE, *at)
    assert state.labels.places == (*before, (0, hit.alpha, hit.beta))
    for away in (0, 3):
        assert clicked_at(scene, state, *SIZE, at[0] + away, at[1] - away) == before
    found, (view,) = views(scene, state, *SIZE)
    assert near_label(scene, state, 0, found.cells[0], view, at[0] + 30, at[1], 1.0) != 2
    state.labels.places = 100 * (before[0],)
    state.labels.shown = False
    assert len(clicked_at(scene, state, *SIZE, *at)) == 100


@pytest.mark.parametrize("shown", [True, False])
def test_a_click_on_a_card_takes_its_label_away(labelled, ctx, monkeypatch, shown):
    scene, state = labelled
    places = state.labels.places
    state.camera.elevation = 80.0
    boxes = drawn_cards(ctx, monkeypatch, scene, state)
    state.labels.shown = shown
    over = 0
    for place, box in boxes.items():
        for x, y in product((1, box.width - 1), (1, box.height - 1)):
            at = box.x + x, box.y + y
            found, behind = clicked_at(scene, state, *SIZE, *at), pick(scene, state, *SIZE, *at)
            over += behind is not None
            if shown:
                assert found == places[:place] + places[place + 1 :]
                assert card_at(scene, state, *SIZE, *at) == place
            else:  # what is not drawn is not clicked on
                assert (found is None) == (behind is None)
                assert found is None or found[:2] == places
                assert card_at(scene, state, *SIZE, *at) is None
    assert set(boxes) == {0, 1} and 0 < over < 8


def test_the_upper_one_of_two_cards_is_clicked_on(ctx, monkeypatch):
    scene, state = Scene([bumpy(21), bumpy(21)]), ViewState()
    state.compare.arrangement = "overlay"
    state.labels.places = ((1, 0.1, 0.1), (0, 0.1, 0.1))  # each where it would stand alone
    boxes = drawn_cards(ctx, monkeypatch, scene, state)
    lower, upper = boxes.values()
    assert list(boxes) == [1, 0] and lower == upper
    assert card_at(scene, state, *SIZE, upper.x + 9, upper.y + 9) == 0
    assert clicked_at(Scene([between()]), state, *SIZE, upper.x + 9, upper.y + 9) is None


def test_a_card_keeps_off_the_signs_of_other_places_at_every_scale(ctx, monkeypatch):
    scale, size = 3.0, (2400, 1800, 3.0)
    scene, state = Scene([bumpy(21)]), ViewState()
    state.camera.elevation, state.camera.azimuth = 90.0, -90.0
    state.labels.places = ((0, 0.0, 0.0),)
    card = drawn_cards(ctx, monkeypatch, scene, state, scale)[0]
    # Another place whose sign reaches by a third into where the card would stand.
    beside = pick(scene, state, *size, card.x - HEAD * scale / 3, card.y + card.height / 2)
    state.labels.places = ((0, 0.0, 0.0), (0, beside.alpha, beside.beta))
    half = HEAD * scale
    sign = Rect(card.x - 4 / 3 * half, card.y + card.height / 2 - half, 2 * half, 2 * half)
    for box in drawn_cards(ctx, monkeypatch, scene, state, scale).values():
        assert overlap(box, sign) < 1
