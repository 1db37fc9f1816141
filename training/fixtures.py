"""Writes fixtures/, by which the TypeScript reader is held to this one: a few clips with what the reader
says of them, its constants, and the prompts that models are judged by. The clips are gzipped bytes
[clips,17,64,64,3].

    python fixtures.py
"""

import gzip
import json
from pathlib import Path

import numpy as np

import reader
import world
from rendering import COLOURS, CROWDED

DEMO = world.WORLDS["demo"]
CLIPS = {1: 10, 2: 4}  # how many clips of so many objects


def chosen(objects, count):
    """Clips whose first object moves differently each time."""
    out, motions, index = [], set(), 0
    while len(out) < count:
        clip = world.make_clip(index, split="evaluation", objects=objects)
        index += 1
        if clip.scene.things[0].motion not in motions:
            motions.add(clip.scene.things[0].motion)
            out.append(clip)
    return out


def described(clip):
    scene = clip.scene
    return dict(
        caption=clip.caption,
        wanted=[reader.wanted(thing, scene.background) for thing in scene.things],
        read=reader.read_scene(clip.frames, scene),
    )


def main(folder):
    folder.mkdir(exist_ok=True)
    clips = [clip for objects, count in CLIPS.items() for clip in chosen(objects, count)]
    frames = np.stack([clip.frames for clip in clips]).tobytes()
    (folder / "reader.clips.gz").write_bytes(gzip.compress(frames, 9, mtime=0))
    constants = dict(
        clip=reader.CLIP,
        different=reader.DIFFERENT,
        minimumArea=reader.MINIMUM_AREA,
        leastSeen=reader.LEAST_SEEN,
        enoughApart=reader.ENOUGH_APART,
        orders=reader.ORDERS,
        moments=reader.MOMENTS,
        round=reader.ROUND,
        fill=reader.FILL,
        small=reader.SMALL,
        crowded=CROWDED,
        moves=reader.MOVES,
        growth=reader.GROWTH,
        turn=reader.TURN,
        steady=reader.STEADY,
        palette={c: COLOURS[c] for c in DEMO.colours},
        grounds=reader.GROUNDS,
    )
    rows = [described(clip) for clip in clips]
    text = json.dumps(dict(constants=constants, clips=rows), indent=1)
    (folder / "reader.json").write_text(text + "\n")
    prompts = [
        dict(prompt=text, things=[reader.wanted(thing, scene.background) for thing in scene.things])
        for text, scene in world.mixed_prompts()
    ]
    (folder / "prompts.json").write_text(json.dumps(prompts, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(Path(__file__).parent / "fixtures")
