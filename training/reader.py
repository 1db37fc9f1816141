"""Attribute reader: judges shape, colour, size, motion and background of a finished clip of the demo world from its pixels alone. No learned parts.

The same algorithm is written in TypeScript in src/metrics; both agree on training/fixtures/reader.safetensors. In short:
  background   the known background with the smallest clipped difference
  mask         pixels that differ from it, smoothed by a 3x3 majority
  colour       per-channel median of the object's inner pixels, nearest palette entry
  shape        complex moments |sum (x+iy)^k| / sum |x+iy|^k about the centroid: order 3 is a triangle, 4 a square, 5 a star, none a circle
  size         radius from the area, given the shape
  motion       path of the centroid, change of area, rotation = phase of the moment

    python reader.py [RUN]     # accuracy on 500 held-out renders, raw and (given RUN) through the VAE
    python reader.py --fixtures
"""
import sys
from pathlib import Path

import numpy as np

import world

DEMO = world.WORLDS["demo"]
CLIP = 0.25        # difference to a background counts up to here, so that the object cannot outvote the rest
DIFFERENT = 0.17   # largest channel difference that makes a pixel part of the object
MINIMUM_AREA = 10  # pixels; frames with less are skipped
ORDERS = {"triangle": 3, "square": 4, "star": 5}
MOMENTS = {"triangle": 0.63, "square": 0.40, "star": 0.76}  # value of the moment on ideal renders
ROUND = 0.45       # all moments below this share of their ideal value: a circle
FILL = {"circle": 2.88, "square": 2.94, "triangle": 1.82, "star": 1.95}  # area / radius^2, growing and shrinking clips included
SMALL = 12.5       # mean radius below this is small
MOVES, GROWTH, TURN = 8.0, 0.9, 0.5  # centroid range in pixels, log area ratio, rotation in radians
STEADY = 0.6       # share of the range that a one-way motion covers from start to end


def majority(mask):
    padded = np.pad(mask.astype(np.int32), ((0, 0), (1, 1), (1, 1)))
    h, w = mask.shape[1:]
    return sum(padded[:, i:i + h, j:j + w] for i in range(3) for j in range(3)) >= 5


def erode(mask):
    padded = np.pad(mask, ((0, 0), (1, 1), (1, 1)))
    return padded[:, 1:-1, 1:-1] & padded[:, :-2, 1:-1] & padded[:, 2:, 1:-1] & padded[:, 1:-1, :-2] & padded[:, 1:-1, 2:]


def read(clip):
    """clip uint8 [F,64,64,3] -> dict of attributes; None where the clip shows nothing that counts."""
    video = clip.astype(np.float32) / 255
    difference = {b: np.abs(video - world.background_image(b)) for b in DEMO.backgrounds}
    background = min(DEMO.backgrounds, key=lambda b: np.minimum(difference[b].mean(-1), CLIP).mean())
    mask = majority(difference[background].max(-1) > DIFFERENT)
    result = dict(shape=None, colour=None, size=None, motion=None, background=background)
    area = mask.sum((1, 2)).astype(np.float64)
    seen = area >= MINIMUM_AREA
    if seen.sum() < 0.6 * len(clip):
        return result
    mask, area, video = mask[seen], area[seen], video[seen]

    inner = erode(mask)
    pixels = video[inner if inner.sum() >= 30 else mask]
    middle = np.median(pixels, 0) * 255
    result["colour"] = min(DEMO.colours, key=lambda c: ((middle - world.COLOURS[c]) ** 2).sum())

    x = (mask * world.xs).sum((1, 2)) / area
    y = (mask * world.ys).sum((1, 2)) / area
    offset = (world.xs - x[:, None, None]) + 1j * (world.ys - y[:, None, None])
    radius = np.abs(offset)
    moments = {}  # complex, per frame
    for shape, k in ORDERS.items():
        moments[shape] = (mask * offset ** k).sum((1, 2)) / (mask * radius ** k).sum((1, 2))
    strength = {s: (np.abs(m) * area).sum() / area.sum() / MOMENTS[s] for s, m in moments.items()}
    angular = max(strength, key=strength.get)
    result["shape"] = shape = angular if strength[angular] > ROUND else "circle"
    result["size"] = "small" if np.sqrt(area / FILL[shape]).mean() < SMALL else "large"

    ends = lambda values: (values[:3].mean(), values[-3:].mean())
    range_x, range_y = np.ptp(x), np.ptp(y)
    (x0, x1), (y0, y1), (a0, a1) = ends(x), ends(y), ends(area)
    growth = np.log(a1 / a0)
    if max(range_x, range_y) > MOVES:
        if min(range_x, range_y) > 0.5 * max(range_x, range_y):
            motion = "orbits"
        elif range_x > range_y:
            motion = None if abs(x1 - x0) < STEADY * range_x else "right" if x1 > x0 else "left"
        else:
            motion = "bounces" if abs(y1 - y0) < STEADY * range_y else "down" if y1 > y0 else "up"
    elif abs(growth) > GROWTH:
        motion = "grows" if growth > 0 else "shrinks"
    else:
        m = moments[angular]
        turned = np.abs(np.angle(m[1:] * m[:-1].conj()).sum()) / ORDERS[angular]
        motion = "spins" if shape != "circle" and turned > TURN else "still"
    result["motion"] = motion
    return result


