// What the `ai` package promises whichever provider package it uses: each provider's test file says
// what its models are called, and which errors it throws.
import assert from 'node:assert/strict';
import { embed, embedMany, generateText, isStepCount, Output, streamText, tool } from 'ai';
import { z } from 'zod';
import {
  cached, direct, large, leaveThenHit, missThenHit, script, slow, steer, upstreamPosts,
} from './support.mjs';

const called = { tool_call: { name: 'divide', arguments: { a: 123, b: 456 } } };
const inputSchema = z.object({ a: z.number(), b: z.number() });
const tokensOf = ({ inputTokens, outputTokens }) => inputTokens + outputTokens;
const common = { headers: cached, maxRetries: 0, ...(direct ? { maxOutputTokens: 2048 } : {}) };

/**
 * setting: {feature, wire, model,
 *   stranger: the model of a client without a key, unknown: a model that no upstream has,
 *   where: words that make prompts of its own, thinks: call options that switch reasoning on, or none,
 *   ids: the SDK shows the body's id, costOf(result): USD, where the SDK shows it,
 *   errorOf(error), errorFor(status, ours): what an error must show; unknownStatus,
 *   streamed: what missThenHit() is to know of streams,
 *   breaks: finish reason of a stream that broke off, where the SDK does not see that as an error}
 */
