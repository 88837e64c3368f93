"""What every test gets: strict numpy, an off-screen OpenGL context, reference pictures."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

IMAGES = Path(__file__).parent / "images"
FAILURES = IMAGES / "failure"
DIFFERENT, SHARE = 8, 0.005  # a pixel differs by more than 8/255; so many may


def pytest_addoption(parser):
    parser.addoption("--bless", action="store_true", help="write the reference pictures anew")


@pytest.fixture(autouse=True)
def strict_numpy():
    """Nothing overflows or divides by zero unnoticed; what means to says so with errstate."""
    with np.errstate(all="raise", under="ignore"):
        yield


@pytest.fixture(scope="session")
def _session_ctx():
    from lossviz.viewer.screenshot import create_context

    context = create_context()
    yield context
    context.release()


@pytest.fixture
def ctx(_session_ctx):
    """An OpenGL context without a window; an error before or after the test fails it."""
    with _session_ctx:
        assert _session_ctx.error == "GL_NO_ERROR", "left over from before"
        yield _session_ctx
        assert _session_ctx.error == "GL_NO_ERROR"


@pytest.fixture
def image_match(ctx, request):
    """Compare ``(h, w, 3 or 4)`` uint8 with ``tests/images/NAME.png``, on Mesa's software only."""
    from PIL import Image

    def compare(name, rgba):
        path = IMAGES / f"{name}.png"
        actual = np.asarray(rgba)[..., :3].astype(int)
        if request.config.getoption("--bless"):
            Image.fromarray(actual.astype(np.uint8)).save(path, optimize=True)
            return
        if "llvmpipe" not in ctx.info["GL_RENDERER"]:
            pytest.skip(
                f"pictures are compared on llvmpipe only, this is {ctx.info['GL_RENDERER']}"
            )
        assert path.is_file(), f"no reference {path.name}: make images, look at it, commit it"
        expected = np.asarray(Image.open(path).convert("RGB")).astype(int)
        assert actual.shape == expected.shape
        difference = np.abs(actual - expected).max(axis=2)
        share = float((difference > DIFFERENT).mean())
        if share > SHARE:
            FAILURES.mkdir(exist_ok=True)
            Image.fromarray(actual.astype(np.uint8)).save(FAILURES / f"{name}.png")
            magnified = np.minimum(difference * 8, 255).astype(np.uint8)
            Image.fromarray(magnified).save(FAILURES / f"{name}_difference.png")
        assert share <= SHARE, f"{share:.2%} of {name}'s pixels differ; see {FAILURES.name}/"

    return compare


def pytest_report_header():
    return f"python {sys.version.split()[0]}, reference pictures in {IMAGES.name}/"
