"""What every training stage shares: the time-based schedule, Muon's orthogonalisation, exponential
moving average, atomic checkpoints, JSON-lines log.

A stage runs for a number of minutes of its own training time (it survives being killed: the minutes
already spent are in the checkpoint). Writing a number of minutes into the file `finish` in the run
folder makes the decay begin at once and last that long.
"""

import json
import os
import time
from pathlib import Path

import torch


class Schedule:
    """Warm-up over `warmup` steps, constant, then linear decay over the last `decay` share of the time."""

    def __init__(self, folder, minutes, decay=0.3, warmup=60, spent=0.0, finishing=None):
        self.folder, self.minutes, self.decay, self.warmup, self.finishing = (
            Path(folder),
            minutes,
            decay,
            warmup,
            finishing,
        )
        self.before, self.began, self.pause = spent, time.time(), 0.0

    @property
    def spent(self):  # minutes
        return self.before + (time.time() - self.began - self.pause) / 60

    def factor(self, step):
        """Learning-rate factor, or None when the time is over."""
        file = self.folder / "finish"
        if self.finishing is None and file.exists():
            self.finishing = (self.spent, float(file.read_text() or 0))  # (start, length) of the decay
        start, length = self.finishing or (self.minutes * (1 - self.decay), self.minutes * self.decay)
        left = 1 - (self.spent - start) / max(length, 1e-6)
        if left <= 0:
            return None
        return min(1.0, (step + 1) / self.warmup) * min(1.0, max(left, 0.02))


class Average:
    """Exponential moving average of a module's state, warmed up so that the first steps do not linger."""

    def __init__(self, module, rate):
        self.rate, self.module = rate, module
        self.state = {k: v.detach().clone() for k, v in module.state_dict().items()}

    @torch.no_grad()
    def update(self, step):
        weight = 1 - min(self.rate, (step + 1) / (step + 12))
        state = self.module.state_dict()
        floating = [k for k in state if state[k].is_floating_point()]
        torch._foreach_lerp_([self.state[k] for k in floating], [state[k] for k in floating], weight)


@torch.no_grad()
def orthogonalise(gradient, rounds=4):
    """Newton-Schulz iteration of Muon: the nearest (semi-)orthogonal matrix, roughly."""
    x = gradient.bfloat16()
    x = x / (x.norm() + 1e-7)
    if tall := x.shape[0] > x.shape[1]:
        x = x.T
    for _ in range(rounds):
        square = x @ x.T
        x = 3.4445 * x + (-4.775 * square + 2.0315 * (square @ square)) @ x
    return (x.T if tall else x).float()


def save(path, **content):
    """Write beside, then rename: a kill in the middle leaves the old checkpoint."""
    torch.save(content, f"{path}.tmp")
    os.replace(f"{path}.tmp", path)


def load(path):
    return torch.load(path, map_location="cpu", weights_only=False) if Path(path).exists() else None


def log(folder, **record):
    record = {
        "time": time.strftime("%H:%M:%S"),
        **{k: round(v, 5) if isinstance(v, float) else v for k, v in record.items()},
    }
    print(json.dumps(record), flush=True)
    with open(Path(folder) / "log.jsonl", "a") as file:
        file.write(json.dumps(record) + "\n")
