/** One of two clips that are compared. */
export interface Side {
  /** Address of an mp4 or webm. */
  readonly url: string;
  /** In what it differs from the other: a profile, a policy, a seed. */
  readonly name: string;
}
