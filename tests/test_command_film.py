"""``lossviz film``: its frames are pictures like any other."""

import sys

import numpy as np
import pytest
from PIL import Image

from lossviz import cli, ply
from lossviz.viewer import film
from lossviz.viewer.camera import view
from lossviz.viewer.scene import Scene
from lossviz.viewer.state import ViewState
from lossviz.viewer.views import load_view
from tests.viewer.scenes import between, bumpy, runs

SMALL = ("--size", "160x120", "--supersample", "1", "--fps", "5")


@pytest.fixture
def path(tmp_path):
    ply.write(bumpy(15).with_changes(trajectories=runs(1)), tmp_path / "a.ply")
    return tmp_path / "a.ply"


def pixels(file):
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_a_turn_ends_before_it_begins_again_and_keeps_its_distance():
    scene, state = Scene([bumpy(15)]), ViewState()
    state.picture.width, state.picture.height = 320, 200
    found = list(film.frames(scene, state, 10, turn=2))
    azimuths = [own.camera.azimuth - state.camera.azimuth for own in found]
    assert azimuths == pytest.approx(np.arange(20) * 18)
    assert len({(own.camera.distance, own.camera.target) for own in found}) == 1
    low, high = scene.bounds(state)
    corners = np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1])
                        for z in (low[2], high[2])])  # fmt: skip
    for own in found:
        seen = view(own.camera, 320, 200).project(corners)
        assert (seen[:, :2] > 0).all() and (seen[:, 0] < 320).all() and (seen[:, 1] < 200).all()


def test_a_path_is_whole_after_its_time_and_stays_a_second():
    scene = Scene([bumpy(15).with_changes(trajectories=runs(1))])
    found = list(film.frames(scene, ViewState(), 10, play=2))
    shares = [own.trajectories.played for own in found]
    assert len(found) == film.count(10, play=2) == 30
    assert shares[:20] == pytest.approx(np.linspace(0, 1, 20)) and set(shares[19:]) == {1.0}
    assert found[19] == found[-1]
    both = list(film.frames(scene, ViewState(), 10, turn=4, play=2))
    assert len(both) == 40 and both[-1].trajectories.played == 1
    assert both[0].camera.distance == both[-1].camera.distance


def test_frames_are_what_render_draws(path, tmp_path, ctx, capsys):
    out = tmp_path / "frames"
    words = ["film", str(path), "-o", str(out), "--trajectory", "0.6", "--azimuth", "20", *SMALL]
    assert cli.main(words) == 0
    assert capsys.readouterr().out == f"{out}: 8 frames, 1.6 s\n"
    names = sorted(one.name for one in out.iterdir())
    assert names == [f"frame_{number:05d}.png" for number in range(1, 9)]
    again = tmp_path / "again.png"
    for name in (names[1], names[-1]):
        assert load_view(str(out / name)).camera.azimuth == 20
        assert cli.main(["render", str(path), "-o", str(again), "--view-state",
                         str(out / name)]) == 0  # fmt: skip
        assert (pixels(again) == pixels(out / name)).all()
    first, middle, last = (pixels(out / names[i]) for i in (0, 1, -1))
    assert (first != middle).any() and (middle != last).any()
    assert (pixels(out / names[3]) == last).all()


def test_a_gif_turns(path, tmp_path, ctx):
    out = tmp_path / "a.gif"
    assert cli.main(["film", str(path), "-o", str(out), "--turntable", "0.8", *SMALL]) == 0
    with Image.open(out) as image:
        assert image.n_frames == 4 and image.size == (160, 120)


def test_an_interrupted_film_is_none_and_its_folder_keeps_what_is_drawn(
    path, tmp_path, ctx, capsys, monkeypatch
):
    import lossviz.viewer.screenshot as screenshot

    take, calls = screenshot.take, []

    def some(*words, **options):
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return take(*words, **options)

    monkeypatch.setattr(screenshot, "take", some)
    for name in ("a.gif", "frames"):
        calls.clear()
        words = ["film", str(path), "-o", str(tmp_path / name), "--turntable", "2", *SMALL]
        assert cli.main(words) == 130
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.ply", "frames"]
    assert len(list((tmp_path / "frames").iterdir())) == 5


@pytest.mark.parametrize(
    "words, part",
    [([], "expected --turntable, --trajectory or both"), (["--turntable", "0"], "seconds"),
     (["--turntable", "--fps", "1000"], "1 to 120"), (["--turntable", "3600"], "at most 100,000"),
     (["--turntable", "--size", "8x8"], "16 to 8192")],
)  # fmt: skip
def test_what_is_no_film_is_told_in_a_line(path, words, part, capsys):
    assert cli.main(["film", str(path), "-o", "x.gif", *words]) == 2
    told = capsys.readouterr().err
    assert part in told and told.count("\n") == 1


def test_landscapes_without_paths_or_surfaces_have_no_such_film(tmp_path, capsys):
    ply.write(bumpy(11), tmp_path / "a.ply")
    ply.write(between(), tmp_path / "c.ply")
    out = str(tmp_path / "x.gif")
    assert cli.main(["film", str(tmp_path / "a.ply"), "-o", out, "--trajectory", *SMALL]) == 2
    assert "expected a path, got none in" in capsys.readouterr().err
    assert cli.main(["film", str(tmp_path / "c.ply"), "-o", out, "--turntable", *SMALL]) == 2
    assert "expected a surface" in capsys.readouterr().err


def test_without_ffmpeg_one_line_says_how_to_install_it(path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    assert cli.main(["film", str(path), "-o", "x.mp4", "--turntable", *SMALL]) == 1
    told = capsys.readouterr().err
    assert "pip install 'lossviz[film]'" in told and told.count("\n") == 1
