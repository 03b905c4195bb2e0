/** Every type of column takes its own values, missing ones by the manifest, and no others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { WrongRows } from '../src/errors.js';
import type { Column, Manifest } from '../src/manifest.js';
import { Reader, predictions } from '../src/tensors.js';
import type { Row } from '../src/tensors.js';
import { Tensor } from 'onnxruntime-node';

const column = (name: string, more: Partial<Column>): Column => ({
  name,
  tensor: `the ${name}`,
  dtype: 'float32',
  missing: { allowed: false },
  ...more,
});

const INPUTS = [
  column('colour', { dtype: 'string', categories: ['red', 'blue', 3], missing: { allowed: true, encoding: '?' } }),
  column('count', { dtype: 'int64' }),
  column('urgent', { dtype: 'bool' }),
  column('weight', { dtype: 'float64', missing: { allowed: true, encoding: 'nan' } }),
];
const manifest = (accepted: string[]): Manifest =>
  ({ signature: { layout: 'columns', inputs: INPUTS, outputs: [] }, plan: { accepted } }) as unknown as Manifest;
const ROW: Row = { weight: 0.5, urgent: true, count: 7, colour: 'red' };

test('each column becomes a tensor of its own type, found by name', () => {
  const feeds = new Reader(manifest([])).feeds([ROW, { weight: null, urgent: false, count: 7n, colour: null }]);
  assert.deepEqual(feeds['the colour']?.data, ['red', '?']);
  assert.deepEqual(feeds['the count']?.data, BigInt64Array.of(7n, 7n));
  assert.deepEqual(feeds['the urgent']?.data, Uint8Array.of(1, 0));
  assert.deepEqual(feeds['the weight']?.data, Float64Array.of(0.5, Number.NaN));
  assert.deepEqual(feeds['the weight']?.dims, [2, 1]);
});

test('values of another type, missing ones where none is allowed, and what the source refuses are refused', () => {
  const reader = new Reader(manifest(['unseen-category: …', 'empty-string', 'infinite values: …']));
  const wrong: [RegExp, Row][] = [
    [/colour: not one of the 3 categories/, { ...ROW, colour: 'mauve' }],
    [/colour: not one of the 3 categories/, { ...ROW, colour: '3' }],
    [/count: an integer expected/, { ...ROW, count: 1.5 }],
    [/count: an integer expected/, { ...ROW, count: '1' }],
    [/count: an integer expected/, { ...ROW, count: 2 ** 60 }],
    [/count: an integer too large/, { ...ROW, count: 2n ** 63n }],
    [/count: a missing value/, { ...ROW, count: null }],
    [/urgent: a boolean expected/, { ...ROW, urgent: 1 }],
    [/weight: infinite/, { ...ROW, weight: Infinity }],
    [/weight: a number expected/, { ...ROW, weight: 'inf' }],
  ];
  for (const [problem, row] of wrong) {
    assert.throws(() => reader.feeds([row]), (error) => error instanceof WrongRows && problem.test(error.message));
  }
  assert.deepEqual(reader.feeds([{ ...ROW, colour: 3 }])['the colour']?.data, ['3']);
  const lenient = new Reader(manifest([]));
  assert.deepEqual(lenient.feeds([{ ...ROW, colour: '', weight: Infinity }])['the colour']?.data, ['']);
  assert.throws(() => lenient.feeds([{ ...ROW, colour: 4 }]), /colour: a string expected, found a number/);
});

test('outputs become an object a row, with arrays where an output has several values', () => {
  const outputs = [
    { name: 'label', dtype: 'int64', shape: [null] },
    { name: 'probabilities', dtype: 'float32', shape: [null, 2] },
    { name: 'flag', dtype: 'bool', shape: [null] },
  ] as const;
  const answers = {
    label: new Tensor('int64', BigInt64Array.of(1n, 2n ** 60n), [2]),
    probabilities: new Tensor('float32', Float32Array.of(0.25, 0.75, 0.5, 0.5), [2, 2]),
    flag: new Tensor('bool', Uint8Array.of(1, 0), [2]),
  };
  assert.deepEqual(predictions(outputs, answers, 2), [
    { label: 1, probabilities: [0.25, 0.75], flag: true },
    { label: 2n ** 60n, probabilities: [0.5, 0.5], flag: false },
  ]);
});
