"""Records what our PyTorch STDiT3, which equals the original (check_golden.py), makes of a batch whose
samples have timesteps of their own and one frame rate, some frames given.

    python record_case.py FOLDER   # a case as `quantcache verify FOLDER` reads it

The folder of the tests is `test/fixtures/recorded`.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from opensora import STDiT3

name = "stdit3_own_timesteps"
config = dict(
    input_sq_size=512,
    in_channels=4,
    patch_size=[1, 2, 2],
    hidden_size=24,
    depth=1,
    num_heads=2,
    mlp_ratio=2.0,
    pred_sigma=True,
    caption_channels=8,
    model_max_length=4,
    qk_norm=True,
)
torch.manual_seed(5), torch.set_grad_enabled(False)
model = STDiT3(config)
for parameter in model.parameters():
    if parameter.dim() > 1 and parameter.requires_grad:
        parameter.normal_(std=parameter[0].numel() ** -0.5)

frames, pixels = 4, (64, 96)
inputs = dict(
    x=torch.randn(3, 4, frames, 4, 6),
    timestep=torch.tensor([900.0, 500.0, 120.0]),
    y=torch.randn(3, 1, 4, 8),
    fps=torch.full((3,), 24.0),
    height=torch.full((3,), float(pixels[0])),
    width=torch.full((3,), float(pixels[1])),
    x_mask=torch.tensor([[0, 1, 1, 1], [1, 1, 1, 1], [0, 0, 1, 0]], dtype=torch.uint8),
)
out = model(
    inputs["x"],
    inputs["timestep"],
    inputs["y"][:, 0],
    None,
    inputs["fps"],
    pixels[0] * pixels[1],
    inputs["x_mask"],
)

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
weights = {f"weights/{key}": value.contiguous() for key, value in model.state_dict().items()}
save_file(
    {
        **weights,
        **{f"inputs/{key}": value for key, value in inputs.items()},
        "outputs/out": out.contiguous(),
    },
    folder / f"{name}.safetensors",
)
case = dict(kind="stdit3_forward", file=f"{name}.safetensors", json=f"{name}.json")
(folder / f"{name}.json").write_text(
    json.dumps(dict(case=name, kind=case["kind"], config=config), indent=1) + "\n"
)
(folder / "manifest.json").write_text(
    json.dumps(dict(variant="training/opensora.py", torch=torch.__version__, cases={name: case}), indent=1)
    + "\n"
)
