/** Records by column name as the tensors that a graph takes, and its outputs as records again: nothing is guessed. */
import { Tensor } from 'onnxruntime-node';

import { WrongRows } from './errors.js';
import type { Column, Dtype, Manifest, Output, Scalar, Signature } from './manifest.js';

/** A row by column name; `null` and NaN are missing values. */
export type Row = Readonly<Record<string, Scalar | bigint | null | undefined>>;
/** A value of an output: of one row, or of one class or target of it. */
export type Value = number | bigint | string | boolean;
/** What the graph answers a row with, by output: `label`, `probabilities`, `prediction`. */
export type Prediction = Readonly<Record<string, Value | readonly Value[]>>;

const ARRAYS = { float32: Float32Array, float64: Float64Array, int64: BigInt64Array, bool: Uint8Array } as const;
const FLOAT32_MAX = 2 ** 128 - 2 ** 104;
const INT64 = 2n ** 63n;

/** Reads rows by the signature and the policy of one release. */
export class Reader {
  private readonly signature: Signature;
  private readonly refuses: ReadonlySet<string>;
  private readonly categories: readonly (ReadonlySet<string> | undefined)[];

  constructor(manifest: Manifest) {
    this.signature = manifest.signature;
    // what the source refuses although the graph would answer, such as 'unseen-category: …'
    this.refuses = new Set((manifest.plan.accepted ?? []).map((entry) => entry.split(/[:\s]/, 1)[0] ?? ''));
    this.categories = this.signature.inputs.map(({ categories }) => categories ? new Set(categories.map(typed)) : undefined);
  }

  /** The tensors for `rows`: columns are found by name, in any order. Throws WrongRows. */
  feeds(rows: readonly Row[]): Record<string, Tensor> {
    const { layout, inputs } = this.signature;
    rows.forEach((row, index) => this.checkNames(row, index));
    const columns = inputs.map((column, place) => rows.map((row, index) => this.value(column, place, row, index)));
    if (layout === 'columns') {
      return Object.fromEntries(
        inputs.map((column, place) => [column.tensor, tensor(column.dtype, columns[place] ?? [], [rows.length, 1])]),
      );
    }
    const first = inputs[0] as Column;
    const values = rows.flatMap((_, index) => columns.map((column) => column[index] as Value));
    return { [first.tensor]: tensor(first.dtype, values, [rows.length, inputs.length]) };
  }

  private checkNames(row: Row, index: number): void {
    const known = new Set(this.signature.inputs.map((column) => column.name));
    const unknown = Object.keys(row).filter((name) => !known.has(name));
    const missing = [...known].filter((name) => !Object.hasOwn(row, name));
    if (unknown.length === 0 && missing.length === 0) return;
    throw new WrongRows(`$[${index}]`, `unknown columns: ${list(unknown)}; missing columns: ${list(missing)}`);
  }

  private value(column: Column, place: number, row: Row, index: number): Value {
    const given = row[column.name];
    const wrong = (problem: string): WrongRows => new WrongRows(`$[${index}].${column.name}`, problem);
    if (given === null || given === undefined || (typeof given === 'number' && Number.isNaN(given))) {
      return missing(column, wrong);
    }
    const known = this.categories[place];
    if (known !== undefined && this.refuses.has('unseen-category') && !known.has(typed(given))) {
      throw wrong(`not one of the ${known.size} categories of the training data`);
    }
    switch (column.dtype) {
      case 'string':
        if (typeof given !== 'string' && !known?.has(typed(given))) throw wrong(`a string expected, found ${kind(given)}`);
        if (given === '' && this.refuses.has('empty-string')) throw wrong('an empty string, which the source refuses');
        return String(given);
      case 'bool':
        if (typeof given !== 'boolean') throw wrong(`a boolean expected, found ${kind(given)}`);
        return given;
      case 'int64':
        return integer(given, wrong);
      default:
        if (typeof given === 'string') throw wrong('a number expected, found a string');
        if (this.refuses.has('infinite') && Math.abs(Number(given)) > FLOAT32_MAX) {
          throw wrong('infinite, or too large for a float32');
        }
        return Number(given);
    }
  }
}

/** The graph's outputs for `rows` rows, an object each. */
export function predictions(outputs: readonly Output[], answers: Readonly<Record<string, Tensor>>, rows: number): Prediction[] {
  const columns = outputs.map(({ name, dtype, shape }): [string, (Value | Value[])[]] => {
    const values = Array.from(answers[name]?.data as ArrayLike<Value>, dtype === 'bool' ? Boolean : plain);
    const width = shape.length > 1 ? values.length / Math.max(1, rows) : 0;
    return [name, width === 0 ? values : chunks(values, rows, width)];
  });
  return Array.from({ length: rows }, (_, index) =>
    Object.fromEntries(columns.map(([name, values]) => [name, values[index] as Value | Value[]])),
  );
}

function missing(column: Column, wrong: (problem: string) => WrongRows): Value {
  const { allowed, encoding } = column.missing;
  if (!allowed) throw wrong('a missing value, which is not allowed here');
  if (column.dtype === 'float32' || column.dtype === 'float64') return Number.NaN;
  if (column.dtype !== 'string' || typeof encoding !== 'string') throw wrong('a missing value, which is not allowed here');
  return encoding;
}

function integer(given: Scalar | bigint, wrong: (problem: string) => WrongRows): bigint {
  if (typeof given === 'string' || (typeof given === 'number' && !Number.isSafeInteger(given))) {
    throw wrong(`an integer expected, found ${kind(given)}`);
  }
  const value = BigInt(given);
  if (value < -INT64 || value >= INT64) throw wrong('an integer too large for an int64');
  return value;
}

function tensor(dtype: Dtype, values: readonly Value[], dims: readonly number[]): Tensor {
  if (dtype === 'string') return new Tensor('string', values as readonly string[] as string[], dims);
  if (dtype === 'int64') return new Tensor('int64', BigInt64Array.from(values as readonly bigint[]), dims);
  return new Tensor(dtype, ARRAYS[dtype].from(values as readonly number[]) as never, dims);
}

function chunks(values: readonly Value[], rows: number, width: number): Value[][] {
  return Array.from({ length: rows }, (_, row) => values.slice(row * width, (row + 1) * width));
}

/** Integers beyond 2 ** 53 stay bigints: they have no exact number. */
function plain(value: Value): Value {
  return typeof value === 'bigint' && BigInt.asIntN(54, value) === value ? Number(value) : value;
}

/** A key by which 1 and 1.0 are the same category, and "1" and true are others. */
function typed(value: Scalar | bigint): string {
  return typeof value === 'bigint' ? `number ${value}` : `${typeof value} ${value}`;
}

const kind = (value: unknown): string => (typeof value === 'number' ? 'a number' : `a ${typeof value}`);
const list = (names: readonly string[]): string => (names.length ? names.map((name) => `'${name}'`).join(', ') : 'none');
