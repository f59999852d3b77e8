"""VGG-19 sees what torchvision's sees, and bad weights are refused by a sentence."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import vgg19

import engine.encoders
from engine import loading
from engine.encoders import (
    LAYERS,
    OXFORD_SCALE,
    VGG19,
    VGG19_CONVOLUTIONS,
    EmbeddedEncoder,
    halve,
    normalise,
    read_vgg19,
    to_torchvision_scale,
)
from engine.errors import WeightsUnusable
from engine.loading import load_encoder


@pytest.fixture(scope="module")
def weights() -> Mapping[str, Tensor]:
    """A VGG-19 of random numbers, on torchvision's scale."""
    generator = torch.Generator().manual_seed(0)
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in vgg19().features[:29].state_dict().items()}
    return {
        f"features.{name}": torch.randn(shape, generator=generator) * (2 / shape[1:].numel()) ** 0.5
        if len(shape) == 4
        else torch.randn(shape, generator=generator) * 0.1
        for name, shape in shapes.items()
    }


@pytest.fixture
def picture() -> Tensor:
    return torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(1))


def torchvision_maps(weights: Mapping[str, Tensor], picture: Tensor, pool: nn.Module) -> dict[str, Tensor]:
    """Every convolution's map after its ReLU, from torchvision's own network, written independently of ours."""
    with torch.device("meta"):
        network = vgg19().features[:30]
    network.load_state_dict({name.removeprefix("features."): tensor for name, tensor in weights.items()}, assign=True)
    names = {index + 1: name for name, index in VGG19_CONVOLUTIONS.items()}
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    out = (picture - mean.view(1, 3, 1, 1)) / deviation.view(1, 3, 1, 1)
    maps = {}
    for index, layer in enumerate(network):
        out = pool(out) if isinstance(layer, nn.MaxPool2d) else layer(out)
        if index in names:
            maps[names[index]] = out.clone()
    return maps


@pytest.mark.parametrize(("pooling", "pool"), [("average", nn.AvgPool2d(2)), ("max", nn.MaxPool2d(2))])
def test_our_vgg19_equals_torchvisions_layer_by_layer(
    weights: Mapping[str, Tensor], picture: Tensor, pooling: str, pool: nn.Module
) -> None:
    """Thirteen layers of the same random weights: same numbers, or every published recipe means something else."""
    ours = VGG19(weights, border="zeros", pooling="max" if pooling == "max" else "average")

    found = ours(picture, list(VGG19_CONVOLUTIONS))

    for layer, expected in torchvision_maps(weights, picture, pool).items():
        torch.testing.assert_close(found[layer], expected, rtol=1e-3, atol=1e-4, msg=layer)


def test_the_default_border_changes_the_rim_only(weights: Mapping[str, Tensor], picture: Tensor) -> None:
    """Replicated instead of black: the first layer differs on the outermost pixels and nowhere else."""
    black = VGG19(weights, border="zeros")(picture, ["conv1_1"])["conv1_1"]
    replicated = VGG19(weights)(picture, ["conv1_1"])["conv1_1"]

    torch.testing.assert_close(black[..., 1:-1, 1:-1], replicated[..., 1:-1, 1:-1])
    assert not torch.allclose(black[..., 0, :], replicated[..., 0, :])


def test_networks_that_differ_by_border_or_pooling_alone_are_told_apart(weights: Mapping[str, Tensor]) -> None:
    """Or what a painting measures through one would be taken for the other's."""
    networks = VGG19(weights), VGG19(weights, border="zeros"), VGG19(weights, pooling="max"), VGG19(weights)

    found = [network.fingerprint for network in networks]

    assert len(set(found)) == 3
    assert found[0] == found[3]


def test_oxfords_weights_are_brought_to_torchvisions_scale_exactly(
    weights: Mapping[str, Tensor], picture: Tensor
) -> None:
    """The same network on the 0..255 scale answers 57.6 times as strongly at every layer; the change takes it back."""
    oxford = {
        name: tensor * OXFORD_SCALE if name == "features.0.weight" or name.endswith("bias") else tensor
        for name, tensor in weights.items()
    }

    found = VGG19(to_torchvision_scale(oxford))(picture, LAYERS)

    for layer, expected in VGG19(weights)(picture, LAYERS).items():
        torch.testing.assert_close(found[layer], expected, rtol=1e-3, atol=1e-4, msg=layer)


def test_torchvisions_own_weights_keep_their_scale(weights: Mapping[str, Tensor]) -> None:
    """Only Oxford's files are changed."""
    assert to_torchvision_scale(weights) is weights


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_are_read_from_both_kinds_of_file(weights: Mapping[str, Tensor], tmp_path: Path, suffix: str) -> None:
    """Half precision in the file, float32 in the network; a classifier beside the features does not disturb."""
    path = tmp_path / f"vgg19{suffix}"
    stored = {name: tensor.half() for name, tensor in weights.items()} | {"classifier.6.bias": torch.zeros(3)}
    if suffix == ".pth":
        torch.save(stored, path)
    else:
        save_file(stored, path)

    found = read_vgg19(path)

    assert found.keys() == weights.keys()
    assert all(tensor.dtype is torch.float32 for tensor in found.values())


