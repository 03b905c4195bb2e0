/** Verified onnxport releases in Node. */
export { NotFound, Refused, WrongRows } from './errors.js';
export { Followed, followAlias } from './follow.js';
export type { FollowOptions } from './follow.js';
export type { Manifest, Signature } from './manifest.js';
export { Release, openFolder, openRelease } from './release.js';
export { BlobStore, FolderStore, openStore } from './store.js';
export type { Access, Store } from './store.js';
export type { Prediction, Row, Value } from './tensors.js';
