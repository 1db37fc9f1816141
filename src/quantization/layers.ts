/** Linear layers as quantization sees them: by what they do, in words that all families share. Families name theirs. */

/** What a linear layer does. Recipes name layers by these. */
export const linearRoles = [
  /** From normed hidden states to queries, keys or values of self-attention. */
  'attention-input',
  /** From what attention found back to the hidden state. */
  'attention-output',
  /** To the queries of cross-attention. */
  'query',
  /** Into a feed-forward, from normed hidden states. */
  'feed-forward-input',
  /** Out of it, from what the activation function left: hardly ever negative. */
  'feed-forward-output',
] as const;
export type LinearRole = (typeof linearRoles)[number];

/** A linear layer of a checkpoint. */
export interface LinearLayer {
  /** `name.weight` and perhaps `name.bias` are its weights. */
  readonly name: string;
  readonly role: LinearRole;
}