def test_a_missing_key_is_named(weights: Mapping[str, Tensor], tmp_path: Path) -> None:
    """Somebody's VGG-16 ends where VGG-19 goes on."""
    save_file({name: t for name, t in weights.items() if name != "features.28.bias"}, tmp_path / "x.safetensors")

    with pytest.raises(WeightsUnusable, match=r"x.safetensors is not a VGG-19: it has no features\.28\.bias"):
        read_vgg19(tmp_path / "x.safetensors")


def test_a_wrong_shape_is_named(weights: Mapping[str, Tensor], tmp_path: Path) -> None:
    """The sentence says what is there and what should be."""
    save_file(dict(weights) | {"features.5.bias": torch.zeros(7)}, tmp_path / "x.safetensors")

    with pytest.raises(WeightsUnusable, match=r"features\.5\.bias has shape \(7,\), not \(128,\)"):
        read_vgg19(tmp_path / "x.safetensors")


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_truncated_file_is_refused(weights: Mapping[str, Tensor], tmp_path: Path, suffix: str) -> None:
    """A broken download is a sentence, not a stack trace."""
    whole, path = tmp_path / f"whole{suffix}", tmp_path / f"cut{suffix}"
    if suffix == ".pth":
        torch.save(dict(weights), whole)
    else:
        save_file(dict(weights), whole)
    path.write_bytes(whole.read_bytes()[:100_000])

    with pytest.raises(WeightsUnusable, match="damaged"):
        read_vgg19(path)


def test_a_pth_file_that_runs_code_is_refused(tmp_path: Path) -> None:
    """Only tensors are unpickled: a weights file from a stranger cannot run anything."""
    torch.save({"features.0.weight": Path("/")}, tmp_path / "x.pth")

    with pytest.raises(WeightsUnusable):
        read_vgg19(tmp_path / "x.pth")


@pytest.mark.parametrize("name", ["nowhere.pth", "weights.txt"])
def test_no_file_and_no_weights_file_are_refused(tmp_path: Path, name: str) -> None:
    """One sentence that names the file."""
    if name == "weights.txt":
        (tmp_path / name).write_text("hello")

    with pytest.raises(WeightsUnusable, match=name):
        read_vgg19(tmp_path / name)


def test_a_weights_file_means_vgg19(weights: Mapping[str, Tensor], tmp_path: Path) -> None:
    """Whoever names a file wants it used; with the embedded encoder it is a contradiction."""
    save_file(dict(weights), tmp_path / "vgg19.safetensors")

    assert load_encoder("auto", tmp_path / "vgg19.safetensors", "cpu").name == "vgg19"
    with pytest.raises(WeightsUnusable, match="belongs to VGG-19"):
        load_encoder("embedded", tmp_path / "vgg19.safetensors", "cpu")


def test_on_a_cpu_auto_means_the_embedded_encoder() -> None:
    """A picture must look good before anything is downloaded."""
    assert load_encoder("auto", device="cpu").name == "embedded"


