"""Networks by name: parameter counts, outputs by a second route, and the published weights."""

import math
import statistics
import sys
import types
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from compute import checkpoints, data
from compute.direction_files import read
from compute.directions import center_of
from compute.evaluation import Evaluator
from compute.models import build, is_name, names
from compute.models.mlp import ACTIVATIONS
from compute.models.vit import VisionTransformer
from compute.plane import Plane, random_plane
from compute.problem import Problem, batches_of, cross_entropy
from lossviz.errors import InputError, UsageError
from tests.compute.nets import slow_loss
from tests.published import published

# He et al. 2016, table 6, give 0.27, 0.46, 0.66, 0.85, 1.7 million with parameter-free shortcuts.
MILLIONS = {20: 0.27, 32: 0.46, 44: 0.66, 56: 0.85, 110: 1.7}


@pytest.mark.parametrize("depth", MILLIONS)
def test_depth_and_parameters(depth):
    for suffix in ("", "_noshort"):
        net = build(f"resnet{depth}{suffix}", inputs=(3, 32, 32), num_classes=10)
        layers = [n for n, p in net.named_parameters() if p.ndim > 1 and "shortcut" not in n]
        assert len(layers) == depth
        millions = sum(p.numel() for p in net.parameters()) / 1e6
        assert millions == pytest.approx(MILLIONS[depth], abs=0.04)
    assert not any("shortcut" in name for name, _ in net.named_parameters())


def count(net):
    return sum(p.numel() for p in net.parameters())


def wide_resnet_count(k, shortcut):
    """Depth 56, by hand: nine blocks a stage, batch norm two numbers a channel."""
    w = 16 * k
    total = 27 * w + 2 * w + 10 * 4 * w + 10
    for before, after in ((w, w), (w, 2 * w), (2 * w, 4 * w)):
        total += 9 * before * after + 2 * after + 17 * (9 * after * after + 2 * after)
        total += (before * after + 2 * after) * (shortcut and before != after)
    return total


@pytest.mark.parametrize("k", [1, 2, 4])
def test_wide_residual_networks_by_formula(k):
    for suffix in ("", "_noshort"):
        net = build(f"wrn56_{k}{suffix}", inputs=(3, 32, 32), num_classes=10)
        assert count(net) == wide_resnet_count(k, not suffix)
    assert "layer3.8.bn2.weight" in net.state_dict()


def test_the_widest_has_its_formula_and_the_narrowest_is_resnet56():
    from compute.models.resnet import ResNet

    with torch.device("meta"):
        assert count(ResNet(56, 8, shortcut=True)) == wide_resnet_count(8, True)
    narrow, plain = (
        build(name, inputs=(3, 32, 32), num_classes=10) for name in ("wrn56_1", "resnet56")
    )
    assert narrow.state_dict().keys() == plain.state_dict().keys() and count(narrow) == count(plain)


def test_vgg9_by_formula():
    convolutions = [3, 64, 64, 128, 128, 256, 256, 256]
    total = sum(9 * a * b + 3 * b for a, b in pairwise(convolutions))
    total += 256 * 4 * 4 * 256 + 3 * 256 + 256 * 10 + 10
    net = build("vgg9", inputs=(3, 32, 32), num_classes=10)
    assert count(net) == total == 2_789_706
    assert len([p for p in net.parameters() if p.ndim > 1]) == 9


def test_densenet121_is_the_published_one_with_another_stem_and_classifier():
    # torchvision documents 7,978,856 parameters at ImageNet size.
    stem = 64 * 3 * (49 - 9) + 2 * 64
    expected = 7_978_856 - stem - (1024 + 1) * (1000 - 10)
    net = build("densenet121", inputs=(3, 32, 32), num_classes=10)
    assert count(net) == expected == 6_956_298
    assert len([p for p in net.parameters() if p.ndim > 1]) == 121


