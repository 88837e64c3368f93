"""What the commands do that change the view and nothing else."""

from __future__ import annotations

from lossviz.viewer import commands as cmd
from lossviz.viewer.arrangement import link
from lossviz.viewer.colormaps import names
from lossviz.viewer.figure import is_logarithmic
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ARRANGEMENTS, ViewState


def change(command: cmd.Command, scene: Scene, state: ViewState) -> bool:
    """Change ``state`` as the command asks; False if it asks for something else."""
    match command:
        case cmd.Fit():
            state.camera.distance, state.camera.target = 0.0, (0.0, 0.0, 0.0)
        case cmd.Look(azimuth, elevation, orthographic):
            camera = state.camera
            camera.azimuth, camera.elevation, camera.distance = azimuth, elevation, 0.0
            camera.orthographic |= orthographic
        case cmd.Toggle(place):
            part, _, name = place.partition(".")
            setattr(getattr(state, part), name, not getattr(getattr(state, part), name))
        case cmd.NextColormap(step):
            known = names()
            at = known.index(state.surface.colormap) if state.surface.colormap in known else 0
            state.surface.colormap = known[(at + step) % len(known)]
        case cmd.NextScale():
            scale = "linear" if is_logarithmic(scene, state) else "log"
            state.surface.height_scale = state.surface.color_scale = scale
            state.isolines.spacing = state.curves.scale = scale
        case cmd.NextArrangement():
            own = state.compare
            at = ARRANGEMENTS.index(own.arrangement) + 1
            own.arrangement = ARRANGEMENTS[at % len(ARRANGEMENTS)]
        case cmd.LinkCameras():
            link(scene, state)
        case _:
            return False
    return True
