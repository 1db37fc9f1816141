/** What every part of the form is given. */
import type { ModelCapabilities } from '../api/types.ts';
import type { Settled } from '../state/draft.ts';

export interface FieldProps {
  /** The draft with the model's defaults filled in. */
  readonly form: Settled;
  readonly can: ModelCapabilities;
}
