/**
 * A trace as a file: what ran, the tree it ran on, what each module costs, every decision and every measured number.
 * Self-describing, so that it can be summarised and drawn without the model.
 */
import * as z from 'zod';
import { parseJson } from '../files/json.ts';
import { type Node, precisions } from '../model.ts';
import type { Trace } from '../trace.ts';
import { type ModuleFlops, summarize, type TraceSummary } from './summary.ts';

const moduleSchema = z.object({ path: z.string(), kind: z.string(), flops: z.number().nonnegative() });
const blockSchema = z.object({ path: z.string(), kind: z.string(), modules: z.array(moduleSchema) });

const decisionSchema = z.object({
  step: z.int().nonnegative(),
  path: z.string(),
  level: z.enum(['step', 'segment', 'block', 'module']),
  did: z.enum(['compute', 'reuse', 'skip']),
  precision: z.enum(precisions),
  milliseconds: z.number().optional(),
  whole: z.literal(true).optional(),
});

const measurementSchema = z.object({
  step: z.int().nonnegative(),
  path: z.string(),
  // JSON has no NaN: what is null was no finite number.
  values: z.record(
    z.string(),
    z
      .number()
      .nullable()
      .transform((value) => value ?? Number.NaN),
  ),
});

const documentSchema = z.object({
  format: z.literal('quantcache-trace'),
  version: z.literal(1),
  model: z.string(),
  policy: z.string(),
  numSteps: z.int().positive(),
  /** In the order they run. */
  blocks: z.array(blockSchema),
  decisions: z.array(decisionSchema),
  measurements: z.array(measurementSchema),
  warnings: z.array(z.string()),
});

export type TraceDocument = z.output<typeof documentSchema>;

/** What a document says beside the trace itself. */
export interface TraceOrigin {
  readonly model: string;
  readonly policy: string;
  readonly numSteps: number;
  readonly blocks: readonly Node[];
  /** Operations of one run of a module. */
  flops(module: Node): number;
}

/** Puts a trace and where it comes from into one document. */
export function traceDocument(trace: Trace, origin: TraceOrigin): TraceDocument {
  const { decisions, measurements, warnings } = trace;
  const { model, policy, numSteps, blocks, flops } = origin;
  return {
    format: 'quantcache-trace',
    version: 1,
    model,
    policy,
    numSteps,
    blocks: blocks.map(({ path, kind, children = [] }) => ({
      path,
      kind,
      modules: children.map((module) => ({ path: module.path, kind: module.kind, flops: flops(module) })),
    })),
    decisions: [...decisions],
    measurements: [...measurements],
    warnings: [...warnings],
  };
}

/** What messages say of a trace's file. */
export const tracePurpose = { what: 'a trace of this version', todo: 'Write it anew with --trace.' };

/** Reads a document; throws `corrupt_file` with what is wrong. `name` is what messages call it. */
export function parseTraceDocument(text: string, name: string): TraceDocument {
  return parseJson(text, name, documentSchema, tracePurpose);
}

/** The summary of a document, with the operations it knows. */
export function summarizeDocument(document: TraceDocument): TraceSummary {
  return summarize(document, flopsByPath(document));
}

function flopsByPath({ blocks }: TraceDocument): ModuleFlops {
  return new Map(blocks.flatMap(({ modules }) => modules.map((module) => [module.path, module.flops])));
}
