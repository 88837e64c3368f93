"""Any state survives JSON, and any state draws.

States are made from the fields, choices and bounds of ``ViewState`` itself: a setting that is added
is tried from then on.
"""

import math
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from lossviz.landscape import Landscape, Surface
from lossviz.viewer import state as states
from lossviz.viewer.colormaps import names
from lossviz.viewer.picture import Picture
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import Cut, ViewState
from tests.viewer.scenes import between, bumpy, dimpled, runs

SIZE = 96, 80
WIDE = 1e30  # what is not bounded: far beyond any landscape
QUANTITIES = ("loss", "accuracy", "missing")
NAMED = {"height": QUANTITIES, "color": QUANTITIES, "colormap": names()}

number = some.floats(-WIDE, WIDE) | some.floats(-2, 2)
start = some.tuples(some.integers(0, 3), number, number)
cut = some.builds(
    Cut, some.text(max_size=20), some.sampled_from(states.SLICES), some.floats(-720, 720), number
)


def low_high(end):
    return some.tuples(end, end).map(sorted).filter(lambda e: e[0] < e[1]).map(tuple)


def values(part, item):
    """What a field may hold."""
    name, old = item.name, getattr(part, item.name)
    key = type(part), name
    if key in states._CHOICES:
        return some.sampled_from(states._CHOICES[key])
    if name in ("starts", "places"):
        return some.lists(start, max_size=3).map(tuple)
    if name == "pinned":
        return some.lists(cut, max_size=3).map(tuple)
    if name == "cameras":
        return some.lists(camera(), max_size=3).map(tuple)
    if name == "differences":
        return some.lists(some.tuples(*[some.integers(0, 2)] * 2), max_size=3).map(tuple)
    if name in states._RANGES:
        return some.none() | low_high(number if name not in states._BOUNDS
                                      else some.floats(*states._BOUNDS[name]))  # fmt: skip
    if name == "marker":
        return some.none() | some.tuples(number, number)
    if name == "target":
        return some.tuples(*[some.floats(-1e6, 1e6)] * 3)
    own = states._PICTURE_BOUNDS if isinstance(part, states.PictureState) else {}
    low, high = {**states._BOUNDS, **own}.get(name, (-WIDE, WIDE))
    high = min(high, WIDE)
    if isinstance(old, bool):
        return some.booleans()
    if isinstance(old, int):
        return some.integers(math.ceil(low), math.floor(high))
    if name in states._OPTIONAL:
        return some.none() | some.floats(low, high)
    if isinstance(old, float):
        return some.floats(low, high)
    if isinstance(old, str):
        return some.sampled_from(NAMED[name]) if name in NAMED else some.text(max_size=9)
    if isinstance(old, tuple):
        return some.lists(some.text(max_size=9), max_size=3).map(tuple)
    raise TypeError(f"{type(part).__name__}.{name}: this test does not know what it may hold")


@some.composite
def camera(draw):
    """Any of its fields."""
    own = states.CameraState()
    return replace(own, **{item.name: draw(values(own, item)) for item in fields(own)})


@some.composite
def view_states(draw):
    """Mostly the defaults, as a view has them: a few settings of a few parts are others."""
    state = ViewState()
    parts = [getattr(state, item.name) for item in fields(state)]
    every = [(part, item) for part in parts if is_dataclass(part) for item in fields(part)]
    for index in draw(some.sets(some.integers(0, len(every) - 1), max_size=12)):
        part, item = every[index]
        setattr(part, item.name, draw(values(part, item)))
    return state


@given(view_states())
def test_a_state_survives_json(state):
    assert ViewState.from_json(state.to_json()) == state


def test_every_kind_of_field_is_tried():
    state = ViewState()
    for item in fields(state):
        part = getattr(state, item.name)
        if is_dataclass(part):
            for own in fields(part):
                assert values(part, own) is not None


def holed():
    own = bumpy(9).surface
    loss = own.loss.copy()
    loss[2:5, 3] = np.nan
    return Landscape(surface=Surface(own.alphas, own.betas, {"loss": loss, "accuracy": -loss}))


def odd(loss):
    loss = np.asarray(loss, float)
    axes = (np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in loss.shape)
    return Landscape(surface=Surface(*axes, {"loss": loss, "accuracy": np.full(loss.shape, 0.5)}))


SCENES = {
    "one": lambda: [bumpy(9).with_changes(trajectories=runs(2, 9))],
    "pair": lambda: [dimpled(9), holed()],
    "three": lambda: [bumpy(9), odd(np.ones((9, 9))), dimpled(7)],
    "curves and a surface": lambda: [between(), bumpy(5, 9, span=0.1)],
    "constant": lambda: [odd(np.ones((5, 4)))],
    "nothing finite": lambda: [odd(np.full((3, 4), np.nan))],
    "300 decades": lambda: [odd(10.0 ** np.linspace(-150, 150, 36).reshape(6, 6))],
    "a row": lambda: [odd([[1.0, 5.0, 2.0, 8.0]])],
    "a column": lambda: [odd([[1.0], [np.nan], [2.0]])],
    "a point": lambda: [odd([[3.0]])],
}


@pytest.fixture(scope="module", params=list(SCENES))
def scene(request):
    return Scene(SCENES[request.param]())


@pytest.fixture
def drawn(ctx):
    """Draws a scene in a state, small."""
    picture = Picture(ctx)
    target = ctx.simple_framebuffer(SIZE)

    def draw(scene, state, **more):
        picture.draw(scene, state, target, *SIZE, scale=0.5, **more)
        picture.improve(scene, state)
        assert ctx.error == "GL_NO_ERROR"

    yield draw
    picture.release()
    target.release()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(state=view_states(), moving=some.booleans())
def test_any_state_draws(scene, drawn, state, moving):
    drawn(scene, state, moving=moving)
