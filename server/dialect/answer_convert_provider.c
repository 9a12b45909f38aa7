#include "server/dialect/answer_convert_private.h"

#include <string.h>

/* OpenRouter's answers name a provider in words, its requests by slug. Providers that are not here
 * are shown by their slug: better plain than made up. */
static const struct {
    const char *slug, *name;
} names[] = {
    {"alibaba", "Alibaba"},
    {"amazon-bedrock", "Amazon Bedrock"},
    {"anthropic", "Anthropic"},
    {"arcee-ai", "Arcee AI"},
    {"azure", "Azure"},
    {"baseten", "BaseTen"},
    {"black-forest-labs", "Black Forest Labs"},
    {"cerebras", "Cerebras"},
    {"chutes", "Chutes"},
    {"cohere", "Cohere"},
    {"crusoe", "Crusoe"},
    {"deepinfra", "DeepInfra"},
    {"deepseek", "DeepSeek"},
    {"digitalocean", "DigitalOcean"},
    {"fireworks", "Fireworks"},
    {"friendli", "Friendli"},
    {"gmicloud", "GMICloud"},
    {"google-ai-studio", "Google AI Studio"},
    {"google-vertex", "Google"},
    {"groq", "Groq"},
    {"inception", "Inception"},
    {"minimax", "Minimax"},
    {"mistral", "Mistral"},
    {"moonshotai", "Moonshot AI"},
    {"morph", "Morph"},
    {"nebius", "Nebius"},
    {"novita", "Novita"},
    {"openai", "OpenAI"},
    {"parasail", "Parasail"},
    {"perplexity", "Perplexity"},
    {"relace", "Relace"},
    {"sambanova", "SambaNova"},
    {"seed", "Seed"},
    {"stepfun", "StepFun"},
    {"streamlake", "StreamLake"},
    {"together", "Together"},
    {"xai", "xAI"},
    {"xiaomi", "Xiaomi"},
    {"z-ai", "Z.AI"},
};

const char *provider_name_of(const char *slug)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(slug, names[i].slug) == 0)
            return names[i].name;
    return NULL;
}

static void copy(const char *from, char to[ROW_NAME_MAX + 1])
{
    size_t len = strnlen(from, ROW_NAME_MAX);

    memmove(to, from, len);
    to[len] = '\0';
}

void provider_slug_of(const char *name, char slug[ROW_NAME_MAX + 1])
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcasecmp(name, names[i].name) != 0)
            continue;
        copy(names[i].slug, slug);
        return;
    }
    copy(name, slug);
    for (char *at = slug; *at != '\0'; at++) {
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at - 'A' + 'a');
        else if (*at == ' ')
            *at = '-';
    }
}

static void map(const struct answer_conversion *conversion, const char *slug,
                char mapped[ROW_NAME_MAX + 1])
{
    if (conversion->map == NULL)
        copy(slug, mapped);
    else
        model_map_provider(conversion->map, conversion->from, conversion->to, text_of(slug),
                           mapped);
}

void provider_convert(const struct answer_conversion *conversion, const char *said,
                      char provider[ROW_NAME_MAX + 1])
{
    char slug[ROW_NAME_MAX + 1];
    const char *name;

    if (conversion->from == DIALECT_VERCEL)
        copy(said, slug);
    else
        provider_slug_of(said, slug);
    map(conversion, slug, provider);
    if (conversion->to != DIALECT_OPENROUTER)
        return;
    name = provider_name_of(provider);
    if (name != NULL)
        copy(name, provider);
    else if (conversion->from != DIALECT_VERCEL)
        copy(said, provider); /* it may be a name already */
}
