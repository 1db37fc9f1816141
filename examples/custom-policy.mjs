// A policy of one's own: blocks are computed at every second step, and in between add what they added before.
import { createRuntime, finish, generate, openModel } from 'quantcache';
import { compute, release, retain, reuse } from 'quantcache/policies';
import { summarize, summaryLines } from 'quantcache/trace';

/** @type {import('quantcache').Policy} */
const everySecond = {
  name: 'every-second',
  begin() {
    const residuals = new Map(); // of this generation; dropped with it
    return {
      finest: 'block',
      wants: ({ level }) => level === 'block',
      decide({ node, step }) {
        if (node.level !== 'block') return undefined; // no opinion: ask about what is inside
        const earlier = residuals.get(node.path);
        return earlier && step % 2 === 1 ? reuse(earlier) : compute();
      },
      observe({ node }, residual) {
        const earlier = residuals.get(node.path);
        if (earlier) release(earlier);
        residuals.set(node.path, retain(residual)); // it was only lent
      },
      dispose() {
        for (const residual of residuals.values()) release(residual);
      },
    };
  },
};

const runtime = await createRuntime();
const pipeline = await openModel(runtime);
try {
  const prompts = ['a small yellow square moves up over a green background'];
  const { trace } = await finish(generate(pipeline, runtime, { prompts, policy: everySecond, numSteps: 8 }));
  console.log(summaryLines(summarize(trace)).join('\n'));
} finally {
  await pipeline[Symbol.asyncDispose]();
}
