import { expect, test } from 'vitest';
import { matches } from '../src/history/search.ts';
import { apart, methodOf, ordinal, span } from '../src/names.ts';
import { hashOf, routeOf } from '../src/state/address.ts';
import { createJobs } from './fake/jobs.ts';

const videos = [...createJobs({ pace: 1000 }).all.values()].map(({ video }) => video);
const videoOf = (method: string) => videos.find((video) => methodOf(video) === method)!;

test('clips are called by what made them', () => {
  expect(videos.map(methodOf)).toEqual(
    expect.arrayContaining(['fast', 'quality', 'balanced', 'full', 'teacache w8a8', 'adacache w8a8']),
  );
  const fast = videoOf('fast');
  expect(apart(videoOf('full'), fast)).toEqual(['full', 'fast']);
  expect(apart(fast, fast)).toEqual(['fast, seed 23', 'fast, seed 23']);
});

test('a search finds words in any order, and seeds by themselves', () => {
  const found = (query: string) => videos.filter((video) => matches(video, query)).length;
  expect(found('')).toBe(videos.length);
  expect(found('STAR red')).toBe(6);
  expect(found('star fast')).toBe(1);
  expect(found('seed:7')).toBe(6);
  expect(found('seed:70')).toBe(0);
  expect(found('star teacache circle')).toBe(0);
});

test('numbers are said shortly', () => {
  expect([0.2, 12.4, 75, 7260].map(span)).toEqual(['< 1 s', '12 s', '1 min 15 s', '2 h 1 min']);
  expect([1, 2, 3, 4, 11, 12, 21].map(ordinal)).toEqual(['1st', '2nd', '3rd', '4th', '11th', '12th', '21st']);
});

test('addresses name what the stage shows, and nothing but ids of videos', () => {
  const [a, b] = [videos[0]!.id, videos[1]!.id];
  for (const route of [{ at: 'home' }, { at: 'clip', id: a }, { at: 'compare', a, b }] as const)
    expect(routeOf(hashOf(route))).toEqual(route);
  expect(routeOf('#/clip/../../etc')).toEqual({ at: 'home' });
  expect(routeOf(`#/compare/${a}/x`)).toEqual({ at: 'home' });
});
