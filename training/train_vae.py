"""Trains the two VAEs of the demo model and encodes the corpus. Stages, in order:

    python train_vae.py spatial  --run RUN --minutes 6     # per-frame AutoencoderKL on rendered frames
    python train_vae.py encode   --run RUN                 # measures scale/shift, then caches latents of clips, images and long clips as fp16
    python train_vae.py temporal --run RUN --minutes 15    # both decoders: the temporal one learns to move what it fades at first

The temporal encoder keeps its exact start (`vae.keyframe_start`: a latent is every fourth frame), so the latents are fixed before the decoders are trained and the
transformer can train at the same time. Each stage resumes from RUN/vae_<stage>.pt. Losses: L1 + 2 L2 + 0.5 gradient difference + small KL, no adversary (the world
has no texture).
"""
import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import loop
import world
from vae import FIRST_FRAME_MARK, SCALING_FACTOR, ResBlock3d, VideoVAE, keyframe_start, mark_first


def corpus(folder, clips):
    """uint8 [clips, 17, 64, 64, 3]; one clip in ten from the full world, so that the VAE is not tied to the demo vocabulary."""
    path = Path(folder) / "frames.npy"
    if not path.exists():
        rendered = [world.make_clip(i, world.WORLDS["full" if i % 10 == 0 else "demo"])[0] for i in range(clips)]
        np.save(path, np.stack(rendered))
    return torch.from_numpy(np.load(path, mmap_mode=None))


def to_float(frames, device):  # uint8 [..., H, W, 3] -> [-1, 1] channels first
    return frames.to(device).movedim(-1, -3).float() / 127.5 - 1


def psnr(a, b):
    return (-10 * torch.log10(((a.clamp(-1, 1) - b) / 2).pow(2).flatten(1).mean(1))).mean().item()


def pixel_loss(output, target):
    dx = (output - target).diff(dim=-1).abs().mean()
    dy = (output - target).diff(dim=-2).abs().mean()
    return F.l1_loss(output, target) + 2 * F.mse_loss(output, target) + 0.5 * (dx + dy)


def sampled(mean, logvar):
    mean, logvar = mean.float(), logvar.float().clamp(-20, 10)
    kl = 0.5 * (mean ** 2 + logvar.exp() - 1 - logvar).mean()
    return mean + torch.randn_like(mean) * (0.5 * logvar).exp(), kl


@torch.no_grad()
def normalise_spatial(module, frames, device):
    """Fold a per-channel affine map into the 1x1 convolutions so that latents * 0.18215 have zero mean and unit variance (as Stable Diffusion's nearly have)."""
    means = torch.cat([module.encode(to_float(part, device))[0] for part in frames[:, 0].split(64)])
    scale, shift = means.std((0, 2, 3)) * SCALING_FACTOR, means.mean((0, 2, 3))
    quant, post, n = module.quant_conv, module.post_quant_conv, len(scale)
    quant.bias[:n] = (quant.bias[:n] - shift) / scale
    quant.weight[:n] /= scale[:, None, None, None]
    quant.bias[n:] -= 2 * scale.log()
    post.bias += (post.weight[:, :, 0, 0] * shift).sum(1)
    post.weight *= scale[None, :, None, None]


