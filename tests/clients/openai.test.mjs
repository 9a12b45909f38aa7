// The `openai` package with nothing but its base URL changed.
// parity: sdk-openai, model-catalogue
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { zodResponseFormat, zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import {
  apiKey, askedLast, cached, claude, direct, embeddingModel, large, latestCall, leaveThenHit, missThenHit,
  model, script, slow, steer, suite, upstreamPosts,
} from './support.mjs';

const divide = {
  name: 'divide',
  parameters: {
    type: 'object', additionalProperties: false, required: ['a', 'b'],
    properties: { a: { type: 'number' }, b: { type: 'number' } },
  },
};
const chatTools = [{ type: 'function', function: divide }];
const responseTools = [{ type: 'function', strict: true, ...divide }];
const called = { tool_call: { name: 'divide', arguments: { a: 123, b: 456 } } };
const Stop = z.object({ name: z.string(), lines: z.array(z.number()) });
const stop = { name: 'Markt', lines: [5, 7] };
const user = (content) => [{ role: 'user', content }];

suite('openai', ['/v1', '/api/v1'], ({ base, origin, upstream, wire, feature }) => {
  const options = { baseURL: origin + base, apiKey, maxRetries: 0, defaultHeaders: cached };
  const client = new OpenAI({ ...options, fetch: wire.fetch });
  const nonce = (what) => `${what} at ${base} on ${upstream}`;

  feature('chat', 'MISS, HIT', () => missThenHit(wire, async () => {
    const answer = await client.chat.completions.create(
      { model, messages: user('openai chat, non-streaming') });
    assert.equal(answer.object, 'chat.completion');
    assert.equal(answer.model, model);
    assert.equal(answer.choices[0].finish_reason, 'stop');
    return {
      content: answer.choices, tokens: answer.usage.total_tokens, cost: answer.usage.cost,
      id: answer.id,
    };
  }));

  const readChat = async (body) => {
    const stream = await client.chat.completions.create({ model, stream: true, ...body });
    const content = [];
    const ids = new Set();
    let usage = null;
    for await (const chunk of stream) {
      assert.equal(chunk.object, 'chat.completion.chunk');
      ids.add(chunk.id);
      content.push(chunk.choices);
      usage = chunk.usage ?? usage;
    }
    assert.equal(ids.size, 1);
    assert.equal(content.flat().map((choice) => choice.finish_reason).filter(Boolean)[0], 'stop');
    return { content, tokens: usage.total_tokens, cost: usage.cost, id: [...ids][0] };
  };

  feature('chat, streamed', 'MISS, HIT', async () => {
    const { hit } = await missThenHit(wire, () => readChat(
      { messages: user('openai chat, a stream of several words') }));
    const text = hit.content.flat().map((choice) => choice.delta.content ?? '').join('');
    assert.match(text, /openai chat, a stream of several words/);
  });

  feature('chat, tool call', 'MISS, HIT', () => missThenHit(wire, async () => {
    const answer = await client.chat.completions.create(
      { model, tools: chatTools, messages: user(steer(called, 'plain')) });
    assert.equal(answer.choices[0].finish_reason, 'tool_calls');
    const call = answer.choices[0].message.tool_calls[0];
    assert.equal(call.function.name, 'divide');
    assert.deepEqual(JSON.parse(call.function.arguments), { a: 123, b: 456 });
    return { content: answer.choices, tokens: answer.usage.total_tokens, id: answer.id };
  }));

  feature('chat, tool call, streamed and assembled by the SDK', 'MISS, HIT', () => missThenHit(
    wire, async () => {
      const answer = await client.chat.completions.stream(
        { model, tools: chatTools, messages: user(steer(called, 'streamed')) })
        .finalChatCompletion();
      const call = answer.choices[0].message.tool_calls[0];
      assert.equal(call.function.name, 'divide');
      assert.deepEqual(JSON.parse(call.function.arguments), { a: 123, b: 456 });
      return { content: answer.choices, tokens: answer.usage.total_tokens, id: answer.id };
    }));

  feature('chat, tool result sent back', 'yes', async () => {
    const answer = await client.chat.completions.create({
      model, tools: chatTools,
      messages: [...user('what is 123 / 456?'),
        { role: 'assistant', content: null, tool_calls: [{ id: 'call_1', type: 'function',
          function: { name: 'divide', arguments: '{"a":123,"b":456}' } }] },
        { role: 'tool', tool_call_id: 'call_1', content: '0.27' }],
    });
    assert.equal(answer.choices[0].finish_reason, 'stop');
  });

  feature('chat, structured output parsed by the SDK', 'MISS, HIT', () => missThenHit(
    wire, async () => {
      const answer = await client.chat.completions.parse({
        model, messages: user(steer({ text: JSON.stringify(stop) })),
        response_format: zodResponseFormat(Stop, 'stop'),
      });
      assert.deepEqual(answer.choices[0].message.parsed, stop);
      return { content: answer.choices, tokens: answer.usage.total_tokens, id: answer.id };
    }));

  feature('chat, reasoning', 'MISS, HIT', () => missThenHit(wire, async () => {
    const answer = await client.chat.completions.create({
      model, reasoning_effort: 'high',
      messages: user(steer({ reasoning_tokens: 7, reasoning: 'First, the units.' })),
    });
    assert.equal(answer.choices[0].message.reasoning, 'First, the units.');
    if (upstream !== 'openai') {
      assert.equal(answer.choices[0].message.reasoning_details[0].text, 'First, the units.');
    }
    return {
      content: answer.choices, id: answer.id,
      tokens: answer.usage.completion_tokens_details.reasoning_tokens,
    };
  }));

  feature('chat, image part and a megabyte of text', 'MISS, HIT', () => missThenHit(
    wire, async () => {
      const answer = await client.chat.completions.create({
        model, messages: user([{ type: 'text', text: large('openai') },
          { type: 'image_url', image_url: { url: `data:image/png;base64,${'iVBO'.repeat(20_000)}` } }]),
      });
      return { content: answer.choices, tokens: answer.usage.prompt_tokens, id: answer.id };
    }));

  if (upstream === 'vercel') { // which refuses such a request unless it is streamed
    feature('chat, Claude with 64,000 tokens, not streamed', 'MISS, HIT', async () => {
      await missThenHit(wire, async () => {
        const answer = await client.chat.completions.create(
          { model: claude, max_tokens: 64_000, messages: user('a long answer, if need be') });
        assert.match(answer.choices[0].message.content, /a long answer, if need be/);
        return { content: answer.choices, tokens: answer.usage.total_tokens, cost: answer.usage.cost,
          id: answer.id };
      });
      assert.equal((await latestCall()).stream, true);
    });
  }

  feature('responses', 'MISS, HIT', () => missThenHit(wire, async () => {
    const answer = await client.responses.create({ model, input: 'openai responses, non-streaming' });
    assert.equal(answer.object, 'response');
    assert.equal(answer.status, 'completed');
    assert.match(answer.output_text, /openai responses, non-streaming/);
    return { content: answer.output_text, tokens: answer.usage.total_tokens, id: answer.id };
  }));

  feature('responses, streamed', 'MISS, HIT', () => missThenHit(wire, async () => {
    const stream = await client.responses.create(
      { model, input: 'openai responses, a stream of several words', stream: true });
    const types = [];
    let text = '', sequence = -1, final = null;
    for await (const event of stream) {
      types.push(event.type);
      assert.ok(event.sequence_number > sequence);
      sequence = event.sequence_number;
      if (event.type === 'response.output_text.delta') text += event.delta;
      if (event.type === 'response.completed') final = event.response;
    }
    assert.equal(types[0], 'response.created');
    assert.match(text, /openai responses, a stream of several words/);
    return { content: [types, text], tokens: final.usage.total_tokens, id: final.id };
  }));

  feature('responses, tool call', 'MISS, HIT', () => missThenHit(wire, async () => {
    const answer = await client.responses.create(
      { model, tools: responseTools, input: steer(called, 'responses') });
    const call = answer.output.find((item) => item.type === 'function_call');
    assert.equal(call.name, 'divide');
    assert.deepEqual(JSON.parse(call.arguments), { a: 123, b: 456 });
    return { content: call.arguments, tokens: answer.usage.total_tokens, id: answer.id };
  }));

  feature('responses, structured output parsed by the SDK', 'MISS, HIT', () => missThenHit(
    wire, async () => {
      const answer = await client.responses.parse({
        model, input: steer({ text: JSON.stringify(stop) }, 'responses'),
        text: { format: zodTextFormat(Stop, 'stop') },
      });
      assert.deepEqual(answer.output_parsed, stop);
      return { content: answer.output_text, tokens: answer.usage.total_tokens, id: answer.id };
    }));

  feature('responses, assembled from a stream by the SDK', 'MISS, HIT', () => missThenHit(
    wire, async () => {
      const answer = await client.responses.stream(
        { model, tools: responseTools, input: steer(called, 'responses streamed') }).finalResponse();
      const call = answer.output.find((item) => item.type === 'function_call');
      assert.deepEqual(JSON.parse(call.arguments), { a: 123, b: 456 });
      return { content: call.arguments, tokens: answer.usage.total_tokens, id: answer.id };
    }));

  feature('responses, reasoning', 'MISS, HIT', () => missThenHit(wire, async () => {
    const answer = await client.responses.create({
      model, reasoning: { effort: 'high', summary: 'auto' },
      input: steer({ reasoning_tokens: 7, reasoning: 'First, the units.' }) });
    const thought = answer.output.find((item) => item.type === 'reasoning');
    assert.match(JSON.stringify(thought), /First, the units\./);
    return { content: thought, tokens: answer.usage.output_tokens_details.reasoning_tokens, id: answer.id };
  }));

  for (const encoding_format of ['float', 'base64', undefined]) {
    feature(`embeddings, ${encoding_format ?? "the SDK's default"}`, 'MISS, HIT', () => missThenHit(
      wire, async () => {
        const answer = await client.embeddings.create(
          { model: embeddingModel, input: ['first text', `${encoding_format}`], encoding_format });
        assert.equal(answer.data.length, 2);
        if (encoding_format === 'base64') assert.equal(typeof answer.data[0].embedding, 'string');
        else assert.equal(typeof answer.data[0].embedding[0], 'number');
        assert.notDeepEqual(answer.data[0].embedding, answer.data[1].embedding);
        return { content: answer.data, tokens: answer.usage.total_tokens };
      }));
  }

  feature('models', 'read', async () => {
    const found = [];
    for await (const one of client.models.list()) found.push(one.id);
    assert.ok(found.includes(model));
    if (direct) return;
    const one = await client.models.retrieve(model);
    assert.equal((one.data ?? one).id, model); // OpenRouter wraps it
  });

  feature('legacy completions', 'passed on', async () => {
    await script({ raw: JSON.stringify({ id: 'cmpl-1', object: 'text_completion', created: 1, model,
      choices: [{ index: 0, text: 'passed on', finish_reason: 'stop', logprobs: null }],
      usage: { prompt_tokens: 2, completion_tokens: 2, total_tokens: 4 } }) });
    const answer = await client.completions.create({ model, prompt: 'legacy' });
    assert.equal(answer.choices[0].text, 'passed on');
    await askedLast(upstream, '/completions');
  });

  feature('images', 'passed on', async () => {
    await script({ raw: JSON.stringify({ created: 1, data: [{ b64_json: 'iVBORw==' }] }) });
    const image = await client.images.generate({ model: 'openai/gpt-image-1', prompt: 'a tram' });
    assert.equal(image.data[0].b64_json, 'iVBORw==');
    await askedLast(upstream, '/images/generations');
  });

  feature('speech', 'passed on', async () => {
    await script({ raw: 'not really mp3', content_type: 'audio/mpeg' });
    const speech = await client.audio.speech.create(
      { model: 'openai/tts-1', voice: 'alloy', input: 'next stop' });
    assert.equal(await speech.text(), 'not really mp3');
    await askedLast(upstream, '/audio/speech');
  });

  feature('transcription, a form with a file', 'passed on', async () => {
    await script({ raw: JSON.stringify({ text: 'heard' }) });
    const heard = await client.audio.transcriptions.create({
      model: 'openai/whisper-1', file: new File(['RIFF'], 'stop.wav', { type: 'audio/wav' }),
    });
    assert.equal(heard.text, 'heard');
    await askedLast(upstream, '/audio/transcriptions');
  });

  feature('errors of the upstream: 400, 401, 402, 403, 404, 422, 429, 500', 'typed error', async () => {
    const cases = [
      [400, OpenAI.BadRequestError], [401, OpenAI.AuthenticationError], [402, OpenAI.APIError],
      [403, OpenAI.PermissionDeniedError], [404, OpenAI.NotFoundError],
      [422, OpenAI.UnprocessableEntityError], [429, OpenAI.RateLimitError],
      [500, OpenAI.InternalServerError],
    ];
    for (const [status, type] of cases) {
      for (const stream of [false, true]) {
        const body = { model, stream, messages: user(steer({ status })) };
        const before = await upstreamPosts();
        await assert.rejects(client.chat.completions.create(body), (error) => {
          assert.ok(error instanceof type, `${status} is a ${type.name}, not ${error}`);
          assert.equal(error.status, status);
          assert.ok(error.error.message.length > 0);
          return true;
        });
        assert.equal(await upstreamPosts(), before + 1, 'errors are not stored, nor sent again');
      }
    }
  });

  feature('errors of the gateway: no key, no model, unknown model, unknown path', 'typed error',
    async () => {
      const body = { model, messages: user('x') };
      const stranger = new OpenAI({ ...options, fetch: wire.strangerFetch });
      await assert.rejects(stranger.chat.completions.create(body), OpenAI.AuthenticationError);
      if (!direct) {
        await assert.rejects(client.chat.completions.create({ ...body, model: '' }), OpenAI.BadRequestError);
      }
      await assert.rejects(client.responses.retrieve('resp_1'), OpenAI.NotFoundError);
      await assert.rejects(client.chat.completions.create({ ...body, model: 'acme/none' }),
        base === '/api/v1' ? OpenAI.BadRequestError : OpenAI.NotFoundError);
    });

  feature('an upstream that breaks off mid-stream', 'typed error', async () => {
    await assert.rejects(async () => {
      const stream = await client.chat.completions.create({
        model, stream: true, messages: user(steer({ die: 'middle', chunks: 6 })) });
      for await (const chunk of stream) assert.ok(chunk.id);
    }, direct ? Error : OpenAI.APIError);
    assert.equal(wire.last.status, 200, 'it had begun');
  });

  if (!direct) feature('a paid call that broke is not tried again by the SDK', 'yes', async () => {
    const retrying = new OpenAI({ ...options, maxRetries: 2, fetch: wire.fetch });
    const before = await upstreamPosts();
    await assert.rejects(retrying.chat.completions.create(
      { model, messages: user(steer({ die: 'middle' })) }), (error) => error.status === 502);
    assert.equal(await upstreamPosts(), before + 1);
  });

  feature('the client leaves mid-stream, and asks again', 'yes', () => leaveThenHit(
    wire, async () => {
      const stream = await client.chat.completions.create(
        { model, stream: true, messages: user(slow(nonce('leave'))) });
      for await (const chunk of stream) {
        assert.ok(chunk.id);
        stream.controller.abort();
      }
    }, () => readChat({ messages: user(slow(nonce('leave'))) })));
});
