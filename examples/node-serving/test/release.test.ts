/** A release is opened only when everything about it can be checked, and rows are found by name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { env } from 'onnxruntime-node';

import { NotFound, Refused, WrongRows, openFolder, openRelease, openStore } from '../src/index.js';
import { checkGraph } from '../src/inspection.js';
import type { Manifest } from '../src/manifest.js';
import { checkRuntime } from '../src/release.js';
import type { Row } from '../src/tensors.js';
import { Changed, file, forged, given, golden, published } from './support.js';

const WIN = 'win-probability@production';

for (const name of ['win-probability', 'risk-scoring']) {
  test(`${name}, as onnxport published it, answers its golden rows whatever the order of columns`, async () => {
    const store = published();
    const release = await openRelease(store, `${name}@production`);
    const { rows, outputs } = await golden(store, release.manifest);
    assert.equal(release.goldenRows, rows.length);
    const turned = rows.map((row) => Object.fromEntries(Object.entries(row).reverse()) as Row);
    const answers = await release.score(turned);
    assert.deepEqual(answers, await release.score(rows as Row[]));
    for (const [output, values] of Object.entries(outputs)) {
      answers.forEach((answer, row) => {
        const [found, expected] = [[answer[output]].flat(), [values[row]].flat()];
        assert.equal(found.length, expected.length);
        found.forEach((one, index) => assert.ok(Math.abs(Number(one) - Number(expected[index])) < 1e-5, `${output} ${row}`));
      });
    }
    const alone = await Promise.all(rows.map(async (row) => (await release.score([row as Row]))[0]));
    assert.deepEqual(alone, answers);
    assert.deepEqual(await release.score([]), []);
    await release.close();
  });
}

test('a pinned version, a local folder and a pulled release are the same graph', async () => {
  const versions = await Promise.all([
    openRelease(published(), 'win-probability:1'),
    openRelease(openStore(given('ONNXPORT_FOLDER_STORE')), 'win-probability:1'),
    openFolder(given('ONNXPORT_PULLED')),
  ]);
  assert.equal(new Set(versions.map((one) => one.digest)).size, 1);
  await Promise.all(versions.map((one) => one.close()));
});

test('what is not there is named', async () => {
  await assert.rejects(openRelease(published(), 'win-probability@nowhere'), NotFound);
  await assert.rejects(openRelease(published(), 'win-probability:99'), /releases\/99\/manifest.json is not in/);
  await assert.rejects(openRelease(published(), '../win-probability:1'), /is no reference/);
  await assert.rejects(openRelease(openStore('/nowhere'), WIN), NotFound);
});

const flip = (data: Buffer): Buffer => {
  const copy = Buffer.from(data);
  copy[copy.length >> 1] = (copy[copy.length >> 1] ?? 0) ^ 1;
  return copy;
};

for (const name of ['model.onnx', 'golden.json']) {
  test(`one changed bit in ${name}, and a file that ends early, are refused`, async () => {
    const store = published();
    const { manifest } = await openRelease(store, WIN);
    const data = await file(store, manifest, name);
    for (const changed of [flip(data), data.subarray(0, -1), Buffer.alloc(0)]) {
      const tampered = new Changed(store, (_, one) => (one.equals(data) ? changed : one));
      await assert.rejects(openRelease(tampered, WIN), (error) => error instanceof Refused && error.message.startsWith(name));
    }
  });
}

test('a graph that is not the one of the alias is refused', async () => {
  const store = published();
  const swapped = new Changed(store, (key, data) =>
    key.includes('/aliases/') ? Buffer.from(data.toString().replaceAll(/[0-9a-f]{64}/g, '0'.repeat(64))) : data,
  );
  await assert.rejects(openRelease(swapped, WIN), /the alias says .* its manifest says/);
});

test('a release that answers otherwise than its source is refused although every digest fits', async () => {
  const store = published();
  const { manifest } = await openRelease(store, 'risk-scoring@production');
  const rows = await golden(store, manifest);
  const prediction = rows.outputs['prediction']?.map((value, row) => (row === 3 ? Number(value) + 0.001 : value));
  const changed = Buffer.from(JSON.stringify({ ...rows, outputs: { prediction } }));
  const lying = forged(store, manifest, 'golden.json', changed);
  await assert.rejects(openRelease(lying, 'risk-scoring:1'), /risk-scoring:1 does not answer its golden rows here: prediction of row 3/);
});

test('a manifest that cannot be trusted is refused', async () => {
  const broken: [RegExp, (manifest: Manifest) => unknown][] = [
    [/no passed parity report/, (manifest) => ({ ...manifest, parity: { passed: false } })],
    [/format 2/, (manifest) => ({ ...manifest, schema_version: 2 })],
    [/do not lie by their digest/, (manifest) => ({ ...manifest, files: manifest.files.map((one) => ({ ...one, path: '../x' })) })],
    [/is about other:1/, (manifest) => ({ ...manifest, model: { ...manifest.model, name: 'other', version: 1 } })],
    [/has no golden.json/, (manifest) => ({ ...manifest, files: manifest.files.filter((one) => one.name !== 'golden.json') })],
    [/needs onnxruntime 99.0/, (manifest) => ({ ...manifest, graph: { ...manifest.graph, min_onnxruntime: '99.0' } })],
    [/is no JSON object/, () => 1],
  ];
  for (const [message, change] of broken) {
    const store = new Changed(published(), (key, data) =>
      key.endsWith('/manifest.json') ? Buffer.from(JSON.stringify(change(JSON.parse(data.toString()) as Manifest))) : data,
    );
    await assert.rejects(openRelease(store, 'win-probability:1'), message);
  }
});

test('the runtime may be as old as the manifest says, and no older', async () => {
  const { manifest } = await openRelease(published(), WIN);
  const floor = manifest.graph.min_onnxruntime;
  checkRuntime(manifest);
  checkRuntime(manifest, `${floor}.3`);
  checkRuntime(manifest, '2.0.0');
  for (const old of ['1.2.0', '0.99', 'unknown']) assert.throws(() => checkRuntime(manifest, old), Refused);
  assert.match(env.versions.node ?? '', /^1\./);
});

/** A field of a protocol buffer message that has a length. */
const message = (number: number, ...parts: (Buffer | string)[]): Buffer => {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  const tag = (number << 3) | 2;
  return Buffer.concat([Buffer.from(tag < 128 ? [tag] : [(tag & 127) | 128, tag >> 7]), Buffer.from([body.length]), body]);
};

