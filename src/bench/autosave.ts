/**
 * Saves the latest of many versions now and then: to write all results after each clip takes longer the more there are, and
 * disturbs what is measured next.
 */
export interface Autosave<Version> extends AsyncDisposable {
  /** Notes the latest version, and saves it if the last saving is long enough ago. */
  take(version: Version): Promise<void>;
}

/** What is not saved yet is saved on disposal, so an error or an interruption loses nothing. */
export function autosave<Version>(save: (version: Version) => Promise<void>, milliseconds = 5000): Autosave<Version> {
  let unsaved: Version | undefined;
  let savedAt = performance.now();
  const flush = async () => {
    if (unsaved === undefined) return;
    await save(unsaved);
    unsaved = undefined;
    savedAt = performance.now();
  };
  return {
    async take(version) {
      unsaved = version;
      if (performance.now() - savedAt >= milliseconds) await flush();
    },
    [Symbol.asyncDispose]: flush,
  };
}
