"""Attribute reader: judges shape, colour, size, motion and background of a finished clip of the demo
world from its pixels alone. No learned parts.

The same algorithm is written in TypeScript in src/metrics/agreement; both agree on the clips of
fixtures/.

background   the one whose colours (a few points in RGB, `GROUNDS`) the pixels are nearest to, each pixel
counting
               up to CLIP, so that objects cannot outvote the rest. What stars, squares and clouds look like
               is not used
mask         pixels far from all colours of that background, opened by a 3x3 square (which removes stars)
colour       per-channel median of the object's inner pixels, nearest palette entry shape        complex
moments |sum (x+iy)^k| / sum |x+iy|^k about the centroid: order 3 is a triangle, 4 a square,
               5 a star, none a circle
size         radius from the area, given the shape motion       path of the centroid, change of area,
rotation = phase of the moment

Of two objects, each is what has the colour that the caption gives it: the pixels of the mask whose
nearest palette entry that is. Frames in which the two touch tell places only, as long as there are
enough others.

    python reader.py [RUN]     # accuracy on held-out renders, raw and (given RUN) through the VAE
"""

import sys
from pathlib import Path

import numpy as np

import world
from rendering import COLOURS, CROWDED, xs, ys

DEMO = world.WORLDS["demo"]
CLIP = 0.25  # difference to a background counts up to here
DIFFERENT = 0.17  # largest channel difference from which a pixel is part of the object
MINIMUM_AREA = 10  # pixels; frames with less are skipped
LEAST_SEEN = 0.6  # share of frames that must show an object
ENOUGH_APART = 8  # frames in which two objects are apart, from which on only those count
ORDERS = {"triangle": 3, "square": 4, "star": 5}
MOMENTS = {"triangle": 0.63, "square": 0.40, "star": 0.76}  # value of the moment on ideal renders
ROUND = 0.45  # all moments below this share of their ideal value: a circle
FILL = {"circle": 2.88, "square": 2.94, "triangle": 1.82, "star": 1.95}  # area / radius^2
SMALL = 12.5  # mean radius below this is small; times CROWDED for two objects
MOVES, GROWTH, TURN = 8.0, 0.9, 0.5  # centroid range in pixels, log area ratio, rotation in radians
STEADY = 0.6  # share of the range that a one-way motion covers from start to end


def scaled(colour, factors):
    return [tuple(round(channel * factor) for channel in colour) for factor in factors]


def between(first, second, count):
    shares = [i / (count - 1) for i in range(count)]
    return [tuple(round(a + (b - a) * share) for a, b in zip(first, second)) for share in shares]


# Colours of each background, 0 to 255.
GROUNDS = {
    "black": scaled((14, 14, 18), (0.6, 1.0, 1.4)),
    "gray": scaled((118, 120, 124), (0.86, 0.93, 1.0, 1.07, 1.14)),
    "blue": scaled((40, 70, 170), (0.8, 0.9, 1.0, 1.1, 1.2)),
    "sunset": between((70, 40, 110), (225, 90, 100), 7) + between((225, 90, 100), (255, 190, 110), 5)[1:],
    "checkerboard": scaled((58, 60, 68), (0.92, 1.08)) + scaled((132, 134, 142), (0.94, 1.06)),
    "night": between((10, 12, 40), (40, 40, 95), 4),
}


def distance_to(ground, video):
    """Of each pixel to the nearest of the ground's colours: (mean over channels, largest channel), both
    in [0,1]."""
    points = np.array(GROUNDS[ground], np.float32) / 255
    differences = [np.abs(video - point) for point in points]
    means = np.minimum.reduce([difference.mean(-1) for difference in differences])
    largest = np.minimum.reduce([difference.max(-1) for difference in differences])
    return means, largest


def neighbours(mask):
    """The nine shifts of a mask [frames,64,64]; outside the frame there is no object."""
    padded = np.pad(mask, ((0, 0), (1, 1), (1, 1)))
    h, w = mask.shape[1:]
    return [padded[:, i : i + h, j : j + w] for i in range(3) for j in range(3)]


