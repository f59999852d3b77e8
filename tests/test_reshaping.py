"""A pupil of another shape takes up what one has learned."""

import torch
from pictures import a_painting, a_photo

from engine.encoders import EmbeddedEncoder
from engine.projection import principal_components
from engine.reshaping import by_those, convolutions, fit_heads, grow, initialise, narrow, telling
from engine.step import to_tensor


def test_channels_that_others_tell_go_and_nothing_is_lost() -> None:
    """Twice as many channels as are needed, half of them copies: the narrowed pupil's maps tell all of the former's."""
    torch.manual_seed(0)
    needed, doubled = EmbeddedEncoder((4, 6, 8, 8)), EmbeddedEncoder((8, 6, 16, 8))
    initialise(needed)
    for module in convolutions(needed.convolutions).values():
        torch.nn.init.uniform_(module.bias, -0.1, 0.1)  # type: ignore[arg-type]  # every convolution has one
    with torch.no_grad():
        for name, module in convolutions(doubled.convolutions).items():
            true = needed.convolutions[name].state_dict()
            out, into = (true["weight"].shape[axis] for axis in (0, 1))
            twice = module.weight.shape[0] // out
            shared = true["weight"] / (module.weight.shape[1] // into)
            module.load_state_dict(
                {
                    "weight": shared.repeat(twice, module.weight.shape[1] // into, 1, 1),
                    "bias": true["bias"].repeat(twice),
                }
            )
    picture = torch.rand(1, 3, 64, 48)

    narrowed = EmbeddedEncoder.of(narrow(doubled.state_dict(), needed.widths, [torch.rand(1, 3, 64, 64)]))

    assert narrowed.widths == needed.widths
    wanted, found = needed.trunk(picture, needed.layers), narrowed.trunk(picture, needed.layers)
    for layer in needed.layers:
        told = torch.cat([found[layer], torch.ones_like(found[layer][:, :1])], dim=1)[0].flatten(start_dim=1).T
        seen = wanted[layer][0].flatten(start_dim=1).T
        left = seen - told @ torch.linalg.lstsq(told, seen, driver="gelsd").solution
        assert left.norm() < 1e-3 * seen.norm()


def test_blocks_that_are_narrow_enough_stay_as_they_are() -> None:
    """Only the block that is to be narrower changes, and who looks at it."""
    encoder = EmbeddedEncoder((4, 6, 8, 8))
    initialise(encoder)

    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}

    narrowed = narrow(encoder.state_dict(), (16, 6, 8, 5), [torch.rand(1, 3, 64, 64)])

    for name, tensor in before.items():
        assert torch.equal(encoder.state_dict()[name], tensor)
        if name.startswith("convolutions."):
            assert torch.equal(narrowed[name], tensor) is (name[len("convolutions.conv")] != "4")


def test_the_channels_that_tell_most_are_kept() -> None:
    """One that is the sum of two others, one that is constant, one that nobody counts: the first go last."""
    luck = torch.Generator().manual_seed(0)
    one, other, unheard = torch.randn(3, 5000, generator=luck, dtype=torch.float64)
    channels = torch.stack([one, torch.full_like(one, 3.0), one + other, other * 0.5, unheard, torch.ones_like(one)])
    moment = channels @ channels.T / channels.shape[1]
    counts = torch.tensor([1.0, 1.0, 1.0, 1.0, 0.0], dtype=torch.float64)

    kept = telling(moment, counts, 2)
    told = by_those(moment, kept)

    assert set(kept) <= {0, 2, 3}
    found = told @ torch.cat([channels[kept], channels[-1:]])
    torch.testing.assert_close(found[:4], channels[:4], rtol=0, atol=1e-4)


def test_a_grown_encoder_sees_what_the_smaller_one_saw() -> None:
    """Wider and deeper, but the same maps, so that nothing that was learned is lost."""
    small, large = (
        EmbeddedEncoder((4, 6, 8, 8), (2, 2, 2, 3)),
        EmbeddedEncoder((4, 8, 12, 16), (2, 3, 3, 3)),
    )
    for encoder in (small, large):
        initialise(encoder)
    picture = torch.rand(1, 3, 48, 64)

    grow(large, small.state_dict())

    before, after = (encoder.trunk(picture, encoder.layers) for encoder in (small, large))
    for layer in small.layers:
        torch.testing.assert_close(after[layer][:, : before[layer].shape[1]], before[layer])


def test_heads_are_fitted_by_least_squares() -> None:
    """A teacher whose maps are linear in the pupil's is met at once."""
    pupil, teacher = (EmbeddedEncoder((4, 4, 6, 6)) for _ in range(2))
    for encoder in (pupil, teacher):
        initialise(encoder)
    teacher.convolutions.load_state_dict(pupil.convolutions.state_dict())
    pictures = [to_tensor(make(80, 96), torch.device("cpu")) for make in (a_photo, a_painting)]
    kept = {layer: head.out_channels for layer, head in convolutions(teacher.heads).items()}
    bases = principal_components(teacher, pictures, kept)

    fit_heads(pupil, bases, teacher, pictures)

    with torch.no_grad():
        seen, found = (encoder(pictures[0].flip(-1), teacher.layers) for encoder in (teacher, pupil))
        for layer in teacher.layers:
            assert (bases[layer].project(seen[layer]) - found[layer]).square().mean() < 0.02