def train(arguments):
    device, run = arguments.device, arguments.run
    frames = corpus(run, arguments.clips)
    vae = VideoVAE().to(device)
    checkpoint_path = Path(run) / f"vae_{arguments.stage}.pt"
    if arguments.stage == "temporal":
        vae.load_state_dict(loop.load(Path(run) / "vae.pt")["average"])
    spatial, temporal = vae.spatial_vae.module, vae.temporal_vae
    trained = {"spatial": [spatial], "temporal": [spatial.decoder, spatial.post_quant_conv, temporal.decoder, temporal.post_quant_conv]}[arguments.stage]
    vae.requires_grad_(False)
    parameters = [p.requires_grad_(True) for m in trained for p in m.parameters()]
    # The temporal decoder starts exact, and AdamW's equal step for each of a kernel's 1728 inputs would destroy that: its residual branches are trained with Muon,
    # whose steps have a bounded spectral norm, and what carries the start with a small rate.
    muon = [m.conv.weight for block in temporal.decoder.modules() if isinstance(block, ResBlock3d) for m in (block.conv1, block.conv2)] * (arguments.stage == "temporal")
    momentum, by_muon, carrier = [torch.zeros_like(p) for p in muon], {id(p) for p in muon}, {id(p) for p in temporal.parameters()}
    groups = [dict(params=[p for p in parameters if id(p) not in by_muon and (id(p) in carrier) == slow], share=0.1 if slow else 1.0) for slow in (False, True)]
    optimiser = torch.optim.AdamW([g for g in groups if g["params"]], lr=arguments.rate, betas=(0.9, 0.95), weight_decay=0.0)
    average, step, spent = loop.Average(vae, 0.995), 0, 0.0
    if arguments.stage == "spatial":
        with torch.no_grad():  # start with little posterior noise: at deviation 1 the first steps go into drowning it out
            spatial.quant_conv.weight[4:] = 0
            spatial.quant_conv.bias[4:] = -5
    saved = loop.load(checkpoint_path)
    if saved:
        vae.load_state_dict(saved["model"]), optimiser.load_state_dict(saved["optimiser"])
        momentum = saved.get("momentum", momentum)
        average.state, step, spent = saved["average"], saved["step"], saved["spent"]
    schedule = loop.Schedule(run, arguments.minutes, decay=0.5, warmup=100, spent=spent)
    test = torch.from_numpy(np.stack([world.make_clip(i, split="evaluation")[0] for i in range(24)]))

    if arguments.stage == "temporal" and not (Path(run) / "spatial_latents.pt").exists():
        with torch.no_grad():
            latents = torch.cat([vae.spatial_encode(to_float(part, device).transpose(1, 2)).half().cpu() for part in frames.split(16)])
        torch.save(latents, Path(run) / "spatial_latents.pt")
    latents = torch.load(Path(run) / "spatial_latents.pt") if arguments.stage == "temporal" else None

    @torch.no_grad()
    def measure():
        live = {k: v.clone() for k, v in vae.state_dict().items()}
        vae.load_state_dict(average.state)
        video = to_float(test, device).transpose(1, 2)
        if arguments.stage == "spatial":
            result = psnr(vae.spatial_decode(vae.spatial_encode(video)), video)
        else:
            result = psnr(torch.cat([vae.decode(vae.encode(part), 17) for part in video.split(8)]), video)
        vae.load_state_dict(live)
        return result

    def spatial_step():
        pick = torch.randint(len(frames), (32,)), torch.randint(17, (32,))
        image = to_float(frames[pick], device)
        with torch.autocast(device, torch.bfloat16):
            z, kl = sampled(*spatial.encode(image))
            output = spatial.decode(z)
        return pixel_loss(output.float(), image) + 1e-4 * kl

    def temporal_step():
        pick = torch.randint(len(frames), (2,))  # a clip has 1280 latent positions: many small steps beat few large ones
        x = latents[pick].float().to(device)
        if step % 8 == 7:  # single images are decoded alone
            first = torch.randint(17, (1,)).item()
            x = x[:, :, first:first + 1]
        else:
            first = 0
        length = x.shape[2]
        z = marked(x[:, :, ::4])  # what the encoder gives
        with torch.autocast(device, torch.bfloat16):
            output = temporal.decode(z + 0.03 * torch.randn_like(z), length).float()
            latent_loss = 0.3 * (F.l1_loss(output, x) + F.mse_loss(output, x))
            if step % 2:  # every other step the spatial decoder alone, on exact latents of single frames
                pick = torch.randint(len(frames), (6,)), torch.randint(17, (6,))
                decoded = spatial.decode(latents[pick[0], :, pick[1]].float().to(device) / SCALING_FACTOR).float()
                return latent_loss + pixel_loss(decoded, to_float(frames[pick], device))
            chosen = torch.randint(length, (len(pick), 3 if length > 1 else 1))  # the pixel loss sees a few frames of each clip
            some = output.transpose(1, 2)[torch.arange(len(pick))[:, None], chosen].flatten(0, 1)
            decoded = spatial.decode(some / SCALING_FACTOR).float()
        target = to_float(frames[pick[:, None], chosen + first].flatten(0, 1), device)
        return latent_loss + pixel_loss(decoded, target)

    one_step = {"spatial": spatial_step, "temporal": temporal_step}[arguments.stage]
    loop.log(run, stage=arguments.stage, arguments=vars(arguments), parameters=sum(p.numel() for p in parameters))
    torch.manual_seed(arguments.seed + step)
    running, next_log = None, schedule.spent
    while (factor := schedule.factor(step)) is not None:
        for group in optimiser.param_groups:
            group["lr"] = arguments.rate * factor * group["share"]
        loss = one_step()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        for p, m in zip(muon, momentum):
            m.mul_(0.95).add_(p.grad)
            p.data.add_(loop.orthogonalise((p.grad + 0.95 * m).flatten(1)).view_as(p), alpha=-0.015 * factor)
        average.update(step)
        running = loss.item() if running is None else 0.98 * running + 0.02 * loss.item()
        step += 1
        if schedule.spent >= next_log:
            loop.log(run, stage=arguments.stage, step=step, spent=schedule.spent, loss=running, psnr=measure())
            loop.save(checkpoint_path, model=vae.state_dict(), average=average.state, optimiser=optimiser.state_dict(), momentum=momentum, step=step, spent=schedule.spent)
            next_log = schedule.spent + 1.5
    vae.load_state_dict(average.state)
    if arguments.stage == "spatial" and not (saved or {}).get("finished"):
        normalise_spatial(spatial, frames, device)
        average.state = vae.state_dict()
    quality = measure()
    loop.log(run, stage=arguments.stage, step=step, spent=schedule.spent, psnr=quality, finished=True)
    loop.save(checkpoint_path, model=vae.state_dict(), average=vae.state_dict(), optimiser=optimiser.state_dict(), step=step, spent=schedule.spent, finished=True)
    if arguments.stage == "temporal":
        loop.save(Path(run) / "vae.pt", average=vae.state_dict(), psnr=quality)


