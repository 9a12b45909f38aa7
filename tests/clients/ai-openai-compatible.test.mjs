// `@ai-sdk/openai-compatible` under `ai`, with nothing but its base URL changed.
// parity: sdk-ai-compatible
import assert from 'node:assert/strict';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, generateImage } from 'ai';
import { embeddingFeatures, languageFeatures } from './ai.mjs';
import { apiKey, askedLast, embeddingModel, model, script, suite } from './support.mjs';

suite('@ai-sdk/openai-compatible', ['/v1', '/api/v1'], ({ base, origin, upstream, wire, feature }) => {
  const options = {
    name: 'tollgate', baseURL: origin + base, apiKey, includeUsage: true, supportsStructuredOutputs: true,
  };
  const provider = createOpenAICompatible({ ...options, fetch: wire.fetch });
  const stranger = createOpenAICompatible({ ...options, fetch: wire.strangerFetch });
  languageFeatures({
    feature, wire, model: provider(model), stranger: stranger(model), unknown: provider('acme/none'),
    unknownStatus: base === '/api/v1' ? 400 : 404, where: `${base} ${upstream}`, ids: true,
    thinks: { providerOptions: { tollgate: { reasoningEffort: 'high' } } },
    errorOf: (error) => [APICallError.isInstance(error), error.statusCode, error.isRetryable],
    errorFor: (status) => [true, status, status === 429 || status >= 500],
  });
  embeddingFeatures({ feature, wire, model: provider.embeddingModel(embeddingModel) });

  feature('generateImage', 'passed on', async () => {
    await script({ raw: JSON.stringify({ created: 1, data: [{ b64_json: 'iVBORw==' }] }) });
    const { image } = await generateImage({
      model: provider.imageModel('openai/gpt-image-1'), prompt: 'a tram' });
    assert.equal(image.base64, 'iVBORw==');
    await askedLast(upstream, '/images/generations');
  });
});
