// What the client tests share: the gateways, a fetch that keeps answers' headers, what MISS and HIT
// promise whichever SDK asks, and the record of what was run, from which docs/sdks.md is made.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';

export const apiKey = process.env.GATEWAY_KEY;
export const model = process.env.MODEL;
export const embeddingModel = process.env.EMBEDDING_MODEL;
export const claude = process.env.CLAUDE;
export const cached = { 'X-OpenRouter-Cache': 'true' };

/** Upstream dialect -> origin of the gateway in front of it. */
const gateways = JSON.parse(process.env.GATEWAYS);
/** The SDK asks the simulated upstream itself: no cache headers, everything else holds. */
export const direct = process.env.DIRECT === '1';

/** Steers the simulated upstream from inside the prompt; a nonce makes it a request of its own. */
export function steer(behaviour, nonce = '') {
  return `SIM:${JSON.stringify(behaviour)} ${nonce}`;
}

/** How the next POSTs are answered, in order, whatever they ask. */
export async function script(...behaviours) {
  const answer = await fetch(`${process.env.SIM_URL}/sim/script`, {
    method: 'POST', body: `${behaviours.map((one) => JSON.stringify(one)).join('\n')}\n`,
  });
  assert.equal(answer.status, 200, await answer.text());
}

/** How many POSTs the upstream has seen. */
export async function upstreamPosts() {
  const answer = await fetch(`${process.env.SIM_URL}/sim/stats`);
  return (await answer.json()).posts;
}

/** The upstream's own log of its latest POST. */
export async function latestCall() {
  const calls = await (await fetch(`${process.env.SIM_URL}/sim/calls`)).text();
  return JSON.parse(calls.trim().split('\n').at(-1));
}

/** The upstream was asked last at this path below its dialect's base path. */
export async function askedLast(upstream, path) {
  if (direct) return;
  const base = { vercel: '/v1', openrouter: '/api/v1', openai: '/openai/v1' }[upstream];
  assert.equal((await latestCall()).path, base + path);
}

/** The wire below one SDK client: its fetch, and the latest answer's status and headers. */
export class Wire {
  last = null;

  /** costs: whether the upstream tells what it bills. */
  constructor(costs) {
    this.costs = costs;
  }

  fetch = async (...args) => {
    this.last = null;
    const answer = await fetch(...args);
    this.last = { status: answer.status, headers: answer.headers };
    return answer;
  };

  /** The same for a client that has no key, whatever it was told. */
  strangerFetch = (input, init) => {
    const request = new Request(input, init);
    for (const name of ['authorization', 'x-api-key', 'api-key']) request.headers.delete(name);
    return this.fetch(request);
  };
}

/** What the model said, without what the gateways say about it, which is another on a HIT. */
function told(content) {
  return JSON.parse(JSON.stringify(content, (name, value) => (
    /^provider_?metadata$/i.test(name) ? undefined : value)));
}

/**
 * Asks twice. First a MISS that was paid for, then a HIT that says the same under an id of its own
 * and costs nothing. ask() returns {content, tokens, cost?, id?}: content is compared as a whole,
 * tokens are all that were counted, id is the body's. posts: requests of one ask; with several, the
 * headers are the last one's. costs: the answer itself tells what it cost; else it may be known later,
 * and what is not known is not told.
 */
export async function missThenHit(wire, ask, { posts = 1, costs = wire.costs } = {}) {
  const before = await upstreamPosts();
  const miss = await ask();
  const missed = wire.last;
  const hit = await ask();
  const hitted = wire.last;
  assert.ok(miss.tokens > 0, `tokens of a MISS: ${miss.tokens}`);
  assert.equal(missed.status, 200);
  assert.equal(hitted.status, 200);
  if (direct) {
    assert.equal(await upstreamPosts(), before + 2 * posts);
    return { miss, hit: miss };
  }
  assert.deepEqual(told(hit.content), told(miss.content));
  assert.equal(missed.headers.get('x-openrouter-cache-status'), 'MISS');
  assert.equal(hitted.headers.get('x-openrouter-cache-status'), 'HIT');
  assert.equal(await upstreamPosts(), before + posts);
  assert.equal(hit.tokens, 0, 'tokens of a HIT');
  const ids = [missed, hitted].map(({ headers }) => headers.get('x-generation-id'));
  assert.ok(ids[0] && ids[1], 'X-Generation-Id');
  assert.notEqual(ids[0], ids[1]);
  assert.equal(hitted.headers.get('x-openrouter-cache-source-id'), ids[0]);
  const saved = hitted.headers.get('x-tollgate-saved-cost');
  if (costs || saved !== null) assert.ok(Number(saved) > 0, `X-Tollgate-Saved-Cost: ${saved}`);
  if (miss.id !== undefined) assert.deepEqual([miss.id, hit.id], ids);
  if (miss.cost !== undefined) {
    assert.ok(miss.cost > 0, `cost of a MISS: ${miss.cost}`);
    assert.equal(hit.cost, 0, 'cost of a HIT');
  }
  return { miss, hit };
}

/** A client that leaves mid-stream does not lose what is being paid for: who asks again gets it. */
export async function leaveThenHit(wire, leave, ask) {
  const before = await upstreamPosts();
  await leave();
  const { content } = await ask();
  assert.ok(content.length > 0);
  if (direct) return;
  assert.equal(wire.last.headers.get('x-openrouter-cache-status'), 'HIT');
  assert.equal(await upstreamPosts(), before + 1);
}

/** A stream that lasts long enough to be left. */
export const slow = (nonce) => steer({ chunks: 8, gap: 10 }, nonce);

/** One megabyte of prompt, of letters that every layer must keep. */
export const large = (nonce) => `${nonce} ${'Straße, 東京, 🚏. '.repeat(48_000)}`;

const rows = [];

/**
 * Tests of one npm package: define() is called for every base path and every upstream dialect, and
 * gets feature(name, how, body), which is a test and a line of the table. how: 'MISS, HIT',
 * 'passed on', 'read', 'typed error' or 'yes'.
 */
export function suite(name, bases, define, dialects = Object.keys(gateways)) {
  const at = new URL(`node_modules/${name}/package.json`, import.meta.url);
  const { version } = JSON.parse(readFileSync(at));
  for (const upstream of Object.keys(gateways)) {
    if (!direct && !dialects.includes(upstream)) continue;
    for (const base of bases) {
      const feature = (what, how, body) => test(`${base} on ${upstream}: ${what}`, async () => {
        try {
          await body();
        } catch (error) { // what it left in the script is not for those that follow
          await fetch(`${process.env.SIM_URL}/sim/reset`, { method: 'POST' });
          throw error;
        }
        rows.push({ sdk: name, version, base, feature: what, how, upstream });
      });
      define({ upstream, base, origin: gateways[upstream], wire: new Wire(upstream !== 'openai'), feature });
    }
  }
}

after(() => {
  if (process.env.RECORD) writeFileSync(process.env.RECORD, `${JSON.stringify(rows, null, 1)}\n`);
});
