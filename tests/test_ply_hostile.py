"""Files that are damaged or mean harm: one line, at once, without the memory they ask for."""

import contextlib
import json
import os
import random
import subprocess
import sys
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossviz import ply
from lossviz.cli import main
from lossviz.commands.info import as_text, describe
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
    began = time.process_time()
    with pytest.raises(InputError) as caught:
        ply.read(path)
    assert time.process_time() - began < 1
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


def with_metadata(change, path, **options):
    """A file whose JSON was changed by ``change(text)``, in pieces again."""
    ply.write(full(), path, **options)
    lines = path.read_bytes().split(b"\n")
    mine = [line for line in lines if line.startswith(b"comment lossviz.json ")]
    text = change(b"".join(line.split(b" ", 3)[3] for line in mine).decode())
    pieces = [text[i : i + 400].encode() for i in range(0, len(text), 400)]
    new = [b"comment lossviz.json %d %s" % numbered for numbered in enumerate(pieces)]
    at = lines.index(mine[0])
    path.write_bytes(b"\n".join(lines[:at] + new + lines[at + len(mine) :]))
    return path


def edited(**changes):
    """Change values of the JSON object."""
    return lambda text: json.dumps({**json.loads(text), **changes})


AXIS = [float(i) for i in range(11)]
METADATA = {
    "fewer columns than vertices": edited(grid={"alphas": AXIS[:10], "betas": AXIS[:7]}),
    "critical is a list": edited(critical=[]),
    "winding is text": edited(critical={"winding": "1"}),
    "winding is true": edited(critical={"winding": True}),
    "threshold is huge": edited(critical={"threshold": 10**400}),
    "winding is beyond all floats": edited(critical={"winding": 10**400}),
    "missing is flat": edited(critical={"missing": [1, 2]}),
    "missing is text": edited(critical={"missing": [["a", 1]]}),
    "a flat region is short": edited(critical={"flat": [{"alpha": 1.0}]}),
    "other shape, same count": edited(grid={"alphas": AXIS, "betas": AXIS}),
    "words for numbers": edited(grid={"alphas": list(map(str, AXIS)), "betas": AXIS[:7]}),
    "true for numbers": edited(grid={"alphas": [True], "betas": [True]}),
    "nested axes": edited(grid={"alphas": [AXIS], "betas": AXIS[:7]}),
    "no axes": edited(grid={"alphas": [], "betas": []}),
    "huge integers": edited(grid={"alphas": [10**400, *AXIS[1:]], "betas": AXIS[:7]}),
    "grid a list": edited(grid=[AXIS, AXIS]),
    "quantities a list": edited(quantities=["loss"]),
    "quantity a number": edited(quantities={"loss": 5}),
    "quantity a list": edited(quantities={"loss": ["loss"]}),
    "name a number": edited(name=5),
    "provenance a word": edited(provenance="me"),
    "trajectories a word": edited(trajectories="ab"),
    "trajectories words": edited(trajectories=["a", "b"]),
    "trajectory unnamed": edited(trajectories=[{"kind": "descent"}] * 2),
    "fewer trajectories": edited(trajectories=[{"name": "a", "kind": "descent"}]),
    "curve of nothing": edited(curves=[{"name": "a", "quantities": ["loss"]}] * 3),
    "curve of numbers": edited(curves=[{"name": "a", "quantities": [1]}] * 2),
    "escape codes": edited(trajectories=[{"name": "a", "kind": "\x1b[31m\n"}] * 2),
    "twice": lambda text: text.replace('{"name"', '{"name": "a", "name"', 1),
    "endless number": lambda text: text.replace('"samples":256', '"samples":1' + "0" * 5000),
    "infinite": lambda text: text.replace('"duration":0.0', '"duration":1e999'),
    "empty": lambda text: "",
    "a list": lambda text: "[]",
}


@pytest.mark.parametrize("name", METADATA)
def test_metadata_that_does_not_fit(tmp_path, name):
    refused(with_metadata(METADATA[name], tmp_path / "bad.ply"))


def test_many_names_and_many_ids_cost_little(tmp_path):
    """Work that grows with the square of what a small file says would take minutes."""
    names = [f"a {i}" for i in range(60_000)]
    curve = edited(curves=[{"name": "", "quantities": names}])
    refused(with_metadata(curve, tmp_path / "names.ply"))
    curves = edited(curves=[{"quantities": []}] * 30_000)
    refused(with_metadata(curves, tmp_path / "curves.ply"))


def head(*lines, kind="binary_big_endian"):
    return "\n".join(["ply", f"format {kind} 1.0", *lines, "end_header", ""]).encode()


VERTEX = ["element vertex 3", *XYZ.splitlines()]
FACE = ["element face 1", "property list uint int vertex_indices"]
LISTS = {
    "long list": (head(*VERTEX, *FACE), bytes(36) + b"\xee\xff\xff\xff" + bytes(64)),
    "negative list": (
        head(*VERTEX, FACE[0], "property list int int vertex_indices"),
        bytes(36) + b"\xff\xff\xff\xff" + bytes(64),
    ),
    "long list of others": (
        head("element other 2", "property list uint double a"),
        bytes(4) + b"\x7f\xff\xff\xff" + bytes(64),
    ),
    "text": (head(*VERTEX, *FACE, kind="ascii"), b"0 0 0\n1 0 0\n0 1 0\n999999999999 0 1 2\n"),
    "text index": (head(*VERTEX, *FACE, kind="ascii"), b"0 0 0\n1 0 0\n0 1 0\n3 0 1 99999999999\n"),
    "text nan": (head(*VERTEX, *FACE, kind="ascii"), b"0 0 nan\n1 0 0\n0 1 0\n3 0 1 2\n"),
    "garbage": (b"ply\n", random.Random(0).randbytes(100_000)),
}


