"""The synthetic world: captioned clips of simple objects in motion, rendered with anti-aliasing, deterministic by seed. Pure numpy.

A scene is one object (or two, in the "full" world) of a shape, colour, size and motion over a background. Time advances by whole frames at 8 frames/s; bounces, spins
and orbits have a fixed pace, translations and growth go on for the whole clip whatever its length. Signed distances after Inigo Quilez (iquilezles.org/articles/distfunctions2d).

`WORLDS["demo"]` is the part of the world that the shipped model is trained on; `WORLDS["full"]` has everything. One combination of attributes in ten
(`held_out`) never enters training: `evaluation_prompts` draws from those only.

    python world.py sheet.png        # contact sheet
"""
import sys
from dataclasses import dataclass

import numpy as np

SIZE = 64  # frame height and width in pixels
COLOURS = {"red": (225, 40, 45), "green": (50, 190, 70), "blue": (45, 90, 235), "yellow": (250, 215, 40), "purple": (175, 65, 215),
           "white": (245, 245, 245), "orange": (250, 135, 30), "cyan": (50, 215, 225)}
RADII = {"small": 10.0, "large": 15.5}
MOTIONS = {  # spelling in the caption
    "left": "moves left", "right": "moves right", "up": "moves up", "down": "moves down", "still": "stays still", "grows": "grows", "shrinks": "shrinks",
    "spins": "spins", "bounces": "bounces", "orbits": "orbits"}
BACKGROUNDS = {
    "black": "a black background", "gray": "a gray background", "blue": "a blue background", "sunset": "a sunset", "checkerboard": "a checkerboard",
    "night": "a starry night", "sky": "a clear sky", "pink": "a pink background", "meadow": "a meadow"}
TEMPLATES = [  # {o} object with motion, {b} background; the first is the commonest
    "{o} over {b}", "{o} over {b}", "over {b}, {o}", "{o} in front of {b}"]


@dataclass(frozen=True)
class World:
    shapes: tuple
    colours: tuple
    sizes: tuple
    motions: tuple
    backgrounds: tuple
    two_objects: float = 0.0  # share of scenes with a second object


WORLDS = {
    "demo": World(("circle", "square", "triangle", "star"), ("red", "green", "blue", "yellow", "purple", "white"), ("small", "large"),
                  tuple(MOTIONS), ("black", "gray", "blue", "sunset", "checkerboard", "night")),
    "full": World(("circle", "square", "triangle", "star", "heart", "ring"), tuple(COLOURS), ("small", "large"), tuple(MOTIONS), tuple(BACKGROUNDS), 0.25),
}
# colours that can hardly be told from the background
LOW_CONTRAST = {("sunset", "red"), ("sunset", "yellow"), ("sunset", "orange"), ("sunset", "purple"), ("blue", "blue"), ("blue", "purple"), ("night", "blue"),
                ("sky", "cyan"), ("sky", "white"), ("sky", "blue"), ("pink", "white"), ("meadow", "green"), ("meadow", "cyan")}


@dataclass(frozen=True)
class Thing:
    size: str
    colour: str
    shape: str
    motion: str


@dataclass(frozen=True)
class Scene:
    things: tuple
    background: str


def allowed(thing, background):
    if thing.motion == "spins" and thing.shape in ("circle", "ring"):
        return False  # cannot be seen
    return (background, thing.colour) not in LOW_CONTRAST


def held_out(scene, world=WORLDS["full"]):
    """One combination in ten, by a fixed rule, is kept for evaluation."""
    code = 7 * list(BACKGROUNDS).index(scene.background)
    for thing in scene.things:
        code += (3 * world.shapes.index(thing.shape) + 11 * list(COLOURS).index(thing.colour) + 5 * world.sizes.index(thing.size)
                 + 13 * list(MOTIONS).index(thing.motion))
    return code % 10 == 4


def sample_scene(rng, world, evaluation=False):
    """evaluation: draw only held-out combinations; otherwise never."""
    pick = lambda names: names[rng.randint(len(names))]
    while True:
        background = pick(world.backgrounds)
        count = 2 if rng.uniform() < world.two_objects else 1
        things = tuple(Thing(pick(world.sizes), pick(world.colours), pick(world.shapes), pick(world.motions)) for _ in range(count))
        scene = Scene(things, background)
        if all(allowed(t, background) for t in things) and held_out(scene) == evaluation:
            return scene


