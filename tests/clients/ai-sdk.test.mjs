// Vercel's AI SDK with its OpenAI-compatible provider.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, generateText, streamText, tool } from 'ai';
import { z } from 'zod';
import { apiKey, baseURL, cached, model, recordingFetch, steer, upstreamPosts } from './support.mjs';

const { last, fetch: recorded } = recordingFetch();
const provider = createOpenAICompatible({
  name: 'tollgate', baseURL, apiKey, headers: cached, includeUsage: true, fetch: recorded,
});

test('generateText: MISS, then HIT with usage zero', async () => {
  const run = () => generateText({ model: provider(model), prompt: 'ai sdk text', maxRetries: 0 });
  const miss = await run();
  assert.equal(last.headers.get('x-openrouter-cache-status'), 'MISS');
  const hit = await run();
  assert.equal(last.headers.get('x-openrouter-cache-status'), 'HIT');
  assert.ok(Number(last.headers.get('x-tollgate-saved-cost')) > 0);
  assert.equal(hit.text, miss.text);
  assert.ok(miss.usage.inputTokens > 0);
  assert.equal(hit.usage.inputTokens, 0);
  assert.equal(hit.usage.outputTokens, 0);
  assert.equal(hit.finishReason, 'stop');
});

test('streamText: MISS, then HIT', async () => {
  const seen = [];
  for (const wanted of ['MISS', 'HIT']) {
    const result = streamText({ model: provider(model), prompt: 'ai sdk stream of words', maxRetries: 0 });
    let text = '';
    for await (const part of result.textStream) text += part;
    seen.push(text);
    const usage = await result.usage;
    assert.equal(last.headers.get('x-openrouter-cache-status'), wanted);
    assert.equal(await result.finishReason, 'stop');
    if (wanted === 'HIT') assert.equal(usage.inputTokens, 0);
    else assert.ok(usage.inputTokens > 0);
  }
  assert.ok(seen[0].length > 0);
  assert.equal(seen[1], seen[0]);
});

test('tool call: MISS, then HIT', async () => {
  const divide = tool({ description: 'a / b', inputSchema: z.object({ a: z.number(), b: z.number() }) });
  for (const wanted of ['MISS', 'HIT']) {
    const result = await generateText({
      model: provider(model), tools: { divide }, maxRetries: 0,
      prompt: steer({ tool_call: { name: 'divide', arguments: { a: 1, b: 2 } } }),
    });
    assert.equal(last.headers.get('x-openrouter-cache-status'), wanted);
    assert.equal(result.toolCalls[0].toolName, 'divide');
    assert.deepEqual(result.toolCalls[0].input, { a: 1, b: 2 });
  }
});

test('an upstream error keeps its status and says whether to retry', async () => {
  for (const [status, retryable] of [[429, true], [400, false]]) {
    await assert.rejects(
      generateText({ model: provider(model), prompt: steer({ status }), maxRetries: 0 }),
      (error) => APICallError.isInstance(error) && error.statusCode === status
        && error.isRetryable === retryable);
  }
});

test('a broken stream surfaces as an error', async () => {
  const errors = [];
  const result = streamText({
    model: provider(model), prompt: steer({ die: 'middle', chunks: 6 }), maxRetries: 0,
    onError: ({ error }) => errors.push(error),
  });
  for await (const part of result.fullStream) if (part.type === 'error') errors.push(part.error);
  assert.ok(errors.length > 0);
  assert.ok(await upstreamPosts() > 0);
});
