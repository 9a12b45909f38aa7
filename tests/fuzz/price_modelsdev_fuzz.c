/* price_modelsdev_fuzz.c - models.dev's JSON, any bytes: the laws of price_import_law.h. */
#include "tests/fuzz/price_import_law.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    price_import_law(PRICE_SOURCE_MODELS_DEV, (const char *)data, len);
    return 0;
}
