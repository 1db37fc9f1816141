/** Numbers as results files keep them: no more digits than mean something. */
export const rounded = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits;