def marked(latents, every=5, mark=FIRST_FRAME_MARK):
    """Key frames [N,4,T,h,w] as the encoder gives them: the first of each chunk is marked (`vae.mark_first`)."""
    latents = latents.clone()
    latents[:, :, ::every] += mark
    return latents


def keyframes(frames):
    """Frames that the temporal encoder keeps: 0, 4, 8, 12, 16 of each chunk of 17."""
    return [i for i in range(frames) if i % 17 % 4 == 0]


def object_mask(clips, side):
    """bool [N,1,T,side,side]: latent positions that see an object, one position of margin included"""
    frames = np.stack([clip for clip, _, _ in clips]).astype(np.float32) / 255
    plain = np.stack([world.background_image(scene.background) for _, _, scene in clips])[:, None]
    differs = torch.from_numpy(np.abs(frames - plain).max(-1) > 0.02).float()
    return F.max_pool2d(F.adaptive_max_pool2d(differs, side), 3, stride=1, padding=1).bool()[:, None]


@torch.no_grad()
def encode(arguments):
    """Caches (latents fp16 [N,4,T,16,16], where objects are, captions) of the training splits in RUN/latents_<split>.pt. Only the frames that the encoder keeps are rendered."""
    run, device = Path(arguments.run), arguments.device
    vae = VideoVAE().to(device)
    if not (run / "vae.pt").exists():
        vae.load_state_dict(loop.load(run / "vae_spatial.pt")["average"])
        keyframe_start(vae), mark_first(vae)
        video = corpus(run, arguments.clips)[:400]
        z = torch.cat([vae.spatial_encode(to_float(part[:, ::4], device).transpose(1, 2)) for part in video.split(20)])
        vae.scale.copy_(z.std((0, 2, 3, 4)).view(1, 4, 1, 1, 1)), vae.shift.copy_(z.mean((0, 2, 3, 4)).view(1, 4, 1, 1, 1))
        whole = vae.encode(to_float(video[:20], device).transpose(1, 2))
        loop.save(run / "vae.pt", average=vae.state_dict())
        loop.log(run, stage="encode", scale=vae.scale.flatten().tolist(), shift=vae.shift.flatten().tolist(),
                 difference_to_whole_encoder=(whole - (marked(z[:20]) - vae.shift) / vae.scale).pow(2).mean().item())
    vae.load_state_dict(loop.load(run / "vae.pt")["average"])
    for split, count, frames in (("image", arguments.images, 1), ("train", arguments.train, 17), ("long", arguments.long, 51)):
        if arguments.split not in (None, split) or (run / f"latents_{split}.pt").exists():
            continue
        latents, objects, captions, batch = [], [], [], max(1, 64 // frames)
        for start in range(0, count, batch):
            clips = [world.make_clip(i, frames=frames, split=split, only=keyframes(frames)) for i in range(start, min(start + batch, count))]
            video = to_float(torch.from_numpy(np.stack([c[0] for c in clips])), device).transpose(1, 2)
            with torch.autocast(device, torch.bfloat16):
                z = (marked(vae.spatial_encode(video).float()) - vae.shift) / vae.scale
            latents.append(z.half().cpu())
            objects.append(object_mask(clips, z.shape[-1]))
            captions += [c[1] for c in clips]
        loop.save(run / f"latents_{split}.pt", latents=torch.cat(latents), objects=torch.cat(objects), captions=captions)
        loop.log(run, stage="encode", split=split, count=count)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("stage", choices=["spatial", "encode", "temporal"])
    parser.add_argument("--run", required=True, help="folder for checkpoints, caches and logs")
    parser.add_argument("--minutes", type=float, default=6)
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate (of AdamW; the temporal stage was run with 1e-3)")
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--train", type=int, default=3500)
    parser.add_argument("--long", type=int, default=100)
    parser.add_argument("--split", help="encode only this one: image, train or long")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    chosen = parser.parse_args()
    Path(chosen.run).mkdir(parents=True, exist_ok=True)
    (encode if chosen.stage == "encode" else train)(chosen)
