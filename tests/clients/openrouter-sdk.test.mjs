// The `@openrouter/sdk` package with nothing but its server URL changed. It validates every answer
// with zod: what it hands out has passed its schemas.
// parity: sdk-openrouter, key-and-credits
import assert from 'node:assert/strict';
import { HTTPClient, OpenRouter } from '@openrouter/sdk';
import * as errors from '@openrouter/sdk/models/errors';
import {
  apiKey, askedLast, cached, direct, embeddingModel, large, leaveThenHit, missThenHit, model, script,
  slow, steer, suite, upstreamPosts,
} from './support.mjs';

const parameters = {
  type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } }, required: ['a', 'b'],
};
const tools = [{ type: 'function', function: { name: 'divide', parameters } }];
const called = { tool_call: { name: 'divide', arguments: { a: 123, b: 456 } } };
const [author, slug] = model.split('/');
const user = (content) => [{ role: 'user', content }];

suite('@openrouter/sdk', ['/api/v1'], ({ base, origin, upstream, wire, feature }) => {
  const options = (fetcher) => ({
    serverURL: origin + base, apiKey, retryConfig: { strategy: 'none' },
    httpClient: new HTTPClient({ fetcher }),
  });
  const client = new OpenRouter(options(wire.fetch));
  const on = { headers: cached };
  const chat = (content, more) => client.chat.send(
    { chatRequest: { model, messages: user(content), ...more } }, on);

  const send = async (content, more) => {
    const answer = await chat(content, more);
    assert.equal(answer.model, model);
    return {
      answer, content: answer.choices, tokens: answer.usage.totalTokens, cost: answer.usage.cost,
      id: answer.id,
    };
  };
  const read = async (content, more) => {
    const chunks = [];
    const stream = await chat(content, { stream: true, ...more });
    for await (const chunk of stream) {
      assert.equal(chunk.error, undefined);
      chunks.push(chunk);
    }
    assert.equal(new Set(chunks.map(({ id }) => id)).size, 1);
    const { usage } = chunks.findLast((chunk) => chunk.usage);
    return {
      content: chunks.map(({ choices }) => choices), tokens: usage.totalTokens, cost: usage.cost,
      id: chunks[0].id,
    };
  };

  feature('chat', 'MISS, HIT', async () => {
    const { hit } = await missThenHit(wire, () => send('openrouter sdk chat'));
    assert.match(hit.answer.choices[0].message.content, /openrouter sdk chat/);
    assert.equal(hit.answer.choices[0].finishReason, 'stop');
  });

  feature('chat, streamed', 'MISS, HIT', async () => {
    const { hit } = await missThenHit(wire, () => read('openrouter sdk, a stream of several words'));
    const choices = hit.content.flat();
    assert.match(choices.map(({ delta }) => delta.content ?? '').join(''),
      /openrouter sdk, a stream of several words/);
    assert.ok(choices.some(({ finishReason }) => finishReason === 'stop'));
  });

  feature('chat, tool call', 'MISS, HIT', async () => {
    const { hit } = await missThenHit(wire, () => send(steer(called), { tools }));
    const [call] = hit.answer.choices[0].message.toolCalls;
    assert.equal(hit.answer.choices[0].finishReason, 'tool_calls');
    assert.equal(call.function.name, 'divide');
    assert.deepEqual(JSON.parse(call.function.arguments), { a: 123, b: 456 });
  });

  feature('chat, tool call, streamed', 'MISS, HIT', async () => {
    const { hit } = await missThenHit(wire, () => read(steer(called), { tools }));
    const calls = hit.content.flat().flatMap(({ delta }) => delta.toolCalls ?? []);
    assert.deepEqual(JSON.parse(calls.map((call) => call.function?.arguments ?? '').join('')),
      { a: 123, b: 456 });
  });

  feature('chat, structured output', 'MISS, HIT', async () => {
    const { hit } = await missThenHit(wire, () => send(steer({ text: '{"name":"Markt"}' }), {
      responseFormat: { type: 'json_schema', jsonSchema: { name: 'stop', strict: true,
        schema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] } } },
    }));
    assert.deepEqual(JSON.parse(hit.answer.choices[0].message.content), { name: 'Markt' });
  });

  for (const [how, ask] of [['', send], [', streamed', read]]) {
    feature(`chat, reasoning${how}`, 'MISS, HIT', async () => {
      const { hit } = await missThenHit(wire, () => ask(
        steer({ reasoning_tokens: 7, reasoning: 'First, the units.' }), { reasoning: { effort: 'high' } }));
      const thought = hit.content.flat().map(({ message, delta }) => (message ?? delta));
      assert.equal(thought.map(({ reasoning }) => reasoning ?? '').join(''), 'First, the units.');
      if (upstream === 'openai') return; // it has no details to give
      assert.equal(thought.flatMap(({ reasoningDetails }) => reasoningDetails ?? [])
        .map(({ text }) => text).join(''), 'First, the units.');
    });
  }

  feature('chat, provider object, fallback models, user, session', 'MISS, HIT', () => missThenHit(
    wire, () => send('openrouter sdk provider', {
      provider: { order: ['openai'], allowFallbacks: true, sort: 'price' }, user: 'someone',
      models: ['openai/gpt-4.1-mini'], sessionId: 'session-1',
    })));

  feature('chat, a megabyte of text', 'MISS, HIT', () => missThenHit(
    wire, () => send(large('openrouter sdk'))));

  if (!direct) {
    feature('chat, router metadata when asked for, never on a HIT', 'MISS, HIT', async () => {
      const ask = async () => {
        const answer = await client.chat.send({ xOpenRouterMetadata: 'enabled',
          chatRequest: { model, messages: user('openrouter sdk metadata') } }, on);
        return { metadata: answer.openrouterMetadata, content: answer.choices,
          tokens: answer.usage.totalTokens, id: answer.id };
      };
      const { miss, hit } = await missThenHit(wire, ask);
      assert.equal(miss.metadata.requested, model);
      assert.equal(hit.metadata, undefined);
    });
  }

  const respond = (input, more) => client.beta.responses.send(
    { responsesRequest: { model, input, ...more } }, on);

  feature('responses', 'MISS, HIT', async () => {
    const { hit } = await missThenHit(wire, async () => {
      const answer = await respond('openrouter sdk responses');
      assert.equal(answer.status, 'completed');
      return { content: answer.output, tokens: answer.usage.totalTokens, cost: answer.usage.cost,
        id: answer.id };
    });
    assert.match(hit.content.find(({ type }) => type === 'message').content[0].text,
      /openrouter sdk responses/);
  });

  feature('responses, streamed', 'MISS, HIT', () => missThenHit(wire, async () => {
    const content = [];
    let text = '', final = null;
    const stream = await respond('openrouter sdk responses, streamed', { stream: true });
    for await (const event of stream) {
      content.push(event.type);
      if (event.type === 'response.output_text.delta') text += event.delta;
      if (event.type === 'response.completed') final = event.response;
    }
    assert.match(text, /openrouter sdk responses, streamed/);
    return { content: [content, text], tokens: final.usage.totalTokens, id: final.id };
  }));

  feature('responses, tool call', 'MISS, HIT', async () => {
    const { hit } = await missThenHit(wire, async () => {
      const answer = await respond(steer(called, 'responses'),
        { tools: [{ type: 'function', name: 'divide', parameters, strict: true }] });
      return { content: answer.output, tokens: answer.usage.totalTokens, id: answer.id };
    });
    const call = hit.content.find(({ type }) => type === 'function_call');
    assert.deepEqual(JSON.parse(call.arguments), { a: 123, b: 456 });
  });

  feature('callModel', 'yes', async () => {
    const result = client.callModel({ model, input: 'openrouter sdk callModel' });
    assert.match(await result.getText(), /openrouter sdk callModel/);
  });

  for (const encodingFormat of ['float', 'base64']) {
    feature(`embeddings, ${encodingFormat}`, 'MISS, HIT', () => missThenHit(wire, async () => {
      const answer = await client.embeddings.generate({ requestBody: {
        model: embeddingModel, input: ['first text', 'second text'], encodingFormat } }, on);
      assert.equal(answer.data.length, 2);
      return { content: answer.data, tokens: answer.usage.totalTokens, cost: answer.usage.cost,
        id: answer.id };
    }));
  }

  feature('models: list, count, one, of a user', 'read', async () => {
    const found = [];
    for await (const page of await client.models.list()) found.push(...page.result.data);
    const one = found.find(({ id }) => id === model);
    if (upstream === 'openai') assert.equal(one.pricing.prompt, '-1', 'not known, and not free');
    else assert.ok(Number(one.pricing.prompt) > 0);
    assert.ok((await client.models.count()).data.count > 0);
    assert.equal((await client.models.get({ author, slug })).data.id, model);
    if (!direct) {
      const users = await client.models.listForUser({ bearer: apiKey });
      assert.ok(users.result.data.length > 0);
    }
  });

  if (upstream !== 'openai') { // whose list names models and nothing else
    feature('embedding models', 'read', async () => {
      const { result } = await client.embeddings.listModels();
      assert.ok(result.data.some(({ id }) => id === embeddingModel));
    });

    feature('endpoints of a model', 'read', async () => {
      const { data } = await client.endpoints.list({ author, slug });
      assert.equal(data.id, model);
      assert.ok(data.endpoints.length > 0);
    });

    feature('credits', 'read', async () => {
      const { data } = await client.credits.getCredits();
      assert.ok(data.totalCredits >= data.totalUsage);
    });
  }

  feature('providers', 'read', async () => {
    const { data } = await client.providers.list();
    assert.ok(data.some((provider) => provider.slug === author));
  });

  if (!direct) {
    feature('models: filters', 'read', async () => {
      const { result } = await client.models.list({ q: slug, limit: 1, offset: 0 });
      assert.equal(result.data.length, 1);
      assert.ok(result.data[0].id.includes(slug));
      assert.ok(result.totalCount >= 1);
    });

    feature('the current key', 'read', async () => {
      await chat('spend something');
      const { data } = await client.apiKeys.getCurrentKeyMetadata();
      assert.ok(data.usage >= 0);
      assert.ok(data.usageMonthly >= data.usageDaily);
    });

    if (upstream !== 'openai') feature('generation of a MISS and of its HIT', 'read', async () => {
      const ask = () => chat('openrouter sdk generation');
      const miss = await ask();
      const hit = await ask();
      const { data: source } = await client.generations.getGeneration({ id: miss.id });
      assert.equal(source.id, miss.id);
      assert.equal(source.totalCost, miss.usage.cost);
      assert.equal(source.nativeTokensPrompt, miss.usage.promptTokens);
      assert.equal(source.responseCacheSourceId ?? null, null);
      const { data: replay } = await client.generations.getGeneration({ id: hit.id });
      assert.equal(replay.responseCacheSourceId, miss.id);
      assert.equal(replay.totalCost, 0);
    });

    feature('activity', 'read', async () => {
      const { data } = await client.analytics.getUserActivity();
      assert.ok(Array.isArray(data));
    });
  }

  feature('images', 'passed on', async () => {
    await script({ raw: JSON.stringify({ created: 1, data: [{ b64_json: 'iVBORw==' }] }) });
    const image = await client.images.generate({ imageGenerationRequest: {
      model: 'openai/gpt-image-1', prompt: 'a tram' } });
    assert.equal(image.data[0].b64Json, 'iVBORw==');
    await askedLast(upstream, '/images');
  });

  feature('speech', 'passed on', async () => {
    await script({ raw: 'not really mp3', content_type: 'audio/mpeg' });
    const speech = await client.tts.createSpeech({ speechRequest: {
      model: 'openai/tts-1', input: 'next stop', voice: 'alloy', responseFormat: 'mp3' } });
    assert.equal(await new Response(speech).text(), 'not really mp3');
    await askedLast(upstream, '/audio/speech');
  });

  feature('transcription', 'passed on', async () => {
    await script({ raw: JSON.stringify({ text: 'heard' }) });
    const heard = await client.stt.createTranscription({ sttRequest: {
      model: 'openai/whisper-1', inputAudio: { data: 'UklGRg==', format: 'wav' } } });
    assert.equal(heard.text, 'heard');
    await askedLast(upstream, '/audio/transcriptions');
  });

  feature('rerank', 'passed on', async () => {
    await script({ raw: JSON.stringify({ model: 'cohere/rerank-v3.5', results: [
      { index: 1, relevance_score: 0.9, document: { text: 'b' } }] }) });
    const ranked = await client.rerank.rerank({ requestBody: {
      model: 'cohere/rerank-v3.5', query: 'b?', documents: ['a', 'b'] } });
    assert.equal(ranked.results[0].index, 1);
    await askedLast(upstream, '/rerank');
  });

  feature('errors of the upstream: 400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 502, 503',
    'typed error', async () => {
      const cases = [
        [400, errors.BadRequestResponseError], [401, errors.UnauthorizedResponseError],
        [402, errors.PaymentRequiredResponseError], [403, errors.ForbiddenResponseError],
        [404, errors.NotFoundResponseError], [408, errors.RequestTimeoutResponseError],
        [413, errors.PayloadTooLargeResponseError], [422, errors.UnprocessableEntityResponseError],
        [429, errors.TooManyRequestsResponseError], [500, errors.InternalServerResponseError],
        [502, errors.BadGatewayResponseError], [503, errors.ServiceUnavailableResponseError],
      ];
      for (const [status, type] of cases) {
        for (const stream of [false, true]) {
          const before = await upstreamPosts();
          await assert.rejects(chat(steer({ status }), { stream }), (error) => {
            assert.ok(error instanceof type, `${status} is a ${type.name}, not ${error}`);
            assert.equal(error.error.code, status);
            assert.ok(error.error.message.length > 0);
            return true;
          });
          assert.equal(await upstreamPosts(), before + 1, 'errors are not stored, nor sent again');
        }
      }
    });

  feature('errors of the gateway: no key, unknown model, unknown generation', 'typed error', async () => {
    const stranger = new OpenRouter(options(wire.strangerFetch));
    await assert.rejects(stranger.chat.send({ chatRequest: { model, messages: user('x') } }),
      errors.UnauthorizedResponseError);
    await assert.rejects(chat('x', { model: 'acme/none' }), errors.BadRequestResponseError);
    await assert.rejects(client.generations.getGeneration({ id: 'gen-1790000000-AAAAAAAAAAAAAAAAAAAA' }),
      errors.NotFoundResponseError);
  });

  feature('an upstream that breaks off mid-stream', 'typed error', async () => {
    const seen = [];
    const stream = await chat(steer(direct ? { error_frame: 2 } : { die: 'middle', chunks: 6 }),
      { stream: true });
    for await (const chunk of stream) seen.push(chunk);
    const { error, choices } = seen.at(-1);
    assert.equal(error.code, 502);
    assert.equal(choices[0].finishReason, 'error');
  });

  feature('the client leaves mid-stream, and asks again', 'yes', () => {
    const prompt = slow(`leave ${base} ${upstream}`);
    return leaveThenHit(wire, async () => {
      const gone = new AbortController();
      const stream = await client.chat.send(
        { chatRequest: { model, stream: true, messages: user(prompt) } }, { ...on, signal: gone.signal });
      await assert.rejects(async () => {
        for await (const chunk of stream) {
          assert.ok(chunk.id);
          gone.abort();
        }
      });
    }, () => read(prompt));
  });
});
