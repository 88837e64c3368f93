"""Every kind of checkpoint, its wrappings, and files that mean harm."""

import collections

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from compute import checkpoints
from lossviz.errors import InputError


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


STATE = net().state_dict()


def same(found):
    return list(found) == list(STATE) and all(torch.equal(found[k], STATE[k]) for k in STATE)


@pytest.mark.parametrize("suffix", [".t7", ".pth", ".pt", ".th", ".ckpt"])
@pytest.mark.parametrize("nest", [None, "state_dict", "model", "model_state_dict"])
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod."])
def test_every_wrapping_opens(tmp_path, suffix, nest, prefix):
    state = collections.OrderedDict((prefix + k, v) for k, v in STATE.items())
    path = tmp_path / f"net{suffix}"
    torch.save(state if nest is None else {nest: state, "epoch": 3, "acc": 93.1}, path)
    assert same(checkpoints.read(path))


def test_safetensors_open(tmp_path):
    save_file(dict(STATE), tmp_path / "net.safetensors")
    found = checkpoints.read(tmp_path / "net.safetensors")
    assert set(found) == set(STATE) and all(torch.equal(found[k], STATE[k]) for k in STATE)


class Mean:
    """What a hostile pickle would be."""

    fired = False

    def __reduce__(self):
        return (setattr, (Mean, "fired", True))


def test_what_needs_unsafe_unpickling_is_refused_with_a_way_out(tmp_path):
    torch.save(net(), tmp_path / "whole.pt")
    torch.save({"state_dict": STATE, "bad": Mean()}, tmp_path / "mean.pt")
    for name in ("whole.pt", "mean.pt"):
        with pytest.raises(InputError, match=r"torch\.save.*--trust-pickle") as caught:
            checkpoints.read(tmp_path / name)
        assert "\n" not in str(caught.value)
    assert not Mean.fired
    assert same(checkpoints.read(tmp_path / "whole.pt", trust_pickle=True))


def test_a_small_file_cannot_claim_a_huge_tensor(tmp_path):
    huge = torch.zeros(1).expand(1_000_000_000)
    torch.save({"w": huge}, tmp_path / "huge.pt")
    assert (tmp_path / "huge.pt").stat().st_size < 5000
    with pytest.raises(InputError, match="claims 4,000,000,000 bytes"):
        checkpoints.read(tmp_path / "huge.pt")


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"\x80\x02}q\x00.", b"PK\x03\x04"])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors", ".npy"])
def test_damaged_files_give_one_line(tmp_path, content, suffix):
    path = tmp_path / f"net{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError, match="expected") as caught:
        checkpoints.read(path)
    assert "\n" not in str(caught.value)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        checkpoints.read(tmp_path / "nothing.pt")
    with pytest.raises(InputError, match="a folder"):
        checkpoints.read(tmp_path)


@pytest.mark.parametrize("content", [[1, 2], {"a": 1}, {"state_dict": {"a": [1]}}, {}])
def test_no_state_dict_is_told(tmp_path, content):
    torch.save(content, tmp_path / "net.pt")
    with pytest.raises(InputError, match="expected a state dict"):
        checkpoints.read(tmp_path / "net.pt")


def test_a_mismatch_lists_both_sides():
    state = {k: v for k, v in STATE.items() if not k.startswith("1.running")}
    state["strange"] = torch.zeros(1)
    state["0.weight"] = torch.zeros(5, 3)
    with pytest.raises(InputError) as caught:
        checkpoints.load_into(net(), state, "net.pt")
    text = str(caught.value)
    assert "misses 1.running_mean, 1.running_var" in text
    assert "does not know strange" in text
    assert "0.weight (model 4x3, file 5x3)" in text and "\n" not in text


@pytest.mark.parametrize("dtype", [torch.int8, torch.complex64, torch.bool])
def test_numbers_that_are_no_weights_are_refused(dtype):
    state = STATE | {"0.weight": STATE["0.weight"].to(dtype)}
    with pytest.raises(InputError, match=r"0\.weight \(model float32, file (int8|complex64|bool)"):
        checkpoints.load_into(net(), state, "net.pt")
    checkpoints.load_into(net(), {k: v.half() for k, v in STATE.items()}, "net.pt")


def test_many_names_are_counted():
    state = {f"name{index}": torch.zeros(1) for index in range(40)}
    with pytest.raises(InputError, match="name4 and 35 more"):
        checkpoints.load_into(net(), {**STATE, **state}, "net.pt")


def test_loading_is_strict_and_exact():
    fresh = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    old = {k: v for k, v in STATE.items() if "num_batches_tracked" not in k}  # as older files are
    checkpoints.load_into(fresh, old, "net.pt")
    assert same(fresh.state_dict())


def test_sha256_of_a_known_file(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert checkpoints.sha256(tmp_path / "abc").startswith("ba7816bf8f01cfea414140de5dae2223")
