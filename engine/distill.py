"""Teach the embedded encoder to see as VGG-19 does.

    python -m engine.distill --teacher vgg19.safetensors --photos DIR --paintings DIR --run runs/first --minutes 60

The pupil learns to predict, at each of the recipes' layers, the projection of VGG-19's feature map on its top
principal components (of the uncentred second moment, because Gram matrices are uncentred too). A run can be stopped
and started again with the same command: it goes on from its last checkpoint until its minutes are over. `--export`
writes the averaged weights, float16, with their SHA-256 beside them. `--begin-with` starts from such a file.
"""

import argparse
import copy
import fcntl
import hashlib
import json
import math
import signal
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.encoders import VGG19, EmbeddedEncoder, Encoder, read_vgg19
from engine.errors import EngineError, WeightsUnusable
from engine.lessons import Crops, Lesson, Pool, Replay, read_folder
from engine.loading import best_device, prepare
from engine.mistakes import NAMES, TAUGHT, mistakes
from engine.muon import Muon
from engine.projection import Basis, Projection, principal_components
from engine.reshaping import convolutions, fit_heads, grow, initialise, narrow
from engine.slopes import SLOPE_LAYERS, Slope, slope_towards
from engine.statistics import STATISTICS, whole
from engine.targets import MeasureCache
from engine.weight_files import read_tensors

EDGES: Final = (96, 128, 192, 256)
"""Of the crops, in pixels; a batch holds about `BATCH_PIXELS`."""
BATCH_PIXELS: Final = 4 * 128 * 128
TIMES_DRAWN: Final = 4
"""In the mean, a lesson: what the teacher must see first costs more than to learn from it."""
REPLAY_PIXELS: Final = 8_000_000
"""Of each edge; some 80 bytes each."""
FIRST_PIXELS: Final = 1_500_000
"""Of lessons before the first step: to draw from few again and again is to learn them by heart."""
OWN_SHARE: Final = 0.5
"""Of the lessons: paintings of the pool, before and after some steps."""
TEACHERS_SHARE: Final = 0.3
"""Of these: where the teacher paints on in the pupil's place, and shows what would make the picture better, from where
the pupil came to (Ross, Gordon & Bagnell, arXiv:1011.0686)."""
LEARNING_RATE: Final = 2e-3
LAST_RATE: Final = 2e-5
WARMUP_STEPS: Final = 200
AVERAGE_DECAY: Final = 0.999
BASIS_CROPS: Final = 160
BASIS_EDGE: Final = 192
CHECKPOINT_SECONDS: Final = 120.0
LOG_EVERY: Final = 50


