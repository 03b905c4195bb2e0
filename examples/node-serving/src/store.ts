/** Where releases lie: a local folder or a container of Azure Blob storage, read only. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { AnonymousCredential, BlobServiceClient, ContainerClient, RestError } from '@azure/storage-blob';
import type { StoragePipelineOptions } from '@azure/storage-blob';

import { NotFound } from './errors.js';

/** Bytes and the mark by which a later read can tell whether they have changed. */
export interface Found {
  readonly data: Buffer;
  readonly etag: string;
}

/** A place to read from. Keys have `/` between their parts. */
export interface Store {
  readonly location: string;

  /** The bytes at `key`; `undefined` when they still have the mark `unless`. Throws NotFound. */
  read(key: string, unless?: string): Promise<Found | undefined>;
}

/** A local folder; the mark is the digest of the bytes. */
export class FolderStore implements Store {
  constructor(readonly location: string) {}

  async read(key: string, unless?: string): Promise<Found | undefined> {
    let data: Buffer;
    try {
      data = await readFile(join(this.location, key));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new NotFound(`${key} is not in ${this.location}`);
      throw error;
    }
    const etag = createHash('sha256').update(data).digest('hex');
    return etag === unless ? undefined : { data, etag };
  }
}

/** A container of Azure Blob storage, below `prefix`; the mark is the blob's ETag, so what has not changed is not sent. */
export class BlobStore implements Store {
  readonly location: string;
  private readonly prefix: string;

  constructor(
    private readonly container: ContainerClient,
    prefix = '',
  ) {
    this.prefix = prefix && !prefix.endsWith('/') ? `${prefix}/` : prefix;
    this.location = `${container.url}/${prefix}`;
  }

  async read(key: string, unless?: string): Promise<Found | undefined> {
    const conditions = unless === undefined ? {} : { ifNoneMatch: unless };
    try {
      const answer = await this.container.getBlobClient(this.prefix + key).download(0, undefined, { conditions });
      const parts: Buffer[] = [];
      for await (const part of answer.readableStreamBody ?? []) parts.push(Buffer.from(part));
      return { data: Buffer.concat(parts), etag: answer.etag ?? '' };
    } catch (error) {
      if (error instanceof RestError && error.statusCode === 304) return undefined;
      if (error instanceof RestError && error.statusCode === 404) throw new NotFound(`${key} is not in ${this.location}`);
      throw error;
    }
  }
}

/** How requests are signed: with a connection string, or any credential of the Azure SDK. */
export interface Access {
  readonly connectionString?: string;
  readonly credential?: BlobServiceClient['credential'];
}

const OPTIONS: StoragePipelineOptions = { retryOptions: { maxTries: 3, tryTimeoutInMs: 10_000 } };

/**
 * The store at `location`: a folder, `az://CONTAINER/PREFIX`, or `https://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX`.
 *
 * Without `access` the connection string in AZURE_STORAGE_CONNECTION_STRING is used for `az://`; a URL may carry a SAS.
 */
export function openStore(location: string, access: Access = {}): Store {
  if (location.startsWith('az://')) {
    const connection = access.connectionString ?? process.env['AZURE_STORAGE_CONNECTION_STRING'];
    if (!connection) throw new Error(`${location} needs AZURE_STORAGE_CONNECTION_STRING, or the URL of the account`);
    const [container = '', ...prefix] = location.slice('az://'.length).split('/');
    const service = BlobServiceClient.fromConnectionString(connection, OPTIONS);
    return new BlobStore(service.getContainerClient(container), prefix.join('/'));
  }
  if (!/^https?:\/\//.test(location)) return new FolderStore(location);
  const url = new URL(location);
  const local = /^[0-9.]+$|^localhost$/.test(url.hostname); // Azurite: the account is the first part of the path
  const parts = url.pathname.split('/').filter(Boolean);
  const root = parts.splice(0, local ? 2 : 1);
  url.pathname = root.join('/');
  const container = new ContainerClient(url.href, access.credential ?? new AnonymousCredential(), OPTIONS);
  return new BlobStore(container, parts.join('/'));
}
