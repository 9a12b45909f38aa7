/* preset.h - a request that names a preset, and what becomes of it (openrouter-api.md sections 1.6,
 * 7).
 *
 * Named by `model: "@preset/name"`, `model: "vendor/model@preset/name"`, or `preset: "name"`.
 * Request members override the preset's, member by member (shallow); `tools` are united by identity
 * (type and function name; the request's win); the preset's system prompt becomes the first system
 * message (chat: before `messages`; messages: before `system`; responses: before `instructions`). A
 * model before the @ wins over the preset's.
 * Names of one thing count as one (max_tokens, max_completion_tokens, max_output_tokens; stop,
 * stop_sequences; reasoning, reasoning_effort, thinking; models, fallbacks): a request that says
 * one of them has overridden the preset's, and limits and stops are written under the API's own
 * name. fallback_models do not go into the body; whoever plans the call reads them.
 *
 * Threads: pure functions.
 */
#ifndef SERVER_PRESET_H
#define SERVER_PRESET_H

#include "server/config.h"
#include "server/dialect/out.h"

/* How a body names a preset. preset NULL and no detail: it names none. */
struct preset_choice {
    const struct config_preset *preset;
    char model[ROW_NAME_MAX + 1]; /* what remains of `model`; else the preset's; empty: none */
    char detail[160];             /* not empty: refuse with 400: unknown preset, two that differ */
};
/* doc: a parsed body that is an object. */
void preset_choose(const struct config *config, const struct json_doc *doc,
                   struct preset_choice *ret_choice);

/* Writes the merged body: with `model` replaced (model empty: without it), without `preset`. out:
 * empty. -EINVAL (*ret_detail: static text): a member has a type that cannot be merged, or the
 * preset has a system prompt and the API (embeddings, completions, ...) no place for it, or the
 * chat says `prompt` instead of `messages`; -ENOMEM. */
int preset_merge(const struct config_preset *preset, enum row_api api, const struct json_doc *doc,
                 const char *model, struct out *out, const char **ret_detail);

/* What goes into the cache key: "name\0version". Returns the length. */
enum { PRESET_KEY_PART_MAX = 160 };
size_t preset_key_part(const struct config_preset *preset, char text[PRESET_KEY_PART_MAX]);

#endif
