"""``lossviz render``: what was typed, and what a saved view says."""

import os
import struct
import zlib
from dataclasses import replace

import pytest
from PIL import Image

from lossviz import cli, ply
from lossviz.errors import InputError
from lossviz.viewer.state import ViewState
from lossviz.viewer.views import load_view
from tests.viewer.scenes import bumpy, with_loss


@pytest.fixture
def drawn(monkeypatch):
    """The views that would be drawn."""
    seen = []
    monkeypatch.setattr(
        "lossviz.commands.render.render_files",
        lambda files, output, state, vision: seen.append(state),
    )
    return seen


def test_a_saved_view_is_drawn_as_it_was_saved(drawn, tmp_path):
    saved = ViewState()
    saved.picture.width, saved.picture.height, saved.picture.scale = 800, 400, 1.5
    saved.picture.supersample, saved.picture.transparent = 3, True
    (tmp_path / "view.json").write_text(saved.to_json())
    words = ["render", "x.ply", "-o", "x.png", "--view-state", str(tmp_path / "view.json")]
    assert cli.main(words) == 0
    assert cli.main([*words, "--size", "640x480", "--supersample", "1"]) == 0
    assert drawn[0] == saved
    saved.picture.width, saved.picture.height, saved.picture.supersample = 640, 480, 1
    assert drawn[1] == saved


def test_without_a_saved_view_a_picture_is_1600_by_900(drawn):
    assert cli.main(["render", "x.ply", "-o", "x.png"]) == 0
    assert (drawn[0].picture.width, drawn[0].picture.height) == (1600, 900)


@pytest.mark.parametrize(
    "words",
    [["--scale", "nan"], ["--scale", "1000"], ["--scale=-1"], ["--cap", "nan"],
     ["--azimuth", "inf"], ["--colormap", "nosuch"], ["--color-range", "nan:1"],
     ["--color-range", "1"], ["--azimuth", "1e9"], ["--elevation", "91"]],
)  # fmt: skip
def test_impossible_views_are_wrong_usage(drawn, words, capsys):
    assert cli.main(["render", "x.ply", "-o", "x.png", *words]) == 2
    assert not drawn and capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "words, part, fields, value",
    [
        (["--height", "accuracy"], "surface", ["height"], "accuracy"),
        (["--color", "accuracy"], "surface", ["color"], "accuracy"),
        (["--colormap", "oslo"], "surface", ["colormap"], "oslo"),
        (["--cap", "3.5"], "surface", ["cap"], 3.5),
        (["--color-range", "0.1:7"], "surface", ["color_range"], (0.1, 7.0)),
        (["--color-percentiles", "2:98"], "surface", ["color_percentiles"], (2.0, 98.0)),
        (["--bands", "steps"], "surface", ["bands"], "steps"),
        (["--scale-of", "log"], "surface", ["height_scale", "color_scale"], "log"),
        (["--scale-of", "linear"], "isolines", ["spacing"], "linear"),
        (["--no-floor"], "isolines", ["floor"], False),
        (["--azimuth", "12.5"], "camera", ["azimuth"], 12.5),
        (["--elevation", "-7"], "camera", ["elevation"], -7.0),
        (["--orthographic"], "camera", ["orthographic"], True),
        (["--theme", "paper"], "picture", ["theme"], "paper"),
        (["--supersample", "4"], "picture", ["supersample"], 4),
        (["--transparent"], "picture", ["transparent"], True),
        (["--basins"], "critical", ["basins"], True),
        (["--compare", "swipe"], "compare", ["arrangement"], "swipe"),
    ],
)
def test_an_option_changes_its_own_field_and_no_other(drawn, words, part, fields, value):
    assert cli.main(["render", "x.ply", "-o", "x.png"]) == 0
    assert cli.main(["render", "x.ply", "-o", "x.png", *words]) == 0
    before, after = (getattr(state, part) for state in drawn)
    assert all(getattr(before, name) != value == getattr(after, name) for name in fields)
    both = words[0] == "--scale-of"  # that is for surface and isolines
    for name, own in vars(drawn[0]).items():
        if name != part and not (both and name in ("surface", "isolines")):
            assert own == getattr(drawn[1], name)
    assert replace(after, **{name: getattr(before, name) for name in fields}) == before


