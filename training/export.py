"""Writes the trained model in the layout of the published checkpoints, float16 safetensors.

# --random: untrained weights, to build an engine against
python export.py --run RUN --guidance 4 --output ../models/demo
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

import loop
import reader
import world
from rendering import COLOURS, RADII
from train_dit import DemoModel
from vae import SCALING_FACTOR, VideoVAE

DEMO = world.WORLDS["demo"]
EXAMPLE = "a large red star moves right over a blue background"
# One activation scale for a whole sample is a single operator on a CPU, and as good as one per row here:
# the rows of this model are about equally large.
RECIPES = {
    precision: dict(weights=weights, activations=dict(bits=8, granularity="sample"))
    for precision, weights in (("w8a8", dict(bits=8)), ("w4a8", dict(bits=4, group=128, clipping="search")))
}


def half(state):
    """float16, but for small vectors and the frequency table, where float32 costs nothing"""
    return {
        k: v.detach().cpu().contiguous().to(torch.float32 if v.numel() <= 64 else torch.float16).clone()
        for k, v in state.items()
    }


def write(folder, config, state=None):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    save_file(half(state), folder / "model.safetensors", metadata={"format": "pt"})
    size = (folder / "model.safetensors").stat().st_size
    print(f"{folder}: {len(state)} tensors, {size / 1e6:.1f} MB")


def main(a):
    torch.manual_seed(0)
    model, vae, run, output = DemoModel(), VideoVAE(), Path(a.run), Path(a.output)
    if a.random:  # every tensor random: the training start zeroes a lot, which would hide mistakes
        for p in model.parameters():
            if p.ndim >= 2 or p.abs().sum() == 0:
                torch.nn.init.normal_(p, std=0.02)
    else:
        model.load_state_dict(loop.load(run / "dit.pt")["average"])
        vae.load_state_dict(loop.load(run / "vae.pt")["average"])
    write(output / "stdit3", model.stdit3.config, model.stdit3.state_dict())
    write(output / "t5", model.t5.config, model.t5.state_dict())
    (output / "t5" / "tokenizer.json").write_text(model.tokenizer.json() + "\n")
    write(
        output / "vae",
        dict(
            model_type="OpenSoraVAE_V1_2",
            spatial=vae.spatial_config,
            temporal=vae.temporal_config,
            micro_frame_size=vae.micro_frame_size,
            scaling_factor=SCALING_FACTOR,
        ),
        vae.state_dict(),
    )
    write_json(output / "quantcache.json", description(a.guidance), indent=2)
    write_json(output / "prompts.json", [text for text, _ in world.evaluation_prompts(200)], indent=0)
    calibration = world.evaluation_prompts(16, seed=7, evaluation=False)
    write_json(output / "calibration.json", [text for text, _ in calibration], indent=0)


def write_json(path, value, indent):
    path.write_text(json.dumps(value, indent=indent) + "\n")


def description(guidance):
    """What quantcache.json says of the model: its parts, its defaults, its words and what they look like."""
    low = [[b, c] for b, c in world.LOW_CONTRAST if b in DEMO.backgrounds and c in DEMO.colours]
    vocabulary = dict(
        shapes=DEMO.shapes,
        colours=DEMO.colours,
        sizes=DEMO.sizes,
        motions={m: world.MOTIONS[m] for m in DEMO.motions},
        backgrounds={b: world.BACKGROUNDS[b] for b in DEMO.backgrounds},
        templates=list(dict.fromkeys(world.TEMPLATES)),
        lowContrast=sorted(low),
        palette={c: COLOURS[c] for c in DEMO.colours},
        grounds=reader.GROUNDS,
        radii=RADII,
        examples=[EXAMPLE] + [text for text, _ in world.evaluation_prompts(11, seed=99)],
    )
    defaults = dict(
        height=64, width=64, numFrames=17, fps=8, numSteps=30, guidanceScale=guidance, aestheticScore=None
    )
    return dict(
        family="opensora",
        transformer="stdit3",
        vae="vae",
        textEncoder="t5",
        defaults=defaults,
        timestepTransformBaseResolution=64,
        recipes=RECIPES,
        vocabulary=vocabulary,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", required=True)
    parser.add_argument("--output", default=str(Path(__file__).parent.parent / "models" / "demo"))
    parser.add_argument("--guidance", type=float, default=4.0)
    parser.add_argument("--random", action="store_true")
    main(parser.parse_args())
