"""Trains the demo video transformer and its text encoder jointly with rectified flow on cached latents.

    python train_dit.py --run RUN --minutes 85 --image-minutes 12 --workers 1

First single images only and without the temporal blocks (shapes, colours, sizes, backgrounds and words
are learnt ten times cheaper than on clips), then 17-frame clips mixed with some images and 51-frame
clips. Muon (Keller Jordan 2024) for the 2-D weights of the blocks, AdamW for the rest, moving average of
the weights. float32 master weights; forward and backward run on a copy in bfloat16 where a timed step
shows that to be faster, else in float32. On a busy CPU two processes of one thread each beat one process
of two threads, which waits at every matrix product for the core that somebody else uses: `--workers 1`
starts a helper that adds gradients of batches of its own, about one step stale. RUN/best.pt is the
checkpoint of the lowest validation loss so far. Resumes from RUN/dit.pt; `echo 20 > RUN/finish` starts a
decay of 20 minutes at once.
"""

import argparse
import copy
import os
import time
from pathlib import Path

import torch

import loop
import world
from corpus import CAPTION_LENGTH, HELD, SPLITS, Corpus
from opensora import DEMO_STDIT3, DEMO_T5, STDiT3, T5Encoder, Tokenizer


class DemoModel(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.tokenizer = Tokenizer(world.vocabulary())
        self.stdit3 = STDiT3(DEMO_STDIT3)
        self.t5 = T5Encoder(dict(DEMO_T5, vocab_size=len(self.tokenizer.pieces)))


def compiled(stdit3):
    """Fuses what lies between the matrix products: a fifth more clips per second, after a minute of
    compiling."""
    for block in [*stdit3.spatial_blocks, *stdit3.temporal_blocks]:
        block.compile(dynamic=False)
    return stdit3


def converted(stdit3, dtype):
    """A copy that computes in `dtype`; the frequency table stays float32."""
    copied = copy.deepcopy(stdit3).to(dtype)
    copied.rope.freqs.data = stdit3.rope.freqs.data.clone()
    return copied


def fastest_type(stdit3, batch):
    """bfloat16 or float32, whichever takes less time for a step of this network on this machine."""
    device = next(stdit3.parameters()).device
    times = {}
    for dtype in (torch.bfloat16, torch.float32):
        trial = converted(stdit3, dtype)
        x, y = (
            torch.randn(batch, 4, 5, 16, 16, device=device),
            torch.randn(batch, CAPTION_LENGTH, 128, device=device),
        )
        t, mask = (
            torch.full((batch,), 500.0, device=device),
            torch.ones(batch, CAPTION_LENGTH, device=device),
        )
        for _ in range(2):  # the first prepares kernels
            began = time.perf_counter()
            trial(x, t, y, mask, torch.full((batch,), 8.0, device=device)).float().pow(2).mean().backward()
            times[dtype] = time.perf_counter() - began
    return min(times, key=times.get), {str(dtype): seconds for dtype, seconds in times.items()}


def gradient_helper(a, number, stdit3, t5, gradient, ready, state):
    """A process that computes gradients of its own batches with the shared weights and hands them over.

    ready: number of samples in `gradient` (0: taken); state: minutes spent, index of the split."""
    torch.set_num_threads(1)
    compiled(stdit3)
    parent = os.getppid()
    corpus = Corpus(a.run, Tokenizer(world.vocabulary()), a.batch)
    parameters = [p for p in [*stdit3.parameters(), *t5.parameters()] if p.requires_grad]
    torch.manual_seed(a.seed * 1000 + number + int(time.time()))
    while os.getppid() == parent:  # ends with the trainer
        images_only = state[0].item() < a.image_minutes
        split = corpus.choose(a.image_share, a.long_share, images_only)
        corpus.random_loss(stdit3, t5, split, images_only).backward()
        while ready.item() and os.getppid() == parent:
            time.sleep(0.01)
        for target, parameter in zip(gradient, parameters):
            if parameter.grad is None:
                target.zero_()
            else:
                target.copy_(parameter.grad)
            parameter.grad = None
        state[1] = SPLITS.index(split)
        ready.fill_(corpus.batch["image" if images_only else split])


def start_helpers(a, work, t5, sources):
    helpers = []
    for number in range(a.workers):
        work.share_memory()
        t5.share_memory()
        gradient = [torch.zeros_like(p).share_memory_() for p in sources]
        ready, state = torch.zeros(1, dtype=torch.long).share_memory_(), torch.zeros(2).share_memory_()
        arguments = (a, number, work, t5, gradient, ready, state)
        context = torch.multiprocessing.get_context("spawn")
        context.Process(target=gradient_helper, args=arguments, daemon=True).start()
        helpers.append((gradient, ready, state))
    return helpers


class Optimiser:
    """Muon for the 2-D weights of the blocks, AdamW for the rest."""

    def __init__(self, model, rate):
        blocks = [model.stdit3.spatial_blocks, model.stdit3.temporal_blocks]
        named = [pair for part in blocks for pair in part.named_parameters()]
        self.muon = [p for name, p in named if p.ndim == 2 and "scale_shift_table" not in name]
        by_muon = {id(p) for p in self.muon}
        rest = [p for p in model.parameters() if id(p) not in by_muon and p.requires_grad]
        groups = [
            dict(params=[p for p in rest if p.ndim >= 2], weight_decay=0.01),
            dict(params=[p for p in rest if p.ndim < 2], weight_decay=0.0),
        ]
        self.rate, self.adam = rate, torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98))
        self.momentum = [torch.zeros_like(p) for p in self.muon]

    @torch.no_grad()
    def step(self, factor):
        for group in self.adam.param_groups:
            group["lr"] = self.rate * factor
        self.adam.step()
        for p, m in zip(self.muon, self.momentum):
            if p.grad is None:  # temporal blocks while only images are trained
                continue
            m.mul_(0.95).add_(p.grad)
            p.mul_(1 - self.rate * factor * 0.05)
            update = loop.orthogonalise(p.grad + 0.95 * m)
            p.add_(update, alpha=-self.rate * factor * max(p.shape) ** 0.5)  # root-mean-square step = rate

    def state(self):
        return dict(adam=self.adam.state_dict(), momentum=self.momentum)

    def load(self, saved):
        self.adam.load_state_dict(saved["adam"])
        self.momentum = [m.to(p.device) for m, p in zip(saved["momentum"], self.muon)]