def test_what_cannot_be_written_or_drawn_is_said_before_a_file_is_read(tmp_path, capsys):
    (tmp_path / "folder.png").mkdir()
    for output, part in (("folder.png", "is a folder"), ("no/such.png", "is missing")):
        assert cli.main(["render", "absent.ply", "-o", str(tmp_path / output)]) == 1
        assert part in capsys.readouterr().err
    for size in ("0x0", "15x100", "99999x100"):
        words = ["render", "absent.ply", "-o", str(tmp_path / "a.png"), "--size", size]
        assert cli.main(words) == 2
        assert "16 to 8192" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


@pytest.mark.parametrize("size", ["0x0", "20000x100", "99999x99999", "63x100"])
def test_impossible_windows_are_wrong_usage(size, capsys):
    assert cli.main(["view", "--size", size]) == 2
    assert "64x64 to 8192x8192" in capsys.readouterr().err


def test_strange_saved_views_are_bad_input(drawn, tmp_path, capsys):
    os.mkfifo(tmp_path / "fifo")
    bomb = struct.pack(">II5B", 60000, 60000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", len(bomb)) + b"IHDR" + bomb
    chunk += struct.pack(">I", zlib.crc32(b"IHDR" + bomb))
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)
    for name in ("fifo", "bomb.png", "nothing", "."):
        words = ["render", "x.ply", "-o", "x.png", "--view-state", str(tmp_path / name)]
        assert cli.main(words) == 3
        assert capsys.readouterr().err.count("\n") == 1


def test_a_picture_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    import numpy as np

    from lossviz.errors import LossvizError
    from lossviz.viewer.scene import Scene
    from lossviz.viewer.screenshot import save

    (tmp_path / "out.png").mkdir()
    with pytest.raises(LossvizError, match=r"out\.png"):
        save(tmp_path / "out.png", np.zeros((2, 2, 4), np.uint8), Scene([bumpy()]), ViewState())
    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]


@pytest.mark.parametrize("command", [["render", "-o", "x.png"], ["view"]])
def test_a_cap_below_every_height_is_refused(command, tmp_path, capsys):
    ply.write(bumpy(11), tmp_path / "a.ply")
    assert cli.main([*command, str(tmp_path / "a.ply"), "--cap", "-5"]) == 2
    told = capsys.readouterr().err
    assert "cap: expected a value above the lowest loss" in told and told.count("\n") == 1


def test_a_saved_colour_range_has_its_lower_end_first():
    text = ViewState().to_json().replace('"color_range": null', '"color_range": [5, 1]')
    with pytest.raises(InputError, match="lower end first"):
        ViewState.from_json(text)


# ── as it is printed ─────────────────────────────────────────────────────────────────────────────


def test_a_size_in_centimetres_gives_pixels_and_points_that_are_true_in_print(drawn):
    words = ["render", "x.ply", "-o", "x.png", "--size-cm", "8.5x7"]
    assert cli.main(words) == 0
    assert cli.main([*words, "--dpi", "600", "--text-size", "10"]) == 0
    assert cli.main(["render", "x.ply", "-o", "x.png", "--size", "720x360", "--dpi", "72"]) == 0
    found = [(own.width, own.height, own.dpi) for own in (view.picture for view in drawn)]
    assert found == [(1004, 827, 300), (2008, 1654, 600), (720, 360, 72)]
    # Pixels a point: numbers are ten points in the layout, 8 of them in print unless told.
    scales = [view.picture.scale for view in drawn]
    assert scales == pytest.approx([300 / 72 * 0.8, 600 / 72, 0.8])


