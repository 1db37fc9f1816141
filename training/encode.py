"""Caches the latents of the training splits for `train_dit.py`, in RUN/latents_<split>.pt.

    python encode.py --run RUN --train 20000 --images 3000 --long 1000
    python encode.py --run RUN --split train --train 20000 --freedom 0.5

Kept are the latents as float16 [clips,4,times,16,16], where objects are, and the captions. Only the
frames that the temporal encoder keeps are rendered. `--freedom` below 1 narrows what captions leave open
(see `rendering.trajectory`): a model that knows a world of less chance learns the whole in stages.
Without RUN/vae.pt, the temporal VAE gets its exact start first.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import loop
import world
from train_vae import corpus, marked, to_float
from vae import VideoVAE, keyframe_start, mark_first


def keyframes(frames):
    """Frames that the temporal encoder keeps: 0, 4, 8, 12, 16 of each chunk of 17."""
    return [i for i in range(frames) if i % 17 % 4 == 0]


def object_mask(clips, side):
    """bool [clips,1,times,side,side]: latent positions that see an object, one position of margin
    included"""
    covered = torch.from_numpy(np.stack([clip.covered for clip in clips])).float()
    return F.max_pool2d(F.adaptive_max_pool2d(covered, side), 3, stride=1, padding=1).bool()[:, None]


def start_temporal(vae, run, device, clips):
    """The temporal VAE's exact start on a trained spatial one, its scale and shift measured."""
    vae.load_state_dict(loop.load(run / "vae_spatial.pt")["average"])
    keyframe_start(vae)
    mark_first(vae)
    video = corpus(run, clips)[:400]
    parts = [vae.spatial_encode(to_float(part[:, ::4], device).transpose(1, 2)) for part in video.split(20)]
    z = torch.cat(parts)
    vae.scale.copy_(z.std((0, 2, 3, 4)).view(1, 4, 1, 1, 1))
    vae.shift.copy_(z.mean((0, 2, 3, 4)).view(1, 4, 1, 1, 1))
    whole = vae.encode(to_float(video[:20], device).transpose(1, 2))
    difference = (whole - (marked(z[:20]) - vae.shift) / vae.scale).pow(2).mean().item()
    loop.save(run / "vae.pt", average=vae.state_dict())
    loop.log(run, stage="encode", difference_to_whole_encoder=difference)


@torch.no_grad()
def main(a):
    run, device = Path(a.run), a.device
    vae = VideoVAE().to(device)
    if not (run / "vae.pt").exists():
        start_temporal(vae, run, device, a.clips)
    vae.load_state_dict(loop.load(run / "vae.pt")["average"])
    for split, count, frames in (("image", a.images, 1), ("train", a.train, 17), ("long", a.long, 51)):
        target = run / f"latents_{split}.pt"
        if a.split not in (None, split) or target.exists():
            continue
        latents, objects, captions, batch = [], [], [], max(1, 64 // frames)
        for start in range(0, count, batch):
            numbers = range(a.first + start, a.first + min(start + batch, count))
            wanted = dict(frames=frames, split=split, only=keyframes(frames), freedom=a.freedom)
            clips = [world.make_clip(i, **wanted) for i in numbers]
            video = torch.from_numpy(np.stack([clip.frames for clip in clips]))
            with torch.autocast(device, torch.bfloat16):
                z = vae.spatial_encode(to_float(video, device).transpose(1, 2)).float()
            latents.append(((marked(z) - vae.shift) / vae.scale).half().cpu())
            objects.append(object_mask(clips, z.shape[-1]))
            captions += [clip.caption for clip in clips]
        loop.save(target, latents=torch.cat(latents), objects=torch.cat(objects), captions=captions)
        loop.log(run, stage="encode", split=split, count=count, freedom=a.freedom)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", required=True, help="folder for checkpoints, caches and logs")
    parser.add_argument("--clips", type=int, default=1000, help="rendered clips that the VAE is started on")
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--train", type=int, default=10000)
    parser.add_argument("--long", type=int, default=500)
    parser.add_argument("--first", type=int, default=0, help="number of the first clip of each split")
    parser.add_argument("--freedom", type=float, default=1.0)
    parser.add_argument("--split", help="encode only this one: image, train or long")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    main(parser.parse_args())
