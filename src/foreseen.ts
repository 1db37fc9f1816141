/**
 * A step whose decisions are known before it begins: what is computed of it runs as one graph, into which residuals go that
 * are reused, and out of which come those that the policy wants to hear of. It does what `execute` does, for policies that
 * look at nothing of the step. Where the network has no such graph, the step runs module by module.
 *
 * Ownership is that of `execute`: the input hidden state stays the caller's, the returned one is the caller's, too.
 */
import { throwIfAborted } from './errors.ts';
import type { Node, Precision, StretchPart } from './model.ts';
import { type Action, compute, type Site } from './policy.ts';
import type { Term } from './runtime/arithmetic.ts';
import type { Tensor } from './runtime/runtime.ts';
import { release, retain } from './runtime/sharing.ts';
import { addTerms, observe, type StepContext, wanted } from './step.ts';

/** A module to compute, or a node to reuse or to skip. */
interface Task {
  readonly node: Node;
  readonly action: Action;
  readonly precision: Precision;
  /** The nodes that it is the first of, the outermost first. */
  readonly begins: Node[];
  /** What ends with it: the nodes that it is the last of, the innermost first. */
  readonly ends: { readonly node: Node; readonly precision: Precision }[];
}

const isComputed = ({ action }: Task): boolean => action.do === 'compute';

/** Runs what is inside a node on `hidden`, at a precision inherited from it, and returns the hidden state after it. */
export async function executeForeseen(
  parent: Node,
  hidden: Tensor,
  inherited: Precision,
  context: StepContext,
): Promise<Tensor> {
  const siteOf = (node: Node): Site => {
    const { step, timestep, signals } = context;
    return { node, step, timestep, hidden, signal: signals.read };
  };
  const tasks = await foresee(parent, inherited, context, siteOf);
  throwIfAborted(context.signal);
  const observes = tasks.some(({ begins }) => begins.some((node) => wanted(node, context)));
  if (!tasks.some(isComputed) && !observes) return addAll(tasks, hidden, context);
  return (await asOneGraph(parent, tasks, hidden, context, siteOf)) ?? oneByOne(tasks, hidden, context, siteOf);
}

type SiteOf = (node: Node) => Site;

/** Asks about all nodes inside of one, in the order in which they run. */
async function foresee(parent: Node, inherited: Precision, context: StepContext, siteOf: SiteOf): Promise<Task[]> {
  const tasks: Task[] = [];
  for (const node of parent.children!) {
    const action = (await context.run.decide(siteOf(node))) ?? compute();
    const precision = action.do === 'compute' ? (action.precision ?? inherited) : inherited;
    if (action.do !== 'compute' || !node.children) {
      tasks.push({ node, action, precision, begins: [], ends: [] });
      continue;
    }
    const inside = await foresee(node, precision, context, siteOf);
    inside[0]!.begins.unshift(node);
    inside.at(-1)!.ends.push({ node, precision });
    tasks.push(...inside);
  }
  return tasks;
}

function record({ node, action, precision, ends }: Task, { trace, step }: StepContext, milliseconds?: number): void {
  trace.record({ step, node, did: action.do, precision, ...(milliseconds !== undefined && { milliseconds }) });
  for (const end of ends) trace.record({ step, node: end.node, did: 'compute', precision: end.precision });
}

/** Nothing is computed: what is reused is added at once. */
async function addAll(tasks: readonly Task[], hidden: Tensor, context: StepContext): Promise<Tensor> {
  const terms = tasks.flatMap(({ action }) => (action.do === 'reuse' ? action.terms : []));
  const result = terms.length > 0 ? await addTerms(hidden, terms, context.arithmetic) : hidden;
  for (const task of tasks) record(task, context);
  return result;
}

async function asOneGraph(
  parent: Node,
  tasks: readonly Task[],
  hidden: Tensor,
  context: StepContext,
  siteOf: SiteOf,
): Promise<Tensor | undefined> {
  const { evaluation, arithmetic, trace, run, step } = context;
  const isWanted = (node: Node) => wanted(node, context);
  const residuals = tasks.flatMap((task) => [
    ...(isComputed(task) && isWanted(task.node) ? [task.node] : []),
    ...task.ends.map(({ node }) => node).filter(isWanted),
  ]);
  const combined: Tensor[] = [];
  const residualOf = async (terms: readonly Term[]): Promise<Tensor> => {
    const [{ tensor, weight }] = terms as [Term];
    if (terms.length === 1 && weight === 1) return tensor;
    combined.push(await arithmetic.combine(terms));
    return combined.at(-1)!;
  };
  try {
    const parts: StretchPart[] = [];
    for (const { node, action, precision, begins, ends } of tasks) {
      parts.push(...begins.filter(isWanted).map((begin) => ({ begin })));
      if (action.do === 'compute') parts.push({ module: node, precision });
      else if (action.do === 'reuse') parts.push({ added: await residualOf(action.terms) });
      parts.push(...ends.filter((end) => isWanted(end.node)).map(({ node: end }) => ({ end })));
    }
    const started = performance.now();
    const result = await evaluation.runTogether!({ parts, residuals }, hidden);
    if (!result) return undefined;
    const graphMilliseconds = performance.now() - started;
    for (const task of tasks) record(task, context);
    trace.measure({ step, path: parent.path, values: { graphMilliseconds } });
    try {
      for (const [i, node] of residuals.entries()) await run.observe?.(siteOf(node), result.residuals[i]!);
    } catch (error) {
      release(result.hidden);
      throw error;
    } finally {
      for (const residual of result.residuals) release(residual);
    }
    return result.hidden;
  } finally {
    for (const tensor of combined) release(tensor);
  }
}

async function oneByOne(tasks: readonly Task[], hidden: Tensor, context: StepContext, siteOf: SiteOf): Promise<Tensor> {
  const { evaluation, arithmetic, signal } = context;
  let current = hidden;
  /** Hidden states before nodes that the policy wants to hear of and that have not ended, the innermost last. */
  const before: Tensor[] = [];
  const advance = (next: Tensor) => {
    if (current !== hidden) release(current);
    current = next;
  };
  try {
    for (const task of tasks) {
      throwIfAborted(signal);
      const { node, action, precision, begins, ends } = task;
      for (const begin of begins) if (wanted(begin, context)) before.push(retain(current));
      const started = performance.now();
      if (action.do === 'compute') {
        const result = await evaluation.run(node, current, { precision, residual: wanted(node, context) });
        advance(result.hidden);
        if (result.residual) await observe(siteOf(node), result.residual, context);
      } else if (action.do === 'reuse') advance(await addTerms(current, action.terms, arithmetic));
      record(task, context, performance.now() - started);
      for (const end of ends) {
        if (!wanted(end.node, context)) continue;
        const begun = before.pop()!;
        try {
          await observe(siteOf(end.node), await arithmetic.subtract(current, begun), context);
        } finally {
          release(begun);
        }
      }
    }
  } catch (error) {
    if (current !== hidden) release(current);
    for (const tensor of before) release(tensor);
    throw error;
  }
  return current;
}
