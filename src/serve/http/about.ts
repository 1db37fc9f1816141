/** What the server offers: models, policies, limits. */
import { Hono } from 'hono';
import { version } from '../../version.ts';
import { type Capabilities, type ModelObject, outputFormats } from '../api.ts';
import type { RequestVariables, ServeContext } from './context.ts';
import { maxPromptCharacters } from './fields.ts';
import { notFound } from './refusal.ts';

export function aboutRoutes({ offer, settings }: ServeContext): Hono<RequestVariables> {
  const app = new Hono<RequestVariables>();
  const models = async (): Promise<ModelObject[]> => {
    const { model, capabilities } = await offer();
    return [model, ...settings.aliases.keys()].map((id) => ({
      id,
      object: 'model',
      created: 0,
      owned_by: 'quantcache',
      quantcache: capabilities,
    }));
  };
  app.get('/models', async (context) => context.json({ object: 'list', data: await models() }));
  app.get('/models/:id', async (context) => {
    const found = (await models()).find(({ id }) => id === context.req.param('id'));
    if (!found) throw notFound('There is no such model here.');
    return context.json(found);
  });
  app.get('/policies', async (context) => context.json({ object: 'list', data: (await offer()).policies }));
  app.get('/capabilities', async (context) =>
    context.json({
      version,
      models: await models(),
      policies: (await offer()).policies,
      output_formats: outputFormats,
      limits: {
        max_prompt_characters: maxPromptCharacters,
        max_upload_bytes: settings.maxUploadBytes,
        max_queue: settings.maxQueue,
      },
    } satisfies Capabilities),
  );
  return app;
}
