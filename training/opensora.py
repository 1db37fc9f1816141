"""Open-Sora 1.2 in plain PyTorch: the STDiT3 video transformer, the T5 v1.1 text encoder and a word
tokenizer.

Parameter names and arithmetic are those of the published checkpoints (hpcaitech/Open-Sora v1.2.0
opensora/models/stdit/stdit3.py, transformers T5EncoderModel); `check_golden.py` compares outputs with
the originals. All sizes come from the configs. The dtype of the blocks follows the parameters: training
runs a bfloat16 copy of float32 master weights; embeddings of time and position are always computed in
float32.
"""

import json
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

DEMO_STDIT3 = dict(
    model_type="STDiT3",
    input_size=[None, None, None],
    input_sq_size=64,
    in_channels=4,
    patch_size=[1, 2, 2],
    hidden_size=256,
    depth=6,
    num_heads=4,
    mlp_ratio=4.0,
    class_dropout_prob=0.1,
    pred_sigma=True,
    drop_path=0.0,
    caption_channels=128,
    model_max_length=32,
    qk_norm=True,
)
DEMO_T5 = dict(
    model_type="t5",
    architectures=["T5EncoderModel"],
    vocab_size=64,
    d_model=128,
    d_kv=32,
    d_ff=256,
    num_heads=4,
    num_layers=2,
    feed_forward_proj="gated-gelu",
    relative_attention_num_buckets=32,
    relative_attention_max_distance=128,
    layer_norm_epsilon=1e-6,
    dropout_rate=0.0,
    pad_token_id=0,
    eos_token_id=1,
)


# -------------------------------------------------------------------------------------------------- STDiT3


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return F.rms_norm(x, x.shape[-1:], self.weight, 1e-6)


def modulate(x, shift, scale):
    return F.layer_norm(x, x.shape[-1:], eps=1e-6) * (1 + scale) + shift


def rotate(x, cosine, sine):  # interleaved pairs, as rotary_embedding_torch
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cosine - odd * sine, odd * cosine + even * sine], -1).flatten(-2)


def attend(q, k, v, bias=None):
    """Softmax attention written out: on CPU its backward is three to five times faster than
    scaled_dot_product_attention's at our sizes."""
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    return (scores if bias is None else scores + bias).softmax(-1) @ v


