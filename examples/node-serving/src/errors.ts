/** What this package throws: each says what was found and what was allowed. */

/** A release is not what its manifest says, or does not answer as its source did: it must not be used. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

/** The rows do not fit the release's signature: the caller's fault. `path` says where, `$[2].amount`. */
export class WrongRows extends Error {
  override readonly name = 'WrongRows';

  constructor(
    readonly path: string,
    message: string,
  ) {
    super(`${path}: ${message}`);
  }
}

/** There is no such release, alias or file in the store. */
export class NotFound extends Error {
  override readonly name = 'NotFound';
}