def test_vit_tiny_has_deits_size():
    # Touvron et al. 2021, table 1: 5.7 million (5,717,416) at 224x224 in patches of 16.
    with torch.device("meta"):
        published_size = VisionTransformer(patch=16, inputs=(3, 224, 224), num_classes=1000)
    assert count(published_size) == 5_717_416
    d, tokens = 192, 65
    block = 4 * d + 4 * d * d + 4 * d + 8 * d * d + 5 * d
    expected = 48 * d + d + d + tokens * d + 12 * block + 2 * d + 10 * d + 10
    for name in ("vit_tiny", "vit_tiny_noresidual"):
        assert count(build(name, inputs=(3, 32, 32), num_classes=10)) == expected


def test_mnist_cnn_is_pytorchs_example():
    net = build("mnist_cnn", inputs=(1, 28, 28), num_classes=10)
    assert count(net) == 320 + 18_496 + 9216 * 128 + 128 + 1290
    assert set(net.state_dict()) == {
        f"{layer}.{kind}"
        for layer in ("conv1", "conv2", "fc1", "fc2") for kind in ("weight", "bias")
    }  # fmt: skip


FAMILIES = [
    "resnet20", "resnet20_noshort", "wrn56_1", "vgg9", "densenet121", "vit_tiny",
    "vit_tiny_noresidual", "mnist_cnn", "mlp", "mlp:9-8-7:sin", "torchvision:mnasnet0_5",
]  # fmt: skip


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("inputs", [(1, 28, 28), (3, 16, 24)])
def test_outputs_have_the_classes_asked_for(name, inputs):
    if name.startswith("torchvision:"):
        inputs = (3, *inputs[1:])
    net = build(name, inputs=inputs, num_classes=7)
    assert net.training
    assert net.eval()(torch.zeros(2, *inputs)).shape == (2, 7)


def lived_in(net, seed=0):
    """Batch norm's statistics and weights as after some training."""
    generator = torch.Generator().manual_seed(seed)
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            for values, low, high in (
                (module.running_mean, -0.3, 0.3), (module.running_var, 0.5, 2.0),
                (module.weight.data, 0.5, 1.5), (module.bias.data, -0.3, 0.3),
            ):  # fmt: skip
                values.uniform_(low, high, generator=generator)
    return net


def net_of(name, **options):
    torch.manual_seed(1)
    return lived_in(build(name, **options)).double().eval()