def caption(scene, template=0, moving=True):
    """moving=False is the caption of a single image: no motion in it."""
    def describe(thing):
        words = f"a {thing.size} {thing.colour} {thing.shape}"
        return f"{words} {MOTIONS[thing.motion]}" if moving else words
    return TEMPLATES[template].format(o=" and ".join(map(describe, scene.things)), b=BACKGROUNDS[scene.background])


def evaluation_prompts(count, seed=0, world=WORLDS["demo"]):
    """[(caption, scene)] of held-out combinations."""
    rng = np.random.RandomState(100_000 + seed)
    out = []
    for _ in range(count):
        scene = sample_scene(rng, world, evaluation=True)
        out.append((caption(scene, rng.randint(len(TEMPLATES))), scene))
    return out


# ------------------------------------------------------------------------------------------------ rendering

ys, xs = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) + 0.5


def blend(first, second, weight):
    weight = weight[..., None]
    return np.array(first, np.float32) * (1 - weight) + np.array(second, np.float32) * weight


def paint_background(name):
    down = ys / SIZE
    plain = {"black": (14, 14, 18), "gray": (118, 120, 124), "blue": (40, 70, 170), "pink": (250, 180, 200)}
    if name in plain:
        image = np.broadcast_to(np.array(plain[name], np.float32), (SIZE, SIZE, 3)).copy()
    elif name == "sunset":
        image = np.where((down < 0.55)[..., None], blend((70, 40, 110), (225, 90, 100), np.clip(down / 0.55, 0, 1)),
                         blend((225, 90, 100), (255, 190, 110), np.clip((down - 0.55) / 0.45, 0, 1)))
    elif name == "checkerboard":
        image = blend((58, 60, 68), (132, 134, 142), (((xs // 8) + (ys // 8)) % 2).astype(np.float32))
    elif name == "night":
        image = blend((10, 12, 40), (40, 40, 95), down)
        stars = np.random.RandomState(7)
        for _ in range(14):
            x, y, brightness = stars.uniform(3, 61), stars.uniform(3, 61), stars.uniform(0.6, 1)
            image = image + np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / 1.6)[..., None] * 190 * brightness
    elif name == "sky":
        image = blend((80, 150, 235), (205, 232, 250), down)
    elif name == "meadow":
        image = blend((140, 205, 245), (90, 170, 70), np.clip(ys - (46 + 3 * np.sin(xs / 64 * 6.28)) + 0.5, 0, 1))
    return np.clip(image, 0, 255).astype(np.float32) / 255


_painted = {}


def background_image(name):
    if name not in _painted:
        _painted[name] = paint_background(name)
    return _painted[name]


def distance(shape, u, v):
    """Signed distance in units of the radius; v points up."""
    if shape == "circle":
        return np.sqrt(u * u + v * v) - 0.95
    if shape == "ring":
        return np.abs(np.sqrt(u * u + v * v) - 0.7) - 0.28
    if shape == "square":
        a, b = np.abs(u) - 0.84, np.abs(v) - 0.84
        return np.sqrt(np.maximum(a, 0) ** 2 + np.maximum(b, 0) ** 2) + np.minimum(np.maximum(a, b), 0)
    if shape == "triangle":
        k, r = 3 ** 0.5, 1.0
        x, y = np.abs(u) - r, v + 0.12 + r / k
        fold = x + k * y > 0
        x, y = np.where(fold, (x - k * y) / 2, x), np.where(fold, (-k * x - y) / 2, y)
        x = x - np.clip(x, -2 * r, 0)
        return -np.sqrt(x * x + y * y) * np.sign(y)
    if shape == "star":
        r, inner = 1.18, 0.45
        ax, ay = 0.809016994375, -0.587785252292
        x, y = np.abs(u), v
        for sx in (ax, -ax):
            d = 2 * np.maximum(sx * x + ay * y, 0)
            x, y = x - d * sx, y - d * ay
        x, y = np.abs(x), y - r
        bx, by = inner * -ay, inner * ax - 1.0
        h = np.clip((x * bx + y * by) / (bx * bx + by * by), 0, r)
        return np.sqrt((x - bx * h) ** 2 + (y - by * h) ** 2) * np.sign(y * bx - x * by)
    if shape == "heart":
        s = 0.58
        x, y = np.abs(u) * s, v * s + 0.55
        round_part = np.sqrt((x - 0.25) ** 2 + (y - 0.75) ** 2) - 2 ** 0.5 / 4
        m = 0.5 * np.maximum(x + y, 0)
        point = np.sqrt(np.minimum(x * x + (y - 1) ** 2, (x - m) ** 2 + (y - m) ** 2)) * np.sign(x - y)
        return np.where(x + y > 1, round_part, point) / s
    raise KeyError(shape)


def trajectory(rng, thing, frames):
    """Per frame: centre x, centre y, radius, angle. A clip follows from its caption but for a few pixels and degrees: a world with little chance is learnt many times
    faster, and where a thing starts can be learnt because the first latent frame is marked (`vae.mark_first`). Nothing moves more than 15 pixels from one latent frame
    to the next, so that the temporal decoder can move what it would otherwise fade."""
    clock = np.arange(frames, dtype=np.float32)
    along = clock / max(frames - 1, 1)
    radius = RADII[thing.size] * rng.uniform(0.98, 1.02)
    x = np.full(frames, 32 + rng.uniform(-2, 2), np.float32)
    y = np.full(frames, 32 + rng.uniform(-2, 2), np.float32)
    r, angle = np.full(frames, radius, np.float32), np.zeros(frames, np.float32)
    start = rng.uniform(-1, 1)
    if thing.motion in ("left", "right", "up", "down"):  # from one side of the middle to the other
        path = (26 * along - 13) * (1 if thing.motion in ("right", "down") else -1)
        if thing.motion in ("left", "right"):
            x = x + path
        else:
            y = y + path
    elif thing.motion == "bounces":  # falls, touches the ground once in 16 frames
        y = y + 11 - 20 * np.abs(np.cos(np.pi * (clock / 16 + 0.03 * start)))
    elif thing.motion == "spins":
        angle = clock * 0.11 + 0.1 * start
    elif thing.motion in ("grows", "shrinks"):  # to twice or half the radius
        factor = 0.66 * 2 ** along * 1.03 ** start
        r = radius * (factor if thing.motion == "grows" else factor[::-1])
    elif thing.motion == "orbits":  # from the top, clockwise, once round in 24 frames
        phase = 2 * np.pi * (clock / 24 + 0.02 * start)
        x, y = x + 11 * np.sin(phase), y - 11 * np.cos(phase)
    return x, y, r, angle


def render(scene, frames, seed, only=None):
    """uint8 [frames, 64, 64, 3]; `only`: indices of the frames wanted"""
    rng = np.random.RandomState(seed)
    only = np.arange(frames) if only is None else np.asarray(only)
    clip = np.broadcast_to(background_image(scene.background), (len(only), SIZE, SIZE, 3)).astype(np.float32)
    for thing in scene.things:
        cx, cy, radius, angle = (a.astype(np.float32)[only].reshape(-1, 1, 1) for a in trajectory(rng, thing, frames))
        dx, dy = xs - cx, cy - ys
        cosine, sine = np.cos(angle), np.sin(angle)
        d = distance(thing.shape, (cosine * dx - sine * dy) / radius, (sine * dx + cosine * dy) / radius) * radius
        alpha = np.clip(0.5 - d, 0, 1)[..., None]
        shade = np.clip(1 + 0.08 * (dy - dx) / radius, 0.88, 1.12)[..., None]  # light from the upper left
        clip = clip * (1 - alpha) + alpha * np.clip(np.array(COLOURS[thing.colour], np.float32) / 255 * shade, 0, 1)
    return (clip * 255 + 0.5).astype(np.uint8)


def make_clip(index, world=WORLDS["demo"], frames=17, split="train", only=None):
    """Clip `index` of a split: (uint8 frames, caption, scene). Splits never share a combination of attributes."""
    seed = {"train": 0, "image": 1, "long": 2, "evaluation": 3}[split] * 50_000_000 + index
    rng = np.random.RandomState(seed)
    scene = sample_scene(rng, world, evaluation=split == "evaluation")
    text = caption(scene, rng.randint(len(TEMPLATES)), moving=frames > 1)
    return render(scene, frames, seed, only), text, scene


def vocabulary():
    """All words of the full world, in a fixed order, as the tokenizer's pieces."""
    text = " ".join(["a and over in front of ,", *RADII, *COLOURS, *WORLDS["full"].shapes, *MOTIONS.values(), *BACKGROUNDS.values()])
    return list(dict.fromkeys(text.split()))


if __name__ == "__main__":
    import time
    from PIL import Image
    began, rows = time.time(), []
    for i in range(20):
        clip, text, _ = make_clip(i)
        print(text)
        rows.append(np.concatenate(clip[::2], 1))
    print(f"{(time.time() - began) / 20 * 1000:.1f} ms per clip; words: {' '.join(vocabulary())}")
    Image.fromarray(np.concatenate(rows, 0)).save(sys.argv[1] if len(sys.argv) > 1 else "world.png")
