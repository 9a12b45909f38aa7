/* preset_tools.h - two lists of tools as one: the request's as they came, then those of the preset
 * that the request does not bring itself.
 *
 * A tool is known by its type and its name (chat: function.name; else name, or the server_label of
 * an MCP server); one that has neither is nobody else's equal. Private to server/preset*.c.
 */
#ifndef SERVER_PRESET_TOOLS_H
#define SERVER_PRESET_TOOLS_H

#include "server/dialect/out.h"

/* own, preset: arrays. 0 or -ENOMEM. Time is linear in the request's tools. */
int preset_tools_unite(enum row_api api, const struct json_doc *doc, uint32_t own,
                       const struct json_doc *preset_doc, uint32_t preset, struct out *out);

#endif