export function languageFeatures(setting) {
  const { feature, wire, model, where } = setting;
  const tell = (result, more) => ({
    content: result.content, ...more,
    ...(setting.ids ? { id: result.response.id } : {}),
    ...(setting.costOf ? { cost: setting.costOf(result) } : {}),
  });

  const generate = async (prompt, more) => {
    const result = await generateText({ model, prompt, ...common, ...more });
    return { result, ...tell(result, { tokens: tokensOf(result.totalUsage) }) };
  };

  const stream = async (prompt, more) => {
    const failed = [];
    const result = streamText({
      model, prompt, ...common, ...more, onError: ({ error }) => failed.push(error),
    });
    const types = [];
    for await (const part of result.fullStream) if (part.type !== 'raw') types.push(part.type);
    if (failed.length > 0) throw failed[0];
    const done = {
      text: await result.text, content: await result.content, toolCalls: await result.toolCalls,
      finishReason: await result.finishReason, response: await result.response,
      reasoningText: await result.reasoningText, providerMetadata: await result.providerMetadata,
    };
    return { result: done, types, ...tell(done, { tokens: tokensOf(await result.totalUsage) }) };
  };

  const { streamed } = setting;
  for (const [name, ask, told] of [['generateText', generate, {}], ['streamText', stream, streamed]]) {
    feature(name, 'MISS, HIT', async () => {
      const { hit } = await missThenHit(wire, () => ask(`${name} of several words ${where}`), told);
      assert.match(hit.result.text, /of several words/);
      assert.equal(hit.result.finishReason, 'stop');
    });

    feature(`${name}, tool call`, 'MISS, HIT', async () => {
      const divide = tool({ description: 'a / b', inputSchema });
      const { hit } = await missThenHit(
        wire, () => ask(steer(called), { tools: { divide } }), told);
      assert.equal(hit.result.finishReason, 'tool-calls');
      assert.equal(hit.result.toolCalls[0].toolName, 'divide');
      assert.deepEqual(hit.result.toolCalls[0].input, { a: 123, b: 456 });
    });

    feature(`${name}, tool executed, its result sent back`, 'MISS, HIT', async () => {
      const ran = [];
      const divide = tool({ description: 'a / b', inputSchema, execute: async ({ a, b }) => {
        ran.push([a, b]);
        return 'about a quarter';
      } });
      const both = [called, { text: 'It is about a quarter.' }];
      await script(...both, ...(direct ? both : []));
      const { hit } = await missThenHit(wire, () => ask(`${name} with a tool ${where}`,
        { tools: { divide }, stopWhen: isStepCount(2) }), { posts: 2, ...told });
      assert.equal(hit.result.text, 'It is about a quarter.');
      assert.deepEqual(ran[0], [123, 456]);
    });

    if (setting.thinks) {
      feature(`${name}, reasoning`, 'MISS, HIT', async () => {
        const { hit } = await missThenHit(wire, () => ask(
          steer({ reasoning_tokens: 7, reasoning: 'First, the units.' }), setting.thinks), told);
        assert.equal(hit.result.reasoningText, 'First, the units.');
      });
    }
  }

  feature('generateText, structured output', 'MISS, HIT', async () => {
    const { hit } = await missThenHit(wire, () => generate(
      steer({ text: '{"name":"Markt","lines":[5,7]}' }),
      { output: Output.object({ schema: z.object({ name: z.string(), lines: z.array(z.number()) }) }) }));
    assert.deepEqual(hit.result.output, { name: 'Markt', lines: [5, 7] });
  });

  feature('streamText, structured output', 'MISS, HIT', () => missThenHit(wire, async () => {
    const result = streamText({ model, ...common,
      prompt: steer({ text: '{"name":"Markt","lines":[5,7]}' }),
      output: Output.object({ schema: z.object({ name: z.string(), lines: z.array(z.number()) }) }) });
    const content = await result.output;
    assert.deepEqual(content, { name: 'Markt', lines: [5, 7] });
    return { content, tokens: tokensOf(await result.totalUsage) };
  }, streamed));

  feature('generateText, image part and a megabyte of text', 'MISS, HIT', () => missThenHit(
    wire, () => generate(undefined, { messages: [{ role: 'user', content: [
      { type: 'text', text: large(where) },
      { type: 'file', data: Buffer.from('iVBORw0KGgo'.repeat(5000)), mediaType: 'image/png' }] }] })));

  feature('errors of the upstream: 400, 401, 403, 404, 429, 500', 'typed error', async () => {
    for (const status of [400, 401, 403, 404, 429, 500]) {
      for (const ask of [generate, stream]) {
        const before = await upstreamPosts();
        await assert.rejects(ask(steer({ status })), (error) => {
          assert.deepEqual(setting.errorOf(error), setting.errorFor(status), String(error));
          return true;
        });
        assert.equal(await upstreamPosts(), before + 1, 'errors are not stored, nor sent again');
      }
    }
  });

  feature('errors of the gateway: no key, unknown model', 'typed error', async () => {
    await assert.rejects(generate('x', { model: setting.stranger }), (error) => {
      assert.deepEqual(setting.errorOf(error), setting.errorFor(401, true), String(error));
      return true;
    });
    await assert.rejects(generate('x', { model: setting.unknown }), (error) => {
      assert.deepEqual(setting.errorOf(error), setting.errorFor(setting.unknownStatus, true), String(error));
      return true;
    });
  });

  feature('an upstream that breaks off mid-stream', 'typed error', async () => {
    const prompt = steer(direct ? { error_frame: 2 } : { die: 'middle', chunks: 6 });
    if (setting.breaks) { // the SDK looks for an error only in frames without choices
      assert.equal((await stream(prompt)).result.finishReason, setting.breaks);
    } else {
      await assert.rejects(stream(prompt));
    }
    assert.equal(wire.last.status, 200, 'it had begun');
  });

  feature('the client leaves mid-stream, and asks again', 'yes', () => leaveThenHit(wire, async () => {
    const gone = new AbortController();
    const result = streamText({ model, prompt: slow(where), ...common, abortSignal: gone.signal });
    for await (const part of result.fullStream) if (part.type === 'text-delta') gone.abort();
  }, async () => ({ content: (await stream(slow(where))).result.text })));
}

/** costOf(result): as above. */
export function embeddingFeatures({ feature, wire, model, costOf }) {
  const tell = (content, result) => ({
    content, tokens: result.usage.tokens, ...(costOf ? { cost: costOf(result) } : {}),
  });

  feature('embed', 'MISS, HIT', async () => {
    const { hit } = await missThenHit(wire, async () => {
      const result = await embed({ model, value: 'one text', ...common });
      return tell(result.embedding, result);
    });
    assert.equal(typeof hit.content[0], 'number');
  });

  feature('embedMany', 'MISS, HIT', async () => {
    const { hit } = await missThenHit(wire, async () => {
      const result = await embedMany({ model, values: ['first text', 'second text'], ...common });
      return tell(result.embeddings, result);
    });
    assert.notDeepEqual(hit.content[0], hit.content[1]);
  });
}
