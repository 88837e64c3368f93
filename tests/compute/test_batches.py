"""Batches are drawn, cut and put together again without loss."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from compute.batches import cut, draw, head
from compute.chance import seeded

SIZES = st.integers(1, 40)


def whole(count):
    x = torch.arange(count).float()
    return x[:, None].expand(count, 2), {"ids": x.long(), "flag": torch.tensor(3)}, "word"


@given(count=SIZES, size=SIZES)
def test_what_is_cut_is_all_there_and_in_order(count, size):
    parts = cut(whole(count), size)
    assert [len(part[0]) for part in parts[:-1]] == [size] * (len(parts) - 1)
    assert torch.equal(torch.cat([part[0] for part in parts]), whole(count)[0])
    assert torch.cat([part[1]["ids"] for part in parts]).tolist() == list(range(count))
    assert all(part[2] == "word" and part[1]["flag"] == 3 for part in parts)
    assert len(head(whole(count), size)[0]) == min(count, size)


@given(lengths=st.lists(SIZES, min_size=1, max_size=6), wanted=st.integers(1, 100))
def test_the_first_samples_of_batches_are_exactly_as_many_as_asked(lengths, wanted):
    x = torch.arange(sum(lengths))
    found = draw([(part,) for part in x.split(lengths)], wanted)
    assert torch.cat([batch[0] for batch in found.batches]).tolist() == x[:wanted].tolist()
    assert found.selection == ("all" if wanted > len(x) else f"first:{wanted}")


@given(count=SIZES, wanted=SIZES, seed=st.integers(0, 5))
def test_samples_of_one_batch_are_drawn_once_each_and_keep_their_order(count, wanted, seed):
    found = draw((torch.arange(count), torch.arange(count).float()), wanted, seed)
    ((drawn, same),) = found.batches
    assert drawn.tolist() == same.tolist() == sorted(set(drawn.tolist()))
    assert len(drawn) == min(count, wanted) and found.available == count


def test_endless_batches_without_a_length_end():
    def endless():
        while True:
            yield "a batch"

    assert len(draw(endless(), 7).batches) == 7


def test_the_seed_is_what_is_drawn_and_nothing_is_left_of_it():
    before = torch.get_rng_state()
    numbers = []
    for seed in (3, 3, 4):
        with seeded(seed):
            numbers.append(torch.rand(1).item())
    assert numbers[0] == numbers[1] != numbers[2]
    assert torch.equal(before, torch.get_rng_state())
