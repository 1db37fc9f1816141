/** What a failure of the file system means for the person who meets it: one table of reasons, one form of message. */
import { messageOf, QuantCacheError } from '../errors.ts';

/** The failures that people meet: what is the matter, and what to do. */
const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist. Make the folder first',
  ENOTDIR: 'a part of its path is a file, not a folder. Choose another place',
  EISDIR: 'a folder has that name. Choose another name',
  EACCES: 'permission was denied. Change the permissions or choose another place',
  EPERM: 'permission was denied. Change the permissions or choose another place',
  EROFS: 'the file system is read-only. Choose another place',
  ENOSPC: 'the disk is full. Free some space or choose another place',
  EDQUOT: 'your disk quota is used up. Free some space or choose another place',
  ENAMETOOLONG: 'its name is too long. Choose a shorter one',
  EPIPE: 'who read from it is gone. Choose a file',
  EMFILE: 'too many files are open. Raise the limit (ulimit -n) or run fewer programs',
  ELOOP: 'its links lead in a circle. Name the file itself',
};

/** The system's code of a failure (`ENOENT`...), if it has one. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** A failure to read or write `path` as our error: `model_not_found` when reading what is not there, else `io`. */
export function fileError(action: 'read' | 'write', path: string, cause: unknown): QuantCacheError {
  if (cause instanceof QuantCacheError) return cause;
  const code = systemCode(cause) ?? '';
  if (action === 'read' && code === 'ENOENT')
    return new QuantCacheError('model_not_found', `There is no file ${path}. Check the path.`, { cause });
  const reason = Object.hasOwn(reasons, code) ? reasons[code] : messageOf(cause);
  return new QuantCacheError('io', `Cannot ${action} ${path}: ${reason}.`, { cause });
}
