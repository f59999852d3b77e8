"""Teach the embedded encoder to see as VGG-19 does.

    python -m engine.distill --teacher vgg19.safetensors --photos DIR --paintings DIR --run runs/first --minutes 60

The pupil learns to predict, at each of the recipes' layers, the projection of VGG-19's feature map on its top
principal components (of the uncentred second moment, because Gram matrices are uncentred too). A run can be stopped
and started again with the same command: it goes on from its last checkpoint until its minutes are over. `--export`
writes the averaged weights, float16, with their SHA-256 beside them.
"""

import argparse
import hashlib
import json
import math
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.encoders import LAYERS, VGG19, EmbeddedEncoder, read_vgg19
from engine.errors import EngineError
from engine.lessons import Crops, Pool, read_folder

EDGES: Final = (96, 128, 160, 192)
"""Of the crops, in pixels; a batch holds about `BATCH_PIXELS`."""
BATCH_PIXELS: Final = 4 * 128 * 128
POOL_PICTURES: Final = 2
"""On-policy pictures in every batch."""
LEARNING_RATE: Final = 2e-3
LAST_RATE: Final = 2e-5
WARMUP_STEPS: Final = 200
AVERAGE_DECAY: Final = 0.999
BASIS_CROPS: Final = 160
CHECKPOINT_SECONDS: Final = 120.0
LOG_EVERY: Final = 50


@dataclass(frozen=True)
class Basis:
    """One layer's principal components, and what makes the projection's values of unit size."""

    components: Tensor
    """Shape (kept, channels), orthonormal rows."""
    mean: Tensor
    """Shape (kept,), of the projection."""
    deviation: Tensor
    """Scalar: root mean square of the projection about its mean, one number for the layer."""

    def project(self, features: Tensor) -> Tensor:
        """Shape (batch, channels, …) to (batch, kept, …), of zero mean and unit mean square."""
        projected = torch.einsum("kc,bchw->bkhw", self.components, features.float())
        return (projected - self.mean.view(1, -1, 1, 1)) / self.deviation


def principal_components(
    teacher: VGG19, crops: Crops, widths: Sequence[int], edge: int, count: int
) -> dict[str, Basis]:
    """The top eigenvectors of each layer's second moment over clean crops, as many as the pupil has channels there."""
    moments: dict[str, Tensor] = {}
    means: dict[str, Tensor] = {}
    with torch.no_grad():
        for _ in range(count):
            for layer, features in teacher(crops.clean(edge), LAYERS).items():
                flat = features[0].float().flatten(start_dim=1)
                moment, mean = flat @ flat.T / flat.shape[1], flat.mean(dim=1)
                moments[layer] = moments[layer] + moment / count if layer in moments else moment / count
                means[layer] = means[layer] + mean / count if layer in means else mean / count
    bases = {}
    for layer, moment in moments.items():
        energies, vectors = torch.linalg.eigh(moment.double())
        components = vectors[:, -widths[int(layer[4]) - 1] :].T.float().contiguous()
        mean = components @ means[layer]
        variance = (energies[-len(components) :].float().sum() - mean.square().sum()) / len(components)
        bases[layer] = Basis(components, mean, variance.sqrt())
    return bases


