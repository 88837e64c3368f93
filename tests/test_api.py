"""lossviz.surface equals a plain loop for anybody's model, loss and directions."""

import math
import statistics
from collections import UserDict
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import compute
import lossviz
from compute.plane import random_plane
from compute.problem import Problem, cross_entropy
from lossviz.errors import InputError, UsageError

from .small import EXACT, Named, X, Y, arrays, check, moved, network

# ── losses ────────────────────────────────────────────────────────────────────────────────────────

WEIGHT = torch.tensor([1.0, 5.0, 0.2])
SMOOTHED = nn.CrossEntropyLoss(label_smoothing=0.1)
REAL = torch.stack([X.sum(dim=1), X.square().sum(dim=1), X[:, 0]], dim=1)

LOSSES = {
    "name": ("cross_entropy", Y, functional.cross_entropy),
    "module": (nn.CrossEntropyLoss(), Y, functional.cross_entropy),
    "class": (nn.CrossEntropyLoss, Y, functional.cross_entropy),
    "function": (functional.cross_entropy, Y, functional.cross_entropy),
    "smoothed": (nn.CrossEntropyLoss(label_smoothing=0.1), Y, SMOOTHED),
    "weighted": (nn.CrossEntropyLoss(WEIGHT), Y, nn.CrossEntropyLoss(WEIGHT.double())),
    "weighted function": (
        partial(functional.cross_entropy, weight=WEIGHT.double()), Y,
        nn.CrossEntropyLoss(WEIGHT.double()),
    ),
    "ignoring": (nn.CrossEntropyLoss(ignore_index=2), Y, nn.CrossEntropyLoss(ignore_index=2)),
    "summed": (nn.CrossEntropyLoss(reduction="sum"), Y, functional.cross_entropy),
    "squared": (nn.MSELoss(), REAL, lambda o, t: functional.mse_loss(o, t.double())),
    "huber": (functional.huber_loss, REAL, lambda o, t: functional.huber_loss(o, t.double())),
    "divergence": (
        nn.KLDivLoss(reduction="batchmean"), REAL.softmax(1),
        lambda o, t: functional.kl_div(o, t.double(), reduction="batchmean"),
    ),
    "(outputs, targets)": (
        lambda outputs, targets: (outputs - targets).abs().mean(dim=1), REAL,
        lambda o, t: (o - t.double()).abs().mean(),
    ),
    "(model, batch)": (
        lambda model, batch: functional.cross_entropy(model(batch[0]), batch[1]), Y,
        functional.cross_entropy,
    ),
    "a mapping": (
        lambda model, batch: {
            "loss": functional.cross_entropy(model(batch[0]), batch[1]), "norm": batch[0].norm()
        }, Y, functional.cross_entropy,
    ),
    "a number": (
        lambda model, batch: float(functional.cross_entropy(model(batch[0]), batch[1])), Y,
        functional.cross_entropy,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", LOSSES)
def test_every_kind_of_loss_equals_a_plain_loop(kind):
    loss, targets, oracle = LOSSES[kind]
    model = network(4, 6, 3)
    landscape = lossviz.surface(model, loss, (X, targets), **EXACT)
    check(model, landscape, lambda net: oracle(net(X.double()), targets))
    known = landscape.provenance
    assert known.samples == 50 and known.precision == "float64" and known.selection == "all"


def test_what_gives_a_value_a_sample_has_standard_errors_and_accuracy():
    model = network(4, 6, 3)
    found = lossviz.surface(model, nn.CrossEntropyLoss(), (X, Y), **EXACT)
    assert set(found.surface.quantities) == {"loss", "loss_stderr", "accuracy"}
    net = moved(model, found, 0, 2)
    each = functional.cross_entropy(net(X.double()), Y, reduction="none").tolist()
    error = statistics.stdev(each) / math.sqrt(50)
    assert found.surface.quantities["loss_stderr"][0, 2] == pytest.approx(error, rel=1e-9)
    share = float((net(X.double()).argmax(1) == Y).double().mean())
    assert found.surface.quantities["accuracy"][0, 2] == pytest.approx(share)
    assert found.provenance.loss == "CrossEntropyLoss"


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(), "cross_entropy"])
def test_tokens_that_are_left_out_do_not_count(loss):
    """Rows of different lengths, padded: the mean is over the tokens that are there."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(7, 5), nn.Linear(5, 7), Transposed())
    tokens, targets = torch.randint(0, 7, (2, 9, 4)).unbind()
    for row in range(9):
        targets[row, 1 + row % 3 :] = -100
    batches = [(tokens[:5], targets[:5]), (tokens[5:], targets[5:])]
    found = lossviz.surface(model, loss, batches, **EXACT)
    check(model, found, lambda net: functional.cross_entropy(net(tokens), targets))
    assert "accuracy" not in found.surface.quantities


class Transposed(nn.Module):
    def forward(self, x):
        return x.transpose(1, 2)


# ── models ────────────────────────────────────────────────────────────────────────────────────────


class Transformer(nn.Module):
    """A small language model with a causal mask and a tied embedding."""

    def __init__(self, vocabulary=11, width=8, length=6):
        super().__init__()
        self.tokens, self.places = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
        self.norm, self.qkv = nn.LayerNorm(width), nn.Linear(width, 3 * width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, ids):
        x = self.tokens(ids) + self.places(torch.arange(ids.shape[1], device=ids.device))
        q, k, v = (part.unsqueeze(1) for part in self.qkv(self.norm(x)).chunk(3, dim=-1))
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.head(x + mixed.squeeze(1))  # (B, T, V)


def test_a_language_model_with_a_tied_embedding():
    torch.manual_seed(0)
    model = Transformer()
    ids = torch.randint(0, 11, (20, 7))
    batch = ids[:, :-1], ids[:, 1:]

    def tokens(model, batch):
        logits = model(batch[0]).transpose(1, 2)
        return functional.cross_entropy(logits, batch[1], reduction="none").mean(dim=1)

    found = lossviz.surface(model, tokens, batch, **EXACT)
    check(model, found, lambda net: tokens(net, batch).mean())
    assert "loss_stderr" in found.surface.quantities


def oscillator(model, batch):
    """u″ + u = 0, u(0) = 1, u′(0) = 0: derivatives of the output by the input, twice."""
    t = batch[0].requires_grad_()
    u = model(t)
    (first,) = torch.autograd.grad(u.sum(), t, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), t, create_graph=True)
    start = torch.zeros_like(t[:1]).requires_grad_()
    value = model(start)
    (slope,) = torch.autograd.grad(value.sum(), start, create_graph=True)
    return (second + u).square().mean() + (value - 1).square().mean() + slope.square().mean()


def by_hand(net, t):
    """The same loss without autograd: derivatives of w tanh(a t + b) + c written out."""
    hidden, out = net[0], net[2]
    z = (t @ hidden.weight.T + hidden.bias).tanh()
    a, w = hidden.weight[:, 0], out.weight[0]
    u = z @ w + out.bias
    second = ((-2 * z * (1 - z**2)) * a**2) @ w
    z0 = hidden.bias.tanh()
    value, slope = z0 @ w + out.bias, ((1 - z0**2) * a) @ w
    return (second + u).square().mean() + (value - 1).square().mean() + slope.square()


@pytest.mark.parametrize("asks_itself", [False, True], ids=["no_grad", "enable_grad"])
def test_a_physics_informed_loss_differentiates_twice_by_its_inputs(asks_itself):
    def loss(model, batch):
        with torch.set_grad_enabled(asks_itself or torch.is_grad_enabled()):
            return oscillator(model, batch)

    model, t = network(1, 9, 1), torch.linspace(0, 6, 33)[:, None]
    found = lossviz.surface(model, loss, (t,), **EXACT)
    with torch.no_grad():
        check(model, found, lambda net: by_hand(net, t.double()))
    told = [note for note in found.provenance.notes if "autograd" in note]
    assert len(told) == (0 if asks_itself else 1)
    assert not t.requires_grad  # ours was marked, not the user's


def test_a_loss_of_residuals_at_every_point_has_standard_errors():
    def residuals(model, batch):
        t = batch[0].requires_grad_()
        (slope,) = torch.autograd.grad(model(t).sum(), t, create_graph=True)
        return (slope + model(t)).square().flatten()

    model, t = network(1, 9, 1), torch.linspace(0, 6, 200)[:, None].requires_grad_()
    found = lossviz.surface(model, residuals, (t,), **EXACT)
    check(model, found, lambda net: residuals(net, (t.detach().double(),)).mean())
    assert "loss_stderr" in found.surface.quantities and found.provenance.samples == 200


def test_a_loss_that_differentiates_by_the_weights():
    def flat(model, batch):
        loss = functional.cross_entropy(model(batch[0]), batch[1])
        gradients = torch.autograd.grad(loss, model.parameters(), create_graph=True)
        return loss + sum(g.square().sum() for g in gradients)

    model = network(4, 6, 3)
    found = lossviz.surface(model, flat, (X, Y), **EXACT)
    check(model, found, lambda net: flat(net, (X.double(), Y)))
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_whoever_calls_without_autograd_gets_the_same(mode):
    model, t = network(1, 9, 1), torch.linspace(0, 6, 33)[:, None]
    expected = lossviz.surface(model, oscillator, (t,), **EXACT)
    with mode():
        found = lossviz.surface(model, oscillator, (t,), **EXACT)
    assert (found.surface.loss == expected.surface.loss).all()


def test_a_penalty_on_what_is_trained_stays():
    def regularised(model, batch):
        penalty = sum(p.square().sum() for p in model.parameters() if p.requires_grad)
        return functional.cross_entropy(model(batch[0]), batch[1]) + penalty

    model = network(4, 6, 3)
    model[0].bias.requires_grad_(False)
    found = lossviz.surface(model, regularised, (X, Y), **EXACT)
    check(model, found, lambda net: regularised(net, (X.double(), Y)))


class Encoding(UserDict):
    """What a tokenizer returns: a mapping that is no dict."""


class Pretrained(nn.Module):
    """The manners of Hugging Face's models: keywords in, an object with .loss and .logits out."""

    def __init__(self):
        super().__init__()
        self.embedding, self.classifier = nn.Embedding(9, 4), nn.Linear(4, 2)

    def forward(self, input_ids=None, attention_mask=None, labels=None, **kwargs):
        mask = attention_mask.unsqueeze(-1)
        pooled = (self.embedding(input_ids) * mask).sum(1) / mask.sum(1)
        logits = self.classifier(pooled)
        loss = None if labels is None else functional.cross_entropy(logits, labels)
        return SimpleNamespace(loss=loss, logits=logits)


