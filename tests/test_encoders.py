"""Films in files: what was drawn comes back, in time, and half a film is none."""

import subprocess

import numpy as np
import pytest
from PIL import Image

from lossviz import encoders
from lossviz.errors import LossvizError, UsageError


def frames(count=5, width=64, height=48):
    """A grey ground with a thin line of pure colour that moves."""
    found = []
    for number in range(count):
        frame = np.full((height, width, 4), 255, np.uint8)
        frame[..., :3] = np.linspace(60, 200, width)[None, :, None]
        frame[10 * number % height] = (200, 30, 40, 255)
        found.append(frame)
    return found


@pytest.fixture
def ffmpeg():
    return pytest.importorskip("imageio_ffmpeg", reason="imageio-ffmpeg is missing: '.[dev]'")


def test_an_mp4_has_the_frames_and_their_colours(tmp_path, ffmpeg):
    path, drawn = tmp_path / "a.mp4", frames()
    encoders.mp4(path, drawn, (64, 48), 12.5)
    words = [ffmpeg.get_ffmpeg_exe(), "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(words, capture_output=True, check=True)
    for part in ("64x48", "12.50 fps", "yuv420p(tv, bt709/bt709/iec61966-2-1"):
        assert part in done.stderr.decode()
    found = np.frombuffer(done.stdout, np.uint8).reshape(5, 48, 64, 3).astype(int)
    for number, (own, expected) in enumerate(zip(found, drawn, strict=True)):
        far = np.abs(np.arange(48) - 10 * number % 48) > 4
        assert np.abs(own[far, 4:-4] - expected[far, 4:-4, :3]).max() <= 8
        line = own[10 * number % 48, 4:-4].mean(axis=0)  # colours have half the resolution
        assert line[0] > line[1] + 50 and line[0] > line[2] + 50
    assert [one.name for one in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize("fps", [10.0, 30.0, 50.0, 12.3])
def test_a_gif_has_the_frames_in_time(tmp_path, fps):
    path, drawn = tmp_path / "a.gif", frames(13)
    encoders.gif(path, iter(drawn), fps, drawn[:2])
    with Image.open(path) as image:
        assert image.n_frames == 13 and image.info["loop"] == 0
        times = []
        for number in range(13):
            image.seek(number)
            times.append(image.info["duration"])
            own = np.asarray(image.convert("RGB")).astype(int)
            row = 10 * number % 48
            assert np.abs(own[row] - [200, 30, 40]).max() <= 16  # the thin line has its colour
    assert sum(times) == pytest.approx(1000 * 13 / fps, abs=5.01)


def test_256_colours_hold_the_ground_exactly_and_what_is_rare():
    picture = np.full((100, 100, 3), 253, np.uint8)
    picture[:60] = np.linspace(0, 255, 100).astype(np.uint8)[None, :, None]
    picture[80, :30] = (20, 160, 90)
    found = encoders.colors(picture)
    assert found.shape == (256, 3)
    assert (found == 253).all(axis=1).any()
    assert np.abs(found.astype(int) - [20, 160, 90]).sum(axis=1).min() <= 12


@pytest.mark.parametrize("kind", ["gif", "mp4"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError("no picture")])
def test_what_is_interrupted_leaves_nothing(tmp_path, kind, error, request):
    if kind == "mp4":
        request.getfixturevalue("ffmpeg")

    def broken():
        yield from frames(3)
        raise error

    encode = {
        "mp4": lambda: encoders.mp4(tmp_path / "a.mp4", broken(), (64, 48), 10),
        "gif": lambda: encoders.gif(tmp_path / "a.gif", broken(), 10, frames(1)),
    }[kind]
    with pytest.raises((KeyboardInterrupt, RuntimeError, LossvizError)):
        encode()
    assert list(tmp_path.iterdir()) == []


def test_what_could_not_be_written_is_refused_before_it_is_drawn(tmp_path, ffmpeg):
    def refused(name, part, error=UsageError, size=(64, 48), fps=10, count=10):
        with pytest.raises(error, match=part):
            encoders.check(tmp_path / name, size, fps, count)

    refused("a.mp4", "even numbers of pixels, got 65x48", size=(65, 48))
    refused("a.gif", "GIF has at most 50", fps=60)
    refused("a.gif", "too much for a GIF", size=(4096, 4096), count=1000)
    refused("a.avi", "ends in .mp4 or .gif, or a folder")
    refused("no/a.gif", "its folder is missing", LossvizError)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    refused("full", "a new or an empty folder")
    (tmp_path / "b.gif").mkdir()
    refused("b.gif", "is a folder", LossvizError)
    encoders.check(tmp_path / "new", (65, 48), 10, 10)
