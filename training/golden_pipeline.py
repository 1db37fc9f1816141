"""Writes a small model of seeded random weights and what our PyTorch modules make of requests to it.

    python golden_pipeline.py            # writes ../test/fixtures/pipeline
    python golden_pipeline.py --check    # computes everything again and compares it with the files

`src/models/opensora/pipeline.test.ts` runs the same requests in TypeScript. The weights have nothing to
do with those of the demo model, so training that one anew leaves these files alone. Modules and
arithmetic are compared with the original code by `check_golden.py`. Pinned here is everything around
them: tokens, seeds, noise, times, guidance, frame rates, given frames, and what modules cost.
"""

import argparse
import json
import math
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch.utils.flop_counter import FlopCounterMode

from opensora import DEMO_STDIT3, DEMO_T5, STDiT3, T5Encoder, Tokenizer
from vae import DEMO_SPATIAL, DEMO_TEMPORAL, SCALING_FACTOR, VideoVAE

FOLDER = Path(__file__).parent.parent / "test" / "fixtures" / "pipeline"
WORDS = ["a", "red", "blue", "star", "circle", "moves", "left", "over", "small", ","]
CAPTION_LENGTH = 10
HEIGHT, WIDTH = 24, 36  # latents of 6 x 9: the width is padded to whole patches
STEPS, GUIDANCE, SEED, FPS, BASE_RESOLUTION = 2, 3.0, 42, 8, 40
STILL_FPS = 120.0

STDIT3 = dict(
    DEMO_STDIT3,
    input_sq_size=32,
    hidden_size=16,
    depth=2,
    num_heads=2,
    caption_channels=12,
    model_max_length=CAPTION_LENGTH,
)
T5 = dict(
    DEMO_T5,
    vocab_size=3 + len(WORDS),
    d_model=12,
    d_kv=4,
    d_ff=20,
    num_heads=2,
    relative_attention_num_buckets=8,
    relative_attention_max_distance=16,
)
SPATIAL = dict(DEMO_SPATIAL, block_out_channels=[4, 4, 8], norm_num_groups=2)
TEMPORAL = dict(DEMO_TEMPORAL, filters=4, channel_multipliers=[1, 1, 1, 2], num_groups=2)

REQUESTS = {
    "video": dict(prompts=["a red star", "a small blue circle moves left, over a star"], frames=17),
    "still": dict(prompts=["a blue star"], frames=1),
    "given": dict(prompts=["a red circle moves left"], frames=17, image=True),
}


class Model:
    """The three networks and the tokenizer."""

    def __init__(self):
        torch.manual_seed(1)
        self.stdit3 = STDiT3(STDIT3)
        self.t5 = T5Encoder(T5)
        self.vae = VideoVAE(SPATIAL, TEMPORAL)
        self.tokenizer = Tokenizer(WORDS, CAPTION_LENGTH)
        self.parts = dict(stdit3=self.stdit3, t5=self.t5, vae=self.vae)
        for part in self.parts.values():
            for name, weight in part.named_parameters():
                if weight.ndim == 1 and name != "rope.freqs":
                    weight.data += 0.1 * torch.randn_like(
                        weight
                    )  # what begins as one or zero hides mistakes
        self.vae.scale += 0.3 * torch.randn_like(self.vae.scale)
        self.vae.shift += 0.3 * torch.randn_like(self.vae.shift)

    def states(self):
        for name, part in self.parts.items():
            yield (
                name,
                {key: value.detach().clone().contiguous() for key, value in part.state_dict().items()},
            )


def times(frames):
    """The times of the steps, moved towards noise by size and length, and 0 for the end."""
    u = 1 - torch.arange(STEPS).float() / STEPS
    ratio = math.sqrt(HEIGHT * WIDTH) / BASE_RESOLUTION * math.sqrt(latent_frames(frames))
    return [*(1000 * ratio * u / (1 + (ratio - 1) * u)).clamp(max=1000).tolist(), 0.0]


def latent_frames(frames):
    return frames // 17 * 5 + -(-(frames % 17) // 4)


def an_image():
    row, column = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    return torch.stack([torch.sin(0.2 * row + channel) * torch.cos(0.15 * column) for channel in range(3)])


def velocity(model, z, now, caption, conditions):
    output = model.stdit3(torch.cat([z, z]), torch.full((2 * len(z),), now), *caption, **conditions)
    conditional, unconditional = output[:, :4].chunk(2)
    return unconditional + GUIDANCE * (conditional - unconditional)


