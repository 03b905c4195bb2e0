/** An alias is followed as it moves: no request fails or is mixed, and a bad release never takes over. */
import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { test } from 'node:test';

import { Refused, followAlias, openRelease } from '../src/index.js';
import type { Release, Row } from '../src/index.js';
import { Changed, golden, onnxport, published } from './support.js';

const WIN = 'win-probability@production';
const POLL = 50;

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await wait(10);
}

test('a moved alias is followed under load without a failed or mixed answer, and back again', async () => {
  const store = published();
  const [first, second] = await Promise.all([openRelease(store, 'win-probability:1'), openRelease(store, 'win-probability:2')]);
  const rows = (await golden(store, first.manifest)).rows as Row[];
  const expected = await Promise.all([first.score(rows), second.score(rows)]);
  assert.notDeepEqual(expected[0], expected[1]);

  const swaps: Release[] = [];
  const problems: Error[] = [];
  const followed = await followAlias(store, WIN, {
    pollMs: POLL,
    onSwap: (release) => swaps.push(release),
    onProblem: (problem) => problems.push(problem),
  });
  const served = new Set<number>();
  let stop = false;
  const caller = async (): Promise<void> => {
    while (!stop) {
      const before = followed.current.manifest.model.version;
      const answers = await followed.score(rows);
      served.add(before);
      assert.deepEqual(answers, expected[before - 1], 'an answer is that of the release which took the rows');
      await wait(1);
    }
  };
  const callers = Promise.all(Array.from({ length: 4 }, caller));
  await onnxport('promote', 'win-probability:2', 'production');
  await until(() => swaps.length === 1 && served.has(2));
  await onnxport('rollback', WIN);
  await until(() => swaps.length === 2);
  stop = true;
  await callers;
  assert.deepEqual(swaps.map((one) => one.reference), ['win-probability:2', 'win-probability:1']);
  assert.deepEqual(problems, []);
  assert.equal(followed.current.reference, 'win-probability:1');
  await assert.rejects((swaps[0] as Release).score(rows), /is closed/, 'the release before has given its memory back');
  await Promise.all([followed.close(), first.close(), second.close()]);
  await assert.rejects(followed.score(rows), /is closed/);
});

test('an alias that has not moved is asked for and not sent again', async () => {
  const store = new Changed(published());
  const followed = await followAlias(store, WIN, { pollMs: 3_600_000 });
  const sent = store.sent.length;
  await Promise.all([followed.look(), followed.look()]);
  await followed.look();
  assert.deepEqual(store.keys.slice(-2), Array(2).fill('win-probability/aliases/production.json'));
  assert.equal(store.sent.length, sent);
  await followed.close();
});

test('a bad release never takes over, is told once, and is tried again when it was mended', async () => {
  let bad = false;
  const store = new Changed(published(), (key, data) => (bad && key.includes('/objects/') ? data.subarray(1) : data));
  const problems: Error[] = [];
  const followed = await followAlias(store, WIN, { pollMs: 3_600_000, onProblem: (problem) => problems.push(problem) });
  bad = true;
  await onnxport('promote', 'win-probability:2', 'production');
  await followed.look();
  await followed.look();
  assert.equal(followed.current.reference, 'win-probability:1');
  assert.equal(problems.length, 1);
  assert.ok(problems[0] instanceof Refused);
  bad = false;
  await followed.look();
  assert.equal(followed.current.reference, 'win-probability:2');
  await followed.close();
});

test('a store that is away is told, and the release goes on', async () => {
  let away = false;
  const store = new Changed(published(), (_, data) => data);
  const flaky = {
    location: store.location,
    read: async (key: string, unless?: string) => {
      if (away) throw new Error('the network is down');
      return store.read(key, unless);
    },
  };
  const problems: string[] = [];
  const followed = await followAlias(flaky, WIN, { pollMs: 3_600_000, onProblem: ({ message }) => problems.push(message) });
  away = true;
  await followed.look();
  await followed.look();
  assert.deepEqual(problems, ['the network is down']);
  assert.deepEqual(await followed.score([]), []);
  await followed.close();
});

test('only an alias can be followed', async () => {
  await assert.rejects(followAlias(published(), 'win-probability:1'), /names a version, which never moves/);
});
