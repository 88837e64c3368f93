"""Dear ImGui on moderngl: fonts, textures that it asks for, its triangles, and its input."""

from __future__ import annotations

import ctypes

import glfw  # before imgui_bundle, which would point it at a library of its own
import moderngl
import numpy as np
from imgui_bundle import imgui, implot

from lossviz.resources import folder
from lossviz.viewer.programs import program, set_uniforms
from lossviz.viewer.themes import THEMES

TEXT_SIZE = 14.0  # points
_KEYS = {
    getattr(glfw, f"KEY_{name.upper()}"): getattr(imgui.Key, other or name)
    for name, other in {
        "tab": "", "left": "left_arrow", "right": "right_arrow", "up": "up_arrow",
        "down": "down_arrow", "page_up": "", "page_down": "", "home": "", "end": "", "insert": "",
        "delete": "", "backspace": "", "space": "", "enter": "", "escape": "", "kp_enter":
        "keypad_enter", "a": "", "c": "", "v": "", "x": "", "y": "", "z": "",
    }.items()
}  # fmt: skip
_MODIFIERS = {
    glfw.MOD_SHIFT: imgui.Key.mod_shift, glfw.MOD_CONTROL: imgui.Key.mod_ctrl,
    glfw.MOD_ALT: imgui.Key.mod_alt, glfw.MOD_SUPER: imgui.Key.mod_super,
}  # fmt: skip


