/* sim_forms.h - how each API of each dialect answers: a JSON body, and where it streams an event
 * grammar. For sim_answer.c, which chooses, and the files that render.
 *
 * Threads: pure, apart from the text that is written.
 */
#ifndef TESTS_SIM_FORMS_H
#define TESTS_SIM_FORMS_H

#include "tests/sim/sim_json.h"
#include "tests/sim/sim_stream.h"

typedef void sim_render(struct sim_text *body, const struct sim_plan *plan,
                        const struct sim_moment *moment);

/* sim_chat_*.c */
extern const struct sim_grammar sim_chat_vercel_grammar, sim_chat_openrouter_grammar,
    sim_chat_openai_grammar;
sim_render sim_chat_vercel_json, sim_chat_openrouter_json, sim_chat_openai_json;
/* sim_completions.c */
extern const struct sim_grammar sim_completions_grammar;
sim_render sim_completions_json;
/* sim_responses.c, sim_responses_events.c */
extern const struct sim_grammar sim_responses_grammar;
sim_render sim_responses_json;
/* sim_messages.c */
extern const struct sim_grammar sim_messages_grammar;
sim_render sim_messages_json;
/* sim_ai_chat.c */
extern const struct sim_grammar sim_ai_chat_grammar;
sim_render sim_ai_chat_json;
/* sim_embeddings.c */
sim_render sim_embeddings_json, sim_ai_embeddings_json;
/* sim_media.c: Vercel's; sim_ai_media.c: the AI SDK's */
sim_render sim_images_json, sim_speech_bytes, sim_transcription_json, sim_videos_json,
    sim_rerank_json, sim_batches_json, sim_files_json;
sim_render sim_ai_images_json, sim_ai_speech_json, sim_ai_transcription_json, sim_ai_video_event,
    sim_ai_video_start_json, sim_ai_video_status_json, sim_ai_rerank_json;

/* sim_vercel.c: what Vercel's answers share. usage: with its leading comma. */
void sim_vercel_usage(struct sim_text *text, const struct sim_plan *plan);
/* "provider_metadata":{...} without a comma; nothing and false when the behaviour leaves it out. */
bool sim_vercel_metadata(struct sim_text *text, const struct sim_plan *plan,
                         const struct sim_moment *moment);
/* The same with a comma before it. */
void sim_vercel_metadata_member(struct sim_text *text, const struct sim_plan *plan,
                                const struct sim_moment *moment);

/* sim_openrouter.c: what OpenRouter's answers share, each with its leading comma. */
/* "usage", in the names of chat and completions. */
void sim_openrouter_usage(struct sim_text *text, const struct sim_plan *plan);
/* "cost", "is_byok" and "cost_details" inside a usage; output, input: what cost_details calls them.
 */
void sim_openrouter_costs(struct sim_text *text, const struct sim_plan *plan, const char *input,
                          const char *output);
/* "openrouter_metadata", when the request asks for it. */
void sim_openrouter_metadata(struct sim_text *text, const struct sim_plan *plan);

/* sim_chat_openai.c: OpenAI's usage, with its leading comma. */
void sim_openai_usage(struct sim_text *text, const struct sim_plan *plan);

/* The tool call's id, as every shape but Anthropic's spells it. */
void sim_call_id(struct sim_text *text, const struct sim_moment *moment);
/* plan's finish reason as a JSON value: null, or as it is. */
void sim_finish_reason(struct sim_text *text, const struct sim_plan *plan);

#define SIM_FINGERPRINT "fp_tollgatesim"

#endif
