// `@openrouter/ai-sdk-provider` under `ai`, with nothing but its base URL changed.
// parity: sdk-openrouter-ai
import assert from 'node:assert/strict';
import { createOpenRouter } from '@openrouter/ai-sdk-provider';
import { APICallError, generateImage, generateText } from 'ai';
import { embeddingFeatures, languageFeatures } from './ai.mjs';
import { apiKey, askedLast, embeddingModel, model, script, suite } from './support.mjs';

const costOf = ({ providerMetadata }) => providerMetadata.openrouter.usage.cost;

suite('@openrouter/ai-sdk-provider', ['/api/v1'], ({ base, origin, upstream, wire, feature }) => {
  const options = { baseURL: origin + base, apiKey };
  const provider = createOpenRouter({ ...options, fetch: wire.fetch });
  const stranger = createOpenRouter({ ...options, fetch: wire.strangerFetch });
  languageFeatures({
    feature, wire, model: provider(model), stranger: stranger(model), unknown: provider('acme/none'),
    unknownStatus: 400, where: `${base} ${upstream}`, ids: true, costOf,
    thinks: { providerOptions: { openrouter: { reasoning: { effort: 'high' } } } },
    errorOf: (error) => [APICallError.isInstance(error), error.statusCode, error.isRetryable],
    errorFor: (status) => [true, status, status === 429 || status >= 500],
  });
  embeddingFeatures({ feature, wire, model: provider.textEmbeddingModel(embeddingModel) });

  feature('usage accounting, provider and what served', 'yes', async () => {
    const { providerMetadata, response } = await generateText({
      model: provider(model, { usage: { include: true } }), prompt: 'accounting' });
    const { provider: served, usage } = providerMetadata.openrouter;
    assert.ok(served.length > 0);
    assert.equal(usage.cost > 0, wire.costs);
    assert.equal(usage.totalTokens, usage.promptTokens + usage.completionTokens);
    assert.equal(response.modelId, model);
  });

  feature('generateImage', 'passed on', async () => {
    await script({ raw: JSON.stringify({ created: 1, data: [{ b64_json: 'iVBORw==' }] }) });
    const { image } = await generateImage({
      model: provider.imageModel('openai/gpt-image-1'), prompt: 'a tram' });
    assert.equal(image.base64, 'iVBORw==');
    await askedLast(upstream, '/images');
  });
});
