"""Trains the demo video transformer and its text encoder jointly with rectified flow on cached latents.

    python train_dit.py --run RUN --minutes 85 --image-minutes 12 --workers 1

First single images only and without the temporal blocks (shapes, colours, sizes, backgrounds and words are learnt ten times cheaper than on clips), then 17-frame clips mixed with some
images and 51-frame clips. Muon (Keller Jordan 2024) for the 2-D weights of the blocks, AdamW for the rest, moving average of the weights.
float32 master weights, the forward and backward run on a bfloat16 copy. On a busy CPU two processes of one thread each beat one process of two threads, which waits
at every matrix product for the core that somebody else uses: `--workers 1` starts a helper that adds gradients of batches of its own, about one step stale.
Resumes from RUN/dit.pt; `echo 20 > RUN/finish` starts a decay of 20 minutes at once.
"""
import argparse
import copy
import os
import time
from pathlib import Path

import torch

import loop
import world
from opensora import DEMO_STDIT3, DEMO_T5, STDiT3, T5Encoder, Tokenizer

CAPTION_LENGTH = 16  # captions have up to 14 tokens; a fixed length keeps shapes constant
SPLITS = ("image", "train", "long")
OBJECT_WEIGHT = 4.0  # additional weight of latent positions that see the object
EARLY_SHARE = 0.3  # of samples at times in [0.8, 1], half of them above 0.95, where the motion is decided by the caption alone


def balance(t):
    """Weight of the loss at times t: gradients of all times are about as large. Errors are largest at both ends."""
    error = 0.05 + 0.25 * t ** 10 + 0.6 * (1 - t) ** 10
    return (0.1 / error).sqrt()


