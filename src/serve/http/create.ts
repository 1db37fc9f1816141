/** New videos: from a request's body to a job in the queue. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from 'hono';
import type { Video } from '../api.ts';
import { type Job, type NewJob, newJobId } from '../job.ts';
import { type Body, readBody } from './body.ts';
import type { RequestVariables, ServeContext } from './context.ts';
import { type CreateFields, createFields, readFields, remixFields } from './fields.ts';
import { orderOf } from './order.ts';
import { type Picture, pictureOf } from './picture.ts';
import { createRateLimit } from './rates.ts';
import { Refusal } from './refusal.ts';
import { createRepeats } from './repeats.ts';
import type { Shows } from './show.ts';

type CreateContext = Context<RequestVariables>;

export interface Creates {
  /** `POST /v1/videos`. */
  create(context: CreateContext): Promise<Video>;
  /** As another job, with another prompt. */
  remix(context: CreateContext, job: Job): Promise<Video>;
  /** As another job that is finished and was not completed. */
  retry(context: CreateContext, job: Job): Promise<Video>;
}

export function createCreates(serve: ServeContext, shows: Shows): Creates {
  const { queue, settings } = serve;
  const limitRate = createRateLimit(settings.createsPerMinute);
  const repeats = createRepeats();

  /** The job that the same request made before, if it says that it is sent again. */
  async function repeated({ req, var: { owner } }: CreateContext, body: Body): Promise<Job | undefined> {
    if (!(Number(req.header('x-stainless-retry-count')) > 0)) return undefined;
    const id = repeats.find(owner, body);
    return id === undefined ? undefined : queue.get(id);
  }

  async function add(
    context: CreateContext,
    job: Omit<NewJob, 'id' | 'owner' | 'image'>,
    picture?: Picture,
  ): Promise<Job> {
    const { owner } = context.var;
    limitRate(owner);
    const id = newJobId();
    const image = picture && `reference.${picture.extension}`;
    const idempotencyKey = context.req.header('idempotency-key')?.slice(0, 200);
    const isLimited = settings.keys.length > 0;
    const most = {
      waiting: settings.maxQueue,
      ofOwner: isLimited ? settings.maxWaitingOfKey : settings.maxQueue,
    };
    if (picture) await writeFile(join(await queue.makeFolder(id), image!), picture.bytes, { mode: 0o600 });
    const added = await queue.add({ ...job, id, owner, image, idempotencyKey }, { most });
    if ('job' in added) return added.job;
    const whose = added.kind === 'queue_full' ? 'The queue is full' : 'As many jobs of this key wait as may';
    throw new Refusal(429, 'queue_full', `${whose} (${added.waiting}). Try again later, or cancel one.`, {
      headers: { 'retry-after': '10' },
    });
  }

  async function order(fields: CreateFields) {
    const { model: name, capabilities } = await serve.offer();
    const asked = fields.model ?? name;
    const meant = settings.aliases.get(asked) ?? asked;
    if (meant !== name) {
      const known = [name, ...settings.aliases.keys()].join(', ');
      throw new Refusal(404, 'model_not_found', `There is no such model here; there is: ${known}.`, { param: 'model' });
    }
    return orderOf(fields, { model: asked, modelName: name, capabilities, fitsSize: settings.fitsSize });
  }

  return {
    async create(context) {
      const body = await readBody(context);
      const known = await repeated(context, body);
      if (known) return await shows.video(known);
      const { input_reference: given, ...rest } = body.fields;
      // A form's file comes beside the fields; an empty text is what some forms send for none.
      const fields = readFields(createFields, given === '' ? rest : body.fields);
      const picture = pictureOf(fields, body.file);
      const { capabilities } = await serve.offer();
      if (picture && !capabilities.input_reference)
        throw new Refusal(400, 'unsupported_parameter', 'Pictures cannot be read here: the package sharp is missing.', {
          param: 'input_reference',
        });
      const request = await order(fields);
      const job = await add(context, { request, priority: fields.quantcache?.priority ?? 0 }, picture);
      repeats.remember(context.var.owner, body, job.id);
      return await shows.video(job);
    },
    async remix(context, job) {
      const { prompt } = readFields(remixFields, (await readBody(context)).fields);
      assertNoPicture(job);
      const request = { ...job.request, run: { ...job.request.run, prompts: [prompt] } };
      return await shows.video(await add(context, { request, priority: job.priority, remixedFrom: job.id }));
    },
    async retry(context, job) {
      assertNoPicture(job);
      const { request, priority } = job;
      return await shows.video(await add(context, { request, priority, retryOf: job.id }));
    },
  };
}

function assertNoPicture({ image }: Job): void {
  if (image === undefined) return;
  const message = 'This video was made from a picture, which is not copied. Create a new one with the picture.';
  throw new Refusal(400, 'unsupported_parameter', message, { param: 'input_reference' });
}