def eroded(mask):
    return np.logical_and.reduce(neighbours(mask))


def dilated(mask):
    return np.logical_or.reduce(neighbours(mask))


def opened(mask):
    return dilated(eroded(mask))


def nearest_colours(video):
    """Index of the nearest palette entry of each pixel."""
    palette = np.array([COLOURS[c] for c in DEMO.colours], np.float32) / 255
    return np.stack([((video - entry) ** 2).sum(-1) for entry in palette]).argmin(0)


def colour_of(video, mask):
    inner = eroded(mask)
    pixels = video[inner if inner.sum() >= 30 else mask]
    middle = np.median(pixels, 0) * 255
    return min(DEMO.colours, key=lambda c: ((middle - COLOURS[c]) ** 2).sum())


def outlines(mask):
    """area, x, y and complex moments of each frame of a mask without empty frames"""
    area = mask.sum((1, 2)).astype(np.float64)
    x = (mask * xs).sum((1, 2)) / area
    y = (mask * ys).sum((1, 2)) / area
    offset = (xs - x[:, None, None]) + 1j * (ys - y[:, None, None])
    radius = np.abs(offset)
    moments = {s: (mask * offset**k).sum((1, 2)) / (mask * radius**k).sum((1, 2)) for s, k in ORDERS.items()}
    return area, x, y, moments


def line(values, times):
    """Value at the middle of the clip and change from its start to its end, of the straight line nearest
    to values at times from -1/2 to 1/2."""
    if np.ptp(times) == 0:
        return values.mean(), 0.0
    slope, middle = np.polyfit(times, values, 1)
    return middle, slope


def describe(mask, apart, small):
    """shape, size and motion of the object whose mask [frames,64,64] this is.

    apart: frames in which nothing hides it; only these tell shape, size, growth and rotation. small:
    radius in pixels below which it is small"""
    area, x, y, moments = outlines(mask)
    times = np.linspace(-0.5, 0.5, len(mask))
    total = area[apart].sum()
    strength = {s: (np.abs(m) * area)[apart].sum() / total / MOMENTS[s] for s, m in moments.items()}
    angular = max(strength, key=strength.get)
    shape = angular if strength[angular] > ROUND else "circle"
    middle, growth = line(np.log(area[apart]), times[apart])
    size = "small" if np.sqrt(np.exp(middle) / FILL[shape]) < small else "large"
    both = apart[1:] & apart[:-1]
    turns = np.angle(moments[angular][1:] * moments[angular][:-1].conj())[both]
    turned = 0.0 if shape == "circle" else np.abs(turns.sum()) / ORDERS[angular]
    return dict(shape=shape, size=size, motion=motion_of(x, y, growth, turned))


def ends(values):
    return values[:3].mean(), values[-3:].mean()


def motion_of(x, y, growth, turned):
    range_x, range_y = np.ptp(x), np.ptp(y)
    (x0, x1), (y0, y1) = ends(x), ends(y)
    if max(range_x, range_y) > MOVES:
        if min(range_x, range_y) > 0.5 * max(range_x, range_y):
            return "orbits"
        if range_x > range_y:
            if abs(x1 - x0) < STEADY * range_x:
                return None
            return "right" if x1 > x0 else "left"
        if abs(y1 - y0) < STEADY * range_y:
            return "bounces"
        return "down" if y1 > y0 else "up"
    if abs(growth) > GROWTH:
        return "grows" if growth > 0 else "shrinks"
    return "spins" if turned > TURN else "still"


def segment(clip):
    """(video in [0,1], background, mask of whatever is not background)"""
    video = clip.astype(np.float32) / 255
    distances = {ground: distance_to(ground, video) for ground in DEMO.backgrounds}
    background = min(DEMO.backgrounds, key=lambda g: np.minimum(distances[g][0], CLIP).mean())
    return video, background, opened(distances[background][1] > DIFFERENT)


