/** What the tests need from outside: a store that onnxport has published to, and onnxport itself to move aliases. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';

import type { Golden, Manifest } from '../src/manifest.js';
import { openStore } from '../src/store.js';
import type { Found, Store } from '../src/store.js';

const run = promisify(execFile);

/** The variable `name`, which `tests/pipelines/test_node_serving.py` of onnxport sets. */
export function given(name: string): string {
  const found = process.env[name];
  if (!found) throw new Error(`${name} is not set: run these tests with \`make test\`, or see README.md`);
  return found;
}

/** The store in Blob storage that holds win-probability:1 and :2 and risk-scoring:1, each in production. */
export const published = (): Store => openStore(given('ONNXPORT_STORE'));

/** `onnxport ARGUMENTS` against that store. */
export async function onnxport(...words: string[]): Promise<void> {
  await run(given('ONNXPORT_COMMAND'), [...words, '--store', given('ONNXPORT_STORE')]);
}

export const digest = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

/** A store whose bytes somebody has changed, and that counts what is read. */
export class Changed implements Store {
  readonly location: string;
  readonly keys: string[] = [];
  readonly sent: string[] = [];

  constructor(
    private readonly store: Store,
    readonly change: (key: string, data: Buffer) => Buffer = (_, data) => data,
  ) {
    this.location = store.location;
  }

  async read(key: string, unless?: string): Promise<Found | undefined> {
    this.keys.push(key);
    const found = await this.store.read(key, unless);
    if (found === undefined) return undefined;
    this.sent.push(key);
    return { ...found, data: this.change(key, found.data) };
  }
}

/** A store in which somebody has replaced a file and its digest in the manifest: what only the golden rows can tell. */
export function forged(store: Store, manifest: Manifest, name: string, data: Buffer): Store {
  const entry = { name, path: `objects/${digest(data)}`, size: data.length, sha256: digest(data) };
  const files = manifest.files.map((one) => (one.name === name ? entry : one));
  const document = Buffer.from(JSON.stringify({ ...manifest, files }));
  const read = async (key: string, unless?: string): Promise<Found | undefined> => {
    if (key.endsWith(entry.path)) return { data, etag: entry.sha256 };
    return key.endsWith('/manifest.json') ? { data: document, etag: digest(document) } : store.read(key, unless);
  };
  return { location: store.location, read };
}

/** The file `name` of a release, as it stands in the store. */
export async function file(store: Store, manifest: Manifest, name: string): Promise<Buffer> {
  const entry = manifest.files.find((one) => one.name === name);
  const found = await store.read(`${manifest.model.name}/${entry?.path}`);
  if (found === undefined) throw new Error(`${name} is not there`);
  return found.data;
}

export async function golden(store: Store, manifest: Manifest): Promise<Golden> {
  return JSON.parse((await file(store, manifest, 'golden.json')).toString()) as Golden;
}
