"""Draws scenes of the synthetic world: grounds, shapes, trajectories. Anti-aliased, deterministic by
seed, pure numpy.

What a caption leaves open is drawn here, clip by clip: place, phase, starting angle, direction of
turning, exact hue and size, stars, squares and clouds of the ground, which of two objects passes in
front. Time advances by whole frames at 8 frames/s: bounces, spins and orbits have a pace of their own,
translations and growth go on for the whole clip whatever its length. Nothing moves more than 15 pixels
from one latent frame (four frames) to the next, so that the temporal decoder can move what it would
otherwise fade. Signed distances after Inigo Quilez (iquilezles.org/articles/distfunctions2d).
"""

import numpy as np

SIZE = 64  # frame height and width in pixels
RADII = {"small": 10.0, "large": 15.5}
CROWDED = 0.8  # factor on the radii where two objects share the frame
COLOURS = {
    "red": (225, 40, 45),
    "green": (50, 190, 70),
    "blue": (45, 90, 235),
    "yellow": (250, 215, 40),
    "purple": (175, 65, 215),
    "white": (245, 245, 245),
    "orange": (250, 135, 30),
    "cyan": (50, 215, 225),
}
TILT = 0.2  # radians to either side by which a thing that does not spin may lean
TOUCHING = 0.35  # share of the frames in which two objects may touch
# smallest radius of a growing or shrinking thing, as a share of its size; the largest is twice that
GROWTH = 0.66

ys, xs = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) + 0.5


# ------------------------------------------------------------------------------------------------- grounds


def blend(first, second, weight):
    weight = weight[..., None]
    return np.array(first, np.float32) * (1 - weight) + np.array(second, np.float32) * weight


def clouds(rng, cells=5):
    """Smooth noise [64,64] between about -1 and 1: random heights on a coarse grid, joined smoothly."""
    heights = rng.uniform(-1, 1, (cells, cells)).astype(np.float32)
    at = np.arange(SIZE, dtype=np.float32) / SIZE * (cells - 1)
    cell = np.floor(at).astype(int)
    share = at - cell
    share = share * share * (3 - 2 * share)
    weights = np.zeros((SIZE, cells), np.float32)
    weights[np.arange(SIZE), cell] = 1 - share
    weights[np.arange(SIZE), cell + 1] += share
    return weights @ heights @ weights.T


def plain(colour, brightness, texture):
    return np.array(colour, np.float32) * (brightness * (1 + texture))[..., None]


def ground(name, rng):
    """One ground of its kind, float32 [64,64,3] in [0,1]."""
    brightness = rng.uniform(0.9, 1.1)
    noise = clouds(rng)
    down = ys / SIZE
    if name == "black":
        image = plain((14, 14, 18), brightness, 0.3 * noise)
    elif name == "gray":
        image = plain((118, 120, 124), brightness, 0.07 * noise)
    elif name == "blue":
        image = plain((40, 70, 170), brightness, 0.12 * noise)
    elif name == "pink":
        image = plain((250, 180, 200), min(brightness, 1.0), 0.0 * noise)
    elif name == "sunset":
        horizon = rng.uniform(0.4, 0.7)
        height = np.clip(down + 0.08 * noise, 0, 1)
        above = blend((70, 40, 110), (225, 90, 100), np.clip(height / horizon, 0, 1))
        below = blend((225, 90, 100), (255, 190, 110), np.clip((height - horizon) / (1 - horizon), 0, 1))
        image = np.where((height < horizon)[..., None], above, below) * brightness
    elif name == "checkerboard":
        cell = rng.uniform(7, 10)
        right, below = rng.uniform(0, 2 * cell, 2)
        # triangle waves cut off at one pixel of slope: anti-aliased edges
        across = np.clip(np.abs((xs + right) % (2 * cell) - cell) - cell / 2, -0.5, 0.5)
        along = np.clip(np.abs((ys + below) % (2 * cell) - cell) - cell / 2, -0.5, 0.5)
        image = blend((58, 60, 68), (132, 134, 142), 0.5 - 2 * across * along) * brightness
    elif name == "night":
        image = blend((10, 12, 40), (40, 40, 95), np.clip(down + 0.15 * noise, 0, 1)) * brightness
        for _ in range(rng.randint(8, 21)):
            x, y = rng.uniform(2, 62, 2)
            light = np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / 1.6) * 190 * rng.uniform(0.4, 0.75)
            image = image + light[..., None]
    elif name == "sky":
        image = blend((80, 150, 235), (205, 232, 250), np.clip(down + 0.1 * noise, 0, 1))
    elif name == "meadow":
        grass = np.clip(ys - (46 + 3 * np.sin(xs / 64 * 6.28 + 3 * brightness)) + 0.5, 0, 1)
        image = blend((140, 205, 245), (90, 170, 70), grass)
    else:
        raise KeyError(name)
    return np.clip(image, 0, 255).astype(np.float32) / 255


