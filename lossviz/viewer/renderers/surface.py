"""The mesh and the floor: the same grid, once at its height and once flat."""

from __future__ import annotations

import moderngl
import numpy as np

from lossviz.viewer import basins, shadow
from lossviz.viewer.bands import Bands, bands
from lossviz.viewer.camera import View
from lossviz.viewer.colormaps import luminance
from lossviz.viewer.heights import moving_stride
from lossviz.viewer.items import Item
from lossviz.viewer.levels import MOST_LEVELS, shader_levels
from lossviz.viewer.programs import Variants, set_uniforms
from lossviz.viewer.ranges import Field, Range
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState
from lossviz.viewer.textures import Textures
from lossviz.viewer.themes import THEMES, Rgb

FLOOR_OPACITY = 0.8
RIM = 1.0  # points
BORDER = 0.9  # points: a line between two basins
MESH_LINES = 32  # about as many a side of a surface that is drawn as a mesh


class SurfaceRenderer:
    """Draws landscape ``index`` of a scene as a lit surface, as its floor or as a mesh."""

    def __init__(self, ctx: moderngl.Context, textures: Textures) -> None:
        self.textures = textures
        self._meshes = Variants(ctx, "surface")

    def draw(
        self, scene: Scene, state: ViewState, index: int, view: View, *, camera: np.ndarray,
        scale: float, moving: bool, flat: bool, background: tuple[float, float, float],
        clip: tuple[float, ...], veil: Rgb | None = None, depth_alone: bool = False,
    ) -> None:  # fmt: skip
        """Draw into the bound framebuffer; ``camera (4, 4)`` is the view cropped to the tile.

        With a colour for its ``veil`` it is a mesh of it that what is behind is seen through, to be
        blended; with ``depth_alone`` no colour is meant, and little computed.
        """
        item, own, lines = scene.items[index], state.surface, state.isolines
        parts = item.parts(own.smooth)
        heights, colors = scene.height_range(state, index), scene.color_range(state, index)
        height_field = self.textures.field(item, own.height, own.smooth)
        shown = scene.color(state, index)
        color_field = self.textures.field(item, shown, own.smooth)
        columns, rows = height_field.size
        stride = moving_stride(columns, rows) if moving else 1
        if flat:  # flat cells need corners only where the grid's spacing changes
            stride = max(columns, rows) if item.evenly_spaced else parts
        levels = np.zeros((MOST_LEVELS, 4), np.float32)
        found = shader_levels(scene, state, index)
        regions = basins.shown(item, state) if veil is None else None
        banded = bands(scene, state, index) if veil is None else None
        key, left = shadow.light(scene, state, index) if flat else (None, None)
        mesh_step = 1 if veil is None else max(1, round(max(item.surface.shape) / MESH_LINES))
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
            bound["band_table"] = self._band_table(item, state, shown, banded)
        if left is not None:
            bound["shadow_field"] = self.textures.shadow(key, left)
        words = {"DEPTH": True} if depth_alone else {
            "FLAT": flat, "LINES": lines.floor if flat else lines.surface,
            "WIRE": (own.wire or veil is not None) and not flat, "BASINS": regions is not None,
            "CAPPED": _is_capped(scene, state, index, heights), "ONE_FIELD": shown == own.height,
            "BANDS": banded is not None, "SHADOW": left is not None,
            "RIM": own.rim and not (flat or moving or veil is not None), "VEIL": veil is not None,
        }  # fmt: skip
        mesh = self._meshes.of(**words)
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
            color_span=_span(colors, item.field(shown, own.smooth)),
            band_count=0 if banded is None else len(banded.colors),
            shadow=own.shadow, extent=item.extent, rim_width=RIM * scale,
            ground=float(luminance(np.array(THEMES[state.picture.theme].background))),
            light=own.light, occlusion=own.occlusion,
            levels=levels,
            level_count=len(found), line_width=lines.width * scale, line_opacity=lines.opacity,
            parts=parts * mesh_step, fine_cells=(columns - 1, rows - 1),
            border_width=BORDER * scale, veil=(*(veil or (0.0, 0.0, 0.0)), state.compare.veil),
            pixel=scale, background=background, opacity=FLOOR_OPACITY if flat else 1.0,
        )  # fmt: skip
        strips = -(-(rows - 1) // stride)
        vertices = 2 * (-(-(columns - 1) // stride) + 1)
        mesh.render(moderngl.TRIANGLE_STRIP, vertices=vertices, instances=strips)

    def _band_table(
        self, item: Item, state: ViewState, shown: str, found: Bands
    ) -> moderngl.Texture:
        own = state.surface
        key = item.key, shown, found.span, found.edges.tobytes(), own.colormap, own.reverse
        return self.textures.bands(key, found, item.field(shown, own.smooth))

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
