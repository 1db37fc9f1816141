"""Compares our PyTorch modules with recorded outputs of the original code.

python check_golden.py FOLDER      # the folder with stdit3_a.safetensors, vae_joint.safetensors, ...
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

from opensora import STDiT3, T5Encoder
from vae import VideoVAE

folder, worst = Path(sys.argv[1]), 0.0


def case(name):
    tensors, groups = load_file(folder / f"{name}.safetensors"), {}
    for key, value in tensors.items():
        groups.setdefault(key.split("/")[0], {})[key.split("/", 1)[1]] = value
    return (
        json.loads((folder / f"{name}.json").read_text())["config"],
        groups["weights"],
        groups["inputs"],
        groups["outputs"],
    )


def compare(label, ours, expected):
    global worst
    error = ((ours - expected).abs().max() / expected.abs().max()).item()
    worst = max(worst, error)
    print(f"{label:32s} {error:.1e} {'ok' if error < 1e-4 else 'WRONG'}")


torch.set_grad_enabled(False)
for name in ("stdit3_a", "stdit3_b_xmask", "stdit3_c_image_nomask"):
    config, weights, i, o = case(name)
    model = STDiT3(config)
    model.load_state_dict(weights)
    pixels = (i["height"][0] * i["width"][0]).item()
    fps = i["fps"].repeat(len(i["x"]) // len(i["fps"]))
    mask = i["mask"].repeat(len(i["x"]) // len(i["mask"]), 1) if "mask" in i else None
    compare(name, model(i["x"], i["timestep"], i["y"][:, 0], mask, fps, pixels, i.get("x_mask")), o["out"])

config, weights, i, o = case("t5_encoder")
model = T5Encoder(config)
model.load_state_dict(weights)
compare(
    "t5_encoder",
    model(i["input_ids"].long(), i["attention_mask"])[i["attention_mask"] == 1],
    o["last_hidden_state"][i["attention_mask"] == 1],
)

config, weights, i, o = case("vae_spatial")
vae = VideoVAE(spatial=config)
vae.spatial_vae.load_state_dict(weights)
compare("vae_spatial decode", vae.spatial_decode(i["z"]), o["decoded"])
mean, logvar = vae.spatial_vae.module.encode(i["image"].transpose(1, 2).flatten(0, 1))
compare("vae_spatial encode mean", mean, o["encode_mean"])
compare("vae_spatial encode logvar", logvar, o["encode_logvar"])

config, weights, i, o = case("vae_temporal")
vae = VideoVAE(temporal=config)
vae.temporal_vae.load_state_dict(weights)
for key in o:
    if key.startswith("decoded"):
        size, frames = key.split("_")[1:]
        compare(f"vae_temporal {key}", vae.temporal_vae.decode(i[f"z_{size}"], int(frames[6:])), o[key])
    elif key.startswith("enc_mean"):
        mean, logvar = vae.temporal_vae.encode(i["x_" + key.split("_")[-1]])
        compare(f"vae_temporal {key}", mean, o[key])
        compare(f"vae_temporal {key.replace('mean', 'logvar')}", logvar, o[key.replace("mean", "logvar")])

config, weights, i, o = case("vae_joint")
vae = VideoVAE(dict(latent_channels=4, **config["spatial"]), config["temporal"])
vae.load_state_dict(weights, strict=False)
if "scale" not in weights:
    vae.scale.copy_(torch.tensor(config["scale"]).view(1, 4, 1, 1, 1))
    vae.shift.copy_(torch.tensor(config["shift"]).view(1, 4, 1, 1, 1))
for frames in (17, 40):
    compare(
        f"vae_joint {frames} frames",
        vae.decode(i[f"z_frames{frames}"], frames),
        o[f"decoded_frames{frames}"],
    )
sys.exit(worst >= 1e-4)
