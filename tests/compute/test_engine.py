"""Every way to evaluate equals a plain loop in float64, on networks of all kinds."""

import contextlib
import statistics
import threading

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from compute import evaluation
from compute.devices import exact_products
from compute.directions import center_of, random_direction
from compute.evaluation import Evaluator
from compute.loop import Graphed
from compute.plane import Plane
from compute.problem import Problem, batches_of, cross_entropy, mse
from compute.stacking import Stack, stackable
from compute.surface import Grid, axis, evaluate
from compute.weights import Weights, private
from lossviz.commands.runs import choices_in, open_run
from lossviz.errors import InputError
from lossviz.landscape import Provenance

from .nets import plane_of, slow_loss, small_convnet, small_problem

CORNERS = [(0.0, 0.0), (0.7, -0.7), (-1.0, 1.0), (0.3, 0.0)]


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(72, 72, bias=False), nn.Linear(72, 72, bias=False)
        self.two.weight = self.one.weight

    def forward(self, x):
        return self.two(torch.tanh(self.one(x.flatten(1))))[:, :3]


class Dropout(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(72, 9), nn.Dropout(0.5), nn.Linear(9, 3))


class GroupNorm(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(2, 4, 3), nn.GroupNorm(2, 4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3)
        )


class LayerNorm(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Flatten(), nn.LayerNorm(72), nn.Linear(72, 9), nn.GELU(), nn.LayerNorm(9),
            nn.Linear(9, 3),
        )  # fmt: skip


class Embedding(nn.Module):
    """Indices made of the inputs; the first linear layer's input moves with the embedding."""

    def __init__(self):
        super().__init__()
        self.embedding, self.linear = nn.Embedding(5, 7), nn.Linear(7, 3)

    def forward(self, x):
        return self.linear(self.embedding((x.flatten(1) * 2).long().clamp(0, 4)).mean(dim=1))


class Transposed(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.ConvTranspose2d(2, 3, 2, stride=2), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(),
            nn.Linear(432, 3),
        )  # fmt: skip


class Grouped(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(2, 4, 3, groups=2, bias=False), nn.BatchNorm2d(4, affine=False), nn.ReLU(),
            nn.Conv2d(4, 4, 3, padding="same"), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(64, 3),
        )  # fmt: skip


class OnlyBatchStatistics(nn.Sequential):
    """Its outputs depend on which samples are in a batch: it may not be cut anew."""

    def __init__(self):
        super().__init__(
            nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4, track_running_stats=False), nn.ReLU(),
            nn.Flatten(), nn.Linear(64, 3),
        )  # fmt: skip


class FunctionalNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.linear = nn.Conv2d(2, 4, 3), nn.Linear(64, 3)
        self.register_buffer("mean", torch.rand(4))
        self.register_buffer("variance", torch.rand(4) + 0.5)

    def forward(self, x):
        x = functional.batch_norm(self.conv(x), self.mean, self.variance)
        return self.linear(x.relu().flatten(1))


class Hooked(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(64, 3))
        self[0].register_forward_hook(lambda module, given, found: found * 1.5)


class Skipping(nn.Module):
    """The inputs are used beside the first linear layer too."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(72, 72), nn.Linear(72, 3)

    def forward(self, x):
        x = x.flatten(1)
        return self.two(x + torch.relu(self.one(x)))


class Untraceable(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.linear = nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.Linear(64, 3)

    def forward(self, x):
        if x.mean() > 1e9:
            return self.linear(x)
        return self.linear(self.norm(self.conv(x)).flatten(1))


class Flattening(nn.Module):
    """``view`` needs contiguous activations, which channels-last ones are not."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.linear = nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.Linear(64, 3)

    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x)))
        return self.linear(x.view(x.size(0), -1))


class Auxiliary(Flattening):
    """A head that is not used in eval mode."""

    def __init__(self):
        super().__init__()
        self.aux = nn.Linear(64, 3)


