// The `@anthropic-ai/sdk` package with nothing but its base URL changed; it appends /v1/messages.
// parity: sdk-anthropic
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { z } from 'zod';
import {
  apiKey, cached, claude, large, latestCall, leaveThenHit, missThenHit, slow, steer, suite, upstreamPosts,
} from './support.mjs';

const tools = [{
  name: 'divide',
  input_schema: {
    type: 'object', required: ['a', 'b'], properties: { a: { type: 'number' }, b: { type: 'number' } },
  },
}];
const called = { tool_call: { name: 'divide', arguments: { a: 123, b: 456 } } };
const thought = { reasoning_tokens: 7, reasoning: 'First, the units.' };
const thinking = { type: 'enabled', budget_tokens: 1024 };
const user = (content) => [{ role: 'user', content }];
const tokensOf = ({ usage }) => usage.input_tokens + usage.output_tokens;

suite('@anthropic-ai/sdk', ['/', '/api'], ({ base, origin, upstream, wire, feature }) => {
  const streamed = { costs: upstream === 'vercel' }; // OpenRouter's message_delta has no cost
  const options = {
    baseURL: origin + (base === '/' ? '' : base), apiKey, maxRetries: 0, defaultHeaders: cached,
  };
  const client = new Anthropic({ ...options, fetch: wire.fetch });
  const body = (content, more) => ({ model: claude, max_tokens: 2048, messages: user(content), ...more });

  const send = async (content, more) => {
    const answer = await client.messages.create(body(content, more));
    assert.equal(answer.type, 'message');
    assert.equal(answer.role, 'assistant');
    return { answer, content: answer.content, tokens: tokensOf(answer), id: answer.id };
  };
  const stream = async (content, more) => {
    const answer = await client.messages.stream(body(content, more)).finalMessage();
    return { answer, content: answer.content, tokens: tokensOf(answer), id: answer.id };
  };

  feature('messages', 'MISS, HIT', async () => {
    const { hit } = await missThenHit(wire, () => send('anthropic messages, non-streaming'));
    assert.match(hit.content[0].text, /anthropic messages, non-streaming/);
    assert.equal(hit.answer.stop_reason, 'end_turn');
  });

  feature('messages, with the key as x-api-key', 'MISS, HIT', async () => {
    const other = new Anthropic({ ...options, fetch: wire.fetch,
      defaultHeaders: { ...cached, 'x-api-key': apiKey, authorization: null } });
    await missThenHit(wire, async () => {
      const answer = await other.messages.create(body('anthropic x-api-key'));
      return { content: answer.content, tokens: tokensOf(answer), id: answer.id };
    });
  });

  if (upstream === 'vercel') { // which refuses such a request unless it is streamed
    feature('messages, 64,000 tokens, not streamed', 'MISS, HIT', async () => {
      await missThenHit(wire, async () => {
        const answer = await client.messages.create(
          body('a long answer, if need be', { max_tokens: 64_000 }), { timeout: 60_000 });
        assert.match(answer.content[0].text, /a long answer, if need be/);
        return { content: answer.content, tokens: tokensOf(answer), id: answer.id };
      });
      assert.equal((await latestCall()).stream, true);
    });
  }

  feature('messages, streamed event by event', 'MISS, HIT', () => missThenHit(wire, async () => {
    const events = await client.messages.create(
      body('anthropic messages, a stream of several words', { stream: true }));
    const types = [];
    let text = '', id, tokens = 0;
    for await (const event of events) {
      types.push(event.type);
      if (event.type === 'message_start') {
        id = event.message.id;
        tokens += event.message.usage.input_tokens;
      }
      if (event.type === 'content_block_delta') text += event.delta.text;
      if (event.type === 'message_delta') {
        tokens += event.usage.output_tokens;
        assert.equal(event.delta.stop_reason, 'end_turn');
      }
    }
    assert.equal(types[0], 'message_start');
    assert.equal(types.at(-1), 'message_stop');
    assert.match(text, /anthropic messages, a stream of several words/);
    return { content: [types, text], tokens, id };
  }, streamed));

  feature('messages, assembled from a stream by the SDK', 'MISS, HIT', () => missThenHit(
    wire, () => stream('anthropic messages, assembled'), streamed));

  feature('tool use', 'MISS, HIT', async () => {
    const { hit } = await missThenHit(wire, () => send(steer(called), { tools }));
    const use = hit.content.find((block) => block.type === 'tool_use');
    assert.equal(hit.answer.stop_reason, 'tool_use');
    assert.equal(use.name, 'divide');
    assert.deepEqual(use.input, { a: 123, b: 456 });
  });

  feature('tool use, assembled from a stream by the SDK', 'MISS, HIT', async () => {
    const { hit } = await missThenHit(wire, () => stream(steer(called, 'streamed'), { tools }), streamed);
    const use = hit.content.find((block) => block.type === 'tool_use');
    assert.deepEqual(use.input, { a: 123, b: 456 });
  });

  feature('tool result sent back', 'yes', async () => {
    const { answer } = await send(null, {
      tools, messages: [...user('what is 123 / 456?'),
        { role: 'assistant', content: [
          { type: 'tool_use', id: 'toolu_1', name: 'divide', input: { a: 123, b: 456 } }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: '0.27' }] }],
    });
    assert.equal(answer.stop_reason, 'end_turn');
  });

  for (const [how, ask] of [['', send], [', assembled from a stream by the SDK', stream]]) {
    feature(`thinking${how}`, 'MISS, HIT', async () => {
      const { hit } = await missThenHit(wire, () => ask(steer(thought, how), { thinking }), streamed);
      const block = hit.content.find(({ type }) => type === 'thinking');
      assert.equal(block.thinking, 'First, the units.');
      assert.ok(block.signature.length > 0, 'a thinking block is signed');
    });
  }

  feature('structured output parsed by the SDK', 'MISS, HIT', () => missThenHit(wire, async () => {
    const answer = await client.messages.parse(body(steer({ text: '{"name":"Markt"}' }), {
      output_config: { format: zodOutputFormat(z.object({ name: z.string() })) },
    }));
    assert.deepEqual(answer.parsed_output, { name: 'Markt' });
    return { content: answer.content, tokens: tokensOf(answer), id: answer.id };
  }));

  feature('system prompt, cache_control, image and a megabyte of text', 'MISS, HIT', () => missThenHit(
    wire, () => send([{ type: 'text', text: large('anthropic'), cache_control: { type: 'ephemeral' } },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBO'.repeat(20_000) } }],
    { system: [{ type: 'text', text: 'Be short.' }] })));

  feature('errors of the upstream: 400, 401, 403, 404, 422, 429, 500, 529', 'typed error', async () => {
    const cases = [
      [400, Anthropic.BadRequestError], [401, Anthropic.AuthenticationError],
      [403, Anthropic.PermissionDeniedError], [404, Anthropic.NotFoundError],
      [422, Anthropic.UnprocessableEntityError], [429, Anthropic.RateLimitError],
      [500, Anthropic.InternalServerError], [529, Anthropic.InternalServerError],
    ];
    for (const [status, type] of cases) {
      for (const streamed of [false, true]) {
        const before = await upstreamPosts();
        await assert.rejects(client.messages.create(body(steer({ status }), { stream: streamed })),
          (error) => {
            assert.ok(error instanceof type, `${status} is a ${type.name}, not ${error}`);
            assert.equal(error.status, status);
            assert.equal(error.error.type, 'error');
            assert.equal(typeof error.error.error.type, 'string');
            return true;
          });
        assert.equal(await upstreamPosts(), before + 1, 'errors are not stored, nor sent again');
      }
    }
  });

  feature('errors of the gateway: no key, unknown model, unknown path', 'typed error', async () => {
    const stranger = new Anthropic({ ...options, fetch: wire.strangerFetch });
    await assert.rejects(stranger.messages.create(body('x')), (error) => {
      assert.ok(error instanceof Anthropic.AuthenticationError, String(error));
      assert.equal(error.error.error.type, 'authentication_error');
      return true;
    });
    await assert.rejects(client.messages.create(body('x', { model: 'acme/none' })),
      base === '/api' ? Anthropic.BadRequestError : Anthropic.NotFoundError);
    await assert.rejects(client.messages.countTokens({ model: claude, messages: user('x') }),
      Anthropic.NotFoundError);
  });

  feature('an upstream that breaks off mid-stream', 'typed error', async () => {
    await assert.rejects(stream(steer({ die: 'middle', chunks: 6 })), Anthropic.AnthropicError);
    assert.equal(wire.last.status, 200, 'it had begun');
  });

  feature('the client leaves mid-stream, and asks again', 'yes', () => {
    const prompt = slow(`leave ${base} ${upstream}`);
    return leaveThenHit(wire, async () => {
      const events = await client.messages.create(body(prompt, { stream: true }));
      for await (const event of events) {
        assert.ok(event.type);
        events.controller.abort();
      }
    }, async () => {
      const events = client.messages.stream(body(prompt));
      return { content: await events.finalText() };
    });
  });
}, ['vercel', 'openrouter']);
