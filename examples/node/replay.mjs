// Prove a release again from Node: run its golden rows through onnxruntime-node and compare with the source's answers.
//
//   onnxport pull win-probability@production --out release
//   node examples/node/replay.mjs release
//
// Exit code 0: every golden row is answered within the manifest's tolerance. 1: it is not, and the rows are named.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

// ONNX Runtime reports to its maker unless it is told not to; that must stand before it is loaded.
process.env.ORT_DISABLE_TELEMETRY ??= '1';
const ort = await import('onnxruntime-node');

const ARRAYS = { float32: Float32Array, float64: Float64Array, int64: BigInt64Array, bool: Uint8Array };

/** Check every file of the release against its manifest, and return the parsed manifest. */
export async function verify(folder) {
  const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'));
  for (const { name, sha256 } of manifest.files) {
    const found = createHash('sha256').update(await readFile(join(folder, name))).digest('hex');
    if (found !== sha256) throw new Error(`${name}: digest ${found}, the manifest says ${sha256}`);
  }
  return manifest;
}

/** One value of a record as the column's tensor holds it. */
function value(column, record) {
  const given = record[column.name] ?? null;
  if (given === null) {
    if (!column.missing.allowed) throw new Error(`column ${column.name} has a missing value; none is allowed`);
    return column.dtype === 'string' ? column.missing.encoding : NaN;
  }
  if (given === 'inf' || given === '-inf') return given === 'inf' ? Infinity : -Infinity;
  if (column.dtype === 'int64') return BigInt(given);
  return column.dtype === 'string' ? String(given) : Number(given);
}

function tensor(dtype, values, dims) {
  return new ort.Tensor(dtype, dtype === 'string' ? values : ARRAYS[dtype].from(values), dims);
}

/** The tensors for `records`, by the manifest's signature: columns are found by name. */
export function feeds({ layout, inputs }, records) {
  if (layout === 'columns') {
    return Object.fromEntries(
      inputs.map((column) => [
        column.tensor,
        tensor(column.dtype, records.map((record) => value(column, record)), [records.length, 1]),
      ]),
    );
  }
  const [{ tensor: name, dtype }] = inputs;
  const values = records.flatMap((record) => inputs.map((column) => value(column, record)));
  return { [name]: tensor(dtype, values, [records.length, inputs.length]) };
}

const number = (given) => (given === null || given === 'nan' ? NaN : Number(given));

/** Whether `found` is within `atol + rtol * |expected|`; missing values are equal. */
function close(found, expected, { atol, rtol }) {
  if (Number.isNaN(expected)) return Number.isNaN(found);
  return found === expected || Math.abs(found - expected) <= atol + rtol * Math.abs(expected);
}

/** What the graph answers otherwise than the source did, a sentence each. */
export async function replay(folder) {
  const manifest = await verify(folder);
  const golden = JSON.parse(await readFile(join(folder, 'golden.json'), 'utf8'));
  // Parity is proven on one thread: more of them sum the trees in another order.
  const session = await ort.InferenceSession.create(join(folder, 'model.onnx'), { intraOpNumThreads: 1 });
  const answers = await session.run(feeds(manifest.signature, golden.rows));
  const differences = [];
  for (const [name, expected] of Object.entries(golden.outputs)) {
    const found = Array.from(answers[name].data);
    const labels = name === 'label';
    expected.flat().forEach((one, index) => {
      const same = labels ? String(found[index]) === String(one) : close(Number(found[index]), number(one), golden.tolerance[name]);
      if (!same) differences.push(`${name}[${index}]: ${found[index]}, the source said ${one}`);
    });
  }
  return { model: manifest.model, rows: golden.rows.length, differences };
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const { model, rows, differences } = await replay(process.argv[2] ?? '.');
  differences.forEach((difference) => console.error(difference));
  console.log(`${model.name}:${model.version}: ${rows} golden rows, ${differences.length} differences`);
  process.exitCode = differences.length ? 1 : 0;
}