ATTRIBUTES = ("shape", "colour", "size", "motion", "background")


def judge(clip, scene):
    """{attribute: right?} of a one-object scene"""
    found, thing = read(clip), scene.things[0]
    wanted = dict(shape=thing.shape, colour=thing.colour, size=thing.size, motion=thing.motion, background=scene.background)
    return {name: found[name] == wanted[name] for name in ATTRIBUTES}


def table(verdicts):
    share = {name: float(np.mean([v[name] for v in verdicts])) for name in ATTRIBUTES}
    return {**share, "all": float(np.mean([all(v.values()) for v in verdicts]))}


def fixtures(folder):
    """Twelve clips with what the reader says, and the background images (so that a port need not paint stars)."""
    import json
    import torch
    from safetensors.torch import save_file
    folder.mkdir(exist_ok=True)
    clips, rows = [], []
    for index in range(40):  # one or two of each motion
        clip, text, scene = world.make_clip(index, split="evaluation")
        motions = [r["wanted"]["motion"] for r in rows]
        if motions.count(scene.things[0].motion) < (2 if len(set(motions)) > 8 else 1) and len(rows) < 12:
            thing = scene.things[0]
            clips.append(clip)
            rows.append(dict(caption=text, wanted=dict(shape=thing.shape, colour=thing.colour, size=thing.size, motion=thing.motion, background=scene.background),
                             read=read(clip)))
    backgrounds = np.stack([(world.background_image(b) * 255 + 0.5).astype(np.uint8) for b in DEMO.backgrounds])
    save_file({"clips": torch.from_numpy(np.stack(clips)), "backgrounds": torch.from_numpy(backgrounds)}, folder / "reader.safetensors")
    constants = dict(clip=CLIP, different=DIFFERENT, minimumArea=MINIMUM_AREA, orders=ORDERS, moments=MOMENTS, round=ROUND, fill=FILL, small=SMALL, moves=MOVES,
                     growth=GROWTH, turn=TURN, steady=STEADY, palette={c: world.COLOURS[c] for c in DEMO.colours}, backgrounds=list(DEMO.backgrounds))
    (folder / "reader.json").write_text(json.dumps(dict(constants=constants, clips=rows), indent=1) + "\n")
    prompts = [dict(prompt=text, shape=s.things[0].shape, colour=s.things[0].colour, size=s.things[0].size, motion=s.things[0].motion, background=s.background)
               for text, s in world.evaluation_prompts(200)]
    (folder / "prompts.json").write_text(json.dumps(prompts, indent=1) + "\n")


if __name__ == "__main__":
    if sys.argv[1:] == ["--fixtures"]:
        fixtures(Path(__file__).parent / "fixtures")
        sys.exit()
    scenes = [world.make_clip(i, split="evaluation") for i in range(500)]
    def report(label, clips):
        print(label, table([judge(c, s[2]) for c, s in zip(clips, scenes)]))
        for c, s in zip(clips, scenes):
            verdict = judge(c, s[2])
            if not all(verdict.values()):
                print("  ", s[1], "->", {k: v for k, v in read(c).items() if not verdict[k]})
    report("renders:", [s[0] for s in scenes])
    if len(sys.argv) > 1:
        import torch
        import loop
        from train_vae import to_float
        from vae import VideoVAE
        vae = VideoVAE()
        vae.load_state_dict(loop.load(Path(sys.argv[1]) / "vae.pt")["average"])
        with torch.no_grad():
            out = [vae.decode(vae.encode(to_float(torch.from_numpy(s[0]), "cpu").transpose(0, 1)[None]), 17)[0] for s in scenes[:120]]
        report("through the VAE:", [((o.clamp(-1, 1) + 1) * 127.5 + 0.5).byte().permute(1, 2, 3, 0).numpy() for o in out])
