"""What others put into the folder of a run ends in one line, never in wrong numbers."""

import json
import math
import zlib

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn

from compute.training import Recorder, Snapshots, index
from compute.training.snapshots import TYPES
from lossviz.errors import InputError


@pytest.fixture
def folder(tmp_path):
    net = nn.Linear(3, 2)
    with Recorder(net, tmp_path / "run") as recorder:
        recorder.step(1, 0.5)
        recorder.step(2, 0.25)
    return tmp_path / "run"


def line(record):
    body = json.dumps(record)[:-1].encode()
    return body + b', "crc32": "%08x"}\n' % zlib.crc32(body)


def records(folder):
    return [json.loads(text) for text in (folder / index.NAME).read_text().splitlines()]


def rewritten(folder, change):
    """The index with sound checksums and ``change`` made to its records."""
    found = [{k: v for k, v in record.items() if k != "crc32"} for record in records(folder)]
    change(found)
    (folder / index.NAME).write_bytes(b"".join(map(line, found)))


def test_no_run(tmp_path):
    with pytest.raises(InputError, match="got no such folder"):
        Snapshots(tmp_path / "none")
    with pytest.raises(InputError, match=r"got one without index\.jsonl"):
        Snapshots(tmp_path)


def test_too_few(folder):
    assert len(Snapshots(folder, at_least=3)) == 3
    with pytest.raises(InputError, match="expected at least 4 snapshots, got 3"):
        Snapshots(folder, at_least=4)


def test_weights_that_are_not_finite_are_named(folder):
    net = nn.Linear(3, 2)
    with torch.no_grad():
        net.bias[1] = math.nan
    with Recorder(net, folder, resume=True) as recorder:
        recorder.step(3, math.nan)
    snapshots = Snapshots(folder)
    assert torch.equal(snapshots.parameters(2)["bias"], snapshots.parameters(2)["bias"])
    for read in (lambda: snapshots.parameters(3), lambda: snapshots.block(-1, "bias")):
        with pytest.raises(InputError, match=r"000003\S+: bias is not finite at step 3"):
            read()
    assert torch.equal(snapshots.block(3, "bias", 0, 1), net.bias[:1].detach())


@pytest.mark.parametrize("change, told", [
    ({"weight": torch.zeros(2, 4), "bias": torch.zeros(2)}, "bytes"),
    ({"weight": torch.zeros(3, 2), "bias": torch.zeros(2)}, r"weight: expected \(2, 3\), got \(3"),
    ({"weight": torch.zeros(2, 3), "tail": torch.zeros(2)}, "bias: expected"),
    ({"weight": torch.zeros(2, 3, dtype=torch.int32), "bias": torch.zeros(2)}, "'float32'"),
])  # fmt: skip
def test_other_tensors_than_the_index_says(folder, change, told):
    path = Snapshots(folder).path(1)
    before = path.stat().st_size
    save_file(change, path, metadata={"format": "pt"})
    if "bytes" not in told:
        rewritten(folder, lambda found: found[2].update(bytes=path.stat().st_size))
    else:
        assert path.stat().st_size != before
    snapshots = Snapshots(folder)
    snapshots.parameters(0)
    with pytest.raises(InputError, match=told):
        snapshots.parameters(1)


@pytest.mark.parametrize("dtype", ["nonsense", "save", "int32", "", "dtype"])
def test_other_types_than_the_index_says(folder, dtype):
    rewritten(folder, lambda found: found[0]["parameters"]["weight"].__setitem__(0, dtype))
    with pytest.raises(InputError, match=f"weight: expected '{dtype}', got torch.float32"):
        Snapshots(folder).parameters(0)


def test_buffers_of_every_type_come_back(tmp_path):
    net = nn.Linear(3, 2)
    for dtype in TYPES.values():
        values = torch.arange(4).to(dtype)
        net.register_buffer(f"kept_{str(dtype)[6:]}", values)
    Recorder(net, tmp_path / "run").close()
    found = Snapshots(tmp_path / "run").buffers(0)
    for name, values in net.named_buffers():
        assert found[name].dtype == values.dtype
        assert torch.equal(found[name].view(torch.uint8), values.view(torch.uint8))


def test_missing_and_cut_snapshots(folder):
    snapshots = Snapshots(folder)
    content = snapshots.path(1).read_bytes()
    snapshots.path(1).write_bytes(content[:-5])
    with pytest.raises(InputError, match=r"000001\.safetensors: expected \d+ bytes, got"):
        snapshots.parameters(1)
    snapshots.path(1).write_bytes(b"\xff" * len(content))
    with pytest.raises(InputError, match="expected safetensors"):
        snapshots.parameters(1)
    snapshots.path(1).unlink()
    with pytest.raises(InputError, match="is in the index, but not there"):
        snapshots.parameters(1)


def test_damage_in_the_middle_names_the_line(folder):
    path = folder / index.NAME
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1].replace(b"snapshot", b"snapsh0t") + b"".join(lines[2:]))
    with pytest.raises(InputError, match="line 2 is damaged"):
        Snapshots(folder)


@pytest.mark.parametrize("place, change", [
    (0, {"lossviz_training": 2}), (0, {"parameters": [1]}), (0, {"parameters": {"a": "f"}}),
    (0, {"parameters": {"a": ["float32", [-1]]}}), (0, {"buffers": {"a": ["f", [1.5]]}}),
    (0, {"about": None}), (1, {"snapshot": -1}), (1, {"snapshot": 10**30}), (1, {"bytes": "1"}),
    (1, {"step": None}), (1, {"step": "nan"}), (1, {"step": True}), (1, {"loss": "much"}),
    (1, {"loss": None}), (1, {"details": []}), (2, {"snapshot": 0}), (2, {"call": 1.5}),
    (2, {"snapshot": None}),
])  # fmt: skip
def test_records_that_make_no_sense(folder, place, change):
    rewritten(folder, lambda found: found[place].update(change))
    with pytest.raises(InputError, match=f"line {place + 1}: "):
        Snapshots(folder)


def test_other_records(folder):
    rewritten(folder, lambda found: found.append({"unknown": 1}))
    with pytest.raises(InputError, match=r"line 5: .*no record"):
        Snapshots(folder)


def test_deep_and_huge_lines_do_not_crash(folder):
    path = folder / index.NAME
    first = path.read_bytes().splitlines(keepends=True)[0]
    deep = b'{"note": 1, "details": ' + b"[" * 100_000 + b"]" * 100_000
    path.write_bytes(first + deep + b', "crc32": "%08x"}\n' % zlib.crc32(deep) + first)
    with pytest.raises(InputError, match="line 2 is damaged"):
        Snapshots(folder)


def test_an_index_that_is_too_large(folder, monkeypatch):
    monkeypatch.setattr(index, "LARGEST", 100)
    with pytest.raises(InputError, match="expected at most 100 bytes"):
        Snapshots(folder)


@given(st.binary(max_size=300))
def test_any_bytes_are_an_index_or_one_line(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("any")
    (folder / index.NAME).write_bytes(content)
    with pytest.raises(InputError):
        Snapshots(folder)