@pytest.mark.parametrize("kind", [dict, Encoding])
def test_a_model_with_its_own_loss_on_mappings(kind):
    torch.manual_seed(0)
    model = Pretrained()
    batches = [
        kind(input_ids=torch.randint(0, 9, (6, 5)), attention_mask=torch.ones(6, 5),
             labels=torch.randint(0, 2, (6,)))
        for _ in range(3)
    ]  # fmt: skip

    def oracle(net):
        doubled = [
            {**batch, "attention_mask": batch["attention_mask"].double()} for batch in batches
        ]
        return statistics.fmean(net(**batch).loss.item() for batch in doubled)

    for loss in (None, lambda model, batch: model(**batch).loss):
        found = lossviz.surface(model, loss, batches, **EXACT)
        check(model, found, oracle)
        assert found.provenance.samples == 18


def test_a_model_without_a_loss_of_its_own_is_told():
    with pytest.raises(InputError, match=r"the model's outputs have none.*name one such as"):
        lossviz.surface(network(4, 3), None, (X,))


def test_wrapped_models_have_the_same_surface():
    model = network(4, 6, 3)
    found = [
        lossviz.surface(one, "cross_entropy", (X, Y), **EXACT).surface.loss
        for one in (model, nn.DataParallel(model), SimpleCompiled(model))
    ]
    assert (found[0] == found[1]).all() and (found[0] == found[2]).all()


