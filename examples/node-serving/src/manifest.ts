/** The documents of a store, as far as serving needs them; fields that are not named here are left alone. */
import { Refused } from './errors.js';

export type Dtype = 'float32' | 'float64' | 'int64' | 'bool' | 'string';
export type Scalar = string | number | boolean;

/** One feature column: its real name, and the tensor that carries it. */
export interface Column {
  readonly name: string;
  readonly tensor: string;
  readonly dtype: Dtype;
  readonly categories?: readonly Scalar[] | null;
  readonly missing: { readonly allowed: boolean; readonly encoding?: string | null };
}

export interface Output {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly (number | null)[];
}

/** `matrix`: one tensor whose columns are `inputs` in order; `columns`: a tensor of shape [N, 1] for each input. */
export interface Signature {
  readonly layout: 'matrix' | 'columns';
  readonly inputs: readonly Column[];
  readonly outputs: readonly Output[];
}

export interface FileEntry {
  readonly name: string;
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
}

/** `NAME/releases/VERSION/manifest.json`. */
export interface Manifest {
  readonly schema_version: number;
  readonly model: { readonly name: string; readonly version: number };
  readonly files: readonly FileEntry[];
  readonly graph: { readonly min_onnxruntime: string };
  readonly signature: Signature;
  readonly plan: { readonly accepted?: readonly string[] };
  readonly parity: { readonly passed: boolean };
}

/** `NAME/aliases/ALIAS.json`. */
export interface Alias {
  readonly model: string;
  readonly alias: string;
  readonly version: number;
  readonly digest: string;
}

/** `golden.json`: rows, the source's outputs, and how far an answer may be off. */
export interface Golden {
  readonly rows: readonly Record<string, unknown>[];
  readonly outputs: Readonly<Record<string, readonly unknown[]>>;
  readonly tolerance: Readonly<Record<string, { readonly atol: number; readonly rtol: number }>>;
}

const NEWEST = 1;
const DIGEST = /^[0-9a-f]{64}$/;
const DTYPES: ReadonlySet<string> = new Set<Dtype>(['float32', 'float64', 'int64', 'bool', 'string']);

/** The manifest in `data`; refused where it is none that this package can serve. */
export function parseManifest(data: Buffer): Manifest {
  const manifest = parse(data, 'manifest.json') as Manifest;
  const { schema_version: format, model, files, graph, signature, parity } = manifest;
  check(Number.isInteger(format) && format <= NEWEST, `it has format ${format}, this package reads up to ${NEWEST}`);
  check(typeof model?.name === 'string' && Number.isInteger(model.version), 'it names no model');
  check(parity?.passed === true, 'it has no passed parity report');
  check(typeof graph?.min_onnxruntime === 'string', 'it names no runtime');
  check(Array.isArray(files) && files.every(isFile), 'its files do not lie by their digest');
  check(signature?.layout === 'matrix' || signature?.layout === 'columns', 'it has an unknown layout');
  check(signature.inputs?.length > 0 && signature.inputs.every((one) => DTYPES.has(one.dtype)), 'it has no known inputs');
  check(signature.outputs?.length > 0, 'it has no outputs');
  return manifest;
}

/** The alias in `data`. */
export function parseAlias(data: Buffer): Alias {
  const alias = parse(data, 'the alias') as Alias;
  check(Number.isInteger(alias.version) && DIGEST.test(alias.digest), 'the alias names no release');
  return alias;
}

/** The JSON object in `data`. */
export function parse(data: Buffer, what: string): unknown {
  let found: unknown;
  try {
    found = JSON.parse(data.toString('utf8'));
  } catch (error) {
    throw new Refused(`${what} is no JSON: ${String(error)}`);
  }
  if (typeof found !== 'object' || found === null) throw new Refused(`${what} is no JSON object`);
  return found;
}

/** The entry of the file `name`; refused where there is none. */
export function fileOf(manifest: Manifest, name: string): FileEntry {
  const entry = manifest.files.find((one) => one.name === name);
  if (entry === undefined) throw new Refused(`${manifest.model.name}:${manifest.model.version} has no ${name}`);
  return entry;
}

function isFile(entry: FileEntry): boolean {
  return DIGEST.test(entry.sha256) && entry.path === `objects/${entry.sha256}` && Number.isInteger(entry.size);
}

function check(holds: boolean, problem: string): void {
  if (!holds) throw new Refused(`the manifest cannot be used: ${problem}`);
}
