// Vercel's `@ai-sdk/gateway` under `ai`: the AI SDK's own protocol, which only Vercel speaks.
// parity: sdk-ai-gateway, modality-image, modality-speech, modality-transcription
import assert from 'node:assert/strict';
import { createGateway, GatewayError } from '@ai-sdk/gateway';
import {
  experimental_generateVideo, generateImage, generateSpeech, generateText, rerank, transcribe,
} from 'ai';
import { embeddingFeatures, languageFeatures } from './ai.mjs';
import { apiKey, cached, direct, embeddingModel, model, script, suite } from './support.mjs';

const classes = {
  400: 'GatewayInvalidRequestError', 401: 'GatewayAuthenticationError', 403: 'GatewayForbiddenError',
  404: 'GatewayModelNotFoundError', 429: 'GatewayRateLimitError', 500: 'GatewayInternalServerError',
};
const costOf = ({ providerMetadata }) => Number(providerMetadata.gateway.cost);
const note = {
  providerMetadata: { gateway: { cost: '0.04', generationId: 'gen_01KYEXAMPLE0000000000000AA' } },
};
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGD4DwABBAEAX+XDSwAAAABJRU5E'
  + 'rkJggg==';

suite('@ai-sdk/gateway', ['/v4/ai'], ({ base, origin, upstream, wire, feature }) => {
  const options = { baseURL: origin + base, apiKey };
  const provider = createGateway({ ...options, fetch: wire.fetch });
  const stranger = createGateway({ ...options, fetch: wire.strangerFetch });
  languageFeatures({
    feature, wire, model: provider(model), stranger: stranger(model), unknown: provider('acme/none'),
    unknownStatus: 404, where: `${base} ${upstream}`, thinks: { reasoning: 'high' }, costOf,
    // `ai` puts an error of its own, by the same name, in place of a 401's.
    errorOf: (error) => [error.name, error.statusCode ?? wire.last.status,
      error.name === classes[401] || GatewayError.isInstance(error)],
    errorFor: (status, ours) => [
      status === 404 && !ours ? 'GatewayNotFoundError' : classes[status], status, true],
  });
  embeddingFeatures({ feature, wire, model: provider.embeddingModel(embeddingModel), costOf });

  feature('generateImage', 'passed on', async () => {
    await script({ raw: JSON.stringify({ images: [png], ...note }) });
    const { image } = await generateImage({
      model: provider.imageModel('google/imagen-4.0-generate-001'), prompt: 'a tram', headers: cached });
    assert.equal(image.base64, png);
  });

  feature('generateSpeech', 'passed on', async () => {
    await script({ raw: JSON.stringify({ audio: 'SUQz', ...note }) });
    const { audio } = await generateSpeech({
      model: provider.speechModel('openai/tts-1'), text: 'next stop' });
    assert.equal(audio.base64, 'SUQz');
  });

  feature('transcribe', 'passed on', async () => {
    await script({ raw: JSON.stringify({ text: 'heard', segments: [], ...note }) });
    const { text } = await transcribe({
      model: provider.transcriptionModel('openai/whisper-1'), audio: Buffer.from('RIFF....WAVE') });
    assert.equal(text, 'heard');
  });

  feature('generateVideo, an event stream', 'passed on', async () => {
    await script({ content_type: 'text/event-stream', raw: `: working\n\ndata: ${JSON.stringify({
      type: 'result', videos: [{ type: 'base64', data: 'AAAA', mediaType: 'video/mp4' }], ...note })}\n\n` });
    const { video } = await experimental_generateVideo({
      model: provider.videoModel('google/veo-3.1-generate-001'), prompt: 'a tram' });
    assert.equal(video.base64, 'AAAA');
  });

  feature('rerank', 'passed on', async () => {
    await script({ raw: JSON.stringify({ ranking: [{ index: 1, relevanceScore: 0.9 }], ...note }) });
    const { ranking } = await rerank({
      model: provider.rerankingModel('cohere/rerank-v3.5'), query: 'b?', documents: ['a', 'b'] });
    assert.equal(ranking[0].document, 'b');
  });

  feature('getAvailableModels', 'read', async () => {
    const { models } = await provider.getAvailableModels();
    assert.ok(models.some(({ id }) => id === model));
  });

  feature('getCredits', 'read', async () => {
    const { balance, totalUsed } = await provider.getCredits();
    assert.ok(Number(balance) > 0);
    assert.ok(Number(totalUsed) >= 0);
  });

  feature('getGenerationInfo', 'read', async () => {
    const { providerMetadata } = await generateText({ model: provider(model), prompt: 'info please' });
    const { generationId, cost } = providerMetadata.gateway;
    const info = await provider.getGenerationInfo({ id: generationId });
    assert.equal(info.id, generationId);
    assert.equal(info.totalCost, Number(cost));
  });

  if (!direct) {
    feature('getSpendReport', 'read', async () => {
      const today = new Date().toISOString().slice(0, 10);
      const { results } = await provider.getSpendReport(
        { startDate: today, endDate: today, groupBy: 'model' });
      assert.ok(Array.isArray(results));
    });
  }
}, ['vercel']);
