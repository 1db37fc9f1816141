import { describe, expect, it } from 'vitest';
import { exitCode, messageOf, originOf, QuantCacheError } from './errors.ts';

/** What `await using` throws where both the work and its disposal fail. */
async function failTwice(work: unknown): Promise<unknown> {
  try {
    await using _ = {
      [Symbol.asyncDispose]: async () => {
        throw new Error('session is in use');
      },
    };
    throw work;
  } catch (error) {
    return error;
  }
}

describe('errors that hold others', () => {
  it('says what went wrong, not that its disposal failed, too', async () => {
    const work = new QuantCacheError('aborted', 'The run was stopped.');
    const thrown = await failTwice(await failTwice(work));
    expect(thrown).not.toBe(work);
    expect(originOf(thrown)).toBe(work);
    expect(messageOf(thrown)).toBe('The run was stopped.');
    expect(exitCode(thrown)).toBe(130);
    expect(messageOf(await failTwice('words'))).toBe('words');
  });

  it('says each of several', () => {
    const refused = (address: string) => new Error(`connect ECONNREFUSED ${address}`);
    const both = new AggregateError([refused('::1'), refused('127.0.0.1'), refused('::1')]);
    expect(messageOf(both)).toBe('connect ECONNREFUSED ::1; connect ECONNREFUSED 127.0.0.1');
    expect(messageOf(new AggregateError([refused('::1')], 'all failed'))).toBe('all failed (connect ECONNREFUSED ::1)');
  });

  it('says the causes of a foreign error, once, and of ours its message alone', () => {
    const inner = new Error('certificate has expired');
    expect(messageOf(new TypeError('fetch failed', { cause: inner }))).toBe('fetch failed (certificate has expired)');
    expect(messageOf(new TypeError('fetch failed', { cause: new AggregateError([inner]) }))).toBe(
      'fetch failed (certificate has expired)',
    );
    expect(messageOf(new Error('no: certificate has expired', { cause: inner }))).toBe('no: certificate has expired');
    expect(messageOf(new QuantCacheError('io', 'Cannot read it.', { cause: inner }))).toBe('Cannot read it.');
  });

  it('never gives nothing', () => {
    expect(messageOf(new TypeError())).toBe('TypeError');
    expect(messageOf(undefined)).toBe('undefined');
  });
});
