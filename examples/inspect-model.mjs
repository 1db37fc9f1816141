// What a model is made of, and what its modules cost: node examples/inspect-model.mjs [MODEL]
import { createRuntime, openModel } from 'quantcache';
import { demoModel, families, samplers } from 'quantcache/models';
import { modulesIn, treeOf } from 'quantcache/policies';

const [model = demoModel] = process.argv.slice(2);
console.log(
  `families: ${families.flatMap(({ types }) => types).join(', ')}; samplers: ${Object.keys(samplers).join(', ')}`,
);
const pipeline = await openModel(await createRuntime(), { model });
try {
  const { blocks } = pipeline.network;
  const geometry = pipeline.geometry({});
  console.log(`${pipeline.model}: ${blocks.length} blocks, ${modulesIn(treeOf(blocks)).length} modules`);
  for (const module of blocks[0].children) {
    const megaflops = pipeline.costs.of(module, geometry).flops / 1e6;
    console.log(`${module.path}: ${module.kind}, ${megaflops.toFixed(0)} million operations`);
  }
} finally {
  await pipeline[Symbol.asyncDispose]();
}
