/** STDiT3 with what belongs to it: its weights checked, its schedule and samplers, and what its modules cost. */
import { QuantCacheError } from '../../errors.ts';
import type { TextConditioning } from '../../model.ts';
import type { Costs, NetworkStage } from '../../pipeline.ts';
import { readCalibrated } from '../../quantization/calibrated.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { samplers } from '../../samplers/index.ts';
import { checkWeights } from '../../weights/check.ts';
import { bytesOf, openCheckpoint, type Weights } from '../../weights/checkpoint.ts';
import { hashWeights } from '../../weights/hash.ts';
import { type ModelSettings, readConfig } from './folders.ts';
import { parseStdit3Config, type Stdit3Config } from './stdit3/config.ts';
import { moduleFlops } from './stdit3/cost.ts';
import { loadStdit3, type Stdit3Options } from './stdit3/network.ts';
import { patchGrid } from './stdit3/positions.ts';
import { ignoredWeights, optionalWeights, stdit3Shapes } from './stdit3/weights.ts';
import { rflowSchedule } from './timesteps.ts';

/** Frame rate that still images are conditioned on. */
const imageFrameRate = 120;
/** Caption length that costs are estimated for. */
const averageCaptionTokens = 120;

/** What the transformer is opened with. */
export interface TransformerParts {
  /** Folder of the transformer. */
  readonly folder: string;
  readonly settings: ModelSettings;
  /** The model that it is part of. */
  readonly model: { readonly name: string; readonly folder: string };
  readonly quantization?: Stdit3Options;
}

/** Opens the transformer. Throws `weights_mismatch` where its tensors do not fit its configuration. */
export async function openTransformer(runtime: Runtime, { folder, settings, model, quantization }: TransformerParts) {
  const config = await readConfig(folder, parseStdit3Config);
  const weights = await openCheckpoint(folder);
  const unused = checkWeights(weights, stdit3Shapes(config), {
    optional: optionalWeights,
    ignore: ignoredWeights,
    label: 'the STDiT3 transformer',
  });
  const hash = () => hashWeights(weights, { cache: quantization?.cache });
  const network = loadStdit3(runtime, weights, config, {
    ...quantization,
    async own() {
      const calibrated = await readCalibrated(model.folder, { name: model.name, hash });
      return { recipes: { ...settings.recipes, ...calibrated?.recipes }, maxima: calibrated?.maxima };
    },
  });
  const stage: NetworkStage = {
    blocks: network.blocks,
    samplers,
    schedule: ({ height, width, numFrames }, steps) =>
      rflowSchedule({ steps, height, width, frames: numFrames, baseResolution: settings.timestepBaseResolution }),
    begin({ text, geometry }) {
      assertReadable(text, config);
      const fps = geometry.numFrames > 1 ? geometry.fps : imageFrameRate;
      return network.begin({ text, geometry: { ...geometry, fps } });
    },
  };
  return {
    config,
    unused,
    hash,
    stage,
    costs: costsOf(config, weights),
    bytes: bytesOf(weights),
    nullCaption: () => network.nullCaption(),
    dispose: () => network.dispose(),
  };
}

/** Throws `invalid_option` for prompts that an encoder of another width encoded. */
function assertReadable({ conditional }: TextConditioning, { captionChannels }: Stdit3Config): void {
  const [, , width] = conditional.dims;
  if (width === captionChannels) return;
  throw new QuantCacheError(
    'invalid_option',
    `The encoded prompts are ${width} wide, and this model reads ${captionChannels}: they are of another text encoder. Encode them with that of the model.`,
  );
}

function costsOf(config: Stdit3Config, weights: Weights): Omit<Costs, 'weightBytes'> {
  return {
    of(node, geometry) {
      const own = weights.scope(node.path);
      const list = own.names().map((name) => own.get(name));
      const captionTokens = Math.min(averageCaptionTokens, config.maxCaptionLength);
      return {
        parameters: list.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0),
        bytes: bytesOf(own),
        flops: moduleFlops(config, node, { geometry, batch: 2, captionTokens }),
      };
    },
    hiddenDims({ latent }) {
      const { rows, columns } = patchGrid(config, latent);
      return [2, latent.frames, rows * columns, config.hiddenSize];
    },
  };
}
