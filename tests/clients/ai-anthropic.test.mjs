// `@ai-sdk/anthropic` under `ai`, with nothing but its base URL changed.
// parity: sdk-ai-anthropic
import { createAnthropic } from '@ai-sdk/anthropic';
import { APICallError } from 'ai';
import { languageFeatures } from './ai.mjs';
import { apiKey, claude, suite } from './support.mjs';

suite('@ai-sdk/anthropic', ['/v1', '/api/v1'], ({ base, origin, upstream, wire, feature }) => {
  for (const [name, key] of [['', { authToken: apiKey }], ['x-api-key: ', { apiKey }]]) {
    const options = { baseURL: origin + base, ...key };
    const provider = createAnthropic({ ...options, fetch: wire.fetch });
    const stranger = createAnthropic({ ...options, fetch: wire.strangerFetch });
    languageFeatures({
      feature: (what, ...rest) => (name === '' || what === 'generateText') && feature(name + what, ...rest),
      wire, model: provider(claude), stranger: stranger(claude), unknown: provider('acme/none'),
      unknownStatus: base === '/api/v1' ? 400 : 404, where: `${name} ${base} ${upstream}`, ids: true,
      streamed: { costs: upstream === 'vercel' }, // OpenRouter's message_delta has no cost
      thinks: { providerOptions: { anthropic: { thinking: { type: 'enabled', budgetTokens: 1024 } } } },
      errorOf: (error) => [APICallError.isInstance(error), error.statusCode, error.isRetryable],
      errorFor: (status) => [true, status, status === 429 || status >= 500],
    });
  }
}, ['vercel', 'openrouter']);
