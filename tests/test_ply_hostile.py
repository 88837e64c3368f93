"""Files that are damaged or mean harm: one line, at once, without the memory they ask for."""

import contextlib
import os
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossviz import ply
from lossviz.cli import main
from lossviz.errors import InputError

from .test_ply import full
from .viewer.scenes import bumpy


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "good.ply"
    ply.write(full(), path)
    return path.read_bytes()


def refused(path):
    """The error's text; it must come quickly and cost little."""
    tracemalloc.start()
    began = time.perf_counter()
    with pytest.raises(InputError) as caught:
        ply.read(path)
    assert time.perf_counter() - began < 1
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()
    text = str(caught.value)
    assert "\n" not in text and text.isprintable() and path.name in text
    return text


HEADER = "ply\nformat binary_little_endian 1.0\n"
XYZ = "property float x\nproperty float y\nproperty float z\n"
BAD = {
    "empty": b"",
    "text": b"hello, world\n" * 1000,
    "zeros": bytes(10_000),
    "no end": b"ply\n" + b"comment x\n" * 500_000,
    "huge count": f"{HEADER}element vertex {10**18}\n{XYZ}end_header\n".encode(),
    "larger count": f"{HEADER}element vertex {10**30}\n{XYZ}end_header\n".encode(),
    "negative count": f"{HEADER}element vertex -5\n{XYZ}end_header\n".encode(),
    "nan count": f"{HEADER}element vertex nan\n{XYZ}end_header\n".encode(),
    "huge faces": f"{HEADER}element vertex 1\n{XYZ}element face {10**15}\nproperty list uchar int "
    "vertex_indices\nend_header\n".encode()
    + bytes(12),
    "no format": b"ply\nelement vertex 0\nproperty float x\nend_header\n",
    "other format": b"ply\nformat binary_middle_endian 1.0\nend_header\n",
    "nothing": HEADER.encode() + b"end_header\n",
    "unknown type": f"{HEADER}element vertex 1\nproperty quad x\nend_header\n".encode() + bytes(9),
    "property first": f"{HEADER}property float x\nend_header\n".encode(),
    "twice": f"{HEADER}element vertex 1\n{XYZ}element vertex 1\n{XYZ}end_header\n".encode(),
    "x twice": f"{HEADER}element vertex 1\n{XYZ}property float x\nend_header\n".encode(),
    "elements": (
        HEADER + "".join(f"element e{i} 0\n" for i in range(70)) + "end_header\n"
    ).encode(),
    "no properties": f"{HEADER}element vertex {10**9}\nend_header\n".encode(),
    "not ascii": HEADER.encode() + "comment é\nend_header\n".encode("latin-1"),
    "escape codes": b"ply\n\x1b[31mformat ascii 1.0\nend_header\n",
    "nan vertices": f"{HEADER}element vertex 2\n{XYZ}end_header\n".encode() + b"\xff" * 24,
    "ascii words": b"ply\nformat ascii 1.0\nelement vertex 1\n"
    + XYZ.encode()
    + b"end_header\na b c\n",
    "zip": b"PK\x03\x04" + bytes(100),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files(tmp_path, name):
    (tmp_path / "bad.ply").write_bytes(BAD[name])
    assert "expected" in refused(tmp_path / "bad.ply") or name in (
        "huge count", "huge faces", "x twice", "no properties", "ascii words",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["empty", "text", "huge count", "nan vertices"])
def test_the_command_says_one_line_and_3(tmp_path, name, capsys):
    (tmp_path / "bad.ply").write_bytes(BAD[name])
    for command in (["info"], ["view"], ["render", "-o", "x.png"], ["convert", "-"]):
        words = [command[0], str(tmp_path / "bad.ply"), *command[1:]]
        if command[0] == "convert":
            words[-1] = str(tmp_path / "out.ply")
        assert main(words) == 3
        told = capsys.readouterr()
        assert told.out == "" and told.err.count("\n") == 1


def test_folders_and_devices(tmp_path):
    assert "a folder" in refused(tmp_path)
    os.mkfifo(tmp_path / "pipe.ply")
    assert "no regular file" in refused(tmp_path / "pipe.ply")
    assert "No such file" in refused(tmp_path / "nothing.ply")


REPLACED = {
    "grid too large": (b'"alphas":[-1.0', b'"alphas":[-2.0,-1.0'),
    "grid of words": (b'"alphas":[-1.0', b'"alphas":["a"'),
    "grid not rising": (b'"alphas":[-1.0', b'"alphas":[90.0'),
    "nan in json": (b'"alphas":[-1.0', b'"alphas":[NaN '),
    "no loss": (b'"quantities":{"loss":"loss"', b'"quantities":{"lost":"loss"'),
    "no property": (b'"quantities":{"loss":"loss"', b'"quantities":{"loss":"lass"'),
    "not json": (b'{"name"', b'{"name'),
    "samples a word": (b'"samples":256', b'"samples":"x"'),
    "kind unknown": (b'"kind":"descent"', b'"kind":"ascents"'),
    "piece missing": (b"lossviz.json 1 ", b"lossviz.json 7 "),
}


@pytest.mark.parametrize("name", REPLACED)
def test_bad_metadata(tmp_path, good, name):
    old, new = REPLACED[name]
    assert old in good
    (tmp_path / "bad.ply").write_bytes(good.replace(old, new, 1))
    refused(tmp_path / "bad.ply")


def test_deep_and_long_json(tmp_path):
    for text in ("[" * 100_000, '{"a":' * 50_000, "9" * 100_000):
        pieces = [text[i : i + 400] for i in range(0, len(text), 400)]
        lines = "".join(f"comment lossviz.json {i} {piece}\n" for i, piece in enumerate(pieces))
        head = f"{HEADER}comment lossviz 1\n{lines}element vertex 0\n{XYZ}end_header\n"
        (tmp_path / "deep.ply").write_bytes(head.encode())
        refused(tmp_path / "deep.ply")


def test_face_indices_out_of_range(tmp_path):
    ply.write(bumpy(5), tmp_path / "a.ply")
    content = bytearray((tmp_path / "a.ply").read_bytes())
    content[-4:] = (10**6).to_bytes(4, "little")
    (tmp_path / "bad.ply").write_bytes(content)
    assert "indices 0 to 24" in refused(tmp_path / "bad.ply")


@pytest.mark.parametrize("share", [0.05, 0.3, 0.7, 0.99, 0.9999])
def test_truncated(tmp_path, good, share):
    (tmp_path / "cut.ply").write_bytes(good[: int(len(good) * share)])
    refused(tmp_path / "cut.ply")


def test_bytes_after_the_end(tmp_path, good):
    (tmp_path / "more.ply").write_bytes(good + b"more")
    assert "4 bytes after the end" in refused(tmp_path / "more.ply")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_damage_is_read_or_refused(tmp_path_factory, good, data):
    content = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        kind = data.draw(st.sampled_from(["change", "cut", "repeat"]))
        if kind == "change":
            content[at] = data.draw(st.integers(0, 255))
        elif kind == "cut":
            del content[at : at + data.draw(st.integers(1, 50))]
        else:
            content[at:at] = content[at : at + data.draw(st.integers(1, 50))]
    path = tmp_path_factory.mktemp("fuzz") / "fuzz.ply"
    path.write_bytes(content)
    with contextlib.suppress(InputError):
        ply.read(path)