def test_the_png_says_how_large_it_is_and_its_view_draws_it_again(tmp_path, ctx):
    from PIL import Image

    ply.write(bumpy(11), tmp_path / "a.ply")
    path, again = str(tmp_path / "a.png"), str(tmp_path / "b.png")
    words = ["render", str(tmp_path / "a.ply"), "--supersample", "1"]
    assert cli.main([*words, "-o", path, "--size-cm", "5x4", "--dpi", "100"]) == 0
    with Image.open(path) as image:
        assert image.size == (197, 157)
        assert image.info["dpi"] == pytest.approx((100, 100), abs=0.01)
    assert cli.main([*words[:2], "-o", again, "--view-state", path]) == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize(
    "words, part",
    [(["--size-cm", "0x7"], "8.5x7"), (["--size-cm", "8.5"], "8.5x7"), (["--dpi", "1"], "20 to"),
     (["--size-cm", "9x9", "--size", "9x9"], "expected one of them"),
     (["--text-size", "8"], "--size-cm or --dpi"), (["--levels", "5"], "--contour"),
     (["--lines"], "--contour"), (["--contour", "--supersample", "2"], "supersample"),
     (["--contour", "--levels", "1:0:1"], "LOW:HIGH:STEP"),
     (["--contour", "--levels", "0:1:1e-9"], "LOW:HIGH:STEP"),
     (["--contour", "--levels", "a,b"], "LOW:HIGH:STEP")],
)  # fmt: skip
def test_sizes_and_levels_that_make_no_sense_are_wrong_usage(drawn, words, part, capsys):
    assert cli.main(["render", "x.ply", "-o", "x.png", *words]) == 2
    told = capsys.readouterr().err
    assert part in told and told.count("\n") == 1 and not drawn


# ── one picture each ─────────────────────────────────────────────────────────────────────────────


def test_each_file_has_a_picture_with_the_scales_of_all_and_one_camera(tmp_path, ctx):
    from lossviz.viewer.scene import Scene
    from lossviz.viewer.views import load_view

    low, high = bumpy(11, seed=1), with_loss(bumpy(11), 50 * bumpy(11).surface.loss)
    files = []
    for name, landscape in (("low", low), ("high", high)):
        files.append(str(tmp_path / f"{name}.ply"))
        ply.write(landscape, files[-1])
    out = tmp_path / "out"
    words = ["render", *files, "--each", "-o", str(out), "--size", "200x160", "--supersample", "1"]
    assert cli.main(words) == 0
    assert sorted(path.name for path in out.iterdir()) == ["high.png", "low.png"]
    together, plain = Scene([low, high]), ViewState()
    views = [load_view(str(out / f"{name}.png")) for name in ("low", "high")]
    assert views[0] == views[1]
    for landscape in (low, high):
        alone = Scene([landscape])
        assert alone.height_range(views[0], 0) == together.height_range(plain, 0)
        assert alone.color_range(views[0], 0) == together.color_range(plain, 0)
        assert alone.height_range(plain, 0) != together.height_range(plain, 0)
    assert views[0].camera.distance > 0


def test_each_file_has_its_own_labels_and_balls(tmp_path, ctx):
    from lossviz.viewer.views import load_view

    files = [str(tmp_path / f"{name}.ply") for name in ("one", "two")]
    for file in files:
        ply.write(bumpy(11), file)
    state, view = ViewState(), tmp_path / "view.json"
    state.labels.places = (0, 0.1, 0.2), (1, 0.3, 0.4), (1, 0.5, 0.6)
    state.critical.starts = ((1, 0.5, -0.5),)
    view.write_text(state.to_json())
    out = str(tmp_path / "out")
    assert cli.main(["render", *files, "--each", "-o", out, "--size", "200x160",
                     "--supersample", "1", "--view-state", str(view)]) == 0  # fmt: skip
    one, two = (load_view(f"{out}/{name}.png") for name in ("one", "two"))
    assert one.labels.places == ((0, 0.1, 0.2),) and one.critical.starts == ()
    assert two.labels.places == ((0, 0.3, 0.4), (0, 0.5, 0.6))
    assert two.critical.starts == ((0, 0.5, -0.5),)


def test_each_wants_a_folder(tmp_path, capsys):
    ply.write(bumpy(11), tmp_path / "a.ply")
    words = ["render", str(tmp_path / "a.ply"), "--each", "-o", str(tmp_path / "a.png")]
    assert cli.main(words) == 2
    assert "expected a folder with --each" in capsys.readouterr().err
    (tmp_path / "taken").write_text("")
    assert cli.main([*words[:-1], str(tmp_path / "taken")]) == 1
    assert "cannot be made" in capsys.readouterr().err


def test_heights_above_a_range_by_hand_are_capped():
    from lossviz.viewer.scene import Scene

    scene, state = Scene([bumpy(11)]), ViewState()
    state.surface.height_range = (0.1, 1.0)
    span = scene.height_range(state, 0)
    assert (span.low, span.high, span.log) == (0.1, 1.0, True)  # the data span many decades
    state.surface.cap = 0.5
    assert scene.height_range(state, 0).high == 0.5
    assert ViewState.from_json(state.to_json()) == state


