/* Laws of request.h on any body. The first byte chooses the API and whether it is a form with the
 * boundary "b":
 *   1. no bound is below 0, and the prompt's is at least the body's bytes, except for files and
 *      batches, whose bounds are all 0;
 *   2. a JSON body's bounds do not depend on white space around it, beside its bytes;
 *   3. a form's model lies in the body, and with another one behind it there is none. */
#include "server/request.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void check_bounds(const struct request_extent *extent, const struct estimate_bounds *bounds)
{
    bool free = extent->api == API_FILES || extent->api == API_BATCHES;

    assert(bounds->output_tokens_max >= 0 && bounds->searches_max >= 0 && bounds->images_max >= 0);
    assert(free ? bounds->prompt_tokens_max == 0
                : bounds->prompt_tokens_max >= (int64_t)extent->body.len);
}

static void check_json(struct request_extent *extent, struct json_doc *doc)
{
    struct estimate_bounds plain, wide;
    char *spaced = malloc(extent->body.len + 2);

    extent->doc = doc;
    plain = request_bound(extent);
    check_bounds(extent, &plain);
    spaced[0] = spaced[extent->body.len + 1] = ' ';
    memcpy(spaced + 1, extent->body.bytes, extent->body.len);
    extent->body = (struct text){spaced, extent->body.len + 2};
    assert(json_parse(doc, extent->body.bytes, extent->body.len, NULL) == 0);
    wide = request_bound(extent);
    if (plain.prompt_tokens_max > 0)
        plain.prompt_tokens_max += 2;
    assert(memcmp(&plain, &wide, sizeof plain) == 0);
    free(spaced);
}

static void check_form(const struct request_extent *extent)
{
    static const char other[] = "\r\n--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n"
                                "another/model-of-mine\r\n--b--\r\n";
    struct text body = extent->body, model, none;
    size_t len = body.len + sizeof other - 1;
    char *longer = malloc(len);

    if (request_find_form_model(extent->content_type, body, &model) == 0 && model.len > 0) {
        assert(model.bytes >= body.bytes && model.bytes + model.len <= body.bytes + body.len);
        memcpy(longer, body.bytes, body.len);
        memcpy(longer + body.len, other, sizeof other - 1);
        assert(memmem(model.bytes, model.len, "another", 7) != NULL ||
               request_find_form_model(extent->content_type, (struct text){longer, len}, &none) !=
                   0);
    }
    free(longer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct request_extent extent = {.output_tokens = 65536};
    struct json_doc doc;

    if (size < 2)
        return 0;
    extent.api = (enum row_api)((data[0] & 0x7f) % APIS);
    extent.body = (struct text){(const char *)data + 1, size - 1};
    if ((data[0] & 0x80) != 0) {
        struct estimate_bounds bounds;
        extent.content_type = TEXT("multipart/form-data; boundary=b");
        bounds = request_bound(&extent);
        check_bounds(&extent, &bounds);
        check_form(&extent);
        return 0;
    }
    json_doc_init(&doc);
    if (json_parse(&doc, extent.body.bytes, extent.body.len, NULL) == 0)
        check_json(&extent, &doc);
    json_doc_release(&doc);
    return 0;
}
