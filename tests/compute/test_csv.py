"""Tables from text files: classes or real values, standardised, and bad rows named."""

import contextlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from compute import data
from compute.evaluation import Evaluator
from compute.models import build
from compute.problem import Problem, batches_of, mse
from lossviz.errors import InputError
from tests.compute.nets import plane_of


def written(tmp_path, text, **options):
    path = tmp_path / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return data.load(f"csv:{path}", **options)


def lines(*rows):
    return "\n".join(rows) + "\n"


def test_words_are_classes_in_alphabetical_order(tmp_path):
    text = lines("length,width,kind", "1,2,cat", "3,5,ant", "5,11,cat", "7,2,bee", "9,9,ant")
    found = written(tmp_path, text)
    assert found.targets.tolist() == [2, 0, 2, 1] and found.outputs == 3 and not found.real
    rows = np.array([[1, 2], [3, 5], [5, 11], [7, 2]])
    expected = (rows - rows.mean(0)) / rows.std(0)
    assert found.inputs.numpy() == pytest.approx(expected, abs=1e-6)
    # The fifth row is for testing, standardised by the other four.
    test = written(tmp_path, text, split="test")
    expected = (np.array([[9, 9]]) - rows.mean(0)) / rows.std(0)
    assert test.inputs.numpy() == pytest.approx(expected, abs=1e-6)
    assert test.targets.tolist() == [0] and test.outputs == 3 and found.available == 4


def test_the_choice_of_rows_does_not_change_what_a_network_sees(tmp_path):
    text = lines(*(f"{k},{k * k % 7},{k % 2}" for k in range(50)))
    every, few = written(tmp_path, text), written(tmp_path, text, samples="first:8")
    assert torch.equal(every.inputs[:8], few.inputs) and every.normalization == few.normalization


def test_whole_numbers_are_classes_in_numerical_order(tmp_path):
    found = written(tmp_path, lines("1;2", "2;10", "3;-1", "4;9"))
    assert found.targets.tolist() == [1, 3, 0, 2] and found.outputs == 4
    found = written(tmp_path, lines("1;01", "2;2", "3;1", "4;+1"))
    assert found.targets.tolist() == [0, 1, 0, 0] and found.outputs == 2


def test_numbers_with_a_point_are_real_values(tmp_path):
    found = written(tmp_path, lines("x\ty", "1\t0.5", "2\t1e2", "3\t-3", "4\t7"))
    assert found.real and found.targets.tolist() == [0.5, 100, -3, 7] and found.outputs == 1
    assert found.targets.dtype == torch.float32
    some = written(tmp_path, lines(*(f"{k},{k / 10}" for k in range(60))), samples="9", seed=3)
    assert some.selection == "random:9 seed 3" and some.strata is None
    assert (some.targets.diff() > 0).all() and len(some.targets) == 9


def test_given_mean_and_std(tmp_path):
    text = lines("1,10,a", "3,30,b")
    found = written(tmp_path, text, mean=[1, 10], std=[2, 20])
    assert found.inputs.tolist() == [[0, 0], [1, 1]] and found.normalization.startswith("given")


def test_a_column_that_never_changes_stays_finite(tmp_path):
    found = written(tmp_path, lines("0,5,1e-9,a", "0,5,3e-9,b"))
    assert found.inputs.tolist() == [[0, 0, -1], [0, 0, 1]]


def test_quotes_spaces_empty_lines_and_a_byte_order_mark(tmp_path):
    found = written(tmp_path, b'\xef\xbb\xbf 1 ,"2", "one, two"\r\n\r\n3,4,b\r\n')
    assert len(found.inputs) == 2 and found.outputs == 2


@pytest.mark.parametrize(
    "text, told",
    [
        (lines("1,2,a", "1,b"), r"line 2: expected 3 columns, got 2"),
        (lines("x,y", "1,a", "two,b"), r"line 3, column 1: expected a number, got 'two'"),
        (lines("1,a", "nan,b"), r"line 2, column 1: expected a number, got 'nan'"),
        (lines("1,a", "inf,b"), r"line 2, column 1"),
        (lines("1,a", "1e31,b"), r"line 2, column 1"),
        (lines("1,a", ",b"), r"line 2, column 1: expected a number, got ''"),
        (lines("1,a", "1_0,b"), r"line 2, column 1: expected a number, got '1_0'"),
        (lines("1,a", "2,"), r"line 2: expected a label"),
        (lines("1", "2"), r"line 1: expected two columns"),
        (lines("1,1", f"2,{'9' * 5000}"), "finite values in the last column"),
        (lines("1,0.5", "2,inf"), "finite values in the last column"),
        (lines("a,b"), "expected rows of numbers, got none"),
        ("", "expected rows of numbers, got none"),
        (b"1,2\n\xff\xfe,3\n", "expected a csv file"),
        (b'1,"2\n' + b"x" * 200_000, "field larger than field limit"),
        (lines(*(f"1,{k}" for k in range(1001))), r"at most 1,000 classes .* got 1,001"),
    ],
)
def test_rows_that_do_not_fit(tmp_path, text, told):
    with pytest.raises(InputError, match=told) as caught:
        written(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_files_that_are_none(tmp_path, monkeypatch):
    for spec in ("csv:", "csv:nothing.csv", f"csv:{tmp_path}"):
        with pytest.raises(InputError, match="no such file"):
            data.load(spec)
    with pytest.raises(InputError, match="samples in the test split, got none"):
        written(tmp_path, lines("1,a", "2,b"), split="test")
    monkeypatch.setattr("compute.data.csv_file.LARGEST", 5)
    with pytest.raises(InputError, match="at most 5 bytes"):
        written(tmp_path, lines("1,a", "2,b"))


ALMOST = st.text(alphabet="01.,;-e_\n\t\"' ax", max_size=60).map(str.encode)


@given(text=st.binary(max_size=80) | ALMOST)
@settings(max_examples=300)
def test_no_text_crashes(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(text)
    with contextlib.suppress(InputError):
        found = data.load(f"csv:{path}")
        assert torch.isfinite(found.inputs).all() and len(found.inputs) == len(found.targets)


def test_a_regression_has_a_landscape_as_by_hand(tmp_path):
    found = written(tmp_path, lines(*(f"{k},{k % 3},{k * 0.25:.2f}" for k in range(40))))
    net = build("mlp:6:tanh", inputs=(2,), num_classes=found.outputs)
    problem = Problem(net, mse, batches_of(found.inputs, found.targets, 7))
    plane = plane_of(problem)
    evaluator = Evaluator(problem, plane, dtype=torch.float64)
    moved = build("mlp:6:tanh", inputs=(2,), num_classes=1).double()
    for alpha, beta in ((0.0, 0.0), (1.0, -0.6)):
        moved.load_state_dict({
            name: value.double() + sum(
                step * direction[name].double()
                for step, direction in ((alpha, plane.delta), (beta, plane.eta))
                if name in direction
            )
            for name, value in net.state_dict().items()
        })  # fmt: skip
        errors = moved(found.inputs.double())[:, 0] - found.targets.double()
        expected = errors.square().mean().item()
        assert evaluator.at(alpha, beta)["loss"] == pytest.approx(expected, rel=1e-12)