# ── colours ──────────────────────────────────────────────────────────────────────────────────────


def test_percentiles_and_bands_are_options(drawn, tmp_path, capsys):
    words = ["render", "x.ply", "-o", "x.png"]
    assert cli.main([*words, "--color-percentiles", "2:98", "--bands", "isolines"]) == 0
    own = drawn[-1].surface
    assert (own.color_percentiles, own.bands, own.color_range) == ((2, 98), "isolines", None)
    saved = ViewState()
    saved.surface.color_range = (1.0, 2.0)
    (tmp_path / "view.json").write_text(saved.to_json())
    words += ["--view-state", str(tmp_path / "view.json")]
    assert cli.main([*words, "--color-percentiles", "5:95"]) == 0
    assert drawn[-1].surface.color_range is None  # which would come first
    assert cli.main([*words, "--color-percentiles", "5:95", "--color-range", "0:1"]) == 0
    assert drawn[-1].surface.color_range == (0, 1)
    assert cli.main([*words, "--color-percentiles", "5:101"]) == 2
    assert "color_percentiles: expected 0 to 100, got 101" in capsys.readouterr().err


def test_a_picture_is_seen_with_a_deficiency_only_if_that_is_asked_for(tmp_path, capsys):
    import numpy as np
    from PIL import Image

    ply.write(bumpy(11), tmp_path / "a.ply")
    saved = ViewState()
    saved.picture.vision = "grey"  # the window's preview
    (tmp_path / "view.json").write_text(saved.to_json())
    words = ["render", str(tmp_path / "a.ply"), "--size", "64x48", "--supersample", "1", "-o"]
    found = {}
    for name, more in {"plain": [], "saved": ["--view-state", str(tmp_path / "view.json")],
                       "grey": ["--vision", "grey"]}.items():  # fmt: skip
        assert cli.main([*words, str(tmp_path / f"{name}.png"), *more]) == 0
        with Image.open(tmp_path / f"{name}.png") as image:
            found[name] = np.asarray(image).astype(int)
    assert (found["plain"] == found["saved"]).all() and np.ptp(found["plain"], axis=2).max() > 50
    assert np.ptp(found["grey"], axis=2).max() <= 1
    assert (
        cli.main([*words[:2], "-o", str(tmp_path / "c.pdf"), "--contour", "--vision", "grey"]) == 2
    )
    assert "vision: is for pictures" in capsys.readouterr().err


def test_files_are_overlaid_and_subtracted_without_a_window(tmp_path, ctx, capsys):
    for seed, name in enumerate(("one", "two")):
        ply.write(bumpy(9, seed=seed, name=name), tmp_path / f"{name}.ply")
    ply.write(bumpy(11, name="three"), tmp_path / "three.ply")
    files = [str(tmp_path / f"{name}.ply") for name in ("one", "two", "three")]
    target, view = tmp_path / "a.png", tmp_path / "view.json"
    rest = ["-o", str(target), "--size", "160x120"]
    saved = ViewState()
    saved.compare.differences = ((0, 1),)
    view.write_text(saved.to_json())
    words = ["--compare", "overlay", "--view-state", str(view)]
    assert cli.main(["render", *files[:2], *rest, *words]) == 0
    found = load_view(target)
    assert found.compare.arrangement == "overlay" and found.compare.differences == ((0, 1),)
    with Image.open(target) as image:
        assert image.info["Title"] == "one | two | one − two"
    saved.compare.differences = ((0, 2),)
    view.write_text(saved.to_json())
    for some, words in ((files, "same grid, got 9x9"), (files[:2], "landscapes 0 to 1, got 0")):
        capsys.readouterr()
        assert cli.main(["render", *some, *rest, "--view-state", str(view)]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and words in error
    # Each alone, whatever a view says of several.
    folder = str(tmp_path / "each")
    assert cli.main(["render", *files[:2], "-o", folder, "--each", "--size", "160x120",
                     "--compare", "swipe"]) == 0  # fmt: skip
    assert load_view(tmp_path / "each" / "one.png").compare.arrangement == "grid"
