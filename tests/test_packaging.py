"""The wheel: what is in it, and that the package finds its files there."""

import os
import subprocess
import sys
import tomllib
import zipfile
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel of this tree, built as pip builds it but without the network."""
    target = tmp_path_factory.mktemp("wheel")
    hatchling = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    done = subprocess.run(hatchling, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return next(target.glob("*.whl"))


def contents(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_wheel_has_shaders_assets_and_both_packages(wheel):
    names = contents(wheel)
    for path in [
        *(ROOT / "lossviz").rglob("*.py"), *(ROOT / "compute").rglob("*.py"),
    ]:  # fmt: skip
        assert path.relative_to(ROOT).as_posix() in names
    for path in [*(ROOT / "shaders").rglob("*.glsl"), *(ROOT / "assets" / "fonts").iterdir()]:
        assert f"lossviz/{path.relative_to(ROOT).as_posix()}" in names
    for name in ["colormaps.npz", "data/digits.npz", "README.md"]:
        assert f"lossviz/assets/{name}" in names


def test_wheel_has_nothing_else(wheel):
    metadata = "lossviz-"
    for name in contents(wheel):
        assert name.startswith(("lossviz/", "compute/", metadata))
        assert "__pycache__" not in name
        assert ".run/" not in name
        assert not name.startswith("lossviz/assets/make_")


def test_an_unpacked_wheel_finds_its_files(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = (
        "import lossviz, compute\n"
        "from lossviz.resources import folder\n"
        "from lossviz.viewer.colormaps import names\n"
        "print(lossviz.__file__, folder('shaders'), folder('assets'), len(names()))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True,
        cwd=tmp_path.parent, env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    package, shaders, assets, count = done.stdout.split()
    assert Path(package) == tmp_path / "lossviz" / "__init__.py"
    assert Path(shaders) == tmp_path / "lossviz" / "shaders"
    assert Path(assets) == tmp_path / "lossviz" / "assets"
    assert count == "12"


def test_the_version_is_said_once():
    import lossviz

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == lossviz.__version__
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {lossviz.__version__}\n" in citation


def test_every_dependency_has_a_tested_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *chain.from_iterable(project["optional-dependencies"].values()),
    ]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").lower().splitlines()
    tested = {line.split("==")[0].replace("_", "-") for line in lines if "==" in line}
    assert {name.split(">")[0].strip() for name in wanted} <= tested
    assert "torch==2.13.0" in lines
    assert "torchvision==0.28.0" in lines
