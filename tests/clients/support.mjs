// What the client tests share: where the gateway is, and fetch that keeps the answers' headers.
export const baseURL = process.env.GATEWAY_URL;
export const apiKey = process.env.GATEWAY_KEY;
export const model = process.env.MODEL;
export const cached = { 'X-OpenRouter-Cache': 'true' };

/** Steers the simulated upstream from inside the prompt; a nonce makes it a request of its own. */
export function steer(behaviour, nonce = '') {
  return `SIM:${JSON.stringify(behaviour)}${nonce}`;
}

/** How many POSTs the upstream has seen. */
export async function upstreamPosts() {
  const answer = await fetch(`${process.env.SIM_URL}/sim/stats`);
  return (await answer.json()).posts;
}

/** A fetch for SDKs that hide response headers: `last.headers` are those of the latest answer. */
export function recordingFetch() {
  const last = { headers: null };
  const wrapped = async (...args) => {
    const answer = await fetch(...args);
    last.headers = answer.headers;
    return answer;
  };
  return { last, fetch: wrapped };
}
