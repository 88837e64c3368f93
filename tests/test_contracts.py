"""What may import what, and that importing does nothing: in fresh interpreters."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ["torch", "torchvision", "scipy", "matplotlib", "pandas", "h5py", "contourpy"]
GRAPHICS = ["moderngl", "moderngl_window", "imgui_bundle", "glfw", "pyglet"]


def modules(package):
    """The names of all modules below a package, found on disk: nothing is imported for that."""
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[-1] == "__main__":
            continue
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def fresh(code, *arguments):
    """What a new interpreter prints, by line; it fails the test if it fails or warns."""
    done = subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", code, *arguments],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


LOADED = """
import importlib, sys
names, unwanted = (argument.split(",") for argument in sys.argv[1:])
for name in names:
    importlib.import_module(name)
print(*(name for name in unwanted if name in sys.modules))
"""

# Audit events cannot be switched off again, so this needs an interpreter of its own.
WATCHED = """
import importlib, os, sys, threading
root = sys.argv[1]
names = sys.argv[2].split(",")
seen = []
def hook(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        writing = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        ours = isinstance(path, str) and path.startswith(root) and "/.venv" not in path
        writing = writing and isinstance(path, str) and path != os.devnull
        if writing or (ours and not path.endswith((".py", ".pyc"))):
            seen.append(f"open:{path}")
    elif event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "urllib.Request"):
        seen.append(event)
    elif event in ("subprocess.Popen", "os.fork", "os.posix_spawn"):
        # GLFW's binding asks its library for the version in a second Python; view spares even that
        if "glfwGetVersion" not in str(arguments):
            seen.append(f"{event}:{arguments[0]}")
sys.addaudithook(hook)
for name in names:
    importlib.import_module(name)
seen += [f"thread:{t.name}" for t in threading.enumerate() if t is not threading.main_thread()]
if "moderngl" in sys.modules and sys.modules["moderngl"]._store.default_context is not None:
    seen.append("context")
print(*seen)
"""


def test_contracts_between_packages():
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint, "--no-cache", "--no-logo"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


PARSED = """
import sys
from lossviz.cli import COMMANDS, build_parser
for name in COMMANDS:
    build_parser(name)
    print(*(f"{name}:{one}" for one in sys.argv[1].split(",") if one in sys.modules))
"""


def test_help_is_quick_and_a_window_sets_its_threads_before_numpy_starts_them():
    assert fresh(PARSED, ",".join(["numpy", "PIL", *HEAVY, *GRAPHICS])) == []


def test_the_package_itself_loads_nothing():
    assert (
        fresh(LOADED, "lossviz,lossviz.cli,lossviz.errors", "numpy,plyfile,tomllib,hashlib,secrets")
        == []
    )


def test_every_module_of_lossviz_loads_nothing_heavy():
    names = list(modules("lossviz"))
    assert "lossviz.viewer.scene" in names
    assert fresh(LOADED, ",".join(names), ",".join([*HEAVY, "compute"])) == []


DESCEND = """
import sys
from lossviz.viewer import beside
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState
from tests.viewer.scenes import dimpled
scene, state = Scene([dimpled(21)]), ViewState()
beside.finish(scene, state)
before = [name for name in ("compute", "scipy") if name in sys.modules]
state.critical.starts = ((0, 0.5, 0.5),)
beside.finish(scene, state)
line = scene.items[0].dropped[0.5, 0.5]
state.critical.basins = True
beside.finish(scene, state)
count = scene.items[0].basins["loss"].count
print(*before, len(line.points) > 1, count > 1, "compute.descent" in sys.modules,
      "compute.basins" in sys.modules, "torch" in sys.modules)
"""


def test_balls_and_basins_load_compute_and_never_torch():
    """The one exception of the viewer's contract; if nobody asks for them there is none."""
    assert fresh(DESCEND) == ["True", "True", "True", "True", "False"]


def test_landscapes_are_numpy_alone():
    unwanted = ",".join([*HEAVY, *GRAPHICS, "plyfile", "PIL"])
    assert fresh(LOADED, "lossviz.landscape", unwanted) == []


def test_compute_loads_no_graphics():
    names = list(modules("compute"))
    assert "compute.surface" in names
    assert fresh(LOADED, ",".join(names), ",".join([*GRAPHICS, "lossviz.viewer"])) == []


@pytest.mark.parametrize("package", ["lossviz", "compute"])
def test_importing_does_nothing(package):
    """No file of ours is read, none is written, no thread, no network, no context, no process."""
    seen = fresh(WATCHED, str(ROOT), ",".join(modules(package)))
    assert seen == []


def test_public_names_are_there_when_asked_for():
    import lossviz

    for name in lossviz.__all__:
        assert getattr(lossviz, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = lossviz.no_such_name