test('graphs with data in other files, foreign operators or functions of their own are refused before they are loaded', () => {
  checkGraph(message(7, message(1, message(7, 'ai.onnx.ml'))));
  const graphs: [RegExp, Buffer][] = [
    [/data in other files/, message(7, message(5, message(13, message(1, 'location'))))],
    [/data in other files/, message(7, message(5, Buffer.from([14 << 3, 1])))],
    [/data in other files/, message(7, message(1, message(5, message(5, message(13, 'x')))))],
    [/data in other files/, message(7, message(1, message(5, message(6, message(5, message(13, 'x'))))))],
    [/operators of 'evil'/, message(7, message(1, message(7, 'evil')))],
    [/operators of 'evil'/, Buffer.concat([message(8, message(1, 'evil')), message(7, '')])],
    [/functions of its own/, message(25, 'x')],
    [/holds no graph/, message(2, 'x')],
    [/ends too early/, Buffer.from([0x3a, 50, 1])],
    [/unknown wire type/, Buffer.from([0x3b])],
    [/a number is too long/, Buffer.alloc(11, 0xff)],
  ];
  for (const [problem, data] of graphs) assert.throws(() => checkGraph(data), problem);
});

test('rows that do not fit the signature are refused with the place of the fault', async () => {
  const store = published();
  const release = await openRelease(store, WIN);
  const [row] = (await golden(store, release.manifest)).rows as Row[];
  const column = Object.keys(row ?? {})[0] ?? '';
  const wrong: [RegExp, Row][] = [
    [/^\$\[1\]: unknown columns: 'more'; missing columns: none/, { ...row, more: 1 }],
    [/missing columns: '/, {}],
    [new RegExp(`^\\$\\[1\\]\\.${column}: a number expected, found a string`), { ...row, [column]: '1' }],
  ];
  for (const [problem, one] of wrong) {
    await assert.rejects(release.score([row as Row, one]), (error) => error instanceof WrongRows && problem.test(error.message));
  }
  await release.close();
  await assert.rejects(release.score([row as Row]), /is closed/);
});