class Gui:
    """One ImGui context. ``scale`` is in window units a point: sizes follow the monitor."""

    def __init__(self, ctx: moderngl.Context, scale: float) -> None:
        self.ctx, self.scale = ctx, scale
        self.context = imgui.create_context()
        imgui.set_current_context(self.context)
        self.plots = implot.create_context()
        self.io = imgui.get_io()
        self.io.set_ini_filename("")  # views are saved as views, not as window positions
        self.io.backend_flags |= imgui.BackendFlags_.renderer_has_textures
        fonts = folder("assets") / "fonts"
        for name in ("Inter-Regular.otf", "Inter-SemiBold.otf"):
            self.io.fonts.add_font_from_file_ttf(str(fonts / name), TEXT_SIZE)
        self.program = program(ctx, "gui")
        self.vertices = ctx.buffer(reserve=1 << 16, dynamic=True)
        self.indices = ctx.buffer(reserve=1 << 15, dynamic=True)
        self.triangles = self._triangles()
        self.textures: dict[int, moderngl.Texture] = {}
        self._theme = ""

    def rescale(self, scale: float) -> None:
        """The window came to a monitor with another content scale."""
        if scale != self.scale:
            self.scale, self._theme = scale, ""

    def _triangles(self) -> moderngl.VertexArray:
        return self.ctx.vertex_array(
            self.program, [(self.vertices, "2f 2f 4f1", "position", "uv", "color")],
            index_buffer=self.indices, index_element_size=imgui.INDEX_SIZE,
        )  # fmt: skip

    # ── a frame ──────────────────────────────────────────────────────────────────────────────

    def begin(
        self, width: float, height: float, density: float, seconds: float, theme: str
    ) -> None:
        """Start a frame of ``width`` x ``height`` window units, ``density`` pixels each."""
        imgui.set_current_context(self.context)
        implot.set_current_context(self.plots)
        self.io.display_size = imgui.ImVec2(width, height)
        self.io.display_framebuffer_scale = imgui.ImVec2(density, density)
        self.io.delta_time = max(seconds, 1e-4)
        if theme != self._theme:
            style(theme, self.scale)
            self._theme = theme
        imgui.new_frame()

    def end(self, target: moderngl.Framebuffer) -> None:
        """Finish the frame and draw it over ``target``; leaves blending and scissor off."""
        imgui.render()
        self._update_textures()
        data = imgui.get_draw_data()
        size, density = self.io.display_size, self.io.display_framebuffer_scale.x
        width, height = round(size.x * density), round(size.y * density)
        target.use()
        target.viewport = (0, 0, width, height)
        self.ctx.enable_only(moderngl.BLEND)
        self.ctx.blend_func = moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA
        set_uniforms(self.program, display=(size.x, size.y), picture=0)
        for commands in data.cmd_lists:
            self._upload(commands)
            for command in commands.cmd_buffer:
                left, top, right, bottom = (
                    int(side * density) for side in _four(command.clip_rect)
                )
                if right <= left or bottom <= top:
                    continue
                target.scissor = (left, height - bottom, right - left, bottom - top)
                self.textures[command.tex_ref.get_tex_id()].use(0)
                self.triangles.render(
                    moderngl.TRIANGLES, vertices=command.elem_count, first=command.idx_offset
                )
        target.scissor = None  # type: ignore[assignment]
        self.ctx.enable_only(moderngl.NOTHING)

    def _upload(self, commands: imgui.ImDrawList) -> None:
        for buffer, source, unit in (
            (self.vertices, commands.vtx_buffer, imgui.VERTEX_SIZE),
            (self.indices, commands.idx_buffer, imgui.INDEX_SIZE),
        ):
            size = source.size() * unit
            if size > buffer.size:
                self.triangles.release()
                buffer.orphan(2 * size)
                self.triangles = self._triangles()
            if size:
                buffer.write(ctypes.string_at(source.data_address(), size))

    def _update_textures(self) -> None:
        for asked in imgui.get_platform_io().textures:
            if asked.status == imgui.ImTextureStatus.want_create:
                texture = self.ctx.texture((asked.width, asked.height), 4, _pixels(asked).tobytes())
                self.textures[texture.glo] = texture
                asked.set_tex_id(texture.glo)
            elif asked.status == imgui.ImTextureStatus.want_updates:
                pixels = _pixels(asked)
                for part in asked.updates:
                    rows = np.s_[part.y : part.y + part.h, part.x : part.x + part.w]
                    place = (part.x, part.y, part.w, part.h)
                    self.textures[asked.tex_id].write(pixels[rows].tobytes(), place)
            elif asked.status == imgui.ImTextureStatus.want_destroy and asked.unused_frames > 0:
                self.textures.pop(asked.tex_id).release()
                asked.set_tex_id(0)
                asked.status = imgui.ImTextureStatus.destroyed
                continue
            else:
                continue
            asked.status = imgui.ImTextureStatus.ok

    def upload(self, pixels: np.ndarray) -> int:
        """A picture ``(h, w, 3)`` uint8 for panels, by a number; ``drop`` releases it."""
        height, width, _ = pixels.shape
        texture = self.ctx.texture((width, height), 3, pixels.tobytes(), alignment=1)
        self.textures[texture.glo] = texture
        return texture.glo

    def drop(self, number: int) -> None:
        """Release a picture that no panel of this frame shows."""
        self.textures.pop(number).release()

    # ── input ────────────────────────────────────────────────────────────────────────────────

    @property
    def wants_mouse(self) -> bool:
        """Whether the pointer is over a panel, or a panel is being dragged."""
        return bool(self.io.want_capture_mouse)

    @property
    def wants_text(self) -> bool:
        """Whether a text field has the keyboard."""
        return bool(self.io.want_text_input)

    def close_list(self) -> bool:
        """Close an open list; whether there was one."""
        if not imgui.is_popup_open("", imgui.PopupFlags_.any_popup):
            return False
        imgui.internal.close_popup_to_level(0, True)
        return True

    def pointer(self, x: float, y: float) -> None:
        """The pointer moved, in window units."""
        self.io.add_mouse_pos_event(x, y)

    def button(self, button: int, down: bool, modifiers: int = 0) -> None:
        """A mouse button, numbered as by GLFW."""
        # Here too: under X11 the press of Ctrl itself does not say that Ctrl is held.
        self._hold(modifiers)
        if button < 5:
            self.io.add_mouse_button_event(button, down)

    def wheel(self, x: float, y: float) -> None:
        """The wheel, or two fingers."""
        self.io.add_mouse_wheel_event(x, y)

    def key(self, key: int, down: bool, modifiers: int) -> None:
        """A key, numbered as by GLFW."""
        self._hold(modifiers)
        if key in _KEYS:
            self.io.add_key_event(_KEYS[key], down)

    def _hold(self, modifiers: int) -> None:
        for bit, name in _MODIFIERS.items():
            self.io.add_key_event(name, bool(modifiers & bit))

    def character(self, code: int) -> None:
        """A typed character."""
        self.io.add_input_character(code)

    def release(self) -> None:
        """Release every GL object and the context."""
        for texture in self.textures.values():
            texture.release()
        for asked in imgui.get_platform_io().textures:
            asked.set_tex_id(0)
            asked.status = imgui.ImTextureStatus.destroyed
        for owned in (self.triangles, self.vertices, self.indices, self.program):
            owned.release()
        self.io.backend_flags &= ~imgui.BackendFlags_.renderer_has_textures
        implot.destroy_context(self.plots)
        imgui.destroy_context(self.context)


