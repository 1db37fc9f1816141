/** What other libraries found wrong with data, in our words: zod's issues field by field, and JSON that is none. */

import type * as z from 'zod';
import { suggestion } from './options.ts';

/** How many fields a message names. */
const issuesShown = 4;

/**
 * What a schema found wrong, field by field; of alternatives, that which was meant most likely. `whole` is what messages call
 * the data itself, `known` its fields, of which a wrong name may mean one.
 */
export function issuesOf(error: z.ZodError, whole = '', known: readonly string[] = []): string {
  const issues = error.issues.flatMap(specific);
  const shown = issues.slice(0, issuesShown).map((issue) => {
    const field = issue.path.map(String).join('.') || whole;
    const words = wordsOf(issue, issue.path.length === 0 ? known : []);
    return field === '' ? words : `${field}: ${words}`;
  });
  const rest = issues.length - shown.length;
  return shown.join('; ') + (rest > 0 ? ` and ${rest} more` : '');
}

/** An issue, or those of the alternative whose fields were followed the furthest. */
function specific(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const depth = (issues: readonly z.core.$ZodIssue[]) => Math.max(0, ...issues.map(({ path }) => path.length));
  const alternatives = issue.errors.map((issues) => issues.flatMap(specific)).filter((issues) => depth(issues) > 0);
  const meant = alternatives.sort((a, b) => depth(b) - depth(a))[0];
  return meant?.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] })) ?? [issue];
}

/** Messages that a schema of ours gives are kept; zod's own begin with one of these. */
const byZod = /^(Invalid|Too|Unrecognized) /;

function wordsOf(issue: z.core.$ZodIssue, known: readonly string[]): string {
  if (!byZod.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return `must be of type ${issue.expected}`;
    case 'invalid_value':
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
    case 'too_small':
      return `must ${has(issue.origin)} ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`;
    case 'too_big':
      return `must ${has(issue.origin)} ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`;
    case 'unrecognized_keys':
      return `knows no ${issue.keys.map((key) => `${JSON.stringify(key)}${suggestion(key, known)}`).join(', ')}`;
    case 'invalid_format':
      return 'is not written as it must be';
    default:
      return 'has none of the allowed forms';
  }
}

/** Numbers are large or small, texts and lists have a length. */
const has = (origin: string): string => (['number', 'int', 'bigint'].includes(origin) ? 'be' : 'have a length of');
