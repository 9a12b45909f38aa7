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
    ((struct usage){USAGE_ABSENT, USAGE_ABSENT, USAGE_ABSENT, USAGE_ABSENT, USAGE_ABSENT,          \
                    USAGE_ABSENT, USAGE_ABSENT, USAGE_ABSENT, USAGE_ABSENT, USAGE_ABSENT,          \
                    USAGE_ABSENT, USAGE_ABSENT, USAGE_ABSENT, false})

static inline bool usage_equal(const struct usage *a, const struct usage *b)
{
    return a->prompt_tokens == b->prompt_tokens && a->completion_tokens == b->completion_tokens &&
           a->cached_tokens == b->cached_tokens && a->cache_write_tokens == b->cache_write_tokens &&
           a->cache_write_1h_tokens == b->cache_write_1h_tokens &&
           a->reasoning_tokens == b->reasoning_tokens && a->audio_tokens == b->audio_tokens &&
           a->image_tokens == b->image_tokens && a->web_searches == b->web_searches &&
           a->image_input_tokens == b->image_input_tokens &&
           a->video_input_tokens == b->video_input_tokens &&
           a->audio_output_tokens == b->audio_output_tokens && a->images == b->images &&
           a->exclusive == b->exclusive;
}

static inline int64_t usage_later(int64_t count, int64_t late)
{
    return late >= 0 ? late : count;
}

/* What a prompt leaves out when it is `exclusive`. */
static inline int64_t usage_outside(const struct usage *usage)
{
    int64_t read = usage->cached_tokens > 0 ? usage->cached_tokens : 0;
    int64_t written = usage->cache_write_tokens > 0 ? usage->cache_write_tokens : 0;

    return __builtin_add_overflow(read, written, &read) ? INT64_MAX : read;
}

/* The same counts with a prompt that includes, or excludes, reads and writes; as it was, where that
 * is no number. */
static inline void usage_count_as(struct usage *usage, bool exclusive)
{
    int64_t prompt = usage->prompt_tokens, outside = usage_outside(usage);

    if (prompt < 0 || usage->exclusive == exclusive || (exclusive && outside > prompt) ||
        (!exclusive && outside > INT64_MAX - prompt))
        return;
    usage->prompt_tokens = exclusive ? prompt - outside : prompt + outside;
    usage->exclusive = exclusive;
}

/* Later counts replace earlier ones, each where it is known. A prompt that comes without its reads
 * and is smaller than those that are known cannot include them. What a prompt means stays what it
 * meant, so that a column never changes its meaning with a later record. */
static inline void usage_take(struct usage *usage, const struct usage *late)
{
    bool had_prompt = usage->prompt_tokens >= 0, was_exclusive = usage->exclusive;

    usage->prompt_tokens = usage_later(usage->prompt_tokens, late->prompt_tokens);
    usage->completion_tokens = usage_later(usage->completion_tokens, late->completion_tokens);
    usage->cached_tokens = usage_later(usage->cached_tokens, late->cached_tokens);
    usage->cache_write_tokens = usage_later(usage->cache_write_tokens, late->cache_write_tokens);
    usage->cache_write_1h_tokens =
        usage_later(usage->cache_write_1h_tokens, late->cache_write_1h_tokens);
    usage->reasoning_tokens = usage_later(usage->reasoning_tokens, late->reasoning_tokens);
    usage->audio_tokens = usage_later(usage->audio_tokens, late->audio_tokens);
    usage->image_tokens = usage_later(usage->image_tokens, late->image_tokens);
    usage->web_searches = usage_later(usage->web_searches, late->web_searches);
    usage->image_input_tokens = usage_later(usage->image_input_tokens, late->image_input_tokens);
    usage->video_input_tokens = usage_later(usage->video_input_tokens, late->video_input_tokens);
    usage->audio_output_tokens = usage_later(usage->audio_output_tokens, late->audio_output_tokens);
    usage->images = usage_later(usage->images, late->images);
    if (late->prompt_tokens >= 0) {
        usage->exclusive = late->exclusive ||
                           (late->cached_tokens < 0 && usage->cached_tokens > usage->prompt_tokens);
        if (had_prompt)
            usage_count_as(usage, was_exclusive);
    }
}

#endif