def sample(model, prompts, frames, image=False):
    """The latents [prompts, 4, T, H, W] after all steps, from `SEED`."""
    torch.manual_seed(SEED)
    ids, mask = model.tokenizer.batch(prompts)
    encoded = model.t5(ids, mask)
    nothing = model.stdit3.y_embedder.y_embedding[: encoded.shape[1]].expand_as(encoded)
    caption = [torch.cat([encoded, nothing]), mask.repeat(2, 1)]
    given = model.vae.encode(an_image()[None, :, None], sample=True) if image else None
    z = torch.randn(len(prompts), 4, latent_frames(frames), HEIGHT // 4, WIDTH // 4)
    if image:
        z[:, :, :1] = given
    fps = torch.full((2 * len(prompts),), STILL_FPS if frames == 1 else float(FPS))
    conditions = dict(fps=fps, pixels=HEIGHT * WIDTH)
    free = torch.ones(len(prompts), z.shape[2], dtype=torch.bool)
    if image:
        free[:, 0] = False
        conditions["x_mask"] = free.repeat(2, 1)
    schedule = times(frames)
    for now, after in zip(schedule, schedule[1:]):
        if image:
            torch.randn_like(
                z
            )  # drawn at every step where frames are given, though none of them starts late
        moved = z + velocity(model, z, now, caption, conditions) * ((now - after) / 1000)
        z = torch.where(free[:, None, :, None, None], moved, z)
    return z


def costs(model):
    """Operations and parameters by module, for a guided batch of 17 frames and the longest caption."""
    counter = FlopCounterMode(display=False)
    with counter:
        z = torch.zeros(2, 4, 5, HEIGHT // 4, WIDTH // 4)
        caption = torch.zeros(2, CAPTION_LENGTH, STDIT3["caption_channels"])
        model.stdit3(z, torch.full((2,), 500.0), caption, fps=torch.full((2,), float(FPS)))
    flops = {name: sum(kinds.values()) for name, kinds in counter.get_flop_counts().items()}
    table = {}
    for path, module in model.stdit3.named_modules():
        if path.rsplit(".", 1)[-1] not in ("attn", "cross_attn", "mlp") or "blocks" not in path:
            continue
        own = flops[f"STDiT3.{path}"]
        # Keys and values of captions are computed once per clip, not at every step.
        own -= flops.get(f"STDiT3.{path}.kv_linear", 0)
        table[path] = dict(flops=own, parameters=sum(weight.numel() for weight in module.parameters()))
    return table


@torch.no_grad()
def compute():
    """All files by path in the folder: tensors, objects, or text."""
    model = Model()
    files = {}
    for name, state in model.states():
        files[f"{name}/model.safetensors"] = state
    vae = dict(model_type="OpenSoraVAE_V1_2", spatial=SPATIAL, temporal=TEMPORAL, micro_frame_size=17)
    files["stdit3/config.json"] = STDIT3
    files["t5/config.json"] = T5
    files["t5/tokenizer.json"] = json.loads(model.tokenizer.json())
    files["vae/config.json"] = dict(vae, scaling_factor=SCALING_FACTOR)
    files["quantcache.json"] = dict(
        family="opensora",
        transformer="stdit3",
        vae="vae",
        textEncoder="t5",
        defaults=dict(
            height=HEIGHT,
            width=WIDTH,
            numFrames=17,
            fps=FPS,
            numSteps=STEPS,
            guidanceScale=GUIDANCE,
            aestheticScore=None,
        ),
        timestepTransformBaseResolution=BASE_RESOLUTION,
    )
    expected = dict(image=an_image())
    for name, request in REQUESTS.items():
        expected[f"{name}.latents"] = sample(model, **request)
    expected["still.pixels"] = model.vae.decode(expected["still.latents"], 1)
    expected["video.last"] = model.vae.decode(expected["video.latents"], 17)[:, :, -1:].contiguous()
    files["expected.safetensors"] = expected
    files["expected.json"] = dict(requests=REQUESTS, costs=costs(model))
    return files


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".safetensors":
        save_file(content, path)
    else:
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def difference(path, content):
    """The largest relative difference of a tensor on file; infinite where anything else differs."""
    if path.suffix == ".json":
        return 0.0 if json.loads(path.read_text()) == content else math.inf
    known = load_file(path)
    if known.keys() != content.keys():
        return math.inf
    return max(((known[key] - content[key]).abs().max() / known[key].abs().max()).item() for key in known)


def main(options):
    worst = 0.0
    for name, content in compute().items():
        if options.check:
            found = difference(FOLDER / name, content)
            worst = max(worst, found)
            print(f"{name:28s} {found:.1e}")
        else:
            write(FOLDER / name, content)
    if worst > 1e-5:
        raise SystemExit("The files differ from what is computed here.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    main(parser.parse_args())
