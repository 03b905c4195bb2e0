/** An alias followed as it moves: a new release is verified and proven before it answers, and a bad one never does. */
import { Refused } from './errors.js';
import { parseAlias } from './manifest.js';
import { openVersion, parseReference } from './release.js';
import type { Release } from './release.js';
import type { Store } from './store.js';
import type { Prediction, Row } from './tensors.js';

export interface FollowOptions {
  /** How often the alias is looked at. What has not changed is not sent (ETag); default 10 seconds. */
  readonly pollMs?: number;
  /** A release has taken over. */
  readonly onSwap?: (release: Release) => void;
  /** The newest release does not answer, or the store; the one before goes on. Told once for each reason. */
  readonly onProblem?: (problem: Error) => void;
}

/** Rows answered by the release that the alias means at the moment. */
export class Followed {
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  private closed = false;
  private told = '';

  private constructor(
    private readonly store: Store,
    private readonly key: string,
    private readonly name: string,
    private readonly options: FollowOptions,
    private release: Release,
    private etag: string,
  ) {}

  /** The alias is read and its release answers. Throws NotFound or Refused where there is none to begin with. */
  static async open(store: Store, reference: string, options: FollowOptions): Promise<Followed> {
    const { name, alias } = parseReference(reference);
    if (alias === undefined) throw new Refused(`'${reference}' names a version, which never moves: open it instead`);
    const key = `${name}/aliases/${alias}.json`;
    const found = await store.read(key);
    if (found === undefined) throw new Refused(`${key} cannot be read`);
    const { version, digest } = parseAlias(found.data);
    const release = await openVersion(store, name, version, digest);
    const followed = new Followed(store, key, name, options, release, found.etag);
    followed.schedule();
    return followed;
  }

  /** The release that answers. */
  get current(): Release {
    return this.release;
  }

  /** The outputs for `rows`, all of one release, an object each. */
  score(rows: readonly Row[]): Promise<Prediction[]> {
    return this.release.score(rows);
  }

  /** One look at the alias, now; several callers share it. Never throws: problems go to `onProblem`. */
  async look(): Promise<void> {
    this.looking ??= this.follow().finally(() => {
      this.looking = undefined;
    });
    await this.looking;
  }

  /** Nothing is followed any more, and the release is closed. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.looking;
    await this.release.close();
  }

  private async follow(): Promise<void> {
    try {
      const found = await this.store.read(this.key, this.etag);
      if (found !== undefined) await this.take(found.data, found.etag);
      this.told = '';
    } catch (error) {
      const problem = error instanceof Error ? error : new Error(String(error));
      if (problem.message !== this.told) this.options.onProblem?.(problem);
      this.told = problem.message;
    }
  }

  /** The mark is kept only once its release answers: what was refused is tried again, it may have been mended. */
  private async take(data: Buffer, etag: string): Promise<void> {
    const { version, digest } = parseAlias(data);
    if (version !== this.release.manifest.model.version || digest !== this.release.digest) {
      const next = await openVersion(this.store, this.name, version, digest);
      const before = this.release;
      this.release = next; // from here on; rows under way are answered by the release that took them
      await before.close();
      this.options.onSwap?.(next);
    }
    this.etag = etag;
  }

  private schedule(): void {
    this.timer = setTimeout(() => {
      void this.look().then(() => {
        if (!this.closed) this.schedule();
      });
    }, this.options.pollMs ?? 10_000);
    this.timer.unref();
  }
}

/** Follows `NAME@ALIAS` in `store`. */
export function followAlias(store: Store, reference: string, options: FollowOptions = {}): Promise<Followed> {
  return Followed.open(store, reference, options);
}