class SimpleCompiled(nn.Module):
    """Names like those of torch.compile's module."""

    def __init__(self, model):
        super().__init__()
        self._orig_mod = model

    def forward(self, x):
        return self._orig_mod(x)


# ── how ───────────────────────────────────────────────────────────────────────────────────────────


def test_places_directions_and_grids():
    model = network(4, 6, 3)
    found = lossviz.surface(model, "cross_entropy", (X, Y), points=(3, 2), span=((-1, 1), (0, 2)))
    assert found.surface.shape == (3, 2) and found.surface.betas.tolist() == [0, 2]
    plane = random_plane(model, seed=7)
    seeded, given, whole = (
        lossviz.surface(model, "cross_entropy", (X, Y), points=3, **options).surface.loss
        for options in (
            {"seed": 7},
            {"directions": (plane.delta, plane.eta)},
            {"directions": plane},
        )
    )
    assert (seeded == given).all() and (seeded == whole).all()


def test_a_tolerance_chooses_points_and_samples():
    model = network(4, 6, 3)
    found = lossviz.surface(model, "cross_entropy", Named(4000), tolerance=0.008)
    known = found.provenance
    assert found.surface.shape in {(17, 17), (33, 33)} and known.error_interpolation <= 0.008
    assert known.samples > 512 and 0 < known.error_data <= 0.008
    few = lossviz.surface(model, "cross_entropy", Named(4000), tolerance=0.02, samples=30)
    assert "more than 2.0%" in " ".join(few.provenance.notes) and few.provenance.samples == 30


