/**
 * Prove a release again from Node.
 *
 *   node dist/src/replay.js STORE NAME@ALIAS     in a store: a folder, az://CONTAINER/PREFIX, a Blob URL
 *   node dist/src/replay.js FOLDER               as `onnxport pull` left it
 *
 * Exit code 0: every golden row is answered within the manifest's tolerance. 1: it is not, or the release was changed.
 */
import { NotFound, Refused, openFolder, openRelease, openStore } from './index.js';

const [place = '.', reference] = process.argv.slice(2);
try {
  const release = await (reference === undefined ? openFolder(place) : openRelease(openStore(place), reference));
  console.log(`${release.reference}: ${release.goldenRows} golden rows, 0 differences`);
  await release.close();
} catch (error) {
  if (!(error instanceof Refused || error instanceof NotFound)) throw error;
  console.error(`${error.name}: ${error.message}`);
  process.exitCode = 1;
}
