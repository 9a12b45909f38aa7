/* price_openrouter_fuzz.c - OpenRouter's list, any bytes: the laws of price_import_law.h. */
#include "tests/fuzz/price_import_law.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    price_import_law(PRICE_SOURCE_OPENROUTER, (const char *)data, len);
    return 0;
}
