/** What every part of the form is given. */
import type { ModelCapabilities } from '../api/types.ts';
import type { Draft } from '../state/draft.ts';

export interface FieldProps {
  /** The draft with the model's defaults filled in. */
  readonly form: Draft;
  readonly can: ModelCapabilities;
}
