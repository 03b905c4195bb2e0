/** Golden rows: the release proves on this machine that it answers as its source did. */
import type { Golden } from './manifest.js';
import type { Prediction, Value } from './tensors.js';

/** Class 0 of two classes is computed as `1 - p`: two steps of float32 below 1, however small it is itself. */
const COMPLEMENT = 2 ** -23;

/** What `answers` say otherwise than the source did, a sentence each; empty is proof. */
export function differences(golden: Golden, answers: readonly Prediction[]): string[] {
  const found: string[] = [];
  for (const [name, expected] of Object.entries(golden.outputs)) {
    const tolerance = golden.tolerance[name];
    expected.forEach((one, row) => {
      const answer = answers[row]?.[name];
      const same = tolerance === undefined ? equal(answer, one) : close(answer, one, tolerance, name === 'probabilities' ? COMPLEMENT : 0);
      if (!same) found.push(`${name} of row ${row}: ${show(answer)}, the source said ${show(one)}`);
    });
  }
  return found;
}

/** Labels: the same value of the same kind; the string "1" is not the integer 1. */
function equal(found: unknown, expected: unknown): boolean {
  return typeof found === 'bigint' ? found === BigInt(expected as number) : Object.is(found, expected);
}

type Tolerance = Golden['tolerance'][string];

function close(found: unknown, expected: unknown, { atol, rtol }: Tolerance, complement: number): boolean {
  const [left, right] = [flat(found), flat(expected)];
  if (left.length !== right.length) return false;
  return right.every((value, index) => {
    const extra = right.length === 2 && index === 0 ? complement : 0;
    return within(left[index], value, atol + rtol * Math.abs(value) + extra);
  });
}

function within(found: number | undefined, expected: number, allowed: number): boolean {
  if (found === undefined) return false;
  if (Number.isNaN(expected)) return Number.isNaN(found);
  return found === expected || Math.abs(found - expected) <= allowed;
}

/** Numbers as golden.json writes them: `null` is NaN, infinities are strings. */
function flat(value: unknown): number[] {
  if (Array.isArray(value)) return value.flatMap(flat);
  if (value === null) return [Number.NaN];
  if (value === 'inf' || value === '-inf') return [value === 'inf' ? Infinity : -Infinity];
  return typeof value === 'number' || typeof value === 'bigint' ? [Number(value)] : [];
}

const show = (value: unknown): string => JSON.stringify(value as Value, (_, one) => (typeof one === 'bigint' ? String(one) : one));
