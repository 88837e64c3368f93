"""Views and files that come while a window is open; no window is needed to refuse them."""

from types import SimpleNamespace

import pytest

from lossviz.errors import InputError
from lossviz.viewer import incoming
from lossviz.viewer.feed import News
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState
from tests.viewer.scenes import bumpy


class Told(SimpleNamespace):
    """What stands for the window: it keeps what it is told."""

    def tell(self, message):
        self.messages.append(message)

    def soon(self):
        pass


@pytest.fixture
def app():
    return Told(scene=Scene([bumpy()]), state=ViewState(), messages=[])


@pytest.mark.parametrize("part", ["surface", "trajectories"])
def test_a_view_with_an_unknown_colour_map_is_refused(app, part):
    view, before = ViewState(), app.state
    getattr(view, part).colormap = "no such map"
    assert not incoming.take_view(app, view, "in the clipboard")
    assert app.state is before
    assert "no such map" in app.messages[0]


@pytest.mark.parametrize("error", [InputError("no such thing"), ZeroDivisionError("by zero")])
def test_a_rewritten_file_that_cannot_be_drawn_leaves_the_one_before(app, error, monkeypatch):
    def fail(app):
        raise error

    monkeypatch.setattr(incoming, "_try_drawing", fail)
    app.feed = SimpleNamespace(poll=lambda: [News(0, bumpy(seed=1))])
    before = app.scene.items[0]
    incoming.read_news(app)
    assert app.scene.items == [before]
    assert str(error) in app.messages[0]