class Run:
    """One training: pupil, optimiser, averaged weights and clock, saved and taken up again together.

    What lies in the pool and the replay is not saved: a run that is taken up fills them anew.

    Args:
        folder: of checkpoint and log.
        teacher: who is learned from, on the device to train on.
        crops: whence pictures come.
        encoder: the pupil, of any widths and depths.
        rate: of learning, the highest.
        begin_with: exported weights of an encoder that is no deeper.

    Raises:
        WeightsUnusable: those weights, or the folder's checkpoint, are of an encoder that does not fit into this one.
    """

    def __init__(
        self,
        folder: Path,
        teacher: Encoder,
        crops: Crops,
        encoder: EmbeddedEncoder,
        *,
        rate: float = LEARNING_RATE,
        begin_with: Mapping[str, Tensor] | None = None,
    ) -> None:
        self.folder = folder
        self.teacher = teacher
        self.crops = crops
        self.rate = rate
        self.device = teacher.device
        self.step = 0
        self.seconds = 0.0
        self.checkpoint = folder / "checkpoint.pt"
        self.encoder = encoder.to(self.device).to(memory_format=torch.channels_last)
        inner = [convolution.weight for convolution in convolutions(encoder.convolutions).values()]
        others = [*encoder.heads.parameters(), *(p for p in encoder.convolutions.parameters() if p.ndim == 1)]
        # Heads would begin slowly with Muon, whose steps are no longer where all slopes agree.
        self.optimizers = (Muon(inner, rate), torch.optim.Adam(others, lr=rate, betas=(0.9, 0.99)))
        if self.checkpoint.is_file():
            self._take_up(torch.load(self.checkpoint, weights_only=True, map_location=self.device))
        else:
            kept = {layer: head.out_channels for layer, head in convolutions(encoder.heads).items()}
            views = (crops.clean(BASIS_EDGE) for _ in range(BASIS_CROPS))
            self.bases = principal_components(teacher, views, kept)
            initialise(encoder)
            if begin_with:
                # Half of them disturbed, without which conv3_1 began .41 off on such pictures instead of .29.
                makers = (crops.clean, crops.disturbed)
                pictures = [make(BASIS_EDGE) for _ in range(BASIS_CROPS // 4) for make in makers]
                grow(encoder, narrow(begin_with, encoder.widths, pictures))
                fit_heads(encoder, self.bases, teacher, pictures)
            self.average = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
        self.projection = Projection(teacher, self.bases)
        self.measures = MeasureCache()
        self.pool = Pool(crops, EDGES, self.device)
        self.replay = Replay(REPLAY_PIXELS)
        self.seen_pixels, self.drawn_pixels = 0, 0
        self.errors: dict[str, float] = {}
        """The last that were logged."""

    def save(self) -> None:
        """Write the checkpoint; a crash while writing leaves the one before."""
        state = {
            "bases": {layer: (b.components, b.mean, b.deviation) for layer, b in self.bases.items()},
            "encoder": self.encoder.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "average": self.average,
            "step": self.step,
            "seconds": self.seconds,
            "random": self.crops.random.get_state(),
        }
        torch.save(state, self.checkpoint.with_suffix(".new"))
        self.checkpoint.with_suffix(".new").replace(self.checkpoint)

    def _take_up(self, state: dict[str, Any]) -> None:  # Any: a checkpoint's values are of many kinds
        self.bases = {layer: Basis(*tensors) for layer, tensors in state["bases"].items()}
        try:
            self.encoder.load_state_dict(state["encoder"])
            for optimizer, its in zip(self.optimizers, state["optimizers"], strict=True):
                optimizer.load_state_dict(its)
        except (KeyError, RuntimeError) as error:
            raise WeightsUnusable(
                f"{self.folder} holds a pupil of other widths or depths, or of an earlier release; name another folder."
            ) from error
        self.average = state["average"]
        self.step, self.seconds = state["step"], state["seconds"]
        self.crops.random.set_state(state["random"].cpu())

    def train(self, minutes: float) -> None:
        """Go on until the run has had so many minutes in all."""
        saved = began = time.monotonic()
        before = self.seconds
        with (self.folder / "log.jsonl").open("a") as log:
            found: list[Tensor] = []
            while self.seconds < minutes * 60:
                found.append(self.learn(self.seconds / (minutes * 60)))
                now = time.monotonic()
                self.seconds = before + now - began
                if self.step % LOG_EVERY == 0:
                    means = [round(mean, 4) for mean in torch.stack(found).nanmean(dim=0).tolist()]
                    self.errors = {name: mean for name, mean in zip(NAMES, means, strict=True) if not math.isnan(mean)}
                    line = {"step": self.step, "minutes": round(self.seconds / 60, 2), **self.errors}
                    found.clear()
                    log.write(json.dumps(line) + "\n")
                    log.flush()
                    print(line, file=sys.stderr)
                if now - saved > CHECKPOINT_SECONDS:
                    self.save()
                    saved = now
        self.save()

    def learn(self, progress: float) -> Tensor:
        """One step on lessons that are new and old.

        Returns:
            What was wrong before the step, as `mistakes.NAMES` has it.
        """
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(self.step, progress, self.rate)
        while self.seen_pixels < max(FIRST_PIXELS, self.drawn_pixels / TIMES_DRAWN):
            if self.crops.chance(OWN_SHARE):
                self._see_painted()
            else:
                self._keep(self._crop())
        drawn = self.replay.draw(BATCH_PIXELS, self.crops.below)
        self.drawn_pixels += sum(lesson.pixels for lesson in drawn)
        self.encoder.zero_grad()
        found = mistakes(self._look, drawn)
        found.total.backward()
        nn.utils.clip_grad_norm_(self.encoder.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
        self.step += 1
        decay = min(AVERAGE_DECAY, self.step / (self.step + 10))
        with torch.no_grad():
            for name, tensor in self.encoder.state_dict().items():
                self.average[name].lerp_(tensor, 1 - decay)
        return found.row()

    def _see_painted(self) -> None:
        visit = self.pool.visit(self.teacher if self.crops.chance(TEACHERS_SHARE) else self.painter())
        layer = self.crops.one_of(SLOPE_LAYERS)
        key = f"{visit.painting.digest} {visit.edge} {layer}"
        wanted = self.measures.get(key, lambda: {layer: self._style(visit.painting.at(visit.edge), layer)})
        before = visit.pictures[:1].to(self.device)
        self._keep(visit.pictures, slope_towards(wanted[layer], self.projection, before, layer))

    def _style(self, painting: Tensor, layer: str) -> Tensor:
        """What the teacher's projection of a painting measures, by the recipe's statistic."""
        with torch.no_grad():
            return STATISTICS["moments"].measure(whole(self.projection(painting, [layer])[layer]), None, 0)

    def _crop(self) -> Tensor:
        return self.crops.disturbed(EDGES[self.crops.below(len(EDGES))])

    def _keep(self, picture: Tensor, slope: Slope | None = None) -> None:
        """For later, with what the teacher sees in it."""
        with torch.no_grad():
            seen = {layer: map_.half() for layer, map_ in self.projection(picture, TAUGHT).items()}
        lesson = Lesson(picture.half().to(self.device), seen, slope)
        self.replay.keep(lesson)
        self.seen_pixels += lesson.pixels

    def _look(self, picture: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """The pupil's, in the teacher's precision, which was found to be the fastest here."""
        low = self.teacher.precision != torch.float32
        with torch.autocast(self.device.type, self.teacher.precision) if low else nullcontext():
            maps: dict[str, Tensor] = self.encoder(picture, layers)
        return maps

    def painter(self) -> EmbeddedEncoder:
        """The pupil of this moment as an encoder to paint with, in the teacher's units."""
        encoder = copy.deepcopy(self.encoder)
        encoder.load_state_dict(in_teachers_units(self.encoder.state_dict(), self.bases))
        return encoder.eval().requires_grad_(False)

    def export(self, path: Path) -> None:
        """Write the averaged weights as the shipped encoder reads them, float16, and their SHA-256 beside them."""
        weights = in_teachers_units(self.average, self.bases)
        save_file({name: tensor.half().contiguous().cpu() for name, tensor in weights.items()}, path)
        checksum = hashlib.sha256(path.read_bytes()).hexdigest()
        path.with_suffix(".sha256").write_text(f"{checksum}  {path.name}\n")


def in_teachers_units(weights: Mapping[str, Tensor], bases: Mapping[str, Basis]) -> dict[str, Tensor]:
    """The same network whose heads give what was standardised for learning in VGG-19's own units."""
    scaled = {name: tensor.clone() for name, tensor in weights.items()}
    for layer, basis in bases.items():
        scaled[f"heads.{layer}.weight"] *= basis.deviation
        scaled[f"heads.{layer}.bias"] = scaled[f"heads.{layer}.bias"] * basis.deviation + basis.mean
    return scaled


def learning_rate(step: int, progress: float, highest: float = LEARNING_RATE) -> float:
    """Linear warm-up, then a half cosine from the highest to `LAST_RATE` over the run's minutes."""
    cosine = LAST_RATE + (highest - LAST_RATE) * (1 + math.cos(math.pi * min(1.0, progress))) / 2
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
    parser.add_argument("--rate", type=float, default=LEARNING_RATE, help="of learning, the highest")
    parser.add_argument("--begin-with", type=Path, help="exported weights, of a pupil that is no deeper")
    parser.add_argument("--widths", type=_four, default=EmbeddedEncoder.WIDTHS, help="of the four blocks: 16,32,…")
    parser.add_argument("--depths", type=_four, default=EmbeddedEncoder.DEPTHS, help="convolutions of each: 2,2,4,3")
    parser.add_argument("--device", default="auto", help="torch's name of one")
    parser.add_argument("--threads", type=int, help="of torch; all cores if not given")
    parser.add_argument("--export", type=Path, help="write the weights here afterwards")
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    options.run.mkdir(parents=True, exist_ok=True)
    with (options.run / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(
                f"Another training is at work in {options.run}; wait for it, or name another folder.", file=sys.stderr
            )
            return 2
        return _train(options)


def _train(options: argparse.Namespace) -> int:
    try:
        random = torch.Generator().manual_seed(options.seed)
        photos = read_folder(options.photos, options.hold_out)
        paintings = [picture for folder in options.paintings for picture in read_folder(folder, options.hold_out)]
        crops = Crops(photos, paintings, random)
        begin_with = read_tensors(options.begin_with) if options.begin_with else None
        teacher = prepare(VGG19(read_vgg19(options.teacher)), best_device(options.device))
        torch.manual_seed(options.seed)
        encoder = EmbeddedEncoder(options.widths, options.depths)
        run = Run(options.run, teacher, crops, encoder, rate=options.rate, begin_with=begin_with)
    except EngineError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        run.train(options.minutes)
    except KeyboardInterrupt:
        run.save()
    if options.export:
        run.export(options.export)
    report = {
        **{name: str(wish) for name, wish in vars(options).items()},
        "photos": len(photos),
        "paintings": len(paintings),
        "steps": run.step,
        "minutes_trained": round(run.seconds / 60, 1),
        "errors": run.errors,
    }
    (options.run / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    return 0


def _four(text: str) -> tuple[int, ...]:
    numbers = tuple(int(number) for number in text.split(","))
    if len(numbers) != 4 or min(numbers) < 1:
        raise argparse.ArgumentTypeError("four numbers above zero are needed, such as 16,32,96,192")
    return numbers


if __name__ == "__main__":
    for stop in (signal.SIGINT, signal.SIGTERM):  # a shell starts what runs in the background deaf to the first
        signal.signal(stop, signal.default_int_handler)
    sys.exit(main())