class Attention(nn.Module):
    def __init__(self, width, heads, qk_norm=True):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.q_norm, self.k_norm = (RMSNorm(width // heads) if qk_norm else nn.Identity() for _ in range(2))
        self.proj = nn.Linear(width, width)

    def forward(self, x, rope=None):  # [groups, tokens, width]
        groups, tokens, width = x.shape
        q, k, v = self.qkv(x).view(groups, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k = self.q_norm(q), self.k_norm(k)
        if rope is not None:
            q, k = rotate(q, *rope), rotate(k, *rope)
        return self.proj(attend(q, k, v).transpose(1, 2).reshape(groups, tokens, width))


@torch.no_grad()
def look_beside(attention, head, offset, frequencies, pairs=3, strength=2.5):
    """Biases one head to look at the frame `offset` after its own. Rotary positions are relative and all
    that a temporal block knows of time, so a frame can tell that it is the first only by not finding
    a predecessor; from unbiased heads, training takes very long to discover that."""
    width = attention.proj.weight.shape[0]
    q, k = (
        slice(part * width + head * len(frequencies) * 2, part * width + (head + 1) * len(frequencies) * 2)
        for part in (0, 1)
    )
    for part in (q, k):
        attention.qkv.weight[part] *= 0.5
    angle = frequencies[:pairs] * offset
    attention.qkv.bias[q][0 : 2 * pairs : 2], attention.qkv.bias[q][1 : 2 * pairs : 2] = (
        strength * angle.cos(),
        strength * angle.sin(),
    )
    attention.qkv.bias[k][0 : 2 * pairs : 2] = strength


class CrossAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.q_linear, self.kv_linear, self.proj = (
            nn.Linear(width, width),
            nn.Linear(width, 2 * width),
            nn.Linear(width, width),
        )

    def forward(
        self,
        x,
        y,
        bias,
        # bias [B,1,1,L]: -inf on padded caption tokens; the same as the original's packed block-diagonal
        # mask
    ):
        b, n, width = x.shape
        q = self.q_linear(x).view(b, n, self.heads, -1).transpose(1, 2)
        k, v = self.kv_linear(y).view(b, y.shape[1], 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        return self.proj(attend(q, k, v, bias).transpose(1, 2).reshape(b, n, width))


class MLP(nn.Module):
    def __init__(self, width_in, hidden, width_out):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width_in, hidden), nn.Linear(hidden, width_out)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))


class Block(nn.Module):
    """Self-attention (over space or over time), cross-attention, feed-forward; the last two letters of
    the paper's figure, three residuals."""

    def __init__(self, width, heads, ratio, qk_norm, temporal):
        super().__init__()
        self.temporal = temporal
        self.scale_shift_table = nn.Parameter(torch.randn(6, width) / width**0.5)
        self.attn, self.cross_attn = Attention(width, heads, qk_norm), CrossAttention(width, heads)
        self.mlp = MLP(width, int(width * ratio), width)

    def forward(self, x, y, bias, modulation, rope):
        """x [B,T,S,D]; modulation [B,T or 1,6,D]: shift, scale, gate for the attention, then for the
        MLP, possibly different per frame."""
        b, t, s, d = x.shape
        shift1, scale1, gate1, shift2, scale2, gate2 = (
            (self.scale_shift_table + modulation).unsqueeze(2).unbind(3)
        )
        h = modulate(x, shift1, scale1)
        if self.temporal:
            a = self.attn(h.transpose(1, 2).reshape(b * s, t, d), rope).view(b, s, t, d).transpose(1, 2)
        else:
            a = self.attn(h.view(b * t, s, d)).view(b, t, s, d)
        x = x + gate1 * a
        x = x + self.cross_attn(x.view(b, t * s, d), y, bias).view(b, t, s, d)
        return x + gate2 * self.mlp(modulate(x, shift2, scale2))


class Rope(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.freqs = nn.Parameter(10000 ** (-torch.arange(0, width, 2).float() / width), requires_grad=False)


class PatchEmbed(nn.Module):
    def __init__(self, channels, patch, width):
        super().__init__()
        self.proj = nn.Conv3d(channels, width, patch, stride=patch)


class ScalarEmbedder(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(256, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, value):
        angle = value.float()[:, None] * torch.exp(
            -math.log(10000) * torch.arange(128, device=value.device).float() / 128
        )
        return self.mlp(torch.cat([angle.cos(), angle.sin()], 1).to(self.mlp[0].weight.dtype))


class CaptionEmbedder(nn.Module):
    def __init__(self, channels, width, length):
        super().__init__()
        self.y_embedding = nn.Parameter(
            torch.randn(length, channels) / channels**0.5
        )  # the null caption; learnt here, a fixed buffer in the original
        self.y_proj = MLP(channels, width, width)


class FinalLayer(nn.Module):
    def __init__(self, width, out):
        super().__init__()
        self.scale_shift_table = nn.Parameter(torch.randn(2, width) / width**0.5)
        self.linear = nn.Linear(width, out)


class STDiT3(nn.Module):
    def __init__(self, config=None):
        super().__init__()
        self.config = config = config or DEMO_STDIT3
        d, heads, depth = config["hidden_size"], config["num_heads"], config["depth"]
        self.out_channels = config["in_channels"] * (2 if config["pred_sigma"] else 1)
        self.rope = Rope(d // heads)
        self.x_embedder = PatchEmbed(config["in_channels"], config["patch_size"], d)
        self.t_embedder, self.fps_embedder = ScalarEmbedder(d), ScalarEmbedder(d)
        self.t_block = nn.Sequential(nn.SiLU(), nn.Linear(d, 6 * d))
        self.y_embedder = CaptionEmbedder(config["caption_channels"], d, config["model_max_length"])

        def make(temporal):
            return nn.ModuleList(
                [Block(d, heads, config["mlp_ratio"], config["qk_norm"], temporal) for _ in range(depth)]
            )

        self.spatial_blocks, self.temporal_blocks = make(False), make(True)
        self.final_layer = FinalLayer(d, math.prod(config["patch_size"]) * self.out_channels)

    def initialise(self):
        """Training start: every temporal block and cross-attention begins as the identity, the velocity
        as zero."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        nn.init.normal_(self.t_block[1].weight, std=0.02)
        for embedder in (self.t_embedder, self.fps_embedder):
            nn.init.normal_(embedder.mlp[0].weight, std=0.02)
            nn.init.normal_(embedder.mlp[2].weight, std=0.02)
        zero = [self.final_layer.linear] + [
            b.cross_attn.proj for b in [*self.spatial_blocks, *self.temporal_blocks]
        ]
        zero += [layer for b in self.temporal_blocks for layer in (b.attn.proj, b.mlp.fc2)]
        for layer in zero:
            nn.init.zeros_(layer.weight)
        for i, block in enumerate(self.temporal_blocks):
            for head, offset in enumerate((-1, 1, -2, 2)[: 2 if i % 2 == 0 else 4]):
                look_beside(block.attn, head, offset, self.rope.freqs)

    def position(self, height, width, pixels):
        """Fixed 2-D sine/cosine embedding [height*width, D]: the first half encodes the column, the
        second the row."""
        d, device = self.config["hidden_size"], self.rope.freqs.device
        scale, base = math.sqrt(pixels) / self.config["input_sq_size"], round(math.sqrt(height * width))
        omega = 1.0 / 10000 ** (torch.arange(0, d // 2, 2, device=device).float() / (d // 2))
        halves = [
            (torch.arange(n, device=device).float() / scale * (base / n))[:, None] * omega
            for n in (width, height)
        ]
        column, row = (torch.cat([a.sin(), a.cos()], 1) for a in halves)
        return torch.cat(
            [column[None].expand(height, -1, -1), row[:, None].expand(-1, width, -1)], -1
        ).reshape(height * width, d)

    def forward(self, x, timestep, y, mask=None, fps=None, pixels=64 * 64, x_mask=None, spatial_only=False):
        """x [B,C,T,H,W]; timestep [B] in (0,1000]; y [B,L,caption_channels]; mask [B,L]; fps [B]; pixels
        = height*width of the video; x_mask [B,T]: False marks clean (condition) frames; spatial_only
        skips the temporal blocks (they start as the identity, so training on images before them costs
        half). Returns [B,8,T,H,W]; the first 4 channels are the velocity."""
        dtype = self.final_layer.linear.weight.dtype
        _, ph, pw = self.config["patch_size"]
        b, _, t, height, width = x.shape
        x = F.pad(x, (0, -width % pw, 0, -height % ph))
        hp, wp = x.shape[3] // ph, x.shape[4] // pw
        x = (
            x.view(b, -1, t, hp, ph, wp, pw)
            .permute(0, 2, 3, 5, 1, 4, 6)
            .reshape(b, t, hp * wp, -1)
            .to(dtype)
        )
        x = F.linear(x, self.x_embedder.proj.weight.flatten(1), self.x_embedder.proj.bias) + self.position(
            hp, wp, pixels
        ).to(dtype)

        fps_embedding = self.fps_embedder(fps)
        time = (self.t_embedder(timestep) + fps_embedding)[:, None]  # [B,1,D]
        modulation = self.t_block(time).unflatten(-1, (6, -1))
        if x_mask is not None:
            time0 = (self.t_embedder(torch.zeros_like(timestep)) + fps_embedding)[:, None]
            modulation = torch.where(
                x_mask.bool()[:, :, None, None], modulation, self.t_block(time0).unflatten(-1, (6, -1))
            )

        y = self.y_embedder.y_proj(y.to(dtype))
        bias = (
            None
            if mask is None
            else torch.zeros(mask.shape, dtype=dtype, device=y.device).masked_fill(mask == 0, -math.inf)[
                :, None, None
            ]
        )
        angle = torch.arange(t, device=x.device).float()[:, None] * self.rope.freqs.float()
        rope = angle.cos().to(dtype), angle.sin().to(dtype)
        for spatial, temporal in zip(self.spatial_blocks, self.temporal_blocks):
            x = spatial(x, y, bias, modulation, None)
            x = x if spatial_only else temporal(x, y, bias, modulation, rope)

        def finish(x, time):
            shift, scale = (
                (self.final_layer.scale_shift_table + time).unsqueeze(2).unsqueeze(2).unbind(3)
                if time.dim() == 4
                else (self.final_layer.scale_shift_table + time).chunk(2, 1)
            )
            return modulate(
                x,
                shift[:, None] if shift.dim() == 3 else shift,
                scale[:, None] if scale.dim() == 3 else scale,
            )

        out = finish(x, time)
        if x_mask is not None:  # the original normalises and modulates the clean frames twice
            out = torch.where(x_mask.bool()[:, :, None, None], out, finish(out, time0))
        out = self.final_layer.linear(out)
        out = (
            out.view(b, t, hp, wp, ph, pw, -1)
            .permute(0, 6, 1, 2, 4, 3, 5)
            .reshape(b, -1, t, hp * ph, wp * pw)
        )
        return out[..., :height, :width].float()


# ------------------------------------------------------------------------------------------------------ T5


class T5Attention(nn.Module):
    def __init__(self, config, has_bias):
        super().__init__()
        inner = config["num_heads"] * config["d_kv"]
        self.heads = config["num_heads"]
        self.q, self.k, self.v = (nn.Linear(config["d_model"], inner, bias=False) for _ in range(3))
        self.o = nn.Linear(inner, config["d_model"], bias=False)
        if has_bias:
            self.relative_attention_bias = nn.Embedding(
                config["relative_attention_num_buckets"], config["num_heads"]
            )

    def forward(self, x, bias):
        q, k, v = (
            layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for layer in (self.q, self.k, self.v)
        )
        return self.o(F.scaled_dot_product_attention(q, k, v, bias, scale=1.0).transpose(1, 2).flatten(2))


class T5Gated(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.wi_0, self.wi_1 = (nn.Linear(config["d_model"], config["d_ff"], bias=False) for _ in range(2))
        self.wo = nn.Linear(config["d_ff"], config["d_model"], bias=False)

    def forward(self, x):
        return self.wo(F.gelu(self.wi_0(x), approximate="tanh") * self.wi_1(x))


class T5Sublayer(nn.Module):
    def __init__(self, name, module, width):
        super().__init__()
        self.name = name
        setattr(self, name, module)
        self.layer_norm = RMSNorm(width)

    def forward(self, x, *rest):
        return x + getattr(self, self.name)(self.layer_norm(x), *rest)


class T5Encoder(nn.Module):
    def __init__(self, config=None):
        super().__init__()
        self.config = config = config or DEMO_T5
        self.shared = nn.Embedding(config["vocab_size"], config["d_model"])
        self.encoder = nn.Module()
        self.encoder.block = nn.ModuleList()
        for i in range(config["num_layers"]):
            block = nn.Module()
            block.layer = nn.ModuleList(
                [
                    T5Sublayer("SelfAttention", T5Attention(config, i == 0), config["d_model"]),
                    T5Sublayer("DenseReluDense", T5Gated(config), config["d_model"]),
                ]
            )
            self.encoder.block.append(block)
        self.encoder.final_layer_norm = RMSNorm(config["d_model"])

    def initialise(self):
        c = self.config
        nn.init.normal_(self.shared.weight, std=1.0)
        for block in self.encoder.block:
            attention, gated = block.layer[0].SelfAttention, block.layer[1].DenseReluDense
            nn.init.normal_(attention.q.weight, std=(c["d_model"] * c["d_kv"]) ** -0.5)
            for layer in (attention.k, attention.v, gated.wi_0, gated.wi_1):
                nn.init.normal_(layer.weight, std=c["d_model"] ** -0.5)
            for layer in (attention.o, gated.wo):
                nn.init.normal_(layer.weight, std=layer.weight.shape[1] ** -0.5)
        nn.init.normal_(
            self.encoder.block[0].layer[0].SelfAttention.relative_attention_bias.weight,
            std=c["d_model"] ** -0.5,
        )

    def buckets(self, length):
        half = self.config["relative_attention_num_buckets"] // 2
        relative = torch.arange(length)[None] - torch.arange(length)[:, None]  # key - query
        distance, exact = relative.abs(), half // 2
        far = (
            exact
            + (
                torch.log(distance.float().clamp(min=1) / exact)
                / math.log(self.config["relative_attention_max_distance"] / exact)
                * (half - exact)
            ).long()
        )
        return torch.where(relative > 0, half, 0) + torch.where(
            distance < exact, distance, far.clamp(max=half - 1)
        )

    def forward(self, ids, mask):  # [B,L] -> [B,L,d_model]
        table = self.encoder.block[0].layer[0].SelfAttention.relative_attention_bias
        bias = table(self.buckets(ids.shape[1]).to(ids.device)).permute(2, 0, 1)[None]
        bias = (
            bias
            + torch.zeros(mask.shape, device=ids.device).masked_fill(
                mask == 0, torch.finfo(torch.float32).min
            )[:, None, None]
        )
        x = self.shared(ids)
        for block in self.encoder.block:
            x = block.layer[1](block.layer[0](x, bias))
        return self.encoder.final_layer_norm(x)


# ----------------------------------------------------------------------------------------------- tokenizer


class Tokenizer:
    """T5-style Unigram `tokenizer.json` whose pieces are whole words, so that segmentation is a look-up.
    Anything else is <unk>."""

    PAD, EOS, UNKNOWN = 0, 1, 2

    def __init__(self, words, length=32):
        self.length = length
        self.pieces = ["<pad>", "</s>", "<unk>"] + [w if w in (",", ".") else "▁" + w for w in words]
        self.ids = {piece: i for i, piece in enumerate(self.pieces)}

    def encode(self, text):
        """Token ids with </s>; the unigram segmentation of our captions, where punctuation is glued to
        the word before it."""
        ids = []
        for word in text.lower().split():
            tail = word[-1] if word[-1] in ",." and word[-1] in self.ids else ""
            ids.append(self.ids.get("▁" + (word[:-1] if tail else word), self.UNKNOWN))
            ids += [self.ids[tail]] if tail else []
        return ids[: self.length - 1] + [self.EOS]

    def batch(self, texts):
        """ids and mask [B, longest]"""
        rows = [torch.tensor(self.encode(t)) for t in texts]
        ids = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=self.PAD)
        return ids, (torch.arange(ids.shape[1]) < torch.tensor([len(r) for r in rows])[:, None]).long()

    def json(self):
        special = [
            dict(
                id=i,
                content=p,
                single_word=False,
                lstrip=False,
                rstrip=False,
                normalized=False,
                special=True,
            )
            for i, p in enumerate(self.pieces[:3])
        ]
        # equal scores: the segmentation with the fewest pieces wins, which is the whole word
        vocabulary = [[p, 0.0 if i < 3 else -4.0] for i, p in enumerate(self.pieces)]
        return json.dumps(
            dict(
                version="1.0",
                truncation=None,
                padding=None,
                added_tokens=special,
                normalizer=None,
                pre_tokenizer=dict(type="Metaspace", replacement="▁", prepend_scheme="always", split=True),
                post_processor=dict(
                    type="TemplateProcessing",
                    single=[
                        {"Sequence": {"id": "A", "type_id": 0}},
                        {"SpecialToken": {"id": "</s>", "type_id": 0}},
                    ],
                    pair=[
                        {"Sequence": {"id": "A", "type_id": 0}},
                        {"SpecialToken": {"id": "</s>", "type_id": 0}},
                        {"Sequence": {"id": "B", "type_id": 0}},
                        {"SpecialToken": {"id": "</s>", "type_id": 0}},
                    ],
                    special_tokens={"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}},
                ),
                decoder=dict(type="Metaspace", replacement="▁", prepend_scheme="always", split=True),
                model=dict(type="Unigram", unk_id=2, vocab=vocabulary, byte_fallback=False),
            ),
            ensure_ascii=False,
            indent=1,
        )
