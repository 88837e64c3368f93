"""Undo and redo of views."""

from copy import deepcopy
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossviz.viewer.history import History, restored
from lossviz.viewer.state import Cut, SliceState, ViewState, is_passing

# One change each: a place in the state, and a value.
CHANGES = st.one_of(
    st.tuples(st.just("camera.azimuth"), st.floats(-180, 180)),
    st.tuples(st.just("camera.target"), st.tuples(*[st.floats(-1, 1)] * 3)),
    st.tuples(st.just("surface.cap"), st.none() | st.floats(0.1, 10)),
    st.tuples(st.just("surface.colormap"), st.sampled_from(["magma", "coolwarm"])),
    st.tuples(st.just("trajectories.hidden"), st.lists(st.text(max_size=3)).map(tuple)),
    st.tuples(st.just("critical.starts"), st.just(((0, 0.5, 0.5),))),
    st.tuples(st.just("isolines.surface"), st.booleans()),
    st.tuples(st.just("panels.visible"), st.booleans()),
    st.tuples(st.just("slice.marker"), st.none() | st.tuples(*[st.floats(-1, 1)] * 2)),
    st.tuples(st.just("slice.pinned"), st.just((Cut("a"),))),
)


def change(state, place, value):
    part, _, name = place.partition(".")
    setattr(getattr(state, part), name, value)


def lasting(state):
    """What undo is about: everything but the panels and the crosshair."""
    found = {item.name: getattr(state, item.name) for item in fields(state)}
    return {**found, "panels": None, "slice": replace(state.slice, marker=None)}


@given(st.lists(CHANGES, max_size=40))
def test_any_changes_undone_give_the_first_state_back_and_redone_the_last(changes):
    history, state = History(), ViewState()
    first = deepcopy(state)
    history.note(state)
    seen = [lasting(deepcopy(state))]
    for place, value in changes:
        change(state, place, value)
        history.note(state)
        if lasting(state) != seen[-1]:
            seen.append(lasting(deepcopy(state)))
    panels, marker = deepcopy(state.panels), state.slice.marker
    for before in reversed(seen[:-1]):
        state = history.undo(state)
        assert lasting(state) == before and state.panels == panels
        assert state.slice.marker == marker
    assert history.undo(state) is None
    assert lasting(state) == lasting(first)
    for after in seen[1:]:
        state = history.redo(state)
        assert lasting(state) == after and state.panels == panels
    assert history.redo(state) is None


@given(st.lists(st.one_of(CHANGES, st.sampled_from(["undo", "redo"])), max_size=40))
def test_any_mixture_is_as_with_two_piles(steps):
    history, state = History(), ViewState()
    history.note(state)
    past, now, future = [], lasting(deepcopy(state)), []
    for step in steps:
        if step == "undo":
            found = history.undo(state)
            assert (found is None) == (not past)
            if past:
                future.append(now)
                now = past.pop()
        elif step == "redo":
            found = history.redo(state)
            assert (found is None) == (not future)
            if future:
                past.append(now)
                now = future.pop()
        else:
            change(state, *step)
            history.note(state)
            found = None
            if lasting(state) != now:
                past.append(now)
                now, future = lasting(deepcopy(state)), []
        state = state if found is None else found
        assert lasting(state) == now


def test_a_gesture_is_one_step_whatever_came_between():
    history, state = History(), ViewState()
    history.note(state)
    for azimuth in range(100):
        state.camera.azimuth = float(azimuth)  # frames of a drag: nothing is noted
    history.note(state)
    assert history.undo(state).camera.azimuth == ViewState().camera.azimuth


def test_what_was_not_noted_is_undone_too():
    history, state = History(), ViewState()
    history.note(state)
    state.surface.wire = True
    state = history.undo(state)
    assert state.surface.wire is False
    assert history.redo(state).surface.wire is True


def test_it_is_bounded():
    history, state = History(most=10), ViewState()
    for azimuth in range(50):
        state.camera.azimuth = float(azimuth)
        history.note(state)
    for azimuth in range(48, 38, -1):
        state = history.undo(state)
        assert state.camera.azimuth == azimuth
    assert history.undo(state) is None


def test_what_it_gives_is_nobody_elses():
    history, state = History(), ViewState()
    history.note(state)
    state.camera.azimuth = 10.0
    back = history.undo(state)
    back.camera.azimuth = 77.0  # a drag goes on in the state that was given
    again = history.undo(back)
    assert again.camera.azimuth == ViewState().camera.azimuth


def test_forgotten_steps_do_not_come_back():
    history, state = History(), ViewState()
    history.note(state)
    state.surface.wire = True
    history.note(state)
    history.forget()
    assert history.undo(state) is None and history.redo(state) is None


def test_only_panels_and_pointers_are_passing():
    assert [item.name for item in fields(ViewState) if is_passing(item)] == ["panels"]
    assert [item.name for item in fields(SliceState) if is_passing(item)] == ["marker"]
    view, present = ViewState(), ViewState()
    present.panels.visible, present.surface.wire = False, True
    found = restored(view, present)
    assert found.panels.visible is False and found.surface.wire is False
    found.panels.visible = True
    assert present.panels.visible is False


@pytest.mark.parametrize("most", [0, 1])
def test_few_or_no_steps(most):
    history, state = History(most=most), ViewState()
    for wire in (False, True, False, True):
        state.surface.wire = wire
        history.note(state)
    assert (history.undo(state) is None) == (most == 0)