class DemoModel(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.tokenizer = Tokenizer(world.vocabulary())
        self.stdit3, self.t5 = STDiT3(DEMO_STDIT3), T5Encoder(dict(DEMO_T5, vocab_size=len(self.tokenizer.pieces)))


class Corpus:
    """Cached latents and token ids of the splits; the last clips of each are never trained on (validation)."""
    held = {"image": 64, "train": 24, "long": 4}

    def __init__(self, run, tokenizer, batch):
        self.latents, self.objects, self.tokens = {}, {}, {}
        self.batch = {"image": batch * 4, "train": batch, "long": max(1, batch // 3)}
        for split in SPLITS:
            if saved := loop.load(Path(run) / f"latents_{split}.pt"):
                self.latents[split], self.objects[split] = saved["latents"], saved["objects"]
                self.tokens[split] = torch.zeros(len(saved["captions"]), CAPTION_LENGTH, dtype=torch.long)
                for row, text in enumerate(saved["captions"]):
                    encoded = tokenizer.encode(text)
                    self.tokens[split][row, : len(encoded)] = torch.tensor(encoded)

    def choose(self, a, spent):
        """Which split the next batch comes from. The image phase also takes single frames of clips, with the clip's caption and frame rate."""
        chance = torch.rand(()).item()
        if spent < a.image_minutes:
            return "image" if chance < 0.3 else "train"
        if chance < a.image_share or "train" not in self.latents:
            return "image"
        return "long" if "long" in self.latents and chance > 1 - a.long_share else "train"

    def loss(self, stdit3, t5, split, pick, t, noise, drop, spatial_only=False):
        """Squared error of the velocity per sample at times t of the straight path from data (0) to noise (1): over all positions, and over those that see the object.
        An object covers a tenth of the frame, so the plain mean hardly notices its shape."""
        device = t5.shared.weight.device
        x0, objects, ids = self.latents[split][pick].float().to(device), self.objects[split][pick].to(device), self.tokens[split][pick].to(device)
        if noise.shape[2] < x0.shape[2]:
            frame = torch.randint(x0.shape[2], (len(x0),))
            x0, objects = (v[torch.arange(len(x0)), :, frame].unsqueeze(2) for v in (x0, objects))
        t, noise, drop, mask = t.to(device), noise.to(device), drop.to(device), (ids != 0).long()
        y = t5(ids, mask)
        null = stdit3.y_embedder.y_embedding[:CAPTION_LENGTH].to(y.dtype)
        y = torch.where(drop[:, None, None], null, y)  # as guidance will use it: same length, null rows
        weight = t.view(-1, 1, 1, 1, 1)
        fps = torch.full((len(pick),), 120.0 if split == "image" else 8.0, device=device)  # a single image counts as 120 frames/s
        velocity = stdit3((1 - weight) * x0 + weight * noise, 1000 * t, y, mask, fps, spatial_only=spatial_only)[:, :4]
        error = (velocity - (x0 - noise)).pow(2).mean(1, keepdim=True)
        return error.mean((1, 2, 3, 4)), (error * objects).mean((1, 2, 3, 4))

    def random_loss(self, stdit3, t5, split, spatial_only):
        n = self.batch["image" if spatial_only else split]
        pick = torch.randint(len(self.latents[split]) - self.held[split], (n,))
        t = torch.sigmoid(torch.randn(n) * 1.2 + 0.4)
        chance = torch.rand(n)
        t = torch.where(chance < 0.1, torch.rand(n), t)
        t = torch.where(chance > 1 - EARLY_SHARE, 1 - 0.2 * torch.rand(n) ** 2, t).clamp(1e-4, 1)
        noise = torch.randn(n, 4, 1 if spatial_only else self.latents[split].shape[2], 16, 16)
        everywhere, on_objects = self.loss(stdit3, t5, split, pick, t, noise, torch.rand(n) < 0.1, spatial_only)
        return ((everywhere + OBJECT_WEIGHT * on_objects) * balance(t).to(everywhere.device)).mean()


def compiled(stdit3):
    """Fuses what lies between the matrix products: a fifth more clips per second, after a minute of compiling at the first start."""
    for block in [*stdit3.spatial_blocks, *stdit3.temporal_blocks]:
        block.compile(dynamic=False)
    return stdit3


def helper(a, number, stdit3, t5, gradient, ready, state):
    """A process that computes gradients of its own batches with the shared weights and hands them over.
    ready: number of samples in `gradient` (0: taken); state: minutes spent, index of the split."""
    torch.set_num_threads(1)
    compiled(stdit3)
    parent = os.getppid()
    corpus = Corpus(a.run, Tokenizer(world.vocabulary()), a.batch)
    parameters = [p for p in [*stdit3.parameters(), *t5.parameters()] if p.requires_grad]
    torch.manual_seed(a.seed * 1000 + number + int(time.time()))
    while os.getppid() == parent:  # ends with the trainer
        split = corpus.choose(a, state[0].item())
        corpus.random_loss(stdit3, t5, split, state[0].item() < a.image_minutes).backward()
        while ready.item() and os.getppid() == parent:
            time.sleep(0.01)
        for target, parameter in zip(gradient, parameters):
            target.zero_() if parameter.grad is None else target.copy_(parameter.grad)
            parameter.grad = None
        state[1] = SPLITS.index(split)
        ready.fill_(corpus.batch["image" if state[0].item() < a.image_minutes else split])


def continue_from(model, start, temporal):
    """Takes over weights of `import_weights.py`; the temporal blocks only if asked to."""
    weights = {name: tensor for name, tensor in start["stdit3"].items() if temporal == "imported" or not name.startswith("temporal_blocks.")}
    model.stdit3.load_state_dict(weights, strict=temporal == "imported")
    model.t5.load_state_dict(start["t5"])


def main(a):
    torch.manual_seed(a.seed)
    device, run = a.device, Path(a.run)
    master = DemoModel().to(device)
    master.stdit3.initialise(), master.t5.initialise()
    muon = [p for blocks in (master.stdit3.spatial_blocks, master.stdit3.temporal_blocks) for n, p in blocks.named_parameters()
            if p.ndim == 2 and "scale_shift_table" not in n]
    by_muon = {id(p) for p in muon}
    rest = [p for p in master.parameters() if id(p) not in by_muon and p.requires_grad]
    momentum = [torch.zeros_like(p) for p in muon]
    adam = torch.optim.AdamW([dict(params=[p for p in rest if p.ndim >= 2], weight_decay=0.01), dict(params=[p for p in rest if p.ndim < 2], weight_decay=0.0)],
                             lr=a.rate, betas=(0.9, 0.98))
    average, step, seen, spent, finishing = loop.Average(master, a.average), 0, dict.fromkeys([*SPLITS, "by helpers"], 0), 0.0, None
    if start := loop.load(run / "start.pt"):
        continue_from(master, start, a.temporal_start)
        average = loop.Average(master, a.average)
    if saved := loop.load(run / "dit.pt"):
        master.load_state_dict(saved["model"]), adam.load_state_dict(saved["adam"])
        momentum, average.state = [m.to(device) for m in saved["momentum"]], saved["average"]
        step, seen, spent, finishing = saved["step"], saved["seen"], saved["spent"], saved["finishing"]
        torch.manual_seed(a.seed + step)

    work = copy.deepcopy(master.stdit3).bfloat16()  # the copy that computes
    work.rope.freqs.data = master.stdit3.rope.freqs.data.clone()
    masters = [p for p in master.stdit3.parameters() if p.requires_grad]
    works = [p for p in work.parameters() if p.requires_grad]
    texts = list(master.t5.parameters())
    sources, targets = works + texts, masters + texts
    helpers = []
    for number in range(a.workers):
        work.share_memory(), master.t5.share_memory()
        shared = [torch.zeros_like(p).share_memory_() for p in sources], torch.zeros(1, dtype=torch.long).share_memory_(), torch.zeros(2).share_memory_()
        torch.multiprocessing.get_context("spawn").Process(target=helper, args=(a, number, work, master.t5, *shared), daemon=True).start()
        helpers.append(shared)

    compiled(work)
    corpus = Corpus(run, master.tokenizer, a.batch)
    generator = torch.Generator().manual_seed(5)
    fixed = {s: torch.randn(corpus.held[s], *z.shape[1:], generator=generator) for s, z in corpus.latents.items()}

    @torch.no_grad()
    def validate():
        averaged = DemoModel().to(device)
        averaged.load_state_dict(average.state)
        averaged.stdit3.bfloat16()
        averaged.stdit3.rope.freqs.data = master.stdit3.rope.freqs.data
        result = {}
        for split, noise in fixed.items():
            n, total = len(noise), len(corpus.latents[split])
            losses = corpus.loss(averaged.stdit3, averaged.t5, split, torch.arange(total - n, total), (torch.arange(n) + 0.5) / n, noise, torch.zeros(n, dtype=torch.bool),
                                 schedule.spent < a.image_minutes)
            result[split] = [round(part.mean().item(), 4) for part in losses]
        return result

    def store(schedule):
        loop.save(run / "dit.pt", model=master.state_dict(), adam=adam.state_dict(), momentum=momentum, average=average.state, step=step, seen=seen,
                  spent=schedule.spent, finishing=schedule.finishing, arguments=vars(a))

    loop.log(run, stage="dit", arguments=vars(a), parameters=sum(p.numel() for p in master.stdit3.parameters()), text_parameters=sum(p.numel() for p in texts))
    schedule = loop.Schedule(run, a.minutes, decay=a.decay, warmup=60, spent=spent, finishing=finishing)
    running, next_log, next_save = {}, schedule.spent, schedule.spent + 2
    while (factor := schedule.factor(step)) is not None:
        split = corpus.choose(a, schedule.spent)
        loss = corpus.random_loss(work, master.t5, split, schedule.spent < a.image_minutes)
        loss.backward()
        seen[split] += corpus.batch["image" if schedule.spent < a.image_minutes else split]
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad.float() for p in sources]
        for gradient, ready, state in helpers:
            state[0] = schedule.spent
            if ready.item():
                torch._foreach_add_(gradients, [g.float() for g in gradient])
                seen[SPLITS[int(state[1])]] += ready.item()
                seen["by helpers"] += ready.item()
                ready.zero_()
        used = [source.grad is not None for source in sources]
        for source in sources:  # before targets get theirs: those of the text encoder are the same parameters
            source.grad = None
        for target, gradient, has in zip(targets, gradients, used):
            target.grad = gradient if has else None
        torch.nn.utils.clip_grad_norm_(targets, 1.0)
        for group in adam.param_groups:
            group["lr"] = a.rate * factor
        adam.step()
        with torch.no_grad():
            for p, m in zip(muon, momentum):
                if p.grad is None:  # temporal blocks while only images are trained
                    continue
                m.mul_(0.95).add_(p.grad)
                p.mul_(1 - a.rate * factor * 0.05)
                p.add_(loop.orthogonalise(p.grad + 0.95 * m), alpha=-a.rate * factor * max(p.shape) ** 0.5)  # root-mean-square step = rate
            torch._foreach_copy_(works, masters)
        for target in targets:
            target.grad = None
        average.update(step)
        step += 1
        running[split] = loss.item() if split not in running else 0.97 * running[split] + 0.03 * loss.item()
        if schedule.spent >= next_log:
            loop.log(run, stage="dit", step=step, spent=schedule.spent, factor=factor, seen=dict(seen), loss={k: round(v, 4) for k, v in running.items()},
                     validation=validate())
            next_log = schedule.spent + a.log_minutes
        if schedule.spent >= next_save:
            store(schedule)
            next_save = schedule.spent + 3
    store(schedule)
    loop.log(run, stage="dit", step=step, spent=schedule.spent, seen=seen, validation=validate(), finished=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", required=True)
    parser.add_argument("--minutes", type=float, default=85)
    parser.add_argument("--image-minutes", type=float, default=12, help="only single images up to here")
    parser.add_argument("--image-share", type=float, default=0.08)
    parser.add_argument("--long-share", type=float, default=0.05, help="share of 51-frame batches")
    parser.add_argument("--batch", type=int, default=16, help="clips per step; four times as many images, a third as many long clips")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--decay", type=float, default=0.3)
    parser.add_argument("--average", type=float, default=0.99)
    parser.add_argument("--log-minutes", type=float, default=4)
    parser.add_argument("--temporal-start", choices=["imported", "fresh"], default="imported", help="with RUN/start.pt: where the temporal blocks start")
    parser.add_argument("--workers", type=int, default=0, help="helper processes on the CPU")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    main(parser.parse_args())