class Volumes(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.linear = nn.Conv3d(2, 4, 1), nn.BatchNorm3d(4), nn.Linear(144, 3)

    def forward(self, x):
        return self.linear(self.norm(self.conv(x[..., None])).flatten(1))


class TiedConvolutions(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)
        self.two.weight = self.one.weight
        self.norm, self.linear = nn.BatchNorm2d(2), nn.Linear(72, 3)

    def forward(self, x):
        return self.linear(self.norm(self.two(self.one(x))).flatten(1))


class WeightNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.utils.parametrizations.weight_norm(nn.Conv2d(2, 4, 3))
        self.norm, self.linear = nn.BatchNorm2d(4), nn.Linear(64, 3)

    def forward(self, x):
        return self.linear(self.norm(self.conv(x)).flatten(1))


class ReadsItsNorm(Flattening):
    def forward(self, x):
        x = self.norm(self.conv(x)) * self.norm.weight.sum()
        return self.linear(x.flatten(1))


KINDS = [Tied, Dropout, GroupNorm, LayerNorm, Embedding, Transposed, Grouped, OnlyBatchStatistics,
         FunctionalNorm, Hooked, Skipping, Untraceable, Flattening, Auxiliary, Volumes,
         TiedConvolutions, WeightNorm, ReadsItsNorm]  # fmt: skip


def lived_in(kind):
    torch.manual_seed(4)
    net = kind()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d) and module.running_mean is not None:
            module.running_mean.uniform_(-0.5, 0.5)
            module.running_var.uniform_(0.5, 2.0)
    return net


def by_hand(problem, plane, alpha, beta):
    """Means of loss and accuracy: float64, a state dict, the problem's own batches."""
    net = private(problem.model).double()
    Weights(net, plane.theta, plane.delta, plane.eta).set(0.0, 0.0)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            value = plane.theta[name].double()
            for step, direction in ((alpha, plane.delta), (beta, plane.eta)):
                if name in direction:
                    value = value + step * direction[name].double()
            parameter.copy_(value)
        found = [problem.loss(net, (x.double(), y)) for x, y in problem.batches]
    return {name: float(torch.cat([f[name] for f in found]).mean()) for name in found[0]}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ignore", ["biasbn", "none"])
def test_equals_a_plain_loop(kind, ignore):
    problem = small_problem(net=lived_in(kind), samples=37, batch_size=7)
    plane = plane_of(problem, ignore=ignore)
    evaluator = Evaluator(problem, plane)
    for corner in CORNERS:
        expected, found = by_hand(problem, plane, *corner), evaluator.at(*corner)
        assert found["loss"] == pytest.approx(expected["loss"], rel=3e-6, abs=1e-9)
        assert found["accuracy"] == pytest.approx(expected["accuracy"], abs=1e-9)
    together = [outcome.summarize() for outcome in evaluator.many(CORNERS)]
    assert together == [pytest.approx(evaluator.at(*corner), rel=1e-6) for corner in CORNERS]


def test_what_is_folded_and_what_is_told():
    problem = small_problem(net=lived_in(Grouped))
    assert Evaluator(problem, plane_of(problem)).choices["engine"] == "folded"
    for kind, told in ((Untraceable, "TraceError"), (Transposed, "no convolution before")):
        problem = small_problem(net=lived_in(kind))
        evaluator = Evaluator(problem, plane_of(problem))
        assert evaluator.choices["engine"] == "plain"
        assert [told in note for note in evaluator.notes] == [True]
    assert Evaluator(small_problem(), plane_of(small_problem())).notes == []


class Compiled(nn.Module):
    """What a compiler makes of a network: the same, or a wrong one."""

    def __init__(self, model, scale):
        super().__init__()
        self.model, self.scale = model, scale

    def forward(self, x):
        return self.scale * self.model(x)


