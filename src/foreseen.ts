/**
 * A step whose decisions are known before it begins: what is computed of it runs as one graph, residuals that are reused
 * going into it, as far as it is in one precision. It does what `execute` does, for policies that look at nothing of the step and are told of
 * modules alone.
 *
 * Ownership is that of `execute`: the input hidden state stays the caller's, the returned one is the caller's, too.
 */
import { throwIfAborted } from './errors.ts';
import type { Node, Precision, StretchPart } from './model.ts';
import { type Action, compute, type Site } from './policy.ts';
import type { Term } from './runtime/arithmetic.ts';
import type { Tensor } from './runtime/runtime.ts';
import { release } from './runtime/sharing.ts';
import { addTerms, type StepContext, wanted } from './step.ts';

/** A module to compute, or a node to reuse or to skip. */
interface Task {
  readonly node: Node;
  readonly action: Action;
  readonly precision: Precision;
  /** What ends with it: the nodes that it is the last of, the innermost first. */
  readonly ends: Omit<Task, 'ends'>[];
}

/** Runs what is inside a node on `hidden`, at a precision inherited from it, and returns the hidden state after it. */
export async function executeForeseen(
  parent: Node,
  hidden: Tensor,
  inherited: Precision,
  context: StepContext,
): Promise<Tensor> {
  const { evaluation, arithmetic, trace, run, step, signal } = context;
  const siteOf = (node: Node): Site => siteIn(context, hidden, node);
  const time = { graphs: 0, graphMilliseconds: 0 };
  let current = hidden;
  const advance = (next: Tensor) => {
    if (current !== hidden) release(current);
    current = next;
  };
  const record = ({ node, action, precision, ends }: Task, milliseconds?: number) => {
    trace.record({ step, node, did: action.do, precision, ...(milliseconds !== undefined && { milliseconds }) });
    for (const end of ends) trace.record({ step, node: end.node, did: 'compute', precision: end.precision });
  };
  /** Tells the policy what modules added, and frees that. */
  const observe = async (modules: readonly Node[], residuals: readonly Tensor[]) => {
    try {
      for (const [i, residual] of residuals.entries()) await run.observe?.(siteOf(modules[i]!), residual);
    } finally {
      for (const residual of residuals) release(residual);
    }
  };

  const add = async (piece: readonly Task[]) => {
    const terms = piece.flatMap(({ action }) => (action.do === 'reuse' ? action.terms : []));
    if (terms.length > 0) advance(await addTerms(current, terms, arithmetic));
    for (const task of piece) record(task);
  };
  /** A piece as one graph, if the network has it. */
  const runTogether = async (piece: readonly Task[]): Promise<boolean> => {
    const residuals = piece.filter(isComputed).flatMap(({ node }) => (wanted(node, context) ? [node] : []));
    const combined: Tensor[] = [];
    const partOf = async ({ node, action }: Task): Promise<StretchPart[]> => {
      if (action.do === 'compute') return [{ module: node }];
      if (action.do === 'skip') return [];
      const [{ tensor, weight }] = action.terms as [Term];
      if (action.terms.length === 1 && weight === 1) return [{ added: tensor }];
      const sum = await arithmetic.combine(action.terms);
      combined.push(sum);
      return [{ added: sum }];
    };
    try {
      const parts: StretchPart[] = [];
      for (const task of piece) parts.push(...(await partOf(task)));
      const { precision } = piece.find(isComputed)!;
      const started = performance.now();
      const result = await evaluation.runTogether!({ parts, precision, residuals }, current);
      if (!result) return false;
      advance(result.hidden);
      time.graphs++;
      time.graphMilliseconds += performance.now() - started;
      for (const task of piece) record(task);
      await observe(residuals, result.residuals);
      return true;
    } finally {
      for (const tensor of combined) release(tensor);
    }
  };
  const computeAlone = async (task: Task) => {
    const { node, precision } = task;
    throwIfAborted(signal);
    const started = performance.now();
    const result = await evaluation.run(node, current, { precision, residual: wanted(node, context) });
    advance(result.hidden);
    record(task, performance.now() - started);
    if (result.residual) await observe([node], [result.residual]);
  };

  try {
    for (const piece of piecesOf(await foresee(parent, inherited, context, siteOf))) {
      throwIfAborted(signal);
      if (!piece.some(isComputed)) await add(piece);
      else if (piece.length === 1 || !(await runTogether(piece)))
        for (const task of piece) await (isComputed(task) ? computeAlone(task) : add([task]));
    }
  } catch (error) {
    if (current !== hidden) release(current);
    throw error;
  }
  if (time.graphs > 0) trace.measure({ step, path: parent.path, values: time });
  return current;
}

const siteIn = ({ step, timestep, signals }: StepContext, hidden: Tensor, node: Node): Site => ({
  ...{ node, step, timestep, hidden },
  signal: signals.read,
});

/** Asks about all nodes inside of one, in the order in which they run. */
async function foresee(
  parent: Node,
  inherited: Precision,
  context: StepContext,
  siteOf: (node: Node) => Site,
): Promise<Task[]> {
  const tasks: Task[] = [];
  for (const node of parent.children!) {
    const action = (await context.run.decide(siteOf(node))) ?? compute();
    const precision = action.do === 'compute' ? (action.precision ?? inherited) : inherited;
    if (action.do !== 'compute' || !node.children) {
      tasks.push({ node, action, precision, ends: [] });
      continue;
    }
    const inside = await foresee(node, precision, context, siteOf);
    inside.at(-1)!.ends.push({ node, action, precision });
    tasks.push(...inside);
  }
  return tasks;
}

const isComputed = ({ action }: Task): boolean => action.do === 'compute';

/** Tasks that can be done at once: what is computed of them is in one precision. */
function piecesOf(tasks: readonly Task[]): Task[][] {
  const pieces: Task[][] = [];
  for (const task of tasks) {
    const last = pieces.at(-1);
    const computed = last?.find(isComputed);
    if (last && !(computed && isComputed(task) && computed.precision !== task.precision)) last.push(task);
    else pieces.push([task]);
  }
  return pieces;
}
