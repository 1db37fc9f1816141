/** How numbers are written in tables, pages and messages. */

/** A number with its noun: "1 clip", "2 clips". */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** How many times as fast: "2.50x". */
export const times = (value: number): string => `${value.toFixed(2)}x`;

/** A share: "87.5%". */
export const percent = (share: number): string => `${(share * 100).toFixed(1)}%`;

/** Decibels of PSNR; equal clips have 120. */
export const decibels = (value: number): string => (value >= 120 ? 'equal' : value.toFixed(1));

/** A figure that tells only small differences: "0.0345". */
export const fourDigits = (value: number): string => value.toFixed(4);
