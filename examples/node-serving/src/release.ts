/** From a reference to a graph that may answer: read, verified, proven on this machine. */
import './quiet.js';

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { InferenceSession, env } from 'onnxruntime-node';

import { NotFound, Refused } from './errors.js';
import { differences } from './golden.js';
import { checkGraph } from './inspection.js';
import { fileOf, parse, parseAlias, parseManifest } from './manifest.js';
import type { FileEntry, Golden, Manifest } from './manifest.js';
import type { Store } from './store.js';
import { Reader, predictions } from './tensors.js';
import type { Prediction, Row } from './tensors.js';

const NAME = /^[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?$/;
const REFERENCE = /^([^@:]+)(?:@([^@:]+)|:([1-9][0-9]{0,8}))$/;

/** What `NAME@ALIAS` or `NAME:VERSION` says. */
export interface Reference {
  readonly name: string;
  readonly alias?: string;
  readonly version?: number;
}

/** The reference in `text`. */
export function parseReference(text: string): Reference {
  const [, name = '', alias, version] = REFERENCE.exec(text) ?? [];
  const names = alias === undefined ? [name] : [name, alias];
  if (!names.every((one) => NAME.test(one) && !one.includes('..'))) {
    throw new NotFound(`'${text}' is no reference: write NAME@ALIAS or NAME:VERSION`);
  }
  return alias === undefined ? { name, version: Number(version) } : { name, alias };
}

/** A release that answered its golden rows here as its source did. */
export class Release {
  readonly goldenRows: number;
  private readonly reader: Reader;
  private busy = 0;
  private closing = false;

  private constructor(
    readonly manifest: Manifest,
    golden: Golden,
    private readonly session: InferenceSession,
  ) {
    this.goldenRows = golden.rows.length;
    this.reader = new Reader(manifest);
  }

  /** `NAME:VERSION`. */
  get reference(): string {
    return `${this.manifest.model.name}:${this.manifest.model.version}`;
  }

  /** SHA-256 of the graph. */
  get digest(): string {
    return fileOf(this.manifest, 'model.onnx').sha256;
  }

  /** The graph in `model` behind the checks that need no runtime, loaded and proven. Throws Refused. */
  static async prove(manifest: Manifest, model: Buffer, golden: Golden): Promise<Release> {
    checkRuntime(manifest);
    checkGraph(model);
    if (!golden.rows?.length) throw new Refused('there are no golden rows');
    const release = new Release(manifest, golden, await load(model));
    const problems = differences(golden, await release.score(golden.rows as readonly Row[]));
    if (problems.length === 0) return release;
    await release.close();
    throw new Refused(`${release.reference} does not answer its golden rows here: ${problems.join('; ')}`);
  }

  /** The graph's outputs for `rows`, an object each. Throws WrongRows where a row does not fit the signature. */
  async score(rows: readonly Row[]): Promise<Prediction[]> {
    if (this.closing) throw new Error(`${this.reference} is closed`);
    if (rows.length === 0) return [];
    const feeds = this.reader.feeds(rows);
    this.busy += 1;
    try {
      return predictions(this.manifest.signature.outputs, await this.session.run(feeds), rows.length);
    } finally {
      this.busy -= 1;
      if (this.closing && this.busy === 0) await this.session.release();
    }
  }

  /** No more rows are taken; the graph's memory is given back once those under way are answered. */
  async close(): Promise<void> {
    if (this.closing) return;
    this.closing = true;
    if (this.busy === 0) await this.session.release();
  }
}

/** The release that `reference` means in `store`, verified and proven. Throws NotFound or Refused. */
export async function openRelease(store: Store, reference: string): Promise<Release> {
  const { name, alias, version } = parseReference(reference);
  if (alias === undefined) return openVersion(store, name, Number(version));
  const document = parseAlias(await read(store, `${name}/aliases/${alias}.json`));
  return openVersion(store, name, document.version, document.digest);
}

/** Release `version` of `name`; `digest` is what an alias says about it. */
export async function openVersion(store: Store, name: string, version: number, digest?: string): Promise<Release> {
  const manifest = parseManifest(await read(store, `${name}/releases/${version}/manifest.json`));
  if (manifest.model.name !== name || manifest.model.version !== version) {
    throw new Refused(`the manifest of ${name}:${version} is about ${manifest.model.name}:${manifest.model.version}`);
  }
  const entry = fileOf(manifest, 'model.onnx');
  if (digest !== undefined && entry.sha256 !== digest) {
    throw new Refused(`the alias says that ${name}:${version} has digest ${digest}, its manifest says ${entry.sha256}`);
  }
  return proven(manifest, (file) => read(store, `${name}/${file.path}`));
}

/** The release whose files `onnxport pull` left in `folder`. */
export async function openFolder(folder: string): Promise<Release> {
  const manifest = parseManifest(await readFile(join(folder, 'manifest.json')));
  return proven(manifest, (file) => readFile(join(folder, file.name)));
}

async function proven(manifest: Manifest, bytes: (entry: FileEntry) => Promise<Buffer>): Promise<Release> {
  const model = await verify(fileOf(manifest, 'model.onnx'), bytes); // one after the other: the same fault is told each time
  const golden = await verify(fileOf(manifest, 'golden.json'), bytes);
  return Release.prove(manifest, model, parse(golden, 'golden.json') as Golden);
}

/** The file's bytes, if they have the size and the digest that the manifest says. */
async function verify(entry: FileEntry, bytes: (entry: FileEntry) => Promise<Buffer>): Promise<Buffer> {
  const data = await bytes(entry);
  const digest = createHash('sha256').update(data).digest('hex');
  if (data.length === entry.size && digest === entry.sha256) return data;
  throw new Refused(
    `${entry.name} is ${data.length} bytes with digest ${digest}, the manifest says ${entry.size} bytes with ${entry.sha256}`,
  );
}

async function read(store: Store, key: string): Promise<Buffer> {
  const found = await store.read(key);
  if (found === undefined) throw new NotFound(`${key} is not in ${store.location}`);
  return found.data;
}

/**
 * The graph on one thread. Parity is proven on one: more of them sum the trees in another order, and last digits change.
 * It is faster too for few rows, and leaves the cores to requests that run beside each other.
 */
async function load(model: Buffer): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(model, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      enableCpuMemArena: false,
      executionProviders: ['cpu'],
      logSeverityLevel: 3,
    });
  } catch (error) {
    throw new Refused(`onnxruntime does not load the graph: ${String(error)}`);
  }
}

/** Refused where the runtime here is older than the release needs. */
export function checkRuntime(manifest: Manifest, found: string = env.versions.node ?? '0'): void {
  const numbers = (text: string): number[] => text.split('+')[0]?.split('.').slice(0, 2).map(Number) ?? [];
  const [[major = NaN, minor = NaN], [here = NaN, there = NaN]] = [numbers(manifest.graph.min_onnxruntime), numbers(found)];
  if (here > major || (here === major && there >= minor)) return;
  const { name, version } = manifest.model;
  throw new Refused(`${name}:${version} needs onnxruntime ${manifest.graph.min_onnxruntime}, this is ${found}`);
}
