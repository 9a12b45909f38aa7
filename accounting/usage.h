/* usage.h - what one answer consumed, in the terms the upstream reports it.
 *
 * Three states are kept apart, as pricing-and-focus.md section 3 rule 2 demands: USAGE_ABSENT
 * (the upstream said nothing), 0 (it said zero), and a positive count.
 */
#ifndef ACCOUNTING_USAGE_H
#define ACCOUNTING_USAGE_H

#include <stdbool.h>
#include <stdint.h>

#define USAGE_ABSENT INT64_C(-1)

/* Token counts of one answer. Inclusive dialects (chat, responses) count cache reads inside
 * prompt_tokens; exclusive ones (Anthropic messages) do not. Whether writes are inside is not
 * settled (vercel section 11 rule 4): estimate.h tries both readings. */
struct usage {
    int64_t prompt_tokens;
    int64_t completion_tokens;     /* reasoning included */
    int64_t cached_tokens;         /* cache reads */
    int64_t cache_write_tokens;    /* all cache writes */
    int64_t cache_write_1h_tokens; /* of those, written for an hour; absent: all for 5 minutes */
    int64_t reasoning_tokens;
    int64_t audio_tokens; /* input */
    int64_t image_tokens; /* output */
    int64_t web_searches;
    int64_t image_input_tokens;
    int64_t video_input_tokens;
    int64_t audio_output_tokens;
    int64_t images; /* pictures made, where they are billed by the piece */
    bool exclusive; /* prompt_tokens excludes cache reads and writes */
};

/* All absent, inclusive. */
#define USAGE_INIT                                                                                 \
    ((struct usage){.prompt_tokens = USAGE_ABSENT,                                                 \
                    .completion_tokens = USAGE_ABSENT,                                             \
                    .cached_tokens = USAGE_ABSENT,                                                 \
                    .cache_write_tokens = USAGE_ABSENT,                                            \
                    .cache_write_1h_tokens = USAGE_ABSENT,                                         \
                    .reasoning_tokens = USAGE_ABSENT,                                              \
                    .audio_tokens = USAGE_ABSENT,                                                  \
                    .image_tokens = USAGE_ABSENT,                                                  \
                    .web_searches = USAGE_ABSENT,                                                  \
                    .image_input_tokens = USAGE_ABSENT,                                            \
                    .video_input_tokens = USAGE_ABSENT,                                            \
                    .audio_output_tokens = USAGE_ABSENT,                                           \
                    .images = USAGE_ABSENT})

#endif