def test_a_tolerance_draws_no_second_time_from_what_can_be_iterated_once():
    x, y = arrays(600)
    once = iter(DataLoader(TensorDataset(x, y), 64))
    found = lossviz.surface(network(4, 6, 3), "cross_entropy", once, tolerance=0.001, points=3)
    known = found.provenance
    assert (known.samples, known.selection) == (512, "first:512")
    assert "512 samples leave a median standard error" in " ".join(known.notes)


def test_a_problem_is_enough():
    model = network(4, 6, 3)
    problem = Problem(model, cross_entropy, DataLoader(TensorDataset(X, Y), 9, shuffle=True))
    found = lossviz.surface(problem, **EXACT)
    check(model, found, lambda net: functional.cross_entropy(net(X.double()), Y))


def test_critical_points_come_along_and_can_be_refined():
    given = (network(4, 6, 3), "cross_entropy", (X, Y))
    found = lossviz.surface(*given, points=15, span=(-3, 3))
    none = lossviz.surface(*given, points=15, span=(-3, 3), critical_points="none")
    refined = lossviz.surface(*given, points=15, span=(-3, 3), critical_points="refined")
    assert found.critical_points == compute.critical_points(found.surface)
    assert not none.critical_points and (none.surface.loss == found.surface.loss).all()
    moved = [p for p in refined.critical_points if p.moved is not None]
    assert moved and len(refined.critical_points) == len(found.critical_points)
    with pytest.raises(UsageError, match="critical_points: expected refined, sampled, none"):
        lossviz.surface(*given, critical_points="all")


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda *given: lossviz.surface(*given, seed=-1), "seed: expected 0 to"),
        (lambda *given: lossviz.surface(*given, seed=2**70), "seed: expected 0 to"),
        (lambda *given: lossviz.line(*given, points=0), "expected"),
        (lambda *given: lossviz.trajectory(*given, runs=5), "runs: expected folders"),
        (lambda *given: lossviz.trajectory(*given, runs=None), "runs: expected folders"),
        (lambda *given: lossviz.trajectory(*given, runs=[]), "runs: expected folders"),
    ],
)
def test_odd_numbers_and_runs_are_refused_in_a_line(call, told):
    with pytest.raises(UsageError, match=told):
        call(network(4, 6, 3), "cross_entropy", (X, Y))
