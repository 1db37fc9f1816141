"""Trains the two VAEs of the demo model. Stages, in order, with `encode.py` between them:

    python train_vae.py spatial  --run RUN --minutes 8     # per-frame AutoencoderKL on rendered frames
    python encode.py --run RUN                             # latents of the corpus
    python train_vae.py temporal --run RUN --minutes 15    # both decoders

The temporal encoder keeps its exact start (`vae.keyframe_start`: a latent is every fourth frame), so the
latents are fixed before the decoders are trained and the transformer can train at the same time.
RUN/vae.pt, where there is one, is what the spatial stage goes on from. Each stage resumes from
RUN/vae_<stage>.pt. Losses: L1 + 2 L2 + 0.5 gradient difference + small KL, no adversary.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import loop
import world
from vae import FIRST_FRAME_MARK, SCALING_FACTOR, ResBlock3d, VideoVAE


def corpus(folder, clips):
    """uint8 [clips,17,64,64,3]; one clip in ten from the full world, so that the VAE is not tied to the
    demo."""
    path = Path(folder) / "frames.npy"
    if not path.exists():
        worlds = [world.WORLDS["full" if i % 10 == 0 else "demo"] for i in range(clips)]
        np.save(path, np.stack([world.make_clip(i, which).frames for i, which in enumerate(worlds)]))
    return torch.from_numpy(np.load(path))


def to_float(frames, device):
    """uint8 [..., height, width, 3] to [-1,1], channels first"""
    return frames.to(device).movedim(-1, -3).float() / 127.5 - 1


def psnr(a, b):
    return (-10 * torch.log10(((a.clamp(-1, 1) - b) / 2).pow(2).flatten(1).mean(1))).mean().item()


def pixel_loss(output, target):
    dx = (output - target).diff(dim=-1).abs().mean()
    dy = (output - target).diff(dim=-2).abs().mean()
    return F.l1_loss(output, target) + 2 * F.mse_loss(output, target) + 0.5 * (dx + dy)


def marked(latents, every=5, mark=FIRST_FRAME_MARK):
    """Key frames [clips,4,times,h,w] as the encoder gives them: the first of each chunk is marked."""
    latents = latents.clone()
    latents[:, :, ::every] += mark
    return latents


def sampled(mean, logvar):
    mean, logvar = mean.float(), logvar.float().clamp(-20, 10)
    kl = 0.5 * (mean**2 + logvar.exp() - 1 - logvar).mean()
    return mean + torch.randn_like(mean) * (0.5 * logvar).exp(), kl


@torch.no_grad()
def normalise_spatial(module, frames, device):
    """Folds a per-channel affine map into the 1x1 convolutions so that latents * 0.18215 have zero mean
    and unit variance (as Stable Diffusion's nearly have)."""
    means = torch.cat([module.encode(to_float(part, device))[0] for part in frames[:, 0].split(64)])
    scale, shift = means.std((0, 2, 3)) * SCALING_FACTOR, means.mean((0, 2, 3))
    quant, post, n = module.quant_conv, module.post_quant_conv, len(scale)
    quant.bias[:n] = (quant.bias[:n] - shift) / scale
    quant.weight[:n] /= scale[:, None, None, None]
    quant.bias[n:] -= 2 * scale.log()
    post.bias += (post.weight[:, :, 0, 0] * shift).sum(1)
    post.weight *= scale[None, :, None, None]


@torch.no_grad()
def little_posterior_noise(spatial):
    """At deviation 1 the first steps would go into drowning the noise out."""
    spatial.quant_conv.weight[4:] = 0
    spatial.quant_conv.bias[4:] = -5


class SpatialStage:
    """Encoder and decoder of single frames."""

    def __init__(self, vae, frames, run, device):
        self.module, self.frames, self.device = vae.spatial_vae.module, frames, device
        self.trained, self.muon = [self.module], []

    def loss(self, step):
        pick = torch.randint(len(self.frames), (32,)), torch.randint(17, (32,))
        image = to_float(self.frames[pick], self.device)
        with torch.autocast(self.device, torch.bfloat16):
            z, kl = sampled(*self.module.encode(image))
            output = self.module.decode(z)
        return pixel_loss(output.float(), image) + 1e-4 * kl

    @staticmethod
    def quality(vae, video):
        return psnr(vae.spatial_decode(vae.spatial_encode(video)), video)


class TemporalStage:
    """Both decoders, on fixed latents.

    The temporal decoder starts exact, and AdamW's equal step for each of a kernel's 1728 inputs would
    destroy that: its residual branches are trained with Muon, whose steps have a bounded spectral norm,
    and what carries the start with a small rate.
    """

    def __init__(self, vae, frames, run, device):
        self.vae, self.frames, self.device = vae, frames, device
        spatial, temporal = vae.spatial_vae.module, vae.temporal_vae
        self.trained = [
            spatial.decoder,
            spatial.post_quant_conv,
            temporal.decoder,
            temporal.post_quant_conv,
        ]
        blocks = [block for block in temporal.decoder.modules() if isinstance(block, ResBlock3d)]
        self.muon = [m.conv.weight for block in blocks for m in (block.conv1, block.conv2)]
        path = Path(run) / "spatial_latents.pt"
        if not path.exists():
            with torch.no_grad():
                parts = [self.spatial_latents(part) for part in frames.split(16)]
            torch.save(torch.cat(parts), path)
        self.latents = torch.load(path)

    def spatial_latents(self, frames):
        return self.vae.spatial_encode(to_float(frames, self.device).transpose(1, 2)).half().cpu()

    def loss(self, step):
        pick = torch.randint(len(self.frames), (2,))  # a clip has 1280 latent positions: many small steps
        x = self.latents[pick].float().to(self.device)
        first = 0
        if step % 8 == 7:  # single images are decoded alone
            first = torch.randint(17, (1,)).item()
            x = x[:, :, first : first + 1]
        length = x.shape[2]
        z = marked(x[:, :, ::4])  # what the encoder gives
        # every other step the spatial decoder alone, on exact latents of single frames
        alone = step % 2 == 1
        with torch.autocast(self.device, torch.bfloat16):
            output = self.vae.temporal_vae.decode(z + 0.03 * torch.randn_like(z), length).float()
            if alone:
                clips, times = torch.randint(len(self.frames), (6,)), torch.randint(17, (6,))
                latents = self.latents[clips, :, times].float().to(self.device)
            else:  # the pixel loss sees a few frames of each clip
                times = torch.randint(length, (len(pick), 3 if length > 1 else 1))
                clips = pick[:, None].expand_as(times).flatten()
                latents = output.transpose(1, 2)[torch.arange(len(pick))[:, None], times].flatten(0, 1)
                times = times.flatten() + first
            decoded = self.vae.spatial_vae.module.decode(latents / SCALING_FACTOR).float()
        latent_loss = 0.3 * (F.l1_loss(output, x) + F.mse_loss(output, x))
        return latent_loss + pixel_loss(decoded, to_float(self.frames[clips, times], self.device))

    @staticmethod
    def quality(vae, video):
        return psnr(torch.cat([vae.decode(vae.encode(part), 17) for part in video.split(8)]), video)


STAGES = dict(spatial=SpatialStage, temporal=TemporalStage)


def main(a):
    device, run = a.device, Path(a.run)
    run.mkdir(parents=True, exist_ok=True)
    frames = corpus(run, a.clips)
    vae = VideoVAE().to(device)
    imported = loop.load(run / "vae.pt")
    if imported:
        vae.load_state_dict(imported["average"])
    elif a.stage == "spatial":
        little_posterior_noise(vae.spatial_vae.module)
    stage = STAGES[a.stage](vae, frames, run, device)
    vae.requires_grad_(False)
    parameters = [p.requires_grad_(True) for module in stage.trained for p in module.parameters()]
    momentum, by_muon = [torch.zeros_like(p) for p in stage.muon], {id(p) for p in stage.muon}
    carrier = {id(p) for p in vae.temporal_vae.parameters()}
    rest = [p for p in parameters if id(p) not in by_muon]
    groups = [
        dict(params=[p for p in rest if id(p) not in carrier], share=1.0),
        dict(params=[p for p in rest if id(p) in carrier], share=0.1),
    ]
    groups = [group for group in groups if group["params"]]
    optimiser = torch.optim.AdamW(groups, lr=a.rate, betas=(0.9, 0.95), weight_decay=0.0)
    average, step, spent = loop.Average(vae, 0.995), 0, 0.0
    checkpoint = run / f"vae_{a.stage}.pt"
    saved = loop.load(checkpoint)
    if saved:
        vae.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        momentum = saved.get("momentum", momentum)
        average.state, step, spent = saved["average"], saved["step"], saved["spent"]
    schedule = loop.Schedule(run, a.minutes, decay=0.5, warmup=100, spent=spent)
    test = np.stack([world.make_clip(i, split="evaluation").frames for i in range(40)])
    test = to_float(torch.from_numpy(test), device).transpose(1, 2)

    @torch.no_grad()
    def measure():
        live = {k: v.clone() for k, v in vae.state_dict().items()}
        vae.load_state_dict(average.state)
        result = stage.quality(vae, test)
        vae.load_state_dict(live)
        return result

    running, next_log = None, schedule.spent
    while (factor := schedule.factor(step)) is not None:
        for group in optimiser.param_groups:
            group["lr"] = a.rate * factor * group["share"]
        loss = stage.loss(step)
        optimiser.zero_grad()
        for p in stage.muon:
            p.grad = None
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        for p, m in zip(stage.muon, momentum):
            m.mul_(0.95).add_(p.grad)
            update = loop.orthogonalise((p.grad + 0.95 * m).flatten(1)).view_as(p)
            p.data.add_(update, alpha=-0.015 * factor)
        average.update(step)
        running = loss.item() if running is None else 0.98 * running + 0.02 * loss.item()
        step += 1
        if schedule.spent >= next_log:
            loop.log(run, stage=a.stage, step=step, spent=schedule.spent, loss=running, psnr=measure())
            loop.save(
                checkpoint,
                model=vae.state_dict(),
                average=average.state,
                optimiser=optimiser.state_dict(),
                momentum=momentum,
                step=step,
                spent=schedule.spent,
            )
            next_log = schedule.spent + 1.5
    vae.load_state_dict(average.state)
    if a.stage == "spatial" and not imported:
        normalise_spatial(vae.spatial_vae.module, frames, device)
    average.state = vae.state_dict()
    quality = measure()
    loop.log(run, stage=a.stage, step=step, spent=schedule.spent, psnr=quality, finished=True)
    loop.save(
        checkpoint,
        model=vae.state_dict(),
        average=vae.state_dict(),
        optimiser=optimiser.state_dict(),
        momentum=momentum,
        step=step,
        spent=schedule.spent,
    )
    if imported or a.stage == "temporal":
        loop.save(run / "vae.pt", average=vae.state_dict(), psnr=quality)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("stage", choices=list(STAGES))
    parser.add_argument("--run", required=True, help="folder for checkpoints, caches and logs")
    parser.add_argument("--minutes", type=float, default=6)
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate of AdamW")
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    main(parser.parse_args())
