/**
 * Clips that the embedded model made, for a server that computes nothing: `quantcache generate ... --trace`, their middle
 * frame as WebP, their traces packed.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { parseTraceDocument, summarizeDocument } from '../../../src/trace/document.ts';
import type { StepKind, TraceDocument } from '../../src/api/types.ts';

export interface FakeClip {
  readonly name: string;
  readonly prompt: string;
  readonly seed: number;
  readonly profile: string | null;
  readonly video: Buffer;
  readonly thumbnail: Buffer;
  readonly trace: TraceDocument;
  readonly steps: readonly StepKind[];
  /** Operations of a full run over those that were done. */
  readonly speedup: number;
  /** Milliseconds that the steps took when the clip was made. */
  readonly milliseconds: number;
}

const star = 'a large red star moves right over a blue background';

/** The oldest first. */
export const clips: readonly FakeClip[] = (
  [
    ['circle', 'a small white circle moves up over a black background', 23, 'fast'],
    ['ring', 'a large yellow ring bounces over a green background', 5, 'quality'],
    ['triangle', 'a large green triangle grows over a white background', 11, 'balanced'],
    ['square', 'a small blue square spins over a starry night', 3, 'quality'],
    ['star-adacache', star, 7, null],
    ['star-teacache', star, 7, null],
    ['star-fast', star, 7, 'fast'],
    ['star-quality', star, 7, 'quality'],
    ['star-full', star, 7, null],
    ['star-balanced', star, 7, 'balanced'],
  ] as const
).map(([name, prompt, seed, profile]) => ({ name, prompt, seed, profile, ...filesOf(name) }));

/** The bytes of one of the files. */
export function clipFile(file: string): Buffer {
  return readFileSync(new URL(`clips/${file}`, import.meta.url));
}

/** What a run was expected to become after a step: five moments of the red star, side by side. */
export const previewAt = (step: number): Buffer =>
  clipFile(`star-preview-${1 + [3, 7, 20].filter((end) => step > end).length}.webp`);

function filesOf(name: string) {
  const trace = parseTraceDocument(gunzipSync(clipFile(`${name}.json.gz`)).toString(), name);
  const { flops } = summarizeDocument(trace);
  const whole = trace.decisions.filter(({ level }) => level === 'step');
  return {
    video: clipFile(`${name}.mp4`),
    thumbnail: clipFile(`${name}.webp`),
    trace,
    steps: whole.map(({ step, did }) => kindOf(trace, step, did)),
    speedup: flops ? flops.full / flops.computed : 1,
    milliseconds: whole.reduce((sum, { milliseconds }) => sum + (milliseconds ?? 0), 0),
  };
}

function kindOf({ decisions }: TraceDocument, step: number, did: string): StepKind {
  if (did !== 'compute') return 'reused';
  return decisions.some((decision) => decision.step === step && decision.did !== 'compute') ? 'partly' : 'computed';
}
