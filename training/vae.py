"""The Open-Sora 1.2 video VAE in plain PyTorch: spatial AutoencoderKL (per frame) around a causal
temporal VAE (4x in time).

Parameter names are those of the published `OpenSoraVAE_V1_2` checkpoint: `spatial_vae.module.*`
(diffusers names), `temporal_vae.*`, `scale`, `shift`. References: hpcaitech/Open-Sora v1.2.0
opensora/models/vae/{vae,vae_temporal}.py and diffusers 0.27 AutoencoderKL. All sizes come from the
configs, so the same code is the published 390 M parameter VAE and our small one; `check_golden.py`
compares it with the originals.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

SCALING_FACTOR = 0.18215  # Stable Diffusion 1.5's factor, as in the original
# what the demo's temporal encoder adds to the first latent frame of a chunk: see mark_first
FIRST_FRAME_MARK = 1.0

DEMO_SPATIAL = dict(
    block_out_channels=[16, 32, 32], layers_per_block=1, norm_num_groups=8, latent_channels=4
)
DEMO_TEMPORAL = dict(
    in_out_channels=4,
    latent_embed_dim=4,
    embed_dim=4,
    filters=16,
    num_res_blocks=1,
    channel_multipliers=[1, 2, 2, 4],
    temporal_downsample=[False, True, True],
    num_groups=4,
)


# --------------------------------------------------------------------------------------------- spatial VAE


class ResnetBlock(nn.Module):
    def __init__(self, channels_in, channels_out, groups):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, channels_in, eps=1e-6)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.norm2 = nn.GroupNorm(groups, channels_out, eps=1e-6)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        if channels_in != channels_out:
            self.conv_shortcut = nn.Conv2d(channels_in, channels_out, 1)

    def forward(self, x):
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h)))
        return h + (self.conv_shortcut(x) if hasattr(self, "conv_shortcut") else x)


class MidAttention(nn.Module):
    """One head over all H*W positions."""

    def __init__(self, channels, groups):
        super().__init__()
        self.group_norm = nn.GroupNorm(groups, channels, eps=1e-6)
        self.to_q, self.to_k, self.to_v = (nn.Linear(channels, channels) for _ in range(3))
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def forward(self, x):
        b, c, h, w = x.shape
        tokens = self.group_norm(x).flatten(2).transpose(1, 2)[:, None]
        out = F.scaled_dot_product_attention(self.to_q(tokens), self.to_k(tokens), self.to_v(tokens))
        return x + self.to_out[0](out)[:, 0].transpose(1, 2).reshape(b, c, h, w)


class MidBlock(nn.Module):
    def __init__(self, channels, groups):
        super().__init__()
        self.resnets = nn.ModuleList([ResnetBlock(channels, channels, groups) for _ in range(2)])
        self.attentions = nn.ModuleList([MidAttention(channels, groups)])

    def forward(self, x):
        return self.resnets[1](self.attentions[0](self.resnets[0](x)))


class Resample(nn.Module):
    """Downsample: zero-pad right and bottom, stride 2. Upsample: nearest 2x, then the convolution."""

    def __init__(self, channels, down):
        super().__init__()
        self.down = down
        self.conv = nn.Conv2d(channels, channels, 3, stride=2 if down else 1, padding=0 if down else 1)

    def forward(self, x):
        return self.conv(
            F.pad(x, (0, 1, 0, 1)) if self.down else F.interpolate(x, scale_factor=2.0, mode="nearest")
        )


class Stage(nn.Module):
    """One resolution: residual blocks, then (but for the last stage) a resampler."""

    def __init__(self, channels_in, channels_out, layers, groups, down, resample):
        super().__init__()
        self.resnets = nn.ModuleList(
            [
                ResnetBlock(channels_in if i == 0 else channels_out, channels_out, groups)
                for i in range(layers)
            ]
        )
        if resample:
            setattr(
                self, "downsamplers" if down else "upsamplers", nn.ModuleList([Resample(channels_out, down)])
            )

    def forward(self, x):
        for block in self.resnets:
            x = block(x)
        for block in getattr(self, "downsamplers", getattr(self, "upsamplers", [])):
            x = block(x)
        return x


class SpatialEncoder(nn.Module):
    def __init__(self, channels, layers, groups, latent):
        super().__init__()
        self.conv_in = nn.Conv2d(3, channels[0], 3, padding=1)
        self.down_blocks = nn.ModuleList(
            [
                Stage(channels[max(i - 1, 0)], c, layers, groups, True, i < len(channels) - 1)
                for i, c in enumerate(channels)
            ]
        )
        self.mid_block = MidBlock(channels[-1], groups)
        self.conv_norm_out = nn.GroupNorm(groups, channels[-1], eps=1e-6)
        self.conv_out = nn.Conv2d(channels[-1], 2 * latent, 3, padding=1)

    def forward(self, x):
        x = self.conv_in(x)
        for block in self.down_blocks:
            x = block(x)
        return self.conv_out(F.silu(self.conv_norm_out(self.mid_block(x))))


class SpatialDecoder(nn.Module):
    def __init__(self, channels, layers, groups, latent):
        super().__init__()
        reversed_channels = channels[::-1]
        self.conv_in = nn.Conv2d(latent, reversed_channels[0], 3, padding=1)
        self.mid_block = MidBlock(reversed_channels[0], groups)
        self.up_blocks = nn.ModuleList(
            [
                Stage(reversed_channels[max(i - 1, 0)], c, layers + 1, groups, False, i < len(channels) - 1)
                for i, c in enumerate(reversed_channels)
            ]
        )
        self.conv_norm_out = nn.GroupNorm(groups, channels[0], eps=1e-6)
        self.conv_out = nn.Conv2d(channels[0], 3, 3, padding=1)

    def forward(self, z):
        x = self.mid_block(self.conv_in(z))
        for block in self.up_blocks:
            x = block(x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class AutoencoderKL(nn.Module):
    def __init__(self, block_out_channels, layers_per_block, norm_num_groups, latent_channels, **_):
        super().__init__()
        arguments = (block_out_channels, layers_per_block, norm_num_groups, latent_channels)
        self.encoder, self.decoder = SpatialEncoder(*arguments), SpatialDecoder(*arguments)
        self.quant_conv = nn.Conv2d(2 * latent_channels, 2 * latent_channels, 1)
        self.post_quant_conv = nn.Conv2d(latent_channels, latent_channels, 1)

    def encode(self, image):  # [N,3,H,W] in [-1,1] -> mean, logvar
        return self.quant_conv(self.encoder(image)).chunk(2, 1)

    def decode(self, z):
        return self.decoder(self.post_quant_conv(z))


# -------------------------------------------------------------------------------------------- temporal VAE


class CausalConv3d(nn.Module):
    """Zero padding in time at the front only, in space on all sides."""

    def __init__(self, channels_in, channels_out, kernel, time_stride=1, bias=True):
        super().__init__()
        self.padding = (kernel // 2,) * 4 + (kernel - 1 + (1 - time_stride), 0)
        self.conv = nn.Conv3d(channels_in, channels_out, kernel, stride=(time_stride, 1, 1), bias=bias)

    def forward(self, x):
        return self.conv(F.pad(x, self.padding))


class ResBlock3d(nn.Module):
    def __init__(self, channels_in, channels_out, groups):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, channels_in)
        self.conv1 = CausalConv3d(channels_in, channels_out, 3, bias=False)
        self.norm2 = nn.GroupNorm(groups, channels_out)
        self.conv2 = CausalConv3d(channels_out, channels_out, 3, bias=False)
        if channels_in != channels_out:
            self.conv3 = CausalConv3d(channels_in, channels_out, 1, bias=False)

    def forward(self, x):
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h)))
        return h + (self.conv3(x) if hasattr(self, "conv3") else x)


class TemporalEncoder(nn.Module):
    def __init__(self, channels, latent, filters, multipliers, downsample, blocks, groups):
        super().__init__()
        self.conv_in = CausalConv3d(channels, filters, 3, bias=False)
        self.block_res_blocks, self.conv_blocks, width = nn.ModuleList(), nn.ModuleList(), filters
        for i, multiplier in enumerate(multipliers):
            out = filters * multiplier
            self.block_res_blocks.append(
                nn.ModuleList([ResBlock3d(width if j == 0 else out, out, groups) for j in range(blocks)])
            )
            width = out
            if i < len(multipliers) - 1:
                self.conv_blocks.append(
                    CausalConv3d(width, width, 3, time_stride=2) if downsample[i] else nn.Identity()
                )
        self.res_blocks = nn.ModuleList([ResBlock3d(width, width, groups) for _ in range(blocks)])
        self.norm1 = nn.GroupNorm(groups, width)
        self.conv2 = CausalConv3d(width, latent, 1)

    def forward(self, x):
        x = self.conv_in(x)
        for i, blocks in enumerate(self.block_res_blocks):
            for block in blocks:
                x = block(x)
            if i < len(self.conv_blocks):
                x = self.conv_blocks[i](x)
        for block in self.res_blocks:
            x = block(x)
        return self.conv2(F.silu(self.norm1(x)))


class TemporalDecoder(nn.Module):
    def __init__(self, channels, latent, filters, multipliers, downsample, blocks, groups):
        super().__init__()
        width = filters * multipliers[-1]
        self.conv1 = CausalConv3d(latent, width, 3)
        self.res_blocks = nn.ModuleList([ResBlock3d(width, width, groups) for _ in range(blocks)])
        stages, ups = [], []
        for i in reversed(range(len(multipliers))):
            out = filters * multipliers[i]
            stages.insert(
                0, nn.ModuleList([ResBlock3d(width if j == 0 else out, out, groups) for j in range(blocks)])
            )
            width = out
            if i > 0:
                ups.insert(0, CausalConv3d(width, 2 * width, 3) if downsample[i - 1] else nn.Identity())
        self.block_res_blocks, self.conv_blocks = nn.ModuleList(stages), nn.ModuleList(ups)
        self.norm1 = nn.GroupNorm(groups, width)
        self.conv_out = CausalConv3d(width, channels, 3)

    def forward(self, z):
        x = self.conv1(z)
        for block in self.res_blocks:
            x = block(x)
        for i in reversed(range(len(self.block_res_blocks))):
            for block in self.block_res_blocks[i]:
                x = block(x)
            if i > 0 and isinstance(self.conv_blocks[i - 1], CausalConv3d):
                x = self.conv_blocks[i - 1](
                    x
                )  # depth to time: channel c*2+s of frame t becomes channel c of frame 2t+s
                b, c, t, h, w = x.shape
                x = x.view(b, c // 2, 2, t, h, w).transpose(2, 3).reshape(b, c // 2, 2 * t, h, w)
        return self.conv_out(F.silu(self.norm1(x)))


class VAE_Temporal(nn.Module):
    def __init__(
        self,
        in_out_channels,
        latent_embed_dim,
        embed_dim,
        filters,
        num_res_blocks,
        channel_multipliers,
        temporal_downsample,
        num_groups,
        **_,
    ):
        super().__init__()
        shared = (filters, channel_multipliers, temporal_downsample, num_res_blocks, num_groups)
        self.time_factor = 2 ** sum(temporal_downsample)
        self.encoder = TemporalEncoder(in_out_channels, 2 * latent_embed_dim, *shared)
        self.decoder = TemporalDecoder(in_out_channels, latent_embed_dim, *shared)
        self.quant_conv = CausalConv3d(2 * latent_embed_dim, 2 * embed_dim, 1)
        self.post_quant_conv = CausalConv3d(embed_dim, latent_embed_dim, 1)

    def encode(self, x):  # [B,C,F,H,W] -> mean, logvar; frames are padded at the front to a multiple of 4
        x = F.pad(x, (0, 0, 0, 0, -x.shape[2] % self.time_factor, 0))
        return self.quant_conv(self.encoder(x)).chunk(2, 1)

    def decode(self, z, frames):
        return self.decoder(self.post_quant_conv(z))[:, :, -frames % self.time_factor :]


# ---------------------------------------------------------------------------------------------------- both


class SpatialWrapper(nn.Module):  # gives the checkpoint's prefix "spatial_vae.module."
    def __init__(self, config):
        super().__init__()
        self.module = AutoencoderKL(**config)


class VideoVAE(nn.Module):
    def __init__(self, spatial=None, temporal=None, micro_frame_size=17):
        super().__init__()
        self.spatial_config, self.temporal_config = spatial or DEMO_SPATIAL, temporal or DEMO_TEMPORAL
        self.spatial_vae = SpatialWrapper(self.spatial_config)
        self.temporal_vae = VAE_Temporal(**self.temporal_config)
        self.micro_frame_size = micro_frame_size
        self.micro_latent_size = -(-micro_frame_size // self.temporal_vae.time_factor)
        self.register_buffer("scale", torch.ones(1, 4, 1, 1, 1))
        self.register_buffer("shift", torch.zeros(1, 4, 1, 1, 1))

    def spatial_encode(self, video, sample=False):  # [B,3,F,H,W] in [-1,1] -> [B,4,F,h,w]
        b, _, f = video.shape[:3]
        mean, logvar = self.spatial_vae.module.encode(video.transpose(1, 2).flatten(0, 1))
        z = mean + torch.randn_like(mean) * (0.5 * logvar.clamp(-30, 20)).exp() if sample else mean
        return (z * SCALING_FACTOR).unflatten(0, (b, f)).transpose(1, 2)

    def spatial_decode(self, x):
        b, _, f = x.shape[:3]
        return (
            self.spatial_vae.module.decode((x / SCALING_FACTOR).transpose(1, 2).flatten(0, 1))
            .unflatten(0, (b, f))
            .transpose(1, 2)
        )

    def encode(self, video, sample=False):
        """[B,3,F,H,W] in [-1,1] -> normalised latents [B,4,T,h,w]; chunks of 17 frames are independent."""
        parts = []
        for chunk in self.spatial_encode(video, sample).split(self.micro_frame_size, 2):
            mean, logvar = self.temporal_vae.encode(chunk)
            parts.append(
                mean + torch.randn_like(mean) * (0.5 * logvar.clamp(-30, 20)).exp() if sample else mean
            )
        return (torch.cat(parts, 2) - self.shift) / self.scale

    def decode(self, z, frames):
        z = z * self.scale + self.shift
        parts = []
        for chunk in z.split(self.micro_latent_size, 2):
            parts.append(self.temporal_vae.decode(chunk, min(self.micro_frame_size, frames)))
            frames -= self.micro_frame_size
        return self.spatial_decode(torch.cat(parts, 2))


# ------------------------------------------------------------------------------------------ initialisation


@torch.no_grad()
def keyframe_start(vae, constant=16.0):
    """Start the demo's temporal VAE as an exact linear codec: the latent is every fourth frame (frames
    0, 4, 8 ...), the decoder fades between neighbours.

    From there training only has to learn to move things instead of fading them; from random weights it
    took 20 minutes to get less far than this start. Residual branches begin at zero. The closing
    GroupNorm + SiLU pass numbers through unchanged by carrying u and -u (silu(u) - silu(-u) = u) beside
    channels of +-`constant`, which fix the group's mean at 0 and its deviation almost.
    """
    temporal, n = vae.temporal_vae, 4
    encoder, decoder = temporal.encoder, temporal.decoder
    for coder in (encoder, decoder):
        for module in coder.modules():
            if isinstance(module, ResBlock3d):
                module.conv2.conv.weight.zero_()

    def rows(layer, out, source, taps):
        """Output channel out[i] is a fixed mix over time of input channel source[i]; taps are the
        weights of the last kernel frames at the spatial centre."""
        weight, centre = layer.conv.weight, layer.conv.weight.shape[3] // 2
        for o, s in zip(out, source):
            weight[o].zero_()
            weight[o, abs(s), -len(taps) :, centre, centre] = torch.tensor(taps) * (-1.0 if s < 0 else 1.0)
            if layer.conv.bias is not None:
                layer.conv.bias[o] = 0

    def constants(layer, positive, negative):
        for channels, value in ((positive, constant), (negative, -constant)):
            layer.conv.weight[channels].zero_()
            layer.conv.bias[channels] = value

    def pairs(layer, norm, plus, minus):
        """Spread the numbers over the groups as u, -u, +constant, -constant, ... and set the norm so
        that it gives u back (mean square of u: 1)."""
        layer.conv.weight.zero_()
        width = len(norm.weight) // n
        for i in range(n):
            for j in range(width):
                channel, value = (i, (1.0, -1.0)[j]) if j < 2 else ((plus, minus)[j % 2], 1.0)
                layer.conv.weight[i * width + j, channel] = value
        norm.weight.fill_(((2 + (width - 2) * constant**2) / width) ** 0.5)
        norm.bias.zero_()
        return [i * width for i in range(n)]

    first = range(n)
    rows(encoder.conv_in, first, first, [1.0])
    rows(encoder.block_res_blocks[1][0].conv3, first, first, [1.0])
    rows(encoder.conv_blocks[1], first, first, [1.0])
    rows(encoder.conv_blocks[2], first, first, [1.0])
    width = len(encoder.conv_blocks[2].conv.bias)
    constants(encoder.conv_blocks[2], [width - 2], [width - 1])
    start = pairs(encoder.block_res_blocks[3][0].conv3, encoder.norm1, width - 2, width - 1)
    encoder.conv2.conv.weight.zero_()
    encoder.conv2.conv.bias.zero_()
    for i, channel in enumerate(start):
        encoder.conv2.conv.weight[i, channel], encoder.conv2.conv.weight[i, channel + 1] = 1.0, -1.0
    temporal.quant_conv.conv.weight.zero_()
    temporal.quant_conv.conv.bias.zero_()
    rows(temporal.quant_conv, first, first, [1.0])
    temporal.quant_conv.conv.bias[n:] = -6.0  # little posterior noise at first

    rows(temporal.post_quant_conv, first, first, [1.0])
    rows(decoder.conv1, first, first, [1.0])
    for layer in (
        decoder.conv_blocks[2],
        decoder.conv_blocks[1],
    ):  # frame 2t: halfway to the one before; frame 2t+1: the frame itself
        rows(layer, [2 * i for i in first], first, [0.5, 0.5])
        rows(layer, [2 * i + 1 for i in first], first, [1.0])
    rows(decoder.block_res_blocks[2][0].conv3, first, first, [1.0])
    width = len(decoder.conv_blocks[1].conv.bias) // 2
    constants(decoder.conv_blocks[1], [2 * width - 4, 2 * width - 3], [2 * width - 2, 2 * width - 1])
    start = pairs(decoder.block_res_blocks[0][0].conv3, decoder.norm1, width - 2, width - 1)
    decoder.conv_out.conv.weight.zero_()
    decoder.conv_out.conv.bias.zero_()
    for i, channel in enumerate(start):
        (
            decoder.conv_out.conv.weight[i, channel, 2, 1, 1],
            decoder.conv_out.conv.weight[i, channel + 1, 2, 1, 1],
        ) = 1.0, -1.0


@torch.no_grad()
def mark_first(vae, offset=FIRST_FRAME_MARK, channel=8):
    """Adds `offset` to the first latent frame of every chunk that the encoder of `keyframe_start` gives.

    STDiT3 knows time by relative positions alone, and attention over frames of equal statistics cannot
    tell which of them is the first. The original's latents tell: its first one is made of one frame and
    three of padding. Here a channel of ones in the second-last stage does it: the next stage's causal
    padding makes it zero before the first frame only. The decoder has to learn to take the offset away.
    """
    ones, closing = (
        vae.temporal_vae.encoder.conv_blocks[1].conv,
        vae.temporal_vae.encoder.conv_blocks[2].conv,
    )
    ones.weight[channel].zero_()
    ones.bias[channel] = 1.0
    closing.weight[:4, channel].zero_()
    closing.weight[:4, channel, 0, 1, 1] = -offset
    closing.bias[:4] = offset