def normed(x, s, name):
    shape = (1, -1) + (1,) * (x.ndim - 2)
    mean, var, weight, bias = (
        s[f"{name}.{k}"].view(shape) for k in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / (var + 1e-5).sqrt() * weight + bias


def resnet_forward(x, s):
    x = normed(functional.conv2d(x, s["conv1.weight"], padding=1), s, "bn1").relu()
    for stage in (1, 2, 3):
        for block in range(3):
            at, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            y = functional.conv2d(x, s[f"{at}.conv1.weight"], stride=stride, padding=1)
            y = functional.conv2d(
                normed(y, s, f"{at}.bn1").relu(), s[f"{at}.conv2.weight"], padding=1
            )
            if stride == 2:
                x = functional.conv2d(x, s[f"{at}.shortcut.0.weight"], stride=2)
                x = normed(x, s, f"{at}.shortcut.1")
            x = (x + normed(y, s, f"{at}.bn2")).relu()
    return x.mean((2, 3)) @ s["linear.weight"].T + s["linear.bias"]


def vgg_forward(x, s):
    at = 0
    for plan in ("CCM", "CCM", "CCCM"):
        for step in plan:
            if step == "M":
                x = functional.max_pool2d(x, 2, ceil_mode=True)
                at += 1
                continue
            x = functional.conv2d(
                x, s[f"features.{at}.weight"], s[f"features.{at}.bias"], padding=1
            )
            x = normed(x, s, f"features.{at + 1}").relu()
            at += 3
    x = x.flatten(1) @ s["fc.0.weight"].T + s["fc.0.bias"]
    return normed(x, s, "fc.1").relu() @ s["classifier.weight"].T + s["classifier.bias"]


def densenet_forward(x, s):
    x = functional.conv2d(x, s["conv1.weight"], padding=1)
    for stage, blocks in enumerate((6, 12, 24, 16), start=1):
        for block in range(blocks):
            at = f"dense{stage}.{block}"
            y = functional.conv2d(normed(x, s, f"{at}.bn1").relu(), s[f"{at}.conv1.weight"])
            y = normed(y, s, f"{at}.bn2").relu()
            x = torch.cat([functional.conv2d(y, s[f"{at}.conv2.weight"], padding=1), x], 1)
        if stage < 4:
            at = f"trans{stage}"
            x = functional.conv2d(normed(x, s, f"{at}.bn").relu(), s[f"{at}.conv.weight"])
            x = functional.avg_pool2d(x, 2)
    return normed(x, s, "bn").relu().mean((2, 3)) @ s["linear.weight"].T + s["linear.bias"]


def mnist_forward(x, s):
    for at in ("conv1", "conv2"):
        x = functional.conv2d(x, s[f"{at}.weight"], s[f"{at}.bias"]).relu()
    x = functional.max_pool2d(x, 2).flatten(1)
    x = (x @ s["fc1.weight"].T + s["fc1.bias"]).relu()
    return x @ s["fc2.weight"].T + s["fc2.bias"]


@pytest.mark.parametrize(
    "name, forward",
    [("resnet20", resnet_forward), ("vgg9", vgg_forward), ("densenet121", densenet_forward),
     ("mnist_cnn", mnist_forward)],
)  # fmt: skip
def test_forward_by_hand_from_the_published_names(name, forward):
    net = net_of(name, inputs=(3, 17, 17), num_classes=10)
    x = torch.randn(2, 3, 17, 17, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        torch.testing.assert_close(net(x), forward(x, net.state_dict()), rtol=1e-9, atol=1e-9)


def test_vit_equals_torchvisions():
    from compute.data.vision import torchvision

    ours = net_of("vit_tiny", inputs=(3, 16, 16), num_classes=10)
    theirs = torchvision().models.vision_transformer.VisionTransformer(
        image_size=16, patch_size=4, num_layers=12, num_heads=3, hidden_dim=192, mlp_dim=768,
        num_classes=10,
    )  # fmt: skip
    words = {
        "patches": "conv_proj", "positions": "encoder.pos_embedding", "norm.": "encoder.ln.",
        "blocks.": "encoder.layers.encoder_layer_", "head.": "heads.head.", "norm1": "ln_1",
        "norm2": "ln_2", "attn.qkv.": "self_attention.in_proj_", "mlp.2": "mlp.3",
        "attn.proj": "self_attention.out_proj",
    }  # fmt: skip
    state = {}
    for name, value in ours.state_dict().items():
        for ours_word, their_word in words.items():
            if ours_word in name and not (ours_word == "norm." and "blocks" in name):
                name = name.replace(ours_word, their_word)
        state[name] = value
    theirs.load_state_dict(state)
    x = torch.randn(2, 3, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs.double().eval()(x), rtol=1e-9, atol=1e-9)


def tiny_problem(name, size=8):
    net = net_of(name, inputs=(3, size, size), num_classes=4).float()
    generator = torch.Generator().manual_seed(3)
    inputs = torch.randn(5, 3, size, size, generator=generator)
    return Problem(net, cross_entropy, batches_of(inputs, torch.arange(5) % 4, 3))


@pytest.mark.parametrize(
    "name", ["resnet20", "wrn56_1_noshort", "vgg9", "densenet121", "torchvision:resnet18"]
)
def test_folding_is_exact(name):
    problem = tiny_problem(name)
    plane = random_plane(problem.model, seed=3)
    evaluator = Evaluator(problem, plane, dtype=torch.float64, choices={"engine": "folded"})
    assert evaluator.folded
    equals_the_plain_loop(evaluator, problem, plane)


@pytest.mark.parametrize(
    "name", ["vit_tiny", "vit_tiny_noresidual", "mnist_cnn", "mlp:9-7:gelu", "mlp:8:sin"]
)
def test_the_engine_is_exact(name):
    problem = tiny_problem(name)
    plane = random_plane(problem.model, seed=3)
    equals_the_plain_loop(Evaluator(problem, plane, dtype=torch.float64), problem, plane)


def equals_the_plain_loop(evaluator, problem, plane):
    for alpha, beta in ((0.0, 0.0), (1.0, -0.5)):
        losses, correct = slow_loss(problem, plane, alpha, beta)
        found = evaluator.at(alpha, beta)
        assert found["loss"] == pytest.approx(statistics.fmean(losses), rel=1e-12)
        assert found["accuracy"] == statistics.fmean(correct)


@pytest.mark.parametrize("name", ["vit_tiny", "vit_tiny_noresidual"])
def test_transformers_take_steps_and_have_second_derivatives(name):
    torch.manual_seed(0)
    net = build(name, inputs=(3, 8, 8), num_classes=4)
    inputs, targets = torch.randn(8, 3, 8, 8), torch.arange(8) % 4
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-5)
    losses = []
    for _ in range(6):
        loss = functional.cross_entropy(net(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.isfinite(losses).all() and losses[-1] < 0.9 * losses[0]
    loss = functional.cross_entropy(net(inputs), targets)
    (first,) = torch.autograd.grad(loss, net.blocks[0].attn.qkv.weight, create_graph=True)
    (second,) = torch.autograd.grad(first.square().sum(), net.head.weight)
    assert torch.isfinite(second).all()


def test_without_residuals_a_block_forgets_its_input():
    block = VisionTransformer(residual=False, depth=1, inputs=(3, 8, 8)).blocks[0]
    with torch.no_grad():
        block.mlp[2].weight.zero_()
        block.mlp[2].bias.zero_()
    x = torch.randn(2, 5, 192)
    assert (block(x) == 0).all()
    block.residual = True
    assert not (block(x) == 0).any()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_perceptrons_by_hand(activation):
    net = net_of(f"mlp:5-4:{activation}", inputs=(2, 3), num_classes=2)
    functions = {
        "relu": lambda x: np.maximum(x, 0), "tanh": np.tanh, "sin": np.sin,
        "gelu": lambda x: x * np.vectorize(lambda y: (1 + math.erf(y / 2**0.5)) / 2)(x),
        "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "silu": lambda x: x / (1 + np.exp(-x)),
        "elu": lambda x: np.where(x > 0, x, np.expm1(x)), "softplus": lambda x: np.log1p(np.exp(x)),
        "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x), "identity": lambda x: x,
    }  # fmt: skip
    x = np.random.default_rng(0).standard_normal((3, 2, 3)) * 3
    expected = x.reshape(3, 6)
    for layer in (1, 2, 3):
        weight, bias = (
            net.get_parameter(f"linear{layer}.{kind}").detach().numpy()
            for kind in ("weight", "bias")
        )
        expected = expected @ weight.T + bias
        expected = functions[activation](expected) if layer < 3 else expected
    assert net(torch.from_numpy(x)).detach().numpy() == pytest.approx(expected, rel=1e-9)


def test_perceptrons_names():
    assert count(build("mlp:7", inputs=(4,), num_classes=3)) == 4 * 7 + 7 + 7 * 3 + 3
    assert "tanh1" in dict(build("mlp:7:tanh", inputs=(4,), num_classes=3).named_children())
    for bad in (
        "mlp:",
        "mlp:x",
        "mlp:0",
        "mlp:8-",
        "mlp:-8",
        "mlp:8:cos",
        "mlp:8:tanh:relu",
        "mlp:²",
    ):
        with pytest.raises(UsageError, match="mlp:SIZES:ACTIVATION"):
            build(bad, inputs=(4,), num_classes=3)
    with pytest.raises(UsageError, match="at most 268,435,456 weights"):
        build("mlp:99999-99999", inputs=(4,), num_classes=3)


def test_unknown_names_list_the_known_ones():
    with pytest.raises(UsageError, match=r"no 'resnet57'; known are resnet56, .*resnet110_noshort"):
        build("resnet57", inputs=(3, 32, 32), num_classes=10)
    with pytest.raises(UsageError, match=r"known are densenet121, .* module:function"):
        build("densenet", inputs=(3, 32, 32), num_classes=10)
    assert len(names()) == 24
    with pytest.raises(
        UsageError, match=r"torchvision has no 'resnet17'; it has resnet18, .* more"
    ):
        build("torchvision:resnet17", inputs=(3, 32, 32), num_classes=10)
    assert all(map(is_name, ["vgg9", "mlp:8", "torchvision:vgg11", "timm:x", "resnet57"]))
    assert not is_name("my_nets:make")


@pytest.mark.parametrize(
    "name, inputs, told",
    [
        ("resnet20", (4,), "mlp takes any"),
        ("torchvision:resnet18", (4,), "mlp takes any"),
        ("torchvision:resnet18", (1, 28, 28), "3 channels, the data has 1"),
        ("torchvision:alexnet", (3, 32, 32), r"does not take inputs of shape \(3, 32, 32\)"),
        ("vit_tiny", (3, 30, 30), "multiples of 4, got 30x30"),
        ("mnist_cnn", (1, 5, 28), "6x6 or more, got 5x28"),
        ("densenet121", (3, 4, 4), "does not take inputs"),
    ],
)
def test_inputs_that_do_not_fit(name, inputs, told):
    with pytest.raises(UsageError, match=told) as caught:
        build(name, inputs=inputs, num_classes=10)
    assert "\n" not in str(caught.value)


def test_torchvision_knows_the_classes_and_the_size():
    net = build("torchvision:vit_b_32", inputs=(3, 64, 64), num_classes=5)
    assert net.heads[-1].out_features == 5 and net.image_size == 64


def test_without_timm_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(InputError, match=r"pip install 'lossviz\[timm\]'"):
        build("timm:resnet18", inputs=(3, 32, 32), num_classes=10)


def test_timm_makes_the_model(monkeypatch):
    asked = {}

    def create_model(name, **options):
        asked.update(options, name=name)
        channels, classes = options["in_chans"], options["num_classes"]
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))

    library = types.SimpleNamespace(
        create_model=create_model,
        list_models=lambda: ["vit_tiny_patch16_224", "resnet18"],
        get_pretrained_cfg=lambda name: types.SimpleNamespace(
            fixed_input_size=name.startswith("vit")
        ),
    )
    monkeypatch.setitem(sys.modules, "timm", library)
    net = build("timm:resnet18.a1_in1k", inputs=(2, 8, 8), num_classes=3)
    assert net(torch.zeros(1, 2, 8, 8)).shape == (1, 3)
    assert asked == {
        "name": "resnet18.a1_in1k", "pretrained": False, "num_classes": 3, "in_chans": 2
    }  # fmt: skip
    build("timm:vit_tiny_patch16_224", inputs=(3, 8, 12), num_classes=3)
    assert asked["img_size"] == (8, 12)
    with pytest.raises(UsageError, match="timm has no 'resnet17'; it has resnet18, vit_tiny"):
        build("timm:resnet17", inputs=(2, 8, 8), num_classes=3)


class LikeHuggingFace(nn.Module):
    """A classifier of tokens as transformers makes them: named inputs, an output object."""

    def __init__(self):
        super().__init__()
        self.embedding, self.classifier = nn.Embedding(11, 6), nn.Linear(6, 3)

    def forward(self, input_ids=None, attention_mask=None, labels=None, **kwargs):
        weights = attention_mask.unsqueeze(-1) / attention_mask.sum(1)[:, None, None]
        logits = self.classifier((self.embedding(input_ids).tanh() * weights).sum(1))
        loss = None if labels is None else functional.cross_entropy(logits, labels)
        return types.SimpleNamespace(loss=loss, logits=logits)


def test_a_model_of_hugging_face_through_the_loss():
    torch.manual_seed(0)
    net = LikeHuggingFace()
    batches = [
        {"input_ids": torch.randint(0, 11, (size, 5)), "labels": torch.randint(0, 3, (size,)),
         "attention_mask": (torch.arange(5) < torch.randint(2, 6, (size, 1))).long()}
        for size in (4, 3)
    ]  # fmt: skip

    def by_sample(model, batch):
        logits = model(**batch).logits
        return functional.cross_entropy(logits, batch["labels"], reduction="none")

    plane = random_plane(net, seed=5)
    mean = Evaluator(Problem(net, lambda model, b: model(**b).loss, batches), plane)
    found = Evaluator(Problem(net, by_sample, batches), plane, dtype=torch.float64)
    for alpha, beta in ((0.0, 0.0), (0.7, -1.0)):
        expected, each = [], []
        moved = LikeHuggingFace().double()
        moved.load_state_dict({
            name: value.double()
            + alpha * plane.delta.get(name, torch.zeros(())).double()
            + beta * plane.eta.get(name, torch.zeros(())).double()
            for name, value in net.state_dict().items()
        })  # fmt: skip
        for batch in batches:
            output = moved(**batch)
            expected.append(output.loss.item())
            each += functional.cross_entropy(
                output.logits, batch["labels"], reduction="none"
            ).tolist()
        assert found.at(alpha, beta)["loss"] == pytest.approx(statistics.fmean(each), rel=1e-9)
        assert found.at(alpha, beta)["loss_stderr"] > 0
        # A scalar mean has no samples to count: batches weigh the same.
        assert mean.at(alpha, beta)["loss"] == pytest.approx(statistics.fmean(expected), rel=1e-5)


# Loss and accuracy in per cent of the published nets, on the two splits of the published sample.
KNOWN = {
    ("resnet56", "train"): (0.00085, 100.0),
    ("resnet56_noshort", "train"): (0.13676, 95.36),
    ("resnet56", "test"): (0.2724, 93.56),
    ("resnet56_noshort", "test"): (0.3969, 86.70),
}


def published_net(name):
    net = build(name, inputs=(3, 32, 32), num_classes=10)
    checkpoints.load_into(net, checkpoints.read(published("nets", f"{name}.t7")), name)
    return net


@pytest.mark.parametrize("name, split", KNOWN)
def test_published_nets_have_their_losses(name, split):
    net = published_net(name)
    images = data.load(f"npz:{published('data', 'cifar10_sample.npz')}", split=split)
    problem = Problem(net, cross_entropy, batches_of(images.inputs, images.targets, 64))
    found = Evaluator(problem, Plane(center_of(net), {}, {})).at(0.0, 0.0)
    loss, accuracy = KNOWN[name, split]
    assert found["loss"] == pytest.approx(loss, abs=1e-4)
    assert 100 * found["accuracy"] == pytest.approx(accuracy, abs=0.01)


@pytest.mark.parametrize("name", ["resnet56", "resnet56_noshort"])
def test_equals_the_reference_at_every_point(name):
    h5py = pytest.importorskip("h5py")
    directions = published("reference", f"{name}_directions.h5")
    with h5py.File(published("reference", f"{name}_surface_5x5_128.h5")) as file:
        # Stored (nx, ny) but filled with x fastest.
        losses, accuracies = (
            file[k][()].ravel().reshape(5, 5) for k in ("train_loss", "train_acc")
        )
    net = published_net(name)
    images = data.load(f"npz:{published('data', 'cifar10_sample.npz')}", samples="first:128")
    problem = Problem(net, cross_entropy, batches_of(images.inputs, images.targets, 64))
    theta = center_of(net)
    evaluator = Evaluator(problem, Plane(theta, *read(directions, theta)))
    assert evaluator.folded
    worst = []
    for j, beta in enumerate(np.linspace(-1, 1, 5)):
        for i, alpha in enumerate(np.linspace(-1, 1, 5)):
            found = evaluator.at(float(alpha), float(beta))
            worst.append(abs(found["loss"] / losses[j, i] - 1))
            assert 100 * found["accuracy"] == pytest.approx(accuracies[j, i], abs=1e-3)
    assert max(worst) <= 1e-4 and statistics.median(worst) <= 1e-5
