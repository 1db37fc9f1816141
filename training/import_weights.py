"""Puts an exported model into a run folder, so that training goes on from shipped weights: RUN/vae.pt
for `train_vae.py encode`, RUN/start.pt for `train_dit.py`.

python import_weights.py --run RUN --model ../models/demo
"""

import argparse
from pathlib import Path

from safetensors.torch import load_file

import loop
from vae import VideoVAE, mark_first


def read(folder):
    return {name: tensor.float() for name, tensor in load_file(Path(folder) / "model.safetensors").items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", required=True)
    parser.add_argument("--model", default=str(Path(__file__).parent.parent / "models" / "demo"))
    parser.add_argument(
        "--mark-first",
        action="store_true",
        help="the model is from before the first latent frame was marked: mark it",
    )
    a = parser.parse_args()
    run, model = Path(a.run), Path(a.model)
    run.mkdir(parents=True, exist_ok=True)
    vae = VideoVAE()
    vae.load_state_dict(read(model / "vae"))
    if a.mark_first:
        mark_first(vae)
    loop.save(run / "vae.pt", average=vae.state_dict())
    loop.save(run / "start.pt", stdit3=read(model / "stdit3"), t5=read(model / "t5"))