def continue_from(model, start, temporal):
    """Takes over weights of `import_weights.py`; the temporal blocks only if asked to."""
    whole = temporal == "imported"
    kept = [name for name in start["stdit3"] if whole or not name.startswith("temporal_blocks.")]
    model.stdit3.load_state_dict({name: start["stdit3"][name] for name in kept}, strict=whole)
    model.t5.load_state_dict(start["t5"])


@torch.no_grad()
def validate(master, average, corpus, dtype, spatial_only):
    """Mean losses of the averaged weights on the held clips: everywhere, and where objects are."""
    averaged = DemoModel().to(next(master.parameters()).device)
    averaged.load_state_dict(average.state)
    stdit3 = converted(averaged.stdit3, dtype)
    result = {}
    for split, latents in corpus.latents.items():
        n, total = HELD[split], len(latents)
        noise = torch.randn(n, *latents.shape[1:], generator=torch.Generator().manual_seed(5))
        pick, t, drop = (
            torch.arange(total - n, total),
            (torch.arange(n) + 0.5) / n,
            torch.zeros(n, dtype=torch.bool),
        )
        losses = corpus.loss(stdit3, averaged.t5, split, pick, t, noise, drop, spatial_only)
        result[split] = [round(part.mean().item(), 4) for part in losses]
    return result


