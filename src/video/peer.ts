/**
 * Optional packages: loaded when a format needs them, with one message when they are not installed.
 * Nothing here is loaded on a bare install that writes mp4, gif or png.
 */
import { messageOf, QuantCacheError } from '../errors.ts';

/** Imports an optional package, or throws `missing_peer` that says what it is for and what works without it. */
export async function importPeer<T>(name: string, purpose: string, alternative: string): Promise<T> {
  try {
    return (await import(name)) as T;
  } catch (error) {
    throw new QuantCacheError(
      'missing_peer',
      `${purpose} needs the optional package ${name}, which could not be loaded (${messageOf(error).split('\n')[0]}). Install it with: npm install ${name}. ${alternative}`,
      { cause: error },
    );
  }
}

/** The entry function of the package sharp. */
export type Sharp = typeof import('sharp').default;

/** The image library sharp, or `missing_peer`. */
export async function importSharp(purpose: string, alternative: string): Promise<Sharp> {
  return (await importPeer<{ default: Sharp }>('sharp', purpose, alternative)).default;
}

/** Sharp if it is installed, else undefined. */
export async function findSharp(): Promise<Sharp | undefined> {
  return await importSharp('', '').catch(() => undefined);
}
