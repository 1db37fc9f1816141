/**
 * The API as an OpenAPI 3.1 document. Bodies are the schemas that requests are read by, so the document cannot say otherwise;
 * `@hono/zod-openapi` is not used because it validates a body as JSON and as a form at once, which refuses every request.
 */
import * as z from 'zod';
import { version } from '../../version.ts';
import { createFields, remixFields } from './fields.ts';

interface Route {
  readonly method: 'get' | 'post' | 'delete';
  readonly path: string;
  readonly summary: string;
  readonly answer: string;
  readonly query?: readonly string[];
}

const [json, stream, text] = ['application/json', 'text/event-stream', 'text/plain'];

const routes: readonly Route[] = [
  { method: 'post', path: '/v1/videos', summary: 'Make a video', answer: json },
  { method: 'get', path: '/v1/videos', summary: 'List videos', answer: json, query: ['after', 'limit', 'order'] },
  { method: 'get', path: '/v1/videos/{id}', summary: 'How a video goes', answer: json },
  { method: 'delete', path: '/v1/videos/{id}', summary: 'Stop and forget a video', answer: json },
  {
    method: 'get',
    path: '/v1/videos/{id}/content',
    summary: 'A file of a video: video, thumbnail, spritesheet, trace, decision_map',
    answer: 'video/mp4',
    query: ['variant'],
  },
  { method: 'get', path: '/v1/videos/{id}/preview', summary: 'The newest preview of a run', answer: 'image/png' },
  { method: 'get', path: '/v1/videos/{id}/events', summary: 'What happens to a video', answer: stream },
  { method: 'get', path: '/v1/events', summary: 'What happens to all videos', answer: stream },
  { method: 'post', path: '/v1/videos/{id}/remix', summary: 'The same with another prompt', answer: json },
  { method: 'post', path: '/v1/videos/{id}/cancel', summary: 'Stop a video', answer: json },
  { method: 'post', path: '/v1/videos/{id}/retry', summary: 'Make a failed video again', answer: json },
  { method: 'get', path: '/v1/models', summary: 'Models and what they can be asked for', answer: json },
  { method: 'get', path: '/v1/models/{id}', summary: 'One model', answer: json },
  { method: 'get', path: '/v1/policies', summary: 'Acceleration methods and their options', answer: json },
  { method: 'get', path: '/v1/capabilities', summary: 'All of that in one answer', answer: json },
  { method: 'get', path: '/metrics', summary: 'Numbers for Prometheus', answer: text },
  { method: 'get', path: '/healthz', summary: 'Whether the server answers', answer: text },
  { method: 'get', path: '/readyz', summary: 'Whether its model is open', answer: text },
];

/** The document. */
export function openApiDocument() {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) paths[route.path] = { ...paths[route.path], [route.method]: operation(route) };
  const schema = { type: 'http', scheme: 'bearer' };
  return {
    openapi: '3.1.0',
    info: { title: 'QuantCache', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    security: [{ key: [] }, {}],
    paths,
    components: { securitySchemes: { key: schema }, schemas: { Error: errorSchema } },
  };
}

function operation({ method, path, summary, answer, query = [] }: Route) {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => parameter(name!, 'path'));
  const parameters = [...inPath, ...query.map((name) => parameter(name, 'query'))];
  return {
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(method === 'post' && bodyOf(path)),
    responses: {
      200: { description: 'OK', content: { [answer]: {} } },
      default: {
        description: 'What was wrong',
        content: { [json]: { schema: { $ref: '#/components/schemas/Error' } } },
      },
    },
  };
}

const parameter = (name: string, place: 'path' | 'query') => ({
  name,
  in: place,
  required: place === 'path',
  schema: { type: 'string' },
});

function bodyOf(path: string) {
  const fields = path === '/v1/videos' ? createFields : path.endsWith('/remix') ? remixFields : undefined;
  if (!fields) return {};
  const schema = z.toJSONSchema(fields, { io: 'output', unrepresentable: 'any' });
  const { $schema: _, ...body } = schema;
  return {
    requestBody: { required: true, content: { [json]: { schema: body }, 'multipart/form-data': { schema: body } } },
  };
}

const errorSchema = {
  type: 'object',
  properties: {
    error: {
      type: 'object',
      properties: {
        message: { type: 'string' },
        type: { type: 'string' },
        param: { type: ['string', 'null'] },
        code: { type: 'string' },
      },
    },
  },
};
