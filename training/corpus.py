"""The corpus of the video transformer: cached latents and captions, and the loss on them."""

from pathlib import Path

import torch

import loop

CAPTION_LENGTH = 24  # captions of two objects have up to 22 tokens; a fixed length keeps shapes constant
SPLITS = ("image", "train", "long")
HELD = {"image": 64, "train": 48, "long": 4}  # the last clips of each split are never trained on
OBJECT_WEIGHT = 4.0  # additional weight of latent positions that see an object
# of samples at times in [0.8, 1], half of them above 0.95, where the caption alone decides
EARLY_SHARE = 0.3
CLIP_RATE, IMAGE_RATE = 8.0, 120.0  # frames per second; a single image counts as 120


def balance(t):
    """Weight of the loss at times t, so that gradients of all times are about as large: errors are
    largest at both ends."""
    error = 0.05 + 0.25 * t**10 + 0.6 * (1 - t) ** 10
    return (0.1 / error).sqrt()


def random_times(count):
    t = torch.sigmoid(torch.randn(count) * 1.2 + 0.4)
    chance = torch.rand(count)
    t = torch.where(chance < 0.1, torch.rand(count), t)
    return torch.where(chance > 1 - EARLY_SHARE, 1 - 0.2 * torch.rand(count) ** 2, t).clamp(1e-4, 1)


class Corpus:
    def __init__(self, run, tokenizer, batch):
        """batch: clips per step; four times as many images, a third as many long clips"""
        self.latents, self.objects, self.tokens = {}, {}, {}
        self.batch = {"image": batch * 4, "train": batch, "long": max(1, batch // 3)}
        for split in SPLITS:
            saved = loop.load(Path(run) / f"latents_{split}.pt")
            if not saved:
                continue
            self.latents[split], self.objects[split] = saved["latents"], saved["objects"]
            self.tokens[split] = torch.zeros(len(saved["captions"]), CAPTION_LENGTH, dtype=torch.long)
            for row, text in enumerate(saved["captions"]):
                encoded = tokenizer.encode(text)
                self.tokens[split][row, : len(encoded)] = torch.tensor(encoded)

    def choose(self, image_share, long_share, images_only):
        """Which split the next batch comes from. While only images are trained, single frames of clips
        are among them, with the clip's caption and frame rate."""
        chance = torch.rand(()).item()
        if images_only:
            return "image" if chance < 0.3 else "train"
        if chance < image_share or "train" not in self.latents:
            return "image"
        return "long" if "long" in self.latents and chance > 1 - long_share else "train"

    def loss(self, stdit3, t5, split, pick, t, noise, drop, spatial_only=False):
        """Squared error of the velocity per sample at times t of the straight path from data (0) to
        noise (1): over all positions, and over those that see an object. An object covers a tenth of
        the frame, so the plain mean hardly notices its shape. drop: samples without caption, as
        guidance will use it."""
        device = t5.shared.weight.device
        x0 = self.latents[split][pick].float().to(device)
        objects = self.objects[split][pick].to(device)
        ids = self.tokens[split][pick].to(device)
        if noise.shape[2] < x0.shape[2]:
            rows, frame = torch.arange(len(x0)), torch.randint(x0.shape[2], (len(x0),))
            x0, objects = x0[rows, :, frame].unsqueeze(2), objects[rows, :, frame].unsqueeze(2)
        t, noise, drop = t.to(device), noise.to(device), drop.to(device)
        mask = (ids != 0).long()
        y = t5(ids, mask)
        null = stdit3.y_embedder.y_embedding[:CAPTION_LENGTH].to(y.dtype)
        y = torch.where(drop[:, None, None], null, y)
        weight = t.view(-1, 1, 1, 1, 1)
        rate = IMAGE_RATE if split == "image" else CLIP_RATE
        fps = torch.full((len(pick),), rate, device=device)
        z = (1 - weight) * x0 + weight * noise
        velocity = stdit3(z, 1000 * t, y, mask, fps, spatial_only=spatial_only)[:, :4]
        error = (velocity - (x0 - noise)).pow(2).mean(1, keepdim=True)
        return error.mean((1, 2, 3, 4)), (error * objects).mean((1, 2, 3, 4))

    def random_loss(self, stdit3, t5, split, spatial_only):
        n = self.batch["image" if spatial_only else split]
        pick = torch.randint(len(self.latents[split]) - HELD[split], (n,))
        t, drop = random_times(n), torch.rand(n) < 0.1
        noise = torch.randn(n, 4, 1 if spatial_only else self.latents[split].shape[2], 16, 16)
        everywhere, on_objects = self.loss(stdit3, t5, split, pick, t, noise, drop, spatial_only)
        return ((everywhere + OBJECT_WEIGHT * on_objects) * balance(t).to(everywhere.device)).mean()