@pytest.mark.parametrize(
    "scale, seconds, taken", [(1.0, 0.5, True), (1.1, 0.5, False), (1.0, 2.0, False)]
)
def test_a_long_run_is_compiled_where_that_is_right_and_faster(monkeypatch, scale, seconds, taken):
    problem = small_problem(samples=37, batch_size=7)
    evaluator, compiled = Evaluator(problem, plane_of(problem)), []

    def compiler(model, **options):
        compiled.append(model)
        return Compiled(model, scale)

    def timed(loop, device):
        return seconds if isinstance(loop.model, Compiled) else 1.0

    before = [evaluator.at(*corner) for corner in CORNERS]
    monkeypatch.setattr(evaluation.torch, "compile", compiler)
    monkeypatch.setattr(evaluation, "seconds_of", timed)
    monkeypatch.setattr(evaluation.shutil, "which", lambda name: None)
    assert not evaluator.compile_if_worth_it(1e6) and not compiled  # no compiler
    monkeypatch.setattr(evaluation.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert not evaluator.compile_if_worth_it(599.0) and not compiled  # not worth it
    assert evaluator.compile_if_worth_it(601.0) is taken and compiled
    assert evaluator.choices["compiled"] is taken
    assert [evaluator.at(*corner) for corner in CORNERS] == before


@pytest.mark.skipif(not torch.cuda.is_available(), reason="CUDA graphs need a GPU of NVIDIA's")
def test_a_graph_is_replayed_with_the_weights_of_each_point():
    problem = small_problem(samples=37, batch_size=7)
    evaluator = Evaluator(problem, plane_of(problem), device="cuda")
    assert isinstance(evaluator._engine, Graphed)
    for corner in CORNERS:
        expected = by_hand(problem, plane_of(problem), *corner)
        assert evaluator.at(*corner)["loss"] == pytest.approx(expected["loss"], rel=3e-6)


def test_batches_that_know_each_other_are_left_as_they_are():
    problem = small_problem(net=lived_in(OnlyBatchStatistics), samples=37, batch_size=7)
    assert Evaluator(problem, plane_of(problem)).choices["batch_size"] == 0


def test_batches_that_know_each_other_stay_as_they_are_when_a_run_goes_on(tmp_path):
    problem = small_problem(net=lived_in(OnlyBatchStatistics), samples=37, batch_size=7)
    evaluator = Evaluator(problem, plane_of(problem))
    grid, known = Grid(np.zeros(1), np.zeros(1)), Provenance()
    center = evaluator.at(0, 0)
    open_run(tmp_path, known, grid, center, evaluator.plane, evaluator).close()
    choices = choices_in(tmp_path, 5, restart=False)
    assert Evaluator(problem, evaluator.plane, choices=choices).at(0, 0) == center
    assert choices_in(tmp_path, 5, restart=True) == {"batch_size": 5}


@pytest.mark.parametrize("kind", [Tied, Dropout, LayerNorm, Skipping, Embedding])
def test_many_points_in_one_call_equal_one_at_a_time(kind):
    problem = small_problem(net=lived_in(kind), samples=37, batch_size=7)
    plane = plane_of(problem, ignore="none")
    model = private(problem.model).double()
    batches = [(x.double(), y) for x, y in problem.batches]
    assert stackable(model, len(plane.delta)) and not stackable(small_convnet(), 3)
    stack = Stack(model, problem.loss, plane.theta, plane.delta, plane.eta, batches)
    # Kept products: only where nothing before the first layer moves, nothing goes around it, and
    # its weights are nobody else's.
    assert (stack.products is not None) == (kind is Dropout)
    for corner, outcome in zip(CORNERS, stack.many(CORNERS), strict=True):
        losses, correct = slow_loss(problem, plane, *corner)
        assert outcome.values["loss"] == pytest.approx(losses, rel=1e-6)
        assert outcome.values["accuracy"].tolist() == correct


def test_a_small_network_is_stacked_where_that_is_faster_and_agrees(monkeypatch):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(72, 16), nn.ReLU(), nn.Linear(16, 3))
    problem = small_problem(net=net, samples=600, batch_size=64)
    plane = plane_of(problem)
    monkeypatch.setattr(
        evaluation, "seconds_of", lambda loop, *more: 0.1 if isinstance(loop, Stack) else 1.0
    )
    evaluator = Evaluator(problem, plane)
    assert evaluator.choices["engine"] == "stacked" and evaluator.points_at_once > 1
    for corner in CORNERS:
        expected = by_hand(problem, plane, *corner)
        assert evaluator.at(*corner)["loss"] == pytest.approx(expected["loss"], rel=1e-6)


def test_a_small_network_keeps_the_batch_size_that_is_asked_for():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(72, 16), nn.ReLU(), nn.Linear(16, 3))
    problem = small_problem(net=net, samples=600, batch_size=64)
    choices = Evaluator(problem, plane_of(problem), choices={"batch_size": 90}).choices
    assert (choices["engine"], choices["batch_size"]) == ("stacked", 90)


def test_the_choices_of_an_earlier_evaluator_give_the_same_bits():
    problem = small_problem(samples=100, batch_size=13)
    plane = plane_of(problem)
    one = Evaluator(problem, plane)
    other = Evaluator(problem, plane, choices=one.choices)
    assert other.choices == one.choices
    assert not one._own and not other._own  # the data are on the device once
    assert [one.at(*corner) for corner in CORNERS] == [other.at(*corner) for corner in CORNERS]