def _four(rect: imgui.ImVec4) -> tuple[float, float, float, float]:
    return rect.x, rect.y, rect.z, rect.w


def _pixels(texture: imgui.ImTextureData) -> np.ndarray:
    """(h, w, 4) uint8."""
    return np.asarray(texture.get_pixels_array()).reshape(texture.height, texture.width, 4)


def _scale_sizes(scale: float) -> None:
    """All sizes anew: scaled again and again they would shrink, for each time they are rounded."""
    fresh, own = imgui.Style(), imgui.get_style()
    fresh.scale_all_sizes(scale)
    for name in dir(fresh):
        if isinstance(value := getattr(fresh, name), float | imgui.ImVec2):
            setattr(own, name, value)
    own.font_size_base, own.font_scale_dpi = TEXT_SIZE, scale
    plots, own_plots = implot.Style(), implot.get_style()
    for name in dir(plots):  # without the opacities
        if isinstance(value := getattr(plots, name), imgui.ImVec2) or name == "plot_border_size":
            setattr(own_plots, name, value * scale)


def style(theme: str, scale: float) -> None:
    """Colours and shapes of the panels, after the picture's theme."""
    dark = theme == "dark"
    _scale_sizes(scale)
    imgui.style_colors_dark() if dark else imgui.style_colors_light()
    own = imgui.get_style()
    own.window_padding = imgui.ImVec2(14 * scale, 12 * scale)
    own.frame_padding = imgui.ImVec2(8 * scale, 4 * scale)
    own.item_spacing = imgui.ImVec2(8 * scale, 6 * scale)
    own.frame_rounding = own.grab_rounding = own.popup_rounding = 5 * scale
    own.window_rounding = own.scrollbar_rounding = 8 * scale
    own.scrollbar_size = 10 * scale
    own.grab_min_size = 12 * scale
    own.window_border_size = own.frame_border_size = 0.0
    red, green, blue = THEMES[theme].ink
    accent = (0.36, 0.55, 0.95) if dark else (0.20, 0.40, 0.80)
    panel = (0.105, 0.12, 0.145) if dark else (0.955, 0.96, 0.97)
    field = (1.0, 1.0, 1.0, 0.07) if dark else (0.0, 0.0, 0.0, 0.055)

    def color(name: str, r: float, g: float, b: float, a: float = 1.0) -> None:
        own.set_color_(getattr(imgui.Col_, name), imgui.ImVec4(r, g, b, a))

    color("text", red, green, blue)
    color("window_bg", *panel)
    color("popup_bg", *panel)
    for name in ("title_bg", "title_bg_active", "title_bg_collapsed"):
        color(name, *panel)
    for name in ("frame_bg", "button", "header"):
        color(name, *field)
    for name in ("frame_bg_hovered", "button_hovered", "header_hovered"):
        color(name, *accent, 0.22)
    for name in ("frame_bg_active", "button_active", "header_active"):
        color(name, *accent, 0.40)
    # So light that the value, which is written over it, can be read.
    color("slider_grab", *accent, 0.5)
    color("slider_grab_active", *accent, 0.7)
    color("check_mark", *accent)
    color("plot_histogram", *accent, 0.85)  # a progress bar
    color("border", red, green, blue, 0.28)
    color("separator", red, green, blue, 0.12)
    color("text_disabled", red, green, blue, 0.6)
    color("scrollbar_bg", 0.0, 0.0, 0.0, 0.0)
