"""Views and files that come while a window is open; no window is needed to refuse them."""

from types import SimpleNamespace

import pytest

from lossviz.errors import InputError
from lossviz.viewer import commands as cmd
from lossviz.viewer import incoming
from lossviz.viewer.feed import News
from lossviz.viewer.scene import Scene
from lossviz.viewer.session import Session
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


def test_a_view_is_taken_with_its_present_step_and_undone_without(app):
    session = Session([], None)
    session.history.note(app.state)
    app.state.panels.visible = False
    app.state.panels.playing, app.state.trajectories.played = True, 0.9
    view = ViewState()
    view.trajectories.played, view.surface.wire, view.slice.marker = 0.25, True, (0.1, 0.2)
    assert incoming.take_view(app, view, "in the clipboard") and app.messages == []
    assert app.state.trajectories == view.trajectories and app.state.slice == view.slice
    assert app.state.surface.wire and app.state is not view
    assert not app.state.panels.playing and not app.state.panels.visible
    app.state.panels.playing = True
    session.obey(app, cmd.Undo())
    assert not app.state.surface.wire
    assert app.state.trajectories.played == 0.25 and app.state.panels.playing
    session.obey(app, cmd.Redo())
    assert app.state.surface.wire and app.state.panels.playing


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