def test_a_loss_that_calls_the_model_in_its_own_way_is_not_given_kept_products():
    def shifted(model, batch):
        return cross_entropy(lambda x: model(x) + model(x + 1), batch)

    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(72, 16), nn.ReLU(), nn.Linear(16, 3))
    problem = small_problem(net=net, loss=shifted, samples=200, batch_size=50)
    plane = plane_of(problem)
    for corner in CORNERS:
        expected = by_hand(problem, plane, *corner)["loss"]
        assert Evaluator(problem, plane).at(*corner)["loss"] == pytest.approx(expected, rel=1e-6)


def test_half_precision_is_a_preview_of_the_same_surface():
    problem = small_problem(samples=100)
    plane = plane_of(problem)
    rough = Evaluator(problem, plane, dtype=torch.bfloat16)
    for corner in CORNERS:
        exact = by_hand(problem, plane, *corner)["loss"]
        found = rough.at(*corner)["loss"]
        assert found == pytest.approx(exact, rel=0.03) and found != exact


def test_several_evaluators_share_the_points():
    problem = small_problem(samples=64)
    plane = plane_of(problem)
    one = Evaluator(problem, plane)
    several = [Evaluator(problem, plane, choices=one.choices) for _ in range(3)]
    grid = Grid(axis(-1, 1, 7), axis(-1, 1, 5))
    *_, alone = evaluate(one, grid)
    counted = []
    *_, shared = evaluate(several, grid, progress=counted.append)
    assert (alone.loss == shared.loss).all() and sum(counted) == 35


@pytest.fixture
def rounded():
    """Products as PyTorch may be told to make them on GPUs."""
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = True
    yield
    torch.backends.cuda.matmul.allow_tf32 = before


def test_one_that_is_done_does_not_round_the_products_of_the_others(rounded):
    one_by_one, left, seen = threading.Lock(), threading.Event(), threading.Event()
    entered, found = [], []
    both = threading.Barrier(2)

    class Slow(Evaluator):
        def many(self, points):
            with contextlib.ExitStack() as inside:
                with one_by_one:
                    inside.enter_context(exact_products(self.device))
                    entered.append(self)
                both.wait(10)
                if self is entered[1]:
                    assert left.wait(10)
                    found.append(torch.backends.cuda.matmul.allow_tf32)
                    seen.set()
            left.set()
            assert seen.wait(10)
            return super().many(points)

    problem = small_problem()
    evaluators = [Slow(problem, plane_of(problem), choices={"engine": "plain"}) for _ in range(2)]
    for evaluator in evaluators:
        evaluator.device = torch.device("cuda")
    list(evaluate(evaluators, Grid(axis(-1, 1, 2), np.zeros(1))))
    assert found == [False] and torch.backends.cuda.matmul.allow_tf32


def test_one_of_several_evaluators_that_fails_ends_the_computation():
    problem = small_problem()

    class Broken(Evaluator):
        def many(self, points):
            raise RuntimeError("out of memory")

    plane = plane_of(problem)
    evaluators = [Evaluator(problem, plane), Broken(problem, plane)]
    with pytest.raises(RuntimeError, match="out of memory"):
        list(evaluate(evaluators, Grid(axis(-1, 1, 9), axis(-1, 1, 9))))


def test_surfaces_between_levels_say_what_is_missing():
    problem = small_problem()
    surfaces = list(
        evaluate(
            Evaluator(problem, plane_of(problem)), Grid(axis(-1, 1, 5), axis(-1, 1, 5)), every=0
        )
    )
    partial = [s for s in surfaces if not s.evaluated.all()]
    assert partial and all(np.isnan(s.loss[~s.evaluated]).all() for s in partial)
    assert surfaces[-1].evaluated.all() and surfaces[-1].shape == (5, 5)


def test_nothing_that_moves_is_a_constant_surface():
    problem = small_problem()
    plane = Plane(center_of(problem.model), {}, {})
    evaluator = Evaluator(problem, plane)
    losses, _ = slow_loss(problem, plane, 0, 0)
    for corner in CORNERS:
        assert evaluator.at(*corner)["loss"] == pytest.approx(statistics.fmean(losses), rel=1e-6)


def test_one_direction_may_be_empty():
    problem = small_problem()
    theta = center_of(problem.model)
    plane = Plane(theta, random_direction(theta, seed=0, axis="alpha"), {})
    evaluator = Evaluator(problem, plane)
    assert evaluator.at(0.5, 0.0) == evaluator.at(0.5, 1.0) != evaluator.at(-0.5, 0.0)


