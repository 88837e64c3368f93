"""What every test gets: strict numpy, an off-screen OpenGL context, reference pictures."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from lossviz.errors import LossvizError

IMAGES = Path(__file__).parent / "images"
FAILURES = IMAGES / "failure"
DIFFERENT, SHARE = 8, 0.005  # a pixel differs by more than 8/255; so many may

# A busy machine is slow in ways that are no property of the code. The same commit passes or fails
# everywhere and every time; `pytest --hypothesis-profile=search` looks for new examples by chance.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, database=None, print_blob=True)
settings.load_profile("same")


# No test reads or writes the user's own settings; each has an empty folder of its own.
SETTINGS = Path(tempfile.mkdtemp(prefix="lossviz-tests-"))
os.environ["LOSSVIZ_CONFIG_DIR"] = str(SETTINGS / "shared")
os.environ["LOSSVIZ_CACHE_DIR"] = str(SETTINGS / "cache")
_numbers = itertools.count()


def pytest_unconfigure():
    shutil.rmtree(SETTINGS, ignore_errors=True)


def pytest_addoption(parser):
    parser.addoption("--bless", action="store_true", help="write the reference pictures anew")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark what compares pictures, so that ``make references`` runs that alone."""
    for item in items:
        if "image_match" in getattr(item, "fixturenames", ()):
            item.add_marker("image")


@pytest.fixture(autouse=True)
def settings_folder(monkeypatch):
    """Where this test's settings are; nothing is there yet."""
    own = SETTINGS / str(next(_numbers))
    monkeypatch.setenv("LOSSVIZ_CONFIG_DIR", str(own))
    monkeypatch.setenv("LOSSVIZ_CACHE_DIR", str(SETTINGS / f"cache-{own.name}"))
    return own


@pytest.fixture(autouse=True)
def strict_numpy():
    """Nothing overflows or divides by zero unnoticed; what means to says so with errstate."""
    with np.errstate(all="raise", under="ignore"):
        yield


@pytest.fixture(scope="session")
def _session_ctx():
    from lossviz.viewer.screenshot import create_context

    try:
        context = create_context()
    except LossvizError as error:
        if os.environ.get("CI"):
            raise  # there it must work; a skip would hide that nothing was drawn
        pytest.skip(str(error))
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
        renderer = ctx.info["GL_RENDERER"]
        if "llvmpipe" not in renderer:
            pytest.skip(f"drawn, but compared and blessed on llvmpipe only; this is {renderer}")
        if request.config.getoption("--bless"):
            Image.fromarray(actual.astype(np.uint8)).save(path, optimize=True)
            return
        assert path.is_file(), f"no reference {path.name}: make references, look at it, commit it"
        with Image.open(path) as image:
            expected = np.asarray(image.convert("RGB")).astype(int)
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
