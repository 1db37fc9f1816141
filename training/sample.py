"""Samples the demo model (rectified flow, classifier-free guidance), judges the clips with the attribute
reader and draws a contact sheet.

python sample.py --run RUN --prompts 60 --guidance 4 --sheet sheet.png
python sample.py --run RUN --frames 51 --prompts 10
python sample.py --run RUN --text "a large red star moves right over a blue background" --sheet star.png
"""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch

import loop
import reader
import world
from train_dit import DemoModel
from vae import VideoVAE

# of the timestep transform; 512 in Open-Sora, where 64x64 would get a ratio below 1 and hardly any steps
# in the noise
BASE_RESOLUTION = 64


def timesteps(steps, frames, resolution=64):
    u = 1 - torch.arange(steps).float() / steps
    ratio = resolution / BASE_RESOLUTION * math.sqrt(1 if frames == 1 else frames // 17 * 5)
    return (1000 * ratio * u / (1 + (ratio - 1) * u)).clamp(max=1000)


@torch.no_grad()
def generate(model, vae, texts, frames=17, steps=30, guidance=4.0, seed=0):
    """uint8 [N, frames, 64, 64, 3]"""
    latent_frames = frames // 17 * 5 + -(-(frames % 17) // 4)
    noise = torch.Generator().manual_seed(seed)
    z = torch.randn(len(texts), 4, latent_frames, 16, 16, generator=noise)
    ids, mask = model.tokenizer.batch(texts)
    y = model.t5(ids, mask)
    y = torch.cat([y, model.stdit3.y_embedder.y_embedding[: y.shape[1]].float().expand_as(y)])
    mask, fps = mask.repeat(2, 1), torch.full((2 * len(texts),), 120.0 if frames == 1 else 8.0)
    schedule = [*timesteps(steps, frames).tolist(), 0.0]
    for now, after in zip(schedule, schedule[1:]):
        conditional, unconditional = model.stdit3(
            torch.cat([z, z]), torch.full((2 * len(texts),), now), y, mask, fps
        )[:, :4].chunk(2)
        z = z + (unconditional + guidance * (conditional - unconditional)) * ((now - after) / 1000)
    video = vae.decode(z, frames)
    return ((video.clamp(-1, 1) + 1) * 127.5 + 0.5).clamp(0, 255).byte().permute(0, 2, 3, 4, 1).numpy()


def load_model(run, bfloat16=False):
    model, vae = DemoModel(), VideoVAE()
    model.load_state_dict(loop.load(Path(run) / "dit.pt")["average"])
    vae.load_state_dict(loop.load(Path(run) / "vae.pt")["average"])
    if bfloat16:
        frequencies = model.stdit3.rope.freqs.data
        model.stdit3.bfloat16().rope.freqs.data = frequencies
    return model.eval(), vae.eval()


def sheet(clips, path, columns=6):
    from PIL import Image

    picks = np.linspace(0, clips.shape[1] - 1, columns).round().astype(int)
    rows = [np.concatenate(list(clip[picks]), 1) for clip in clips]
    rows += [np.zeros_like(rows[0])] * (-len(rows) % 2)
    half = len(rows) // 2
    Image.fromarray(np.concatenate([np.concatenate(rows[:half]), np.concatenate(rows[half:])], 1)).save(path)


def wrong(clip, scene, verdict):
    """What the reader finds instead of what is not right, object by object."""
    return [{k: v for k, v in found.items() if not verdict[k]} for found in reader.read_scene(clip, scene)]


def main(a):
    model, vae = load_model(a.run, a.bfloat16)
    prompts = [(a.text, None)] if a.text else world.evaluation_prompts(a.prompts, a.seed, objects=a.objects)
    began, clips = time.time(), []
    for start in range(0, len(prompts), a.batch):
        clips.append(
            generate(
                model,
                vae,
                [text for text, _ in prompts[start : start + a.batch]],
                a.frames,
                a.steps,
                a.guidance,
                seed=a.seed * 1000 + start,
            )
        )
    clips = np.concatenate(clips)
    if a.sheet:
        sheet(clips[: a.rows], a.sheet)
    if not a.text:
        verdicts = [reader.judge(c, s) for c, (_, s) in zip(clips, prompts)]
        if a.verbose:
            for c, (text, scene), v in zip(clips, prompts, verdicts):
                print(
                    text,
                    "" if all(v.values()) else wrong(c, scene, v),
                )
        print(
            json.dumps(
                dict(
                    prompts=len(prompts),
                    frames=a.frames,
                    steps=a.steps,
                    guidance=a.guidance,
                    seconds=round(time.time() - began),
                    **{k: round(x, 3) for k, x in reader.table(verdicts).items()},
                )
            )
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", required=True)
    parser.add_argument("--prompts", type=int, default=60)
    parser.add_argument("--objects", type=int, default=1, help="in each prompt: 1 or 2")
    parser.add_argument("--text")
    parser.add_argument("--frames", type=int, default=17)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--guidance", type=float, default=4.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument("--rows", type=int, default=24)
    parser.add_argument("--sheet")
    parser.add_argument("--bfloat16", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    main(parser.parse_args())
