"""The synthetic world: scenes and captions, with chance. Deterministic by seed.

A scene is one object or two, each of a shape, colour, size and motion, over a ground. The caption says
these and leaves the rest open (`rendering.py` draws it), so that two clips of one caption differ, and
scenes differ in difficulty: from one still object on black to two that move over a textured ground.

`WORLDS["demo"]` is the part of the world that the shipped model is trained on; `WORLDS["full"]` has
everything. One combination of attributes in ten (`held_out`) never enters training: `evaluation_prompts`
draws from those only.

    python world.py sheet.png        # contact sheet
"""

import sys
from dataclasses import dataclass

import numpy as np

from rendering import COLOURS, RADII, render

MOTIONS = {  # spelling in the caption
    "left": "moves left",
    "right": "moves right",
    "up": "moves up",
    "down": "moves down",
    "still": "stays still",
    "grows": "grows",
    "shrinks": "shrinks",
    "spins": "spins",
    "bounces": "bounces",
    "orbits": "orbits",
}
BACKGROUNDS = {
    "black": "a black background",
    "gray": "a gray background",
    "blue": "a blue background",
    "sunset": "a sunset",
    "checkerboard": "a checkerboard",
    "night": "a starry night",
    "sky": "a clear sky",
    "pink": "a pink background",
    "meadow": "a meadow",
}
# {o} object or objects with motion, {b} background; the first is the commonest
TEMPLATES = ["{o} over {b}", "{o} over {b}", "over {b}, {o}", "{o} in front of {b}"]


@dataclass(frozen=True)
class World:
    shapes: tuple
    colours: tuple
    sizes: tuple
    motions: tuple
    backgrounds: tuple
    two_objects: float = 0.0  # share of scenes with a second object


WORLDS = {
    "demo": World(
        ("circle", "square", "triangle", "star"),
        ("red", "green", "blue", "yellow", "purple", "white"),
        ("small", "large"),
        tuple(MOTIONS),
        ("black", "gray", "blue", "sunset", "checkerboard", "night"),
    ),
    "full": World(
        ("circle", "square", "triangle", "star", "heart", "ring"),
        tuple(COLOURS),
        ("small", "large"),
        tuple(MOTIONS),
        tuple(BACKGROUNDS),
        0.25,
    ),
}
# colours that can hardly be told from the background
LOW_CONTRAST = {
    ("sunset", "red"),
    ("sunset", "yellow"),
    ("sunset", "orange"),
    ("sunset", "purple"),
    ("blue", "blue"),
    ("blue", "purple"),
    ("night", "blue"),
    ("sky", "cyan"),
    ("sky", "white"),
    ("sky", "blue"),
    ("pink", "white"),
    ("meadow", "green"),
    ("meadow", "cyan"),
}
SPLITS = {
    "train": 0,
    "image": 1,
    "long": 2,
    "evaluation": 3,
}  # seeds of a split begin at 50 million times this


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


def visible(thing, background):
    """Whether it can be seen what the thing is and does."""
    if thing.motion == "spins" and thing.shape in ("circle", "ring"):
        return False
    return (background, thing.colour) not in LOW_CONTRAST


def allowed(scene):
    """Two objects have different colours, so that each can be found by its own."""
    colours = {thing.colour for thing in scene.things}
    return len(colours) == len(scene.things) and all(
        visible(thing, scene.background) for thing in scene.things
    )


def held_out(scene, world=WORLDS["full"]):
    """One combination in ten, by a fixed rule, is kept for evaluation."""
    code = 7 * list(BACKGROUNDS).index(scene.background)
    for thing in scene.things:
        code += 3 * world.shapes.index(thing.shape)
        code += 11 * list(COLOURS).index(thing.colour)
        code += 5 * world.sizes.index(thing.size)
        code += 13 * list(MOTIONS).index(thing.motion)
    return code % 10 == 4


def sample_scene(rng, world, evaluation=False, objects=None):
    """evaluation: draw only held-out combinations; otherwise never. objects: how many, by chance if not
    given."""

    def pick(names):
        return names[rng.randint(len(names))]

    def thing():
        return Thing(pick(world.sizes), pick(world.colours), pick(world.shapes), pick(world.motions))

    while True:
        background = pick(world.backgrounds)
        count = objects or (2 if rng.uniform() < world.two_objects else 1)
        scene = Scene(tuple(thing() for _ in range(count)), background)
        if allowed(scene) and held_out(scene) == evaluation:
            return scene


def caption(scene, template=0, moving=True):
    """moving=False is the caption of a single image: no motion in it."""

    def describe(thing):
        words = f"a {thing.size} {thing.colour} {thing.shape}"
        return f"{words} {MOTIONS[thing.motion]}" if moving else words

    things = " and ".join(map(describe, scene.things))
    return TEMPLATES[template].format(o=things, b=BACKGROUNDS[scene.background])


def evaluation_prompts(count, seed=0, world=WORLDS["demo"], objects=1, evaluation=True):
    """[(caption, scene)] of held-out combinations with so many objects, all different; with
    evaluation=False, of those that are not held out."""
    rng = np.random.RandomState(100_000 * objects + seed)
    out = {}
    while len(out) < count:
        scene = sample_scene(rng, world, evaluation, objects)
        out.setdefault(caption(scene, rng.randint(len(TEMPLATES))), scene)
    return list(out.items())


def mixed_prompts(one=200, two=60, seed=0, evaluation=True):
    """[(caption, scene)] of one and of two objects, evenly mixed, so that every beginning of the list is
    like all."""
    single = evaluation_prompts(one, seed, evaluation=evaluation)
    pairs = evaluation_prompts(two, seed, objects=2, evaluation=evaluation)
    order = sorted(
        [((i + 0.5) / one, 0, i) for i in range(one)] + [((i + 0.5) / two, 1, i) for i in range(two)]
    )
    return [(pairs if second else single)[i] for _, second, i in order]


@dataclass(frozen=True)
class Clip:
    frames: np.ndarray  # uint8 [frames,64,64,3]
    covered: np.ndarray  # bool [frames,64,64]: where objects are
    caption: str
    scene: Scene


def make_clip(index, world=WORLDS["demo"], frames=17, split="train", only=None, freedom=1.0, objects=None):
    """Clip `index` of a split. Splits never share a combination of attributes with the evaluation."""
    seed = SPLITS[split] * 50_000_000 + index
    rng = np.random.RandomState(seed)
    scene = sample_scene(rng, world, evaluation=split == "evaluation", objects=objects)
    text = caption(scene, rng.randint(len(TEMPLATES)), moving=frames > 1)
    return Clip(*render(scene, frames, seed, only, freedom), text, scene)


def vocabulary():
    """All words of the full world, in a fixed order, as the tokenizer's pieces."""
    words = ["a and over in front of ,", *RADII, *COLOURS, *WORLDS["full"].shapes, *MOTIONS.values()]
    text = " ".join([*words, *BACKGROUNDS.values()])
    return list(dict.fromkeys(text.split()))


if __name__ == "__main__":
    import time

    from PIL import Image

    began = time.time()
    rows = []
    for i in range(24):
        clip = make_clip(i)
        print(clip.caption)
        rows.append(np.concatenate(clip.frames[::2], 1))
    print(f"{(time.time() - began) / 24 * 1000:.1f} ms per clip; words: {' '.join(vocabulary())}")
    half = len(rows) // 2
    sheet = np.concatenate([np.concatenate(rows[:half]), np.concatenate(rows[half:])], 1)
    Image.fromarray(sheet).save(sys.argv[1] if len(sys.argv) > 1 else "world.png")
