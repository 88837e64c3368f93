"""Shader programs from ``shaders/``: one file a drawable with all its stages, shared includes."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import moderngl

from lossviz.errors import LossvizError
from lossviz.resources import folder

_INCLUDE = re.compile(r'^#include "([\w.]+)"$', re.MULTILINE)


def source(name: str, stage: str, defined: Collection[str] = ()) -> str:
    """The GLSL text of one stage ("VERTEX" or "FRAGMENT") of ``shaders/NAME.glsl``."""
    shaders = folder("shaders")
    text = (shaders / f"{name}.glsl").read_text(encoding="utf-8")
    text = _INCLUDE.sub(lambda m: (shaders / "include" / m[1]).read_text(encoding="utf-8"), text)
    version, _, rest = text.partition("\n")
    defines = "".join(f"#define {word}\n" for word in (f"{stage}_SHADER", *defined))
    return f"{version}\n{defines}{rest}"


def program(ctx: moderngl.Context, name: str, defined: Collection[str] = ()) -> moderngl.Program:
    """Compile ``shaders/NAME.glsl``, with the parts that stand under ``#ifdef`` of these words.

    Raises
    ------
    LossvizError
        If the driver refuses it, with the driver's own words.
    """
    try:
        return ctx.program(
            vertex_shader=source(name, "VERTEX", defined),
            fragment_shader=source(name, "FRAGMENT", defined),
        )
    except moderngl.Error as error:
        raise LossvizError(
            f"shaders/{name}.glsl: the graphics driver refused it: {error}"
        ) from None


def set_uniforms(program: moderngl.Program, **values: Any) -> None:
    """Set uniforms by name; those that the compiler removed are skipped."""
    for name, value in values.items():
        if name not in program:
            continue
        uniform: Any = program[name]
        if hasattr(value, "tobytes"):
            uniform.write(value.tobytes())
        else:
            uniform.value = value


class Variants:
    """A program without vertex buffers in as many variants as are drawn.

    A graphics card skips what is switched off in a shader; a software rasteriser computes it and
    throws it away. So each combination of words is a program, compiled when it is first needed.
    """

    def __init__(self, ctx: moderngl.Context, name: str) -> None:
        self.ctx, self.name = ctx, name
        self._found: dict[tuple[str, ...], moderngl.VertexArray] = {}

    def of(self, **words: bool) -> moderngl.VertexArray:
        """The vertex array of the variant with the words that are true."""
        wanted = tuple(word for word, on in words.items() if on)
        if wanted not in self._found:
            self._found[wanted] = self.ctx.vertex_array(program(self.ctx, self.name, wanted), [])
        return self._found[wanted]

    def release(self) -> None:
        """Release the programs and their vertex arrays."""
        for vertices in self._found.values():
            vertices.program.release()
            vertices.release()