@pytest.mark.parametrize("name", LISTS)
def test_lists_that_claim_much(tmp_path, name):
    (tmp_path / "bad.ply").write_bytes(b"".join(LISTS[name]))
    refused(tmp_path / "bad.ply")


LIMITED = """
import resource, sys
import numpy, plyfile
from lossviz import read
from lossviz.errors import InputError
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 100_000_000,) * 2)
for name in sys.argv[1:]:
    try:
        read(name)
    except InputError as error:
        print(error)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="Linux tells the memory")
def test_nothing_is_allocated_that_the_header_claims(tmp_path):
    """Not even address space, which tracemalloc does not see."""
    contents = {**BAD, **{name: b"".join(parts) for name, parts in LISTS.items()}}
    paths = []
    for index, content in enumerate(contents.values()):
        paths.append(tmp_path / f"{index}.ply")
        paths[-1].write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *paths], capture_output=True, text=True, check=False
    )
    assert done.stderr == "" and done.returncode == 0
    assert len(done.stdout.splitlines()) == len(paths)
    assert "memory" not in done.stdout.lower()


def test_names_of_files_give_the_terminal_no_orders(tmp_path):
    path = tmp_path / "a\x1b[31m\n.ply"
    path.write_bytes(b"ply\n\x1b]0;title\x07")
    with pytest.raises(InputError) as caught:
        ply.read(path)
    assert str(caught.value).isprintable()


@pytest.fixture(scope="module")
def good_text(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "good.ply"
    ply.write(full(), path, ascii=True)
    return path.read_bytes()


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_damage_of_a_text_file_is_read_or_refused(tmp_path_factory, good_text, data):
    content = bytearray(good_text)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.sampled_from([b"", b"-", b"\n", b" ", b"9" * 20, b"nan", b"1e999", b"\x00", b"\xff"])
        )
    path = tmp_path_factory.mktemp("fuzz") / "fuzz.ply"
    path.write_bytes(content)
    with contextlib.suppress(InputError):
        ply.read(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_metadata_is_read_or_refused(tmp_path_factory, data):
    """Some value deep inside is another one."""

    def change(text):
        whole = json.loads(text)
        at = whole
        while True:
            key = data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
            if not at[key] or not isinstance(at[key], dict | list) or data.draw(st.booleans()):
                at[key] = data.draw(JSON)
                return json.dumps(whole)
            at = at[key]

    path = with_metadata(change, tmp_path_factory.mktemp("fuzz") / "fuzz.ply")
    with contextlib.suppress(InputError):
        found = ply.read(path)
        json.dumps(describe(found, "fuzz.ply"), allow_nan=False)
        as_text(describe(found, "fuzz.ply"))


@pytest.mark.parametrize("count", [1_000_000, 3_000_000])
@pytest.mark.parametrize("last", [0, 3])
def test_a_million_uneven_faces_cost_nothing(tmp_path, count, last):
    """A byte a face can ask for an array a face."""
    path = tmp_path / "a.ply"
    header = f"{HEADER}element vertex 1\n{XYZ}element face {count + 1}\n"
    body = bytes(12) + bytes(count) + bytes([last]) + bytes(4 * last)
    if last == 0:
        body = bytes(12) + bytes([3]) + bytes(12) + bytes(count)
    path.write_bytes(
        f"{header}property list uchar int vertex_indices\nend_header\n".encode() + body
    )
    assert "of different ones" in refused(path)


def test_lists_that_are_read_one_by_one_are_few(tmp_path):
    path = tmp_path / "a.ply"
    many = "".join(f"property list uchar char a{i}\n" for i in range(100))
    header = f"{HEADER}element vertex 1\n{XYZ}element other 100000\n{many}end_header\n"
    path.write_bytes(header.encode() + bytes(12) + bytes(100 * 99_999) + bytes([1]) + bytes(100))
    assert "of different ones" in refused(path)
    path.write_bytes(
        head("element vertex 1", *XYZ.splitlines(), "element face 1000001", FACE[1], kind="ascii")
        + b"0 0 0\n"
        + b"0\n" * 1_000_001
    )
    assert "save it as a binary file" in refused(path)


def test_polygons_of_several_sizes_are_fans_of_triangles(tmp_path):
    import struct

    path = tmp_path / "a.ply"
    points = [(0, 0, 1), (1, 0, 2), (2, 0, 3), (0, 1, 4), (1, 1, 5), (2, 1, 6)]
    faces = [(0, 1, 4, 3), (1, 2, 5), (1, 5, 4), (0, 1)]
    header = f"{HEADER}element vertex 6\n{XYZ}element face {len(faces)}\n"
    body = b"".join(struct.pack("<3f", *point) for point in points)
    body += b"".join(struct.pack(f"<B{len(f)}i", len(f), *f) for f in faces)
    path.write_bytes(
        f"{header}property list uchar int vertex_indices\nend_header\n".encode() + body
    )
    surface = ply.read(path).surface
    assert surface.loss.tolist() == [[1, 4], [2, 5], [3, 6]]
