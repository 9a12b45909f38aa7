// `@ai-sdk/openai` under `ai`, with nothing but its base URL changed: its chat and its responses.
// parity: sdk-ai-openai, modality-image, modality-speech, modality-transcription
import assert from 'node:assert/strict';
import { createOpenAI } from '@ai-sdk/openai';
import { APICallError, generateImage, generateSpeech, transcribe } from 'ai';
import { embeddingFeatures, languageFeatures } from './ai.mjs';
import { apiKey, askedLast, embeddingModel, model, script, suite } from './support.mjs';

suite('@ai-sdk/openai', ['/v1', '/api/v1'], ({ base, origin, upstream, wire, feature }) => {
  const options = { baseURL: origin + base, apiKey };
  const provider = createOpenAI({ ...options, fetch: wire.fetch });
  const stranger = createOpenAI({ ...options, fetch: wire.strangerFetch });
  for (const kind of ['chat', 'responses']) {
    languageFeatures({
      feature: (name, ...rest) => feature(`${kind}: ${name}`, ...rest), wire, ids: true,
      model: provider[kind](model), stranger: stranger[kind](model), unknown: provider[kind]('acme/none'),
      breaks: kind === 'chat' && base === '/api/v1' && 'other',
      unknownStatus: base === '/api/v1' ? 400 : 404, where: `${kind} ${base} ${upstream}`,
      thinks: kind === 'responses' && { providerOptions: { openai: {
        reasoningEffort: 'high', reasoningSummary: 'auto', forceReasoning: true } } },
      errorOf: (error) => [APICallError.isInstance(error), error.statusCode, error.isRetryable],
      errorFor: (status) => [true, status, status === 429 || status >= 500],
    });
  }
  embeddingFeatures({ feature, wire, model: provider.embeddingModel(embeddingModel) });

  feature('generateImage', 'passed on', async () => {
    await script({ raw: JSON.stringify({ created: 1, data: [{ b64_json: 'iVBORw==' }] }) });
    const { image } = await generateImage({
      model: provider.imageModel('openai/gpt-image-1'), prompt: 'a tram' });
    assert.equal(image.base64, 'iVBORw==');
    await askedLast(upstream, '/images/generations');
  });

  feature('generateSpeech', 'passed on', async () => {
    await script({ raw: 'not really mp3', content_type: 'audio/mpeg' });
    const { audio } = await generateSpeech({
      model: provider.speechModel('openai/tts-1'), text: 'next stop' });
    assert.equal(Buffer.from(audio.uint8Array).toString(), 'not really mp3');
    await askedLast(upstream, '/audio/speech');
  });

  feature('transcribe', 'passed on', async () => {
    await script({ raw: JSON.stringify({ text: 'heard', language: 'en', duration: 1 }) });
    const { text } = await transcribe({
      model: provider.transcriptionModel('openai/whisper-1'), audio: Buffer.from('RIFF....WAVE') });
    assert.equal(text, 'heard');
    await askedLast(upstream, '/audio/transcriptions');
  });
});
