/** Sessions made on first use and kept: a model is many small graphs, and a run needs only some of them. */
import type { Model } from '../onnx/graph.ts';
import type { CompileOptions, Runtime, Session } from './runtime.ts';

export interface SessionCache {
  /** The session of this name, compiled from `build()` if it is new. */
  get(name: string, build: () => Model | Promise<Model>, options?: CompileOptions): Promise<Session>;
  /** Disposes of every session; the cache stays usable. */
  dispose(): Promise<void>;
}

/** An empty cache on a runtime. */
export function sessionCache(runtime: Runtime): SessionCache {
  const sessions = new Map<string, Promise<Session>>();
  return {
    get(name, build, options) {
      let session = sessions.get(name);
      if (!session) {
        session = Promise.resolve(build()).then((model) => runtime.compile(model, options));
        session.catch(() => sessions.delete(name));
        sessions.set(name, session);
      }
      return session;
    },
    async dispose() {
      const open = [...sessions.values()];
      sessions.clear();
      for (const session of await Promise.allSettled(open))
        if (session.status === 'fulfilled') await session.value.dispose();
    },
  };
}