def seen(mask):
    """Frames that show enough of an object, or None where those are too few."""
    enough = mask.sum((1, 2)) >= MINIMUM_AREA
    return enough if enough.sum() >= LEAST_SEEN * len(mask) else None


def read(clip):
    """clip uint8 [frames,64,64,3] of one object -> attributes; None where nothing can be made out."""
    video, background, mask = segment(clip)
    result = dict(shape=None, colour=None, size=None, motion=None, background=background)
    shown = seen(mask)
    if shown is None:
        return result
    mask = mask[shown]
    everywhere = np.ones(len(mask), bool)
    result.update(describe(mask, everywhere, SMALL), colour=colour_of(video[shown], mask))
    return result


def read_two(clip, colours):
    """clip of two objects of the given colours -> one dict of attributes each, colour None where it is
    not found."""
    video, background, mask = segment(clip)
    nearest = nearest_colours(video)
    masks = [opened(mask & (nearest == DEMO.colours.index(colour))) for colour in colours]
    touching = (dilated(dilated(masks[0])) & dilated(masks[1])).any((1, 2))
    results = []
    for colour, own in zip(colours, masks):
        result = dict(shape=None, colour=None, size=None, motion=None, background=background)
        shown = seen(own)
        if shown is not None:
            apart = ~touching[shown]
            if apart.sum() < ENOUGH_APART:
                apart[:] = True
            result.update(describe(own[shown], apart, SMALL * CROWDED), colour=colour)
        results.append(result)
    return results


ATTRIBUTES = ("shape", "colour", "size", "motion", "background")


def wanted(thing, background):
    values = (thing.shape, thing.colour, thing.size, thing.motion, background)
    return dict(zip(ATTRIBUTES, values))


def read_scene(clip, scene):
    """What a clip shows of the things of a scene, one dict of attributes each"""
    colours = [thing.colour for thing in scene.things]
    return [read(clip)] if len(colours) == 1 else read_two(clip, colours)


def judge(clip, scene):
    """{attribute: right?} of a scene; of two objects, both must be right"""
    found = read_scene(clip, scene)
    pairs = [(f, wanted(thing, scene.background)) for f, thing in zip(found, scene.things)]
    return {name: all(f[name] == w[name] for f, w in pairs) for name in ATTRIBUTES}


def table(verdicts):
    share = {name: float(np.mean([v[name] for v in verdicts])) for name in ATTRIBUTES}
    return {**share, "all": float(np.mean([all(v.values()) for v in verdicts]))}


def report(label, frames, scenes, verbose=True):
    verdicts = [judge(f, scene) for f, scene in zip(frames, scenes)]
    print(label, len(verdicts), table(verdicts))
    for f, scene, verdict in zip(frames, scenes, verdicts):
        if verbose and not all(verdict.values()):
            wrong = [{k: v for k, v in one.items() if not verdict[k]} for one in read_scene(f, scene)]
            print("  ", world.caption(scene), "->", wrong)


def main(run=None, count=500):
    for objects in (1, 2):
        clips = [world.make_clip(i, split="evaluation", objects=objects) for i in range(count)]
        frames, scenes = [c.frames for c in clips], [c.scene for c in clips]
        report(f"renders of {objects}:", frames, scenes)
        if run:
            report(f"through the VAE, {objects}:", through_vae(run, frames[:120]), scenes)


def through_vae(run, clips):
    import torch

    import loop
    from train_vae import to_float
    from vae import VideoVAE

    vae = VideoVAE()
    vae.load_state_dict(loop.load(Path(run) / "vae.pt")["average"])
    out = []
    with torch.no_grad():
        for clip in clips:
            video = to_float(torch.from_numpy(clip), "cpu").transpose(0, 1)[None]
            decoded = vae.decode(vae.encode(video), 17)[0]
            decoded = ((decoded.clamp(-1, 1) + 1) * 127.5 + 0.5).byte()
            out.append(decoded.permute(1, 2, 3, 0).numpy())
    return out


if __name__ == "__main__":
    main(*sys.argv[1:2])
