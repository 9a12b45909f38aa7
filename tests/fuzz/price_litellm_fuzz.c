/* price_litellm_fuzz.c - LiteLLM's map, any bytes: the laws of price_import_law.h. */
#include "tests/fuzz/price_import_law.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    price_import_law(PRICE_SOURCE_LITELLM, (const char *)data, len);
    return 0;
}