def test_a_loss_with_gradients_of_its_own():
    """Physics-informed losses differentiate with respect to the inputs."""

    def slope(model, batch):
        with torch.enable_grad():
            x = batch[0].detach().requires_grad_()
            (found,) = torch.autograd.grad(model(x).sum(), x)
        return {"loss": (found - 2).square().mean(dim=1)}

    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    problem = Problem(net, slope, batches_of(torch.randn(40, 2), torch.zeros(40), 16))
    plane = plane_of(problem)
    fast, plain = (Evaluator(problem, plane, choices=c) for c in (None, {"engine": "plain"}))
    for corner in CORNERS:
        assert fast.at(*corner) == pytest.approx(plain.at(*corner), rel=1e-5)


def test_a_loss_that_reads_the_weights_sees_the_models_own():
    """L2 regularisation: a folded convolution has other weights, if only a little."""

    def regularised(model, batch):
        found = cross_entropy(model, batch)
        penalty = 1e-6 * sum(p.square().sum() for p in model.parameters())
        return {"loss": found["loss"] + penalty}

    problem = small_problem(loss=regularised)
    plane = plane_of(problem)
    evaluator = Evaluator(problem, plane)
    assert not evaluator.folded
    for corner in CORNERS:
        assert evaluator.at(*corner)["loss"] == pytest.approx(
            by_hand(problem, plane, *corner)["loss"], rel=1e-6
        )


def test_a_loss_that_calls_a_part_of_the_model_finds_it():
    def features(model, batch):
        return cross_entropy(lambda x: model.linear(model.norm(model.conv(x)).flatten(1)), batch)

    problem = small_problem(net=lived_in(Auxiliary), loss=features)
    plane = plane_of(problem)
    evaluator = Evaluator(problem, plane)
    assert evaluator.folded
    for corner in CORNERS:
        assert evaluator.at(*corner)["loss"] == pytest.approx(
            by_hand(problem, plane, *corner)["loss"], rel=3e-6
        )


@pytest.mark.parametrize(
    "loss, told",
    [
        (lambda model, batch: "three", "got str"),
        (lambda model, batch: {"accuracy": torch.ones(5)}, "accuracy: float32"),
        (lambda model, batch: model(batch[0]) + 0j, "complex64"),
        (lambda model, batch: model(batch[0]), r"float32 \(5, 3\)"),
    ],
)
def test_what_is_no_loss_is_told(loss, told):
    problem = small_problem(loss=loss)
    with pytest.raises(InputError, match=told):
        Evaluator(problem, plane_of(problem)).at(0, 0)


def test_a_number_is_a_loss():
    def number(model, batch):
        return float(cross_entropy(model, batch)["loss"].mean())

    problem = small_problem(loss=number, samples=20, batch_size=5)
    plane = plane_of(problem)
    expected = Evaluator(small_problem(samples=20, batch_size=5), plane).at(0.2, 0.1)["loss"]
    assert Evaluator(problem, plane).at(0.2, 0.1) == {"loss": pytest.approx(expected, rel=1e-6)}


def test_half_precision_models_have_planes():
    problem = small_problem(net=small_convnet().bfloat16())
    plane = plane_of(problem)
    assert len(plane.sha256) == 64
    assert np.isfinite(Evaluator(problem, plane).at(0.1, 0.1)["loss"])


def test_what_cannot_be_copied_or_iterated_again_is_told():
    class Uncopyable(nn.Linear):
        def __deepcopy__(self, memory):
            raise RuntimeError("only leaves")

    problem = small_problem(net=nn.Sequential(nn.Flatten(), Uncopyable(72, 3)))
    with pytest.raises(InputError, match="only leaves"):
        Evaluator(problem, plane_of(problem))
    with pytest.raises(InputError, match="generator"):
        Problem(nn.Linear(1, 1), cross_entropy, (batch for batch in []))


def test_mean_squared_error_of_flat_outputs():
    net = nn.Sequential(nn.Linear(4, 1), nn.Flatten(0))
    problem = Problem(net, mse, [(torch.randn(9, 4), torch.randn(9))])
    found = Evaluator(problem, plane_of(problem)).at(0.5, 0.5)
    assert found["loss"] > 0 and found["loss_stderr"] > 0