# -------------------------------------------------------------------------------------------------- shapes


def distance(shape, u, v):
    """Signed distance in units of the radius; v points up."""
    return SHAPES[shape](u, v)


def circle(u, v):
    return np.sqrt(u * u + v * v) - 0.95


def ring(u, v):
    return np.abs(np.sqrt(u * u + v * v) - 0.7) - 0.28


def square(u, v):
    a, b = np.abs(u) - 0.84, np.abs(v) - 0.84
    return np.sqrt(np.maximum(a, 0) ** 2 + np.maximum(b, 0) ** 2) + np.minimum(np.maximum(a, b), 0)


def triangle(u, v):
    k, r = 3**0.5, 1.0
    x, y = np.abs(u) - r, v + 0.12 + r / k
    fold = x + k * y > 0
    x, y = np.where(fold, (x - k * y) / 2, x), np.where(fold, (-k * x - y) / 2, y)
    x = x - np.clip(x, -2 * r, 0)
    return -np.sqrt(x * x + y * y) * np.sign(y)


def star(u, v):
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


def heart(u, v):
    s = 0.58
    x, y = np.abs(u) * s, v * s + 0.55
    round_part = np.sqrt((x - 0.25) ** 2 + (y - 0.75) ** 2) - 2**0.5 / 4
    m = 0.5 * np.maximum(x + y, 0)
    point = np.sqrt(np.minimum(x * x + (y - 1) ** 2, (x - m) ** 2 + (y - m) ** 2)) * np.sign(x - y)
    return np.where(x + y > 1, round_part, point) / s


SHAPES = dict(circle=circle, square=square, triangle=triangle, star=star, heart=heart, ring=ring)
REACH = dict(
    circle=0.95, square=1.19, triangle=1.16, star=1.18, heart=1.1, ring=0.98
)  # farthest point / radius


# -------------------------------------------------------------------------------------------- trajectories


def placed(rng, offsets, margin, freedom):
    """Offsets of one coordinate moved to a place where the whole path stays inside the frame."""
    low, high = margin - offsets.min(), SIZE - margin - offsets.max()
    middle = (low + high) / 2
    room = max(high - low, 0) / 2 * freedom
    return middle + rng.uniform(-room, room) + offsets


