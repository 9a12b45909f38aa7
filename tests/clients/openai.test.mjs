// The `openai` package with nothing but its base URL changed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { apiKey, baseURL, cached, model, steer, upstreamPosts } from './support.mjs';

const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, defaultHeaders: cached });

test('chat: MISS, then HIT with usage zero', async () => {
  const body = { model, messages: [{ role: 'user', content: 'openai chat' }] };
  const before = await upstreamPosts();
  const miss = await client.chat.completions.create(body).withResponse();
  const hit = await client.chat.completions.create(body).withResponse();
  assert.equal(miss.response.headers.get('x-openrouter-cache-status'), 'MISS');
  assert.equal(hit.response.headers.get('x-openrouter-cache-status'), 'HIT');
  assert.ok(miss.data.usage.total_tokens > 0);
  assert.ok(miss.data.usage.cost > 0);
  assert.equal(hit.data.usage.total_tokens, 0);
  assert.equal(hit.data.usage.cost, 0);
  assert.equal(hit.data.choices[0].message.content, miss.data.choices[0].message.content);
  assert.equal(hit.data.id, hit.response.headers.get('x-generation-id'));
  assert.notEqual(hit.data.id, miss.data.id);
  assert.equal(Number(hit.response.headers.get('x-tollgate-saved-cost')), miss.data.usage.cost);
  assert.equal(await upstreamPosts(), before + 1);
});

async function readStream(body) {
  const { data, response } = await client.chat.completions.create({ ...body, stream: true })
    .withResponse();
  let text = '', usage = null, finish = null, chunks = 0;
  const ids = new Set();
  for await (const chunk of data) {
    chunks += 1;
    ids.add(chunk.id);
    text += chunk.choices[0]?.delta?.content ?? '';
    finish = chunk.choices[0]?.finish_reason ?? finish;
    usage = chunk.usage ?? usage;
  }
  return { text, usage, finish, chunks, ids: [...ids], status: response.headers.get('x-openrouter-cache-status') };
}

test('streaming: MISS, then the same chunks as HIT under a new id', async () => {
  const body = { model, messages: [{ role: 'user', content: 'openai stream of several words' }] };
  const miss = await readStream(body);
  const hit = await readStream(body);
  assert.equal(miss.status, 'MISS');
  assert.equal(hit.status, 'HIT');
  assert.equal(hit.text, miss.text);
  assert.equal(hit.chunks, miss.chunks);
  assert.equal(hit.finish, 'stop');
  assert.ok(miss.usage.total_tokens > 0);
  assert.equal(hit.usage.total_tokens, 0);
  assert.equal(hit.usage.cost, 0);
  assert.equal(hit.ids.length, 1);
  assert.notEqual(hit.ids[0], miss.ids[0]);
});

const tools = [{ type: 'function', function: { name: 'divide', parameters: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } }, required: ['a', 'b'] } } }];
const toolCall = { tool_call: { name: 'divide', arguments: { a: 123, b: 456 } } };

test('tool call: MISS, then HIT', async () => {
  const body = { model, tools, messages: [{ role: 'user', content: steer(toolCall) }] };
  for (const wanted of ['MISS', 'HIT']) {
    const { data, response } = await client.chat.completions.create(body).withResponse();
    assert.equal(response.headers.get('x-openrouter-cache-status'), wanted);
    assert.equal(data.choices[0].finish_reason, 'tool_calls');
    const call = data.choices[0].message.tool_calls[0];
    assert.equal(call.function.name, 'divide');
    assert.deepEqual(JSON.parse(call.function.arguments), { a: 123, b: 456 });
  }
});

test('tool call, streamed and assembled by the SDK', async () => {
  for (const wanted of [1, 0]) {
    const before = await upstreamPosts();
    const final = await client.chat.completions
      .stream({ model, tools, messages: [{ role: 'user', content: steer(toolCall, ' streamed') }] })
      .finalChatCompletion();
    assert.equal(final.choices[0].message.tool_calls[0].function.name, 'divide');
    assert.equal(await upstreamPosts(), before + wanted);
  }
});

test('errors arrive as the SDK types them, and are not stored', async () => {
  const cases = [
    [401, OpenAI.AuthenticationError], [403, OpenAI.PermissionDeniedError],
    [404, OpenAI.NotFoundError], [422, OpenAI.UnprocessableEntityError],
    [429, OpenAI.RateLimitError], [400, OpenAI.BadRequestError], [500, OpenAI.InternalServerError],
  ];
  for (const [status, type] of cases) {
    const body = { model, messages: [{ role: 'user', content: steer({ status }) }] };
    for (let i = 0; i < 2; i += 1) {
      const before = await upstreamPosts();
      await assert.rejects(client.chat.completions.create(body), (error) => {
        assert.ok(error instanceof type, `${status} is a ${type.name}, not ${error}`);
        assert.equal(error.status, status);
        return true;
      });
      assert.equal(await upstreamPosts(), before + 1);
    }
  }
});

test('our own errors have types too', async () => {
  const body = { model, messages: [{ role: 'user', content: 'x' }] };
  await assert.rejects(client.chat.completions.create({ ...body, model: '' }),
    OpenAI.BadRequestError);
  await assert.rejects(client.responses.retrieve('resp_1'), OpenAI.NotFoundError);
  await assert.rejects(
    client.chat.completions.create(body, { headers: { Authorization: null } }),
    (error) => error.status === 401);
});

test('an upstream that breaks off mid-stream is an error, not a short answer', async () => {
  const body = { model, stream: true, messages: [{ role: 'user', content: steer({ die: 'middle', chunks: 6 }) }] };
  await assert.rejects(async () => {
    const stream = await client.chat.completions.create(body);
    for await (const chunk of stream) assert.ok(chunk.id);
  }, OpenAI.APIError);
});

test('a paid call that broke is not tried again by the SDK', async () => {
  const retrying = new OpenAI({ baseURL, apiKey, maxRetries: 2 });
  const before = await upstreamPosts();
  await assert.rejects(retrying.chat.completions.create(
    { model, messages: [{ role: 'user', content: steer({ die: 'middle' }) }] }),
  (error) => error.status === 502);
  assert.equal(await upstreamPosts(), before + 1);
});
