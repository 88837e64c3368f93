"""Folders of images: classes by folder, decoded when chosen, one size."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from compute import data
from lossviz.errors import InputError


def image(path, seed, size=(6, 4), mode="RGB"):
    """A random image file; its pixels ``(H, W, 3)`` as they are read."""
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    made = Image.fromarray(pixels).convert(mode)
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save(path)
    return np.asarray(made.convert("RGB"))


def test_classes_are_folders_in_alphabetical_order(tmp_path):
    stored = {
        (name, k): image(tmp_path / name / f"{k}.png", 10 * i + k)
        for i, name in enumerate(("zebra", "ant")) for k in range(5)
    }  # fmt: skip
    train = data.load(f"imagefolder:{tmp_path}")
    test = data.load(f"imagefolder:{tmp_path}", split="test")
    assert train.targets.tolist() == [0] * 4 + [1] * 4 and test.targets.tolist() == [0, 1]
    assert train.outputs == 2 and train.inputs.shape == (8, 3, 4, 6)
    order = [("ant", k) for k in range(4)] + [("zebra", k) for k in range(4)]
    expected = np.stack([stored[key] for key in order]).transpose(0, 3, 1, 2) / 255
    assert train.inputs.numpy() == pytest.approx(expected, abs=1e-6)
    expected = np.stack([stored["ant", 4], stored["zebra", 4]]).transpose(0, 3, 1, 2) / 255
    assert test.inputs.numpy() == pytest.approx(expected, abs=1e-6)
    one = data.load(f"imagefolder:{tmp_path}", mean=[0.5, 0.5, 0.5], std=[0.5])
    assert one.inputs.numpy() == pytest.approx(train.inputs.numpy() * 2 - 1, abs=1e-6)


@pytest.mark.parametrize("held", ["test", "val"])
def test_folders_for_the_splits(tmp_path, held):
    for k in range(6):
        image(tmp_path / "train" / "a" / f"{k}.png", k)
    expected = image(tmp_path / held / "a" / "x.jpg", 9)
    assert len(data.load(f"imagefolder:{tmp_path}").inputs) == 6
    found = data.load(f"imagefolder:{tmp_path}", split="test")
    with Image.open(tmp_path / held / "a" / "x.jpg") as decoded:
        expected = np.asarray(decoded).transpose(2, 0, 1)[None] / 255
    assert found.inputs.numpy() == pytest.approx(expected, abs=1e-6)


def test_scaled_and_cut_at_the_centre(tmp_path):
    columns = np.repeat(np.array([[0, 80, 160, 240]], np.uint8), 2, axis=0)  # 4 wide, 2 high
    (tmp_path / "a").mkdir()
    Image.fromarray(np.repeat(columns, 8, axis=0).repeat(8, axis=1)).save(tmp_path / "a" / "0.png")
    image(tmp_path / "a" / "1.png", 0, size=(7, 31))
    found = data.load(f"imagefolder:{tmp_path}@2")
    assert found.inputs.shape == (2, 3, 2, 2)
    # The middle half of the width is left: 80 and 160, each blurred a little into the other.
    left, right = (255 * found.inputs[0, 0, 0]).tolist()
    assert 80 <= left < 100 and 140 < right <= 160


def test_grey_and_transparent_images_are_read_as_rgb(tmp_path):
    expected = [
        image(tmp_path / "a" / f"{k}.png", k, mode=mode)
        for k, mode in enumerate(("L", "RGBA", "P"))
    ]
    found = data.load(f"imagefolder:{tmp_path}")
    assert found.inputs.numpy() == pytest.approx(
        np.stack(expected).transpose(0, 3, 1, 2) / 255, abs=1e-6
    )


def test_only_the_chosen_are_decoded(tmp_path):
    for k in range(3):
        image(tmp_path / "a" / f"{k}.png", k)
    (tmp_path / "a" / "3.png").write_bytes(b"no image")
    assert len(data.load(f"imagefolder:{tmp_path}", samples="first:3").inputs) == 3
    with pytest.raises(InputError, match=r"3\.png: expected an image") as caught:
        data.load(f"imagefolder:{tmp_path}")
    assert "\n" not in str(caught.value)


def test_images_of_several_sizes_are_named(tmp_path):
    image(tmp_path / "a" / "0.png", 0)
    image(tmp_path / "a" / "1.png", 0, size=(5, 4))
    with pytest.raises(InputError, match=r"1\.png: expected 6x4 .* got 5x4; .*@32"):
        data.load(f"imagefolder:{tmp_path}")


def test_a_small_file_that_claims_to_be_huge(tmp_path):
    buffer = io.BytesIO()
    Image.new("RGB", (1, 1)).save(buffer, "png")
    content = bytearray(buffer.getvalue())
    content[16:24] = struct.pack(">II", 60_000, 60_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "0.png").write_bytes(content)
    with pytest.raises(InputError, match="decompression bomb"):
        data.load(f"imagefolder:{tmp_path}@8")


def test_more_than_fits(tmp_path, monkeypatch):
    for k in range(3):
        image(tmp_path / "a" / f"{k}.png", k)
    monkeypatch.setattr("compute.data.image_folder.LARGEST", 200)
    with pytest.raises(InputError, match=r"3 images of 4x6 take 216 bytes, .*--samples"):
        data.load(f"imagefolder:{tmp_path}")
    assert len(data.load(f"imagefolder:{tmp_path}", samples="2").inputs) == 2


def test_folders_that_do_not_fit(tmp_path):
    for spec, told in (
        ("", "expected a folder"), (f"{tmp_path}/nothing", "expected a folder"),
        (f"{tmp_path}", "expected a folder for each class"), (f"{tmp_path}@0", "a size from 1"),
        (f"{tmp_path}@9999", "a size from 1"), (f"{tmp_path}@", "expected a folder"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=told):
            data.load(f"imagefolder:{spec}")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="samples in the train split, got none"):
        data.load(f"imagefolder:{tmp_path}")