def trajectory(rng, thing, frames, scale=1.0, freedom=1.0):
    """Per frame: centre x, centre y, radius, angle.

    scale: factor on the radius. freedom: share of the room to move about that is used, 0 to 1; training
    may begin with a world of less chance.
    """
    clock = np.arange(frames, dtype=np.float32)
    along = clock / max(frames - 1, 1)
    radius = scale * RADII[thing.size] * (1 + freedom * rng.uniform(-0.09, 0.09))
    r = np.full(frames, radius, np.float32)
    angle = np.full(frames, freedom * rng.uniform(-TILT, TILT), np.float32)
    x, y = np.zeros(frames, np.float32), np.zeros(frames, np.float32)
    phase = freedom * rng.uniform(0, 1)
    turn = rng.choice([-1, 1]) if freedom > 0 else 1
    pace = 1 + freedom * rng.uniform(-0.15, 0.15)
    if thing.motion in ("left", "right", "up", "down"):
        path = 26 * pace * along * (1 if thing.motion in ("right", "down") else -1)
        x, y = (path, y) if thing.motion in ("left", "right") else (x, path)
    elif thing.motion == "bounces":  # touches the ground once in 16 frames
        y = -17 * pace * np.abs(np.cos(np.pi * (clock / 16 + phase)))
    elif thing.motion == "spins":
        angle = turn * 0.11 * pace * clock + 2 * np.pi * phase
    elif thing.motion in ("grows", "shrinks"):  # to twice or half the radius
        factor = GROWTH * 2**along
        r = radius * (factor if thing.motion == "grows" else factor[::-1])
    elif thing.motion == "orbits":  # once round in 24 frames
        around = 2 * np.pi * (turn * clock / 24 + phase)
        x, y = 10.5 * pace * np.sin(around), -10.5 * pace * np.cos(around)
    reach = REACH[thing.shape] * r.max() + 0.5
    return placed(rng, x, reach, freedom), placed(rng, y, reach, freedom), r, angle


def trajectories(rng, scene, frames, freedom=1.0):
    """One trajectory per thing. Two things touch in few frames; where no try keeps to that, the best one
    is taken."""
    if len(scene.things) == 1:
        return [trajectory(rng, scene.things[0], frames, freedom=freedom)]
    best, fewest = None, 2.0
    for _ in range(40):
        paths = [trajectory(rng, thing, frames, CROWDED, freedom) for thing in scene.things]
        (x0, y0, r0, _), (x1, y1, r1, _) = paths
        touching = float(np.mean(np.hypot(x0 - x1, y0 - y1) < r0 + r1))
        if touching < fewest:
            best, fewest = paths, touching
        if touching <= TOUCHING:
            break
    return best


# ----------------------------------------------------------------------------------------------- rendering


def hue(rng, name, freedom):
    """A colour of that name: a little brighter or darker, each channel a little off. Float [3] in [0,1]."""
    brightness = 1 + freedom * rng.uniform(-0.08, 0.04)
    shift = freedom * rng.uniform(-14, 14, 3)
    return np.clip(np.array(COLOURS[name], np.float32) * brightness + shift, 0, 255).astype(np.float32) / 255


def render(scene, frames, seed, only=None, freedom=1.0):
    """(uint8 [frames,64,64,3], bool [frames,64,64]: where objects are). `only`: indices of the frames
    wanted."""
    rng = np.random.RandomState(seed)
    only = np.arange(frames) if only is None else np.asarray(only)
    paths = trajectories(rng, scene, frames, freedom)
    hues = [hue(rng, thing.colour, freedom) for thing in scene.things]
    clip = np.broadcast_to(ground(scene.background, rng), (len(only), SIZE, SIZE, 3)).astype(np.float32)
    covered = np.zeros(clip.shape[:3], bool)
    for thing, path, colour in zip(scene.things, paths, hues):
        cx, cy, radius, angle = (a.astype(np.float32)[only].reshape(-1, 1, 1) for a in path)
        dx, dy = xs - cx, cy - ys
        cosine, sine = np.cos(angle), np.sin(angle)
        u, v = (cosine * dx - sine * dy) / radius, (sine * dx + cosine * dy) / radius
        alpha = np.clip(0.5 - distance(thing.shape, u, v) * radius, 0, 1)[..., None]
        shade = np.clip(1 + 0.08 * (dy - dx) / radius, 0.88, 1.12)[..., None]  # light from the upper left
        clip = clip * (1 - alpha) + alpha * np.clip(colour * shade, 0, 1)
        covered |= alpha[..., 0] > 0.1
    return (clip * 255 + 0.5).astype(np.uint8), covered