@pytest.mark.parametrize(
    ("times_slower", "fastest", "spare"),
    [
        ([20.0], torch.float32, None),  # told from the first layers alone
        ([1.2, 0.6], torch.bfloat16, None),
        ([1.2, 1.1], torch.float32, torch.bfloat16),
        ([1.2, 2.0], torch.float32, None),
    ],
)
def test_the_precision_is_the_fastest_that_was_tried(
    times_slower: list[float], fastest: torch.dtype, spare: torch.dtype | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And bfloat16 is kept in hand, to save memory, only where it is hardly slower: many CPUs emulate it."""
    tried = iter(times_slower)
    monkeypatch.setattr(loading, "_times_slower", lambda *_: next(tried))

    encoder = loading.prepare(EmbeddedEncoder.shipped(), torch.device("cpu"))

    assert (encoder.precision, encoder.spare_precision) == (fastest, spare)
    assert next(tried, None) is None


def test_the_embedded_encoder_gives_vgg19s_layers_at_vgg19s_sizes(picture: Tensor) -> None:
    """Same names, same heights and widths: a recipe need not know who looks."""
    encoder = EmbeddedEncoder()

    found = encoder(picture, encoder.layers)

    sizes = {layer: tuple(map_.shape[-2:]) for layer, map_ in found.items()}
    assert sizes == {
        "conv1_1": (48, 64),
        "conv2_1": (24, 32),
        "conv3_1": (12, 16),
        "conv4_1": (6, 8),
        "conv4_2": (6, 8),
    }


@pytest.mark.parametrize(("height", "width"), [(64, 64), (32, 701), (1024, 33), (250, 251), (4096, 40)])
@pytest.mark.parametrize("shows", ["black", "white", "noise", "a line of one pixel"])
def test_any_picture_of_any_shape_gives_finite_maps_and_slopes(shows: str, height: int, width: int) -> None:
    """What an optimiser steers by must be a number, whatever people send."""
    encoder = EmbeddedEncoder.shipped()
    picture = torch.full((1, 3, height, width), 1.0 if shows == "white" else 0.0)
    if shows == "noise":
        picture = torch.rand(picture.shape, generator=torch.Generator().manual_seed(0))
    if shows == "a line of one pixel":
        picture[..., width // 2] = 1
    picture.requires_grad_()

    maps = encoder(picture, encoder.layers)
    sum(map_.square().mean() for map_ in maps.values()).backward()

    assert all(map_.isfinite().all() and map_.numel() for map_ in maps.values())
    assert picture.grad is not None
    assert picture.grad.isfinite().all()


def test_a_picture_of_4096_pixels_is_seen_whole() -> None:
    """The longest edge that may be asked for, without a slope."""
    with torch.no_grad():
        maps = EmbeddedEncoder.shipped()(torch.rand(1, 3, 256, 4096), ["conv4_2"])

    assert maps["conv4_2"].shape[-2:] == (32, 512)
    assert maps["conv4_2"].isfinite().all()


def test_an_encoder_of_other_weights_is_as_wide_and_as_deep_as_they_are() -> None:
    """The benchmarks compare sizes; nothing but the file says which one it is."""
    made = EmbeddedEncoder((4, 6, 8, 10), (2, 1, 3, 3))

    again = EmbeddedEncoder.of(made.state_dict())

    assert (list(again.convolutions), again.reach) == (list(made.convolutions), made.reach)
    assert all(torch.equal(tensor, made.state_dict()[name]) for name, tensor in again.state_dict().items())


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_every_convolution_of_an_encoder_is_seen_by_a_head(depth: int) -> None:
    """One that no head looks at would be weighed, stored and never learn."""
    encoder = EmbeddedEncoder((4, 6, 8, 10), (2, 2, 2, depth))

    maps = encoder(torch.rand(1, 3, 64, 64), encoder.layers)
    torch.stack([map_.square().sum() for map_ in maps.values()]).sum().backward()

    assert [name for name, weights in encoder.named_parameters() if weights.grad is None] == []


def test_asking_a_network_to_stop_does_not_take_its_fingerprint_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of VGG-19 that would be fifty milliseconds more for every painting."""
    encoder = EmbeddedEncoder()
    taken = encoder.fingerprint
    monkeypatch.setattr(EmbeddedEncoder, "state_dict", lambda *_: pytest.fail("taken again"))

    assert encoder.until(lambda: False).fingerprint == taken


def test_two_loads_of_the_shipped_weights_are_equal_bit_by_bit() -> None:
    """A painting resumed on another day is the same painting."""
    one, other = EmbeddedEncoder.shipped().state_dict(), EmbeddedEncoder.shipped().state_dict()

    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def test_damaged_embedded_weights_are_refused_by_their_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One flipped bit paints rubbish that nobody could explain."""
    damaged = bytearray(engine.encoders.EMBEDDED_WEIGHTS.read_bytes())
    damaged[-1] ^= 1
    (tmp_path / "embedded.safetensors").write_bytes(damaged)
    monkeypatch.setattr(engine.encoders, "EMBEDDED_WEIGHTS", tmp_path / "embedded.safetensors")

    with pytest.raises(WeightsUnusable, match="damaged"):
        EmbeddedEncoder.shipped()


def test_the_shipped_weights_are_those_of_the_checksum() -> None:
    """A release with the wrong file would refuse to start."""
    path = engine.encoders.EMBEDDED_WEIGHTS

    assert hashlib.sha256(path.read_bytes()).hexdigest() == engine.encoders.EMBEDDED_SHA256.read_text().split()[0]


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("height", "width"), [(6, 8), (7, 8), (6, 9), (7, 9)])
def test_halving_and_its_way_back_are_torchs_average_pooling(height: int, width: int, precision: torch.dtype) -> None:
    """Bit by bit, whatever is left over at an odd edge."""
    map_ = torch.randn(1, 5, height, width).to(precision, memory_format=torch.channels_last).requires_grad_()
    ours, torchs = halve(map_), functional.avg_pool2d(map_, 2)
    pull = torch.randn_like(torchs)

    assert torch.equal(ours, torchs)
    assert torch.equal(*(torch.autograd.grad(halved, map_, pull)[0] for halved in (ours, torchs)))


def test_normalising_takes_imagenets_mean_and_deviation_off() -> None:
    """A pixel of the mean colour becomes zero, one deviation above it becomes one."""
    pixels = torch.tensor([[0.485, 0.456, 0.406], [0.485 + 0.229, 0.456 + 0.224, 0.406 + 0.225]])

    expected = torch.tensor([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    torch.testing.assert_close(normalise(pixels[..., None, None]).squeeze(), expected)