def main(a):
    torch.manual_seed(a.seed)
    device, run = a.device, Path(a.run)
    master = DemoModel().to(device)
    master.stdit3.initialise()
    master.t5.initialise()
    optimiser = Optimiser(master, a.rate)
    start, saved = loop.load(run / "start.pt"), loop.load(run / "dit.pt")
    if start:
        continue_from(master, start, a.temporal_start)
    average = loop.Average(master, a.average)
    step, seen, spent, finishing = 0, dict.fromkeys([*SPLITS, "by helpers"], 0), 0.0, None
    if saved:
        master.load_state_dict(saved["model"])
        optimiser.load(saved)
        average.state, step, seen = saved["average"], saved["step"], saved["seen"]
        spent, finishing = saved["spent"], saved["finishing"]
        torch.manual_seed(a.seed + step)

    dtype, times = fastest_type(master.stdit3, a.batch)
    work = converted(master.stdit3, dtype)
    masters = [p for p in master.stdit3.parameters() if p.requires_grad]
    works = [p for p in work.parameters() if p.requires_grad]
    texts = list(master.t5.parameters())
    sources, targets = works + texts, masters + texts
    helpers = start_helpers(a, work, master.t5, sources)
    compiled(work)
    corpus = Corpus(run, master.tokenizer, a.batch)
    schedule = loop.Schedule(run, a.minutes, decay=a.decay, warmup=60, spent=spent, finishing=finishing)

    best = float("inf")

    def store(name="dit.pt"):
        loop.save(
            run / name,
            model=master.state_dict(),
            **optimiser.state(),
            average=average.state,
            step=step,
            seen=seen,
            spent=schedule.spent,
            finishing=schedule.finishing,
            arguments=vars(a),
        )

    def report(**more):
        nonlocal best
        images_only = schedule.spent < a.image_minutes
        validation = validate(master, average, corpus, dtype, images_only)
        record = dict(step=step, spent=schedule.spent, seen=dict(seen), validation=validation)
        loop.log(run, stage="dit", **record, **more)
        loss = validation.get("train", validation["image"])[0]
        if loss < best:  # after hours at a constant rate a run once diverged within minutes
            best = loss
            store("best.pt")

    loop.log(run, stage="dit", arguments=vars(a), computing=str(dtype), seconds_a_step=times)
    running, next_log, next_save = {}, schedule.spent, schedule.spent + 2
    while (factor := schedule.factor(step)) is not None:
        images_only = schedule.spent < a.image_minutes
        split = corpus.choose(a.image_share, a.long_share, images_only)
        loss = corpus.random_loss(work, master.t5, split, images_only)
        loss.backward()
        seen[split] += corpus.batch["image" if images_only else split]
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad.float() for p in sources]
        for gradient, ready, state in helpers:
            state[0] = schedule.spent
            if ready.item():
                torch._foreach_add_(gradients, [g.float() for g in gradient])
                seen[SPLITS[int(state[1])]] += ready.item()
                seen["by helpers"] += ready.item()
                ready.zero_()
        used = [source.grad is not None for source in sources]
        for source in sources:  # before targets get theirs: the text encoder's are the same parameters
            source.grad = None
        for target, gradient, has in zip(targets, gradients, used):
            target.grad = gradient if has else None
        torch.nn.utils.clip_grad_norm_(targets, 1.0)
        optimiser.step(factor)
        with torch.no_grad():
            torch._foreach_copy_(works, masters)
        for target in targets:
            target.grad = None
        average.update(step)
        step += 1
        running[split] = 0.97 * running.get(split, loss.item()) + 0.03 * loss.item()
        if schedule.spent >= next_log:
            report(factor=factor, loss={k: round(v, 4) for k, v in running.items()})
            next_log = schedule.spent + a.log_minutes
        if schedule.spent >= next_save:
            store()
            next_save = schedule.spent + 3
    store()
    report(finished=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", required=True)
    parser.add_argument("--minutes", type=float, default=85)
    parser.add_argument("--image-minutes", type=float, default=12, help="only single images up to here")
    parser.add_argument("--image-share", type=float, default=0.08)
    parser.add_argument("--long-share", type=float, default=0.05, help="share of 51-frame batches")
    parser.add_argument(
        "--batch",
        type=int,
        default=16,
        help="clips per step; four times as many images, a third as many long clips",
    )
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--decay", type=float, default=0.3)
    parser.add_argument("--average", type=float, default=0.99)
    parser.add_argument("--log-minutes", type=float, default=4)
    parser.add_argument(
        "--temporal-start",
        choices=["imported", "fresh"],
        default="imported",
        help="with RUN/start.pt: where the temporal blocks start",
    )
    parser.add_argument("--workers", type=int, default=0, help="helper processes on the CPU")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    main(parser.parse_args())
