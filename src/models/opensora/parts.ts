/** Whether the parts of a model fit each other: what one gives is what the next takes. Weights are checked by each part. */
import { QuantCacheError } from '../../errors.ts';
import type { Stdit3Config } from './stdit3/config.ts';
import type { T5Config } from './t5/config.ts';
import type { VaeConfig } from './vae/config.ts';

/** What is known of the parts once their configurations are read. */
export interface Parts {
  readonly transformer: Pick<Stdit3Config, 'inChannels' | 'captionChannels'>;
  readonly vae: VaeConfig;
  readonly textEncoder: Pick<T5Config, 'hiddenSize' | 'vocabularySize'>;
  readonly tokenizer: { readonly vocabularySize: number };
}

/** Throws `weights_mismatch` that names the two parts which do not belong together, and their numbers. */
export function checkParts({ transformer, vae, textEncoder, tokenizer }: Parts): void {
  const pairs = [
    [
      'in_channels of the transformer',
      transformer.inChannels,
      'temporal.embed_dim of the VAE',
      vae.temporal.embedChannels,
    ],
    [
      'caption_channels of the transformer',
      transformer.captionChannels,
      'd_model of the text encoder',
      textEncoder.hiddenSize,
    ],
    [
      'spatial.latent_channels of the VAE',
      vae.spatial.latentChannels,
      'its temporal.in_out_channels',
      vae.temporal.channels,
    ],
  ] as const;
  for (const [one, size, other, otherSize] of pairs)
    if (size !== otherSize) throw mismatch(`${one} is ${size}, ${other} is ${otherSize}`);
  const [ids, rows] = [tokenizer.vocabularySize, textEncoder.vocabularySize];
  if (ids > rows) throw mismatch(`the tokenizer has ids up to ${ids - 1}, the text encoder ${rows} rows (vocab_size)`);
}

const mismatch = (reason: string) =>
  new QuantCacheError(
    'weights_mismatch',
    `The parts of this model do not fit each other: ${reason}. Name parts that belong together (--vae, --text-encoder), or copy the folder again.`,
  );
