"""The mesh and the floor: the same grid, once at its height and once flat."""

from __future__ import annotations

import moderngl
import numpy as np

from lossviz.viewer import basins, shadow
from lossviz.viewer.bands import Bands, bands
from lossviz.viewer.camera import View
from lossviz.viewer.colormaps import luminance
from lossviz.viewer.heights import moving_stride
from lossviz.viewer.levels import MOST_LEVELS, shader_levels
from lossviz.viewer.programs import Variants, set_uniforms
from lossviz.viewer.ranges import Field, Range
from lossviz.viewer.scene import Item, Scene
from lossviz.viewer.state import ViewState
from lossviz.viewer.textures import Textures
from lossviz.viewer.themes import THEMES

FLOOR_OPACITY = 0.8
RIM = 1.0  # points
BORDER = 0.9  # points: a line between two basins


class SurfaceRenderer:
    """Draws landscape ``index`` of a scene as a lit surface or as its floor."""

    def __init__(self, ctx: moderngl.Context, textures: Textures) -> None:
        self.textures = textures
        self._meshes = Variants(ctx, "surface")

    def draw(
        self, scene: Scene, state: ViewState, index: int, view: View, *, camera: np.ndarray,
        scale: float, moving: bool, flat: bool, background: tuple[float, float, float],
        clip: tuple[float, ...],
    ) -> None:  # fmt: skip
        """Draw into the bound framebuffer; ``camera (4, 4)`` is the view cropped to the tile."""
        item, own, lines = scene.items[index], state.surface, state.isolines
        parts = item.parts(own.smooth)
        heights, colors = scene.height_range(state, index), scene.color_range(state, index)
        height_field = self.textures.field(item, own.height, own.smooth)
        color_field = self.textures.field(item, own.color, own.smooth)
        columns, rows = height_field.size
        stride = moving_stride(columns, rows) if moving else 1
        if flat:  # flat cells need corners only where the grid's spacing changes
            stride = max(columns, rows) if item.evenly_spaced else parts
        levels = np.zeros((MOST_LEVELS, 4), np.float32)
        found = shader_levels(scene, state, index)
        regions = basins.shown(item, state)
        banded = bands(scene, state, index)
        key, left = shadow.light(scene, state, index) if flat else (None, None)
        levels[: len(found)] = found
        bound: dict[str, moderngl.Texture] = {
            "height_field": height_field,
            "color_field": color_field,
            "xs": self.textures.axis(item, 0, own.smooth),
            "ys": self.textures.axis(item, 1, own.smooth),
            "color_table": self.textures.color_table(own.colormap, own.reverse),
            "occlusion_field": self.textures.occlusion(
                *item.occlusion(state, heights, scene.top(state))
            ),
        }
        if regions is not None:
            bound["basin_field"] = self.textures.basins(item, regions)
        if banded is not None:
            bound["band_table"] = self._band_table(item, state, banded)
        if left is not None:
            bound["shadow_field"] = self.textures.shadow(key, left)
        mesh = self._meshes.of(
            FLAT=flat, LINES=lines.floor if flat else lines.surface, WIRE=own.wire and not flat,
            BASINS=regions is not None, CAPPED=_is_capped(scene, state, index, heights),
            ONE_FIELD=own.color == own.height, BANDS=banded is not None, SHADOW=left is not None,
            RIM=own.rim and not flat,
        )  # fmt: skip
        for slot, (name, texture) in enumerate(bound.items()):
            texture.use(slot)
            set_uniforms(mesh.program, **{name: slot})
        set_uniforms(
            mesh.program,
            camera=np.ascontiguousarray(camera.T, np.float32), clip=clip,
            eye=tuple(view.eye), forward=tuple(view.forward), right=tuple(view.right),
            up=tuple(view.up), orthographic=int(view.orthographic),
            size=(columns, rows), stride=stride, floor_z=scene.floor(state),
            height_log=int(heights.log), height_top=scene.top(state),
            height_span=_span(heights, item.field(own.height, own.smooth)),
            color_log=int(colors.log),
            color_span=_span(colors, item.field(own.color, own.smooth)),
            band_count=0 if banded is None else len(banded.colors),
            shadow=own.shadow, extent=item.extent, rim_width=RIM * scale,
            ground=float(luminance(np.array(THEMES[state.picture.theme].background))),
            light=own.light, occlusion=own.occlusion,
            levels=levels,
            level_count=len(found), line_width=lines.width * scale, line_opacity=lines.opacity,
            parts=parts, fine_cells=(columns - 1, rows - 1), border_width=BORDER * scale,
            pixel=scale, background=background, opacity=FLOOR_OPACITY if flat else 1.0,
        )  # fmt: skip
        strips = -(-(rows - 1) // stride)
        vertices = 2 * (-(-(columns - 1) // stride) + 1)
        mesh.render(moderngl.TRIANGLE_STRIP, vertices=vertices, instances=strips)

    def _band_table(self, item: Item, state: ViewState, found: Bands) -> moderngl.Texture:
        own = state.surface
        key = (item.key, own.color, found.span, found.edges.tobytes(), own.colormap,
               own.reverse)  # fmt: skip
        return self.textures.bands(key, found, item.field(own.color, own.smooth))

    def release(self) -> None:
        """Release the programs and their vertex arrays; the textures belong to the picture."""
        self._meshes.release()


def _span(span: Range, field: Field) -> tuple[float, float]:
    """The ends of a range as the shader compares them: log10, or shares of the field's range."""
    if span.log:
        return span.scaled
    low, high = field.share(np.array([span.low, span.high])).tolist()
    return low, max(high, low + 1e-6 * max(abs(low), 1.0))  # not the same in float32


def _is_capped(scene: Scene, state: ViewState, index: int, heights: Range) -> bool:
    own = state.surface
    span = scene.items[index].span(own.height)
    limited = own.cap is not None or own.height_range is not None
    return limited and span is not None and span[2] > heights.high