class Pupil(nn.Module):
    """The embedded encoder while it learns: its heads speak in units of each layer's deviation."""

    def __init__(self, encoder: EmbeddedEncoder, bases: dict[str, Basis]) -> None:
        super().__init__()
        self.encoder = encoder
        self.bases = bases

    def forward(self, picture: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """Standardised predictions, to be compared with `Basis.project`."""
        with torch.autocast(picture.device.type, torch.bfloat16):
            return dict(self.encoder(picture, layers))

    def as_painter(self, picture: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """Predictions in VGG-19's own units, as the finished encoder will give them."""
        return {
            layer: map_.float() * self.bases[layer].deviation + self.bases[layer].mean.view(1, -1, 1, 1)
            for layer, map_ in self(picture, layers).items()
        }


def errors(pupil: Pupil, teacher: VGG19, pictures: Tensor) -> dict[str, Tensor]:
    """By layer, the share of the projection's variance that the pupil gets wrong; a batch of one size."""
    with torch.no_grad():
        seen = teacher(pictures, LAYERS)
    found = pupil(pictures, LAYERS)
    return {layer: (found[layer].float() - pupil.bases[layer].project(seen[layer])).square().mean() for layer in LAYERS}


class Run:
    """One training: pupil, optimiser, averaged weights and clock, saved and taken up again together."""

    def __init__(self, folder: Path, teacher: VGG19, crops: Crops, seed: int) -> None:
        self.folder = folder
        self.teacher = teacher
        self.crops = crops
        torch.manual_seed(seed)
        encoder = EmbeddedEncoder()
        initialise(encoder)
        self.step = 0
        self.seconds = 0.0
        self.checkpoint = folder / "checkpoint.pt"
        found: dict[str, Any] | None = None  # Any: a checkpoint's values are of many kinds
        if self.checkpoint.is_file():
            found = torch.load(self.checkpoint, weights_only=True)
        if found:
            bases = {layer: Basis(*tensors) for layer, tensors in found["bases"].items()}
        else:
            bases = principal_components(teacher, crops, EmbeddedEncoder.WIDTHS, 192, BASIS_CROPS)
        self.pupil = Pupil(encoder, bases).to(memory_format=torch.channels_last)
        self.adam = torch.optim.Adam(encoder.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.99))
        self.average = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
        if found:
            encoder.load_state_dict(found["encoder"])
            self.adam.load_state_dict(found["adam"])
            self.average = found["average"]
            self.step, self.seconds = found["step"], found["seconds"]
            crops.random.set_state(found["random"])
        self.pool = Pool(crops, EDGES[:-1])

    def save(self) -> None:
        """Write the checkpoint; a crash while writing leaves the one before."""
        state = {
            "bases": {layer: (b.components, b.mean, b.deviation) for layer, b in self.pupil.bases.items()},
            "encoder": self.pupil.encoder.state_dict(),
            "adam": self.adam.state_dict(),
            "average": self.average,
            "step": self.step,
            "seconds": self.seconds,
            "random": self.crops.random.get_state(),
        }
        torch.save(state, self.checkpoint.with_suffix(".new"))
        self.checkpoint.with_suffix(".new").replace(self.checkpoint)

    def train(self, minutes: float) -> None:
        """Go on until the run has had so many minutes in all."""
        saved = began = time.monotonic()
        before = self.seconds
        with (self.folder / "log.jsonl").open("a") as log:
            while self.seconds < minutes * 60:
                found = self.learn(self.seconds / (minutes * 60))
                now = time.monotonic()
                self.seconds = before + now - began
                if self.step % LOG_EVERY == 0:
                    line = {"step": self.step, "minutes": round(self.seconds / 60, 2), **found}
                    log.write(json.dumps(line) + "\n")
                    log.flush()
                    print(line, file=sys.stderr)
                if now - saved > CHECKPOINT_SECONDS:
                    self.save()
                    saved = now
        self.save()

    def learn(self, progress: float) -> dict[str, float]:
        """One step of Adam on crops and on the pupil's own pictures; the errors by layer, on both."""
        for group in self.adam.param_groups:
            group["lr"] = learning_rate(self.step, progress)
        edge = EDGES[self.step % len(EDGES)]
        clean = torch.cat([self.crops.disturbed(edge) for _ in range(max(1, BATCH_PIXELS // edge**2))])
        self.pupil.encoder.requires_grad_(False)
        batches = [clean, *(self.pool.visit(self.pupil.as_painter) for _ in range(POOL_PICTURES))]
        self.pupil.encoder.requires_grad_(True)
        self.adam.zero_grad()
        pixels = sum(batch.shape[0] * batch.shape[-1] ** 2 for batch in batches)
        report: dict[str, float] = {}
        for index, batch in enumerate(batches):
            by_layer = errors(self.pupil, self.teacher, batch)
            share = batch.shape[0] * batch.shape[-1] ** 2 / pixels
            (torch.stack(list(by_layer.values())).sum() * share).backward()
            if index < 2 and (self.step + 1) % LOG_EVERY == 0:
                kind = "own" if index else "clean"
                report |= {f"{kind}_{layer}": round(error.item(), 4) for layer, error in by_layer.items()}
        nn.utils.clip_grad_norm_(self.pupil.encoder.parameters(), 1.0)
        self.adam.step()
        self.step += 1
        decay = min(AVERAGE_DECAY, self.step / (self.step + 10))
        with torch.no_grad():
            for name, tensor in self.pupil.encoder.state_dict().items():
                self.average[name].lerp_(tensor, 1 - decay)
        return report

    def export(self, path: Path) -> None:
        """Write the averaged weights as the shipped encoder reads them, float16, and their SHA-256 beside them."""
        weights = {name: tensor.clone() for name, tensor in self.average.items()}
        for layer, basis in self.pupil.bases.items():
            weights[f"heads.{layer}.weight"] *= basis.deviation
            weights[f"heads.{layer}.bias"] = weights[f"heads.{layer}.bias"] * basis.deviation + basis.mean
        save_file({name: tensor.half().contiguous() for name, tensor in weights.items()}, path)
        checksum = hashlib.sha256(path.read_bytes()).hexdigest()
        path.with_suffix(".sha256").write_text(f"{checksum}  {path.name}\n")


def initialise(encoder: EmbeddedEncoder) -> None:
    """He's initialisation for the convolutions; heads, which are 1×1, begin small."""
    for layer in encoder.modules():
        if isinstance(layer, nn.Conv2d):
            if layer.kernel_size == (1, 1):
                nn.init.normal_(layer.weight, std=0.5 / math.sqrt(layer.in_channels))
            else:
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def learning_rate(step: int, progress: float) -> float:
    """Linear warm-up, then a half cosine from `LEARNING_RATE` to `LAST_RATE` over the run's minutes."""
    cosine = LAST_RATE + (LEARNING_RATE - LAST_RATE) * (1 + math.cos(math.pi * min(1.0, progress))) / 2
    return cosine * min(1.0, (step + 1) / WARMUP_STEPS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m engine.distill", description=__doc__.splitlines()[0])
    parser.add_argument("--teacher", type=Path, required=True, help="a VGG-19 file")
    parser.add_argument("--photos", type=Path, required=True, help="a folder of photos")
    parser.add_argument("--paintings", type=Path, required=True, action="append", help="a folder of paintings")
    parser.add_argument("--hold-out", nargs="*", default=[], help="names of pictures to leave out, without suffix")
    parser.add_argument("--run", type=Path, required=True, help="the folder of checkpoint and log")
    parser.add_argument("--minutes", type=float, default=60.0, help="of training in all, over every start of the run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="of torch; all cores if not given")
    parser.add_argument("--export", type=Path, help="write the weights here afterwards")
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    options.run.mkdir(parents=True, exist_ok=True)
    try:
        random = torch.Generator().manual_seed(options.seed)
        photos = read_folder(options.photos, options.hold_out)
        paintings = [picture for folder in options.paintings for picture in read_folder(folder, options.hold_out)]
        crops = Crops(photos, paintings, random)
        teacher = VGG19(read_vgg19(options.teacher)).to(torch.bfloat16).to(memory_format=torch.channels_last)
    except EngineError as error:
        print(error, file=sys.stderr)
        return 2
    run = Run(options.run, teacher, crops, options.seed)
    try:
        run.train(options.minutes)
    except KeyboardInterrupt:
        run.save()
    if options.export:
        run.export(options.export)
    return 0


if __name__ == "__main__":
    sys.exit(main())
