"""Whole clips in PyTorch on a CPU, from the weights that `quantcache bench clip` uses: the time and peak
memory of every stage, for tables beside ours.

    python3 bench/pytorch/clip.py MODEL [--rows fp32,int8,bf16,compile] [--steps 30] [--computed 30,14]

The modules are those of training/opensora.py and training/vae.py, which the published checkpoints fit. What
is favourable to PyTorch is done: fused attention, captions without padding, frames decoded a few at a time,
no file written, and a cache that costs nothing: of `--computed` steps the others repeat the last velocity.
AdaCache-fast is published with 2.24 times the speed on Open-Sora 1.2 at 30 steps: 14 computed steps.

Every row is a process of its own, so that its memory is its own. `--measure N` times N steps and counts them
for all; such rows are marked `extrapolated`.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import threading
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "training"))
import opensora  # noqa: E402
import vae  # noqa: E402

ROWS = ("fp32", "int8", "bf16", "compile")
FRAMES_AT_A_TIME = 4
GUIDANCE = 7.0


def fused(q, k, v, bias=None):
    return F.scaled_dot_product_attention(q, k, v, bias)


opensora.attend = fused


class Memory(threading.Thread):
    """The largest anonymous and mapped memory since it was last asked, in bytes; Linux only."""

    def __init__(self):
        super().__init__(daemon=True)
        self.peaks = {"RssAnon": 0, "RssFile": 0}
        self.start()

    def sample(self):
        for line in Path("/proc/self/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in self.peaks:
                self.peaks[name] = max(self.peaks[name], int(value.split()[0]) * 1024)

    def run(self):
        while True:
            self.sample()
            time.sleep(0.02)

    def take(self):
        self.sample()
        taken = {"anonymous": self.peaks["RssAnon"], "mapped": self.peaks["RssFile"]}
        self.peaks = dict.fromkeys(self.peaks, 0)
        return taken


def load(folder, make):
    """A model with its weights left in the mapped file, but for those in float16, which run as float32."""
    with torch.device("meta"):
        model = make(json.loads((folder / "config.json").read_text()))
    weights = load_file(folder / "model.safetensors")
    weights = {k: w.float() if w.dtype == torch.float16 else w for k, w in weights.items()}
    model.load_state_dict(weights, assign=True)
    return model.eval().requires_grad_(False)


def transformer(folder, row):
    defaults = dict(opensora.DEMO_STDIT3, hidden_size=1152, depth=28, num_heads=16, caption_channels=4096)
    defaults |= dict(input_sq_size=512, model_max_length=300)
    model = load(folder, lambda config: opensora.STDiT3(defaults | config))
    if row == "bf16":
        freqs = model.rope.freqs
        model = model.to(torch.bfloat16)
        model.rope.freqs = freqs
    if row == "int8":
        layers = {k for k, m in model.named_modules() if "_blocks." in k and isinstance(m, torch.nn.Linear)}
        model = torch.ao.quantization.quantize_dynamic(model, layers, dtype=torch.qint8)
    return torch.compile(model) if row == "compile" else model


def text_encoder(folder):
    xxl = dict(d_model=4096, d_kv=64, d_ff=10240, num_heads=64, num_layers=24, vocab_size=32128)
    return load(folder, lambda config: opensora.T5Encoder(opensora.DEMO_T5 | xxl | config))


def video_vae(folder):
    spatial = dict(block_out_channels=[128, 256, 512, 512], layers_per_block=2, norm_num_groups=32)
    temporal = dict(in_out_channels=4, latent_embed_dim=4, embed_dim=4, filters=128, num_res_blocks=4)
    temporal |= dict(
        channel_multipliers=[1, 2, 2, 4], temporal_downsample=[False, True, True], num_groups=32
    )

    def make(config):
        return vae.VideoVAE(
            dict(spatial, latent_channels=4) | config.get("spatial", {}),
            temporal | config.get("temporal", {}),
        )

    return load(folder, make)


def latent_shape(decoder, frames, height, width):
    factor, chunk = decoder.temporal_vae.time_factor, decoder.micro_frame_size
    full, rest = divmod(frames, chunk)
    side = 2 ** (len(decoder.spatial_config["block_out_channels"]) - 1)
    return (1, 4, full * -(-chunk // factor) + -(-rest // factor), height // side, width // side)


def decode(decoder, latents, frames):
    whole = decoder.spatial_decode
    decoder.spatial_decode = lambda x: torch.cat([whole(part) for part in x.split(FRAMES_AT_A_TIME, 2)], 2)
    return decoder.decode(latents, frames)


@torch.inference_mode()
def measure(options):
    """One row, as a dictionary."""
    model, row = Path(options.model), options.rows
    memory, stages = Memory(), {}

    def stage(name, work):
        began = time.perf_counter()
        result = work()
        stages[name] = dict(seconds=time.perf_counter() - began, peak=memory.take())
        return result

    ids = torch.arange(3, 3 + options.tokens) % 40 + 3
    states = stage("text", lambda: text_encoder(model / "t5")(ids[None], torch.ones(1, options.tokens)))
    net, decoder = transformer(model / "stdit3", row), video_vae(model / "vae")
    height, width = (int(side) for side in options.size.split("x"))
    shape = latent_shape(decoder, options.frames, height, width)
    latents = torch.randn(shape, generator=torch.Generator().manual_seed(42))
    null = net.y_embedder.y_embedding[: options.tokens].to(states.dtype)
    captions = torch.cat([states, null[None]])
    fps = torch.full((2,), 24.0)

    def step(z, time_left):
        timestep = torch.full((2,), 1000.0 * time_left)
        velocity = net(torch.cat([z, z]), timestep, captions, fps=fps, pixels=height * width)[:, :4]
        conditional, unconditional = velocity.chunk(2)
        return unconditional + GUIDANCE * (conditional - unconditional)

    stage("warm-up", lambda: step(latents, 1.0))
    steps = min(options.measure or options.computed, options.computed)

    def denoise():
        z = latents
        for i in range(steps):
            z = z + step(z, 1 - i / options.steps) / options.steps
        return z

    z = stage("denoise", denoise)
    stages["denoise"]["seconds"] *= options.computed / steps
    frames = stage("decode", lambda: decode(decoder, z, options.frames))
    counted = [cost for name, cost in stages.items() if name != "warm-up"]
    return dict(
        row=f"pytorch {row}",
        computed=options.computed,
        steps=options.steps,
        frames=list(frames.shape[2:]),
        finite=bool(frames.isfinite().all()),
        extrapolated=steps < options.computed,
        stages=stages,
        seconds=sum(cost["seconds"] for cost in counted),
        peak={kind: max(cost["peak"][kind] for cost in counted) for kind in ("anonymous", "mapped")},
    )


def processor():
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="folder that `quantcache bench random-model` wrote, or models/demo")
    parser.add_argument("--rows", default=",".join(ROWS[:3]), help=f"of {','.join(ROWS)}")
    parser.add_argument("--size", default="144x256", help="height x width")
    parser.add_argument("--frames", type=int, default=51)
    parser.add_argument("--tokens", type=int, default=40, help="length of the prompt")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--computed", default="30,14", help="steps that the network runs for")
    parser.add_argument("--measure", type=int, help="time so many steps and count them for all")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        options.computed = int(options.computed)
        torch.set_num_threads(options.threads)
        print(json.dumps(measure(options)))
        return
    unknown = [row for row in options.rows.split(",") if row not in ROWS]
    if unknown:
        parser.error(f"there is no row {unknown[0]}; use some of {','.join(ROWS)}")
    rows = []
    for row in options.rows.split(","):
        for computed in options.computed.split(","):
            arguments = [*sys.argv[1:], "--rows", row, "--computed", computed, "--one"]
            process = subprocess.run(
                [sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True
            )
            if process.returncode:
                sys.exit(f"the row {row} failed; the others are worth nothing without it")
            rows.append(json.loads(process.stdout))
            print(f"{row}, {computed} steps: {rows[-1]['seconds']:.1f} s", file=sys.stderr)
    machine = dict(processor=processor(), cores=os.cpu_count())
    versions = dict(torch=torch.__version__, python=platform.python_version(), threads=options.threads)
    print(json.dumps(dict(machine=machine | versions, load=os.getloadavg()[0], rows=rows), indent=2))


if __name__ == "__main__":
    main()
