/* config_cases.h - what config_open() refuses, and every word it says about it.
 *
 * A complaint is written as LINE: text, one a line, as on the error stream but for the file's name;
 * @/ stands for the directory of the file. There a cert.pem, a key.pem and a directory dir exist.
 */
#ifndef TESTS_SERVER_CONFIG_CASES_H
#define TESTS_SERVER_CONFIG_CASES_H

#include "tests/server/config_support.h"

static const struct {
    const char *text, *complaints;
} refused[] = {
    {EXAMPLE "cache: { default: maybe }\n",
     "2: cache.default must be on or off (or true, false, yes, no)\n"},
    {EXAMPLE "cache: { default: True }\n",
     "2: cache.default must be on or off (or true, false, yes, no)\n"},
    {EXAMPLE "cache:\n  ttl: 12junk\n", "3: cache.ttl must be whole seconds, or a duration in s, m "
                                        "or h, such as 300; 1 to 86400 seconds\n"},
    {EXAMPLE "cache: { ttl: 0 }\n", "2: cache.ttl must be 1 to 86400 seconds\n"},
    {EXAMPLE "cache: { ttl: 86401 }\n", "2: cache.ttl must be 1 to 86400 seconds\n"},
    {EXAMPLE "cache: { ttl: 25h }\n", "2: cache.ttl must be 1 to 86400 seconds\n"},
    {EXAMPLE "cache: { ttl: 500ms }\n", "2: cache.ttl must be whole seconds, or a duration in s, m "
                                        "or h, such as 300; 1 to 86400 seconds\n"},
    {EXAMPLE "cache: { ttl: -1 }\n", "2: cache.ttl must be whole seconds, or a duration in s, m or "
                                     "h, such as 300; 1 to 86400 seconds\n"},
    {EXAMPLE "cache: { ttl: 1.5 }\n", "2: cache.ttl must be whole seconds, or a duration in s, m "
                                      "or h, such as 300; 1 to 86400 seconds\n"},
    {EXAMPLE "cache: { ttl: 010 }\n", "2: cache.ttl must be whole seconds, or a duration in s, m "
                                      "or h, such as 300; 1 to 86400 seconds\n"},
    {EXAMPLE "cache: { ttl: 1e2 }\n", "2: cache.ttl must be whole seconds, or a duration in s, m "
                                      "or h, such as 300; 1 to 86400 seconds\n"},
    {EXAMPLE "cache: { ttl: 99999999999999999999999 }\n",
     "2: cache.ttl must be 1 to 86400 seconds\n"},
    {EXAMPLE "cache: { ttl: 99999999999999999999h }\n",
     "2: cache.ttl must be 1 to 86400 seconds\n"},
    {EXAMPLE "cache: { memory: 12KiB }\n", "2: cache.memory must be 0, or 1MiB to 1TiB\n"},
    {EXAMPLE "cache: { memory: 2TiB }\n", "2: cache.memory must be 0, or 1MiB to 1TiB\n"},
    {EXAMPLE "cache: { memory: 256MB }\n", "2: cache.memory must be a size in B, KiB, MiB, GiB or "
                                           "TiB, such as 256MiB; 0, or 1MiB to 1TiB\n"},
    {EXAMPLE "cache: { memory: 1.5GiB }\n", "2: cache.memory must be a size in B, KiB, MiB, GiB or "
                                            "TiB, such as 256MiB; 0, or 1MiB to 1TiB\n"},
    {EXAMPLE "cache: { memory: }\n", "2: cache.memory has no value; it must be a size in B, KiB, "
                                     "MiB, GiB or TiB, such as 256MiB; 0, or 1MiB to 1TiB\n"},
    {EXAMPLE "cache: { memory: [1MiB] }\n",
     "2: cache.memory must be a single value, not a list or a mapping\n"},
    {EXAMPLE "cache: { memory: 18446744073709551616 }\n",
     "2: cache.memory must be 0, or 1MiB to 1TiB\n"},
    {EXAMPLE "cache: { disk: 1MiB }\n", "2: cache.disk must be 0, or 16MiB to 64TiB\n"},
    {EXAMPLE "cache: { disk: 65TiB }\n", "2: cache.disk must be 0, or 16MiB to 64TiB\n"},
    {EXAMPLE "cache: { max_entry: 0 }\n", "2: cache.max_entry must be 1KiB to 1GiB\n"},
    {EXAMPLE "cache: { max_entry: 2GiB }\n", "2: cache.max_entry must be 1KiB to 1GiB\n"},
    {EXAMPLE "cache: { coalesce: 1 }\n",
     "2: cache.coalesce must be on or off (or true, false, yes, no)\n"},
    {EXAMPLE "limits: { body: 1B }\n", "2: limits.body must be 1KiB to 1GiB\n"},
    {EXAMPLE "limits: { buffered: 0 }\n", "2: limits.buffered must be 1MiB to 1TiB\n"},
    {EXAMPLE "limits: { drain: 30 }\n",
     "2: limits.drain must be a duration with its unit, ms, s, m or h, such as 30s; 0s to 1h\n"},
    {EXAMPLE "limits: { drain: 61m }\n", "2: limits.drain must be 0s to 1h\n"},
    {EXAMPLE "limits: { drain: 30 s }\n",
     "2: limits.drain must be a duration with its unit, ms, s, m or h, such as 30s; 0s to 1h\n"},
    {EXAMPLE "limits: { buffered: 8MiB }\n", "2: cache.max_entry must be at most limits.buffered, "
                                             "which is 8MiB; lower the one or raise the other\n"},
    {EXAMPLE "limits: { buffered: 1MiB }\ncache: { max_entry: 2MiB }\n",
     "3: cache.max_entry must be at most limits.buffered, which is 1MiB; lower the one or raise "
     "the other\n"},
    {EXAMPLE "workers: 65\n", "2: workers must be 0 to 64\n"},
    {EXAMPLE "workers: \"1\n\n  2\"\n", "2: workers must be a whole number, 0 to 64\n"},
    {EXAMPLE "workers: two\n", "2: workers must be a whole number, 0 to 64\n"},
    {EXAMPLE "ledger: { tolerance: 0.1 }\n", "2: ledger.tolerance must be a percentage with its %, "
                                             "up to 4 decimals, such as 0.1%; 0% to 100%\n"},
    {EXAMPLE "ledger: { tolerance: 0.00001% }\n",
     "2: ledger.tolerance must be a percentage with its %, up to 4 decimals, such as 0.1%; 0% to "
     "100%\n"},
    {EXAMPLE "ledger: { tolerance: 100.0001% }\n", "2: ledger.tolerance must be 0% to 100%\n"},
    {EXAMPLE "ledger: { durability: fsync }\n", "2: ledger.durability must be crash or power\n"},
    {EXAMPLE "data_dir: ''\n", "2: data_dir must be a path of 1 to 4095 bytes\n"},
    {EXAMPLE "data_dir: ~/x\n", "2: data_dir must not begin with ~, which only a shell "
                                "understands; write the directory out\n"},
    {EXAMPLE "data_dir: ~\n", "2: data_dir has no value; it must be a path of 1 to 4095 bytes\n"},
    {EXAMPLE "data_dir: \"a\\nb\"\n", "2: data_dir must hold no control characters\n"},
    {EXAMPLE "data_dir: \"a\\0b\"\n", "2: data_dir must be under 4096 bytes, none of them zero\n"},
    {EXAMPLE "data_dir: cert.pem\n",
     "2: data_dir is no directory (@/cert.pem); name another or move that file away\n"},
    {EXAMPLE "prices: { file: missing.json }\n",
     "2: prices.file cannot be read (@/missing.json: No such file or directory); put the file "
     "there or correct the path\n"},
    {EXAMPLE "prices: { file: dir }\n",
     "2: prices.file is a directory (@/dir); name the file in it\n"},
    {EXAMPLE "prices: {}\n", "2: prices.file is missing; add for example file: prices.json\n"},
    {"", "1: upstreams is missing; add for example upstreams: [{ name: vercel, dialect: vercel, "
         "base_url: \"https://ai-gateway.vercel.sh/v1\", api_key_env: AI_GATEWAY_API_KEY }]\n"},
    {"# nothing\n",
     "1: upstreams is missing; add for example upstreams: [{ name: vercel, dialect: vercel, "
     "base_url: \"https://ai-gateway.vercel.sh/v1\", api_key_env: AI_GATEWAY_API_KEY }]\n"},
    {"upstreams: []\n", "1: upstreams is empty; add an element\n"},
    {"upstreams: {name: a}\n", "1: upstreams must be a list (each element begins with -) of name, "
                               "dialect, base_url, api_key_env, cost_path, cost_unit, bills_as\n"},
    {"upstreams:\n", "1: upstreams has nothing under it; add an element with name, dialect, "
                     "base_url, api_key_env, cost_path, cost_unit, bills_as\n"},
    {"upstreams: [a]\n", "1: upstreams[0] must be a mapping of name, dialect, base_url, "
                         "api_key_env, cost_path, cost_unit, bills_as\n"},
    {"upstreams:\n  - name: A b\n    dialect: anthropic\n    base_url: ftp://x\n    api_key_env: "
     "sk-or-v1-00\n",
     "2: upstreams[0].name must be 1 to 32 of a-z, 0-9, _ and -\n3: upstreams[0].dialect must be "
     "vercel, openrouter or openai\n4: upstreams[0].base_url must begin with https:// (or http:// "
     "for a host on loopback)\n5: upstreams[0].api_key_env must be the name of an environment "
     "variable, of A-Z, 0-9 and _, such as AI_GATEWAY_API_KEY; the secret itself never stands in "
     "this file\n"},
    {"upstreams:\n  - name: a\n", "2: upstreams[0].dialect is missing; add for example dialect: "
                                  "vercel\n2: upstreams[0].base_url is missing; add for example "
                                  "base_url: https://ai-gateway.vercel.sh/v1\n"},
    {"upstreams:\n  - {name: a, dialect: vercel, base_url: 'https://x'}\n  - {name: b, dialect: "
     "openai, base_url: 'https://x/y'}\n  - {name: a, dialect: openrouter, base_url: "
     "'https://x/z'}\n",
     "4: upstreams[2].name is that of upstreams[0]; give each its own\n"},
    {"upstreams:\n  - {name: a, dialect: vercel, base_url: 'https://x/v1'}\n  - {name: b, dialect: "
     "openai, base_url: 'https://X:8/v1'}\n  - {name: c, dialect: openrouter, base_url: "
     "'https://z'}\n",
     "4: upstreams[2] and upstreams[0] have no api_key_env and different hosts: clients' keys for "
     "the one would be sent to the other; add api_key_env to one of them\n"},
    {AT_URL "http://example.com/v1\n",
     "4: upstreams[0].base_url must begin with https://: over http:// to a host off loopback the "
     "keys would travel in clear\n"},
    {AT_URL "https://user:pw@example.com/v1\n",
     "4: upstreams[0].base_url must not hold a user name or password; name the variable of the key "
     "in api_key_env\n"},
    {AT_URL "https://example.com/v1?x=1\n",
     "4: upstreams[0].base_url must have no query (?) and no fragment (#)\n"},
    {AT_URL "https:///v1\n",
     "4: upstreams[0].base_url must name a host, such as https://ai-gateway.vercel.sh/v1\n"},
    {AT_URL "https://example.com:0/v1\n",
     "4: upstreams[0].base_url must have a port of 1 to 65535, or none\n"},
    {AT_URL "https://exa mple.com\n", "4: upstreams[0].base_url must hold no spaces, quotes or "
                                      "other characters that need escaping in a URL\n"},
    {AT_URL "https://127.1/v1\n",
     "4: upstreams[0].base_url must name a host, such as https://ai-gateway.vercel.sh/v1\n"},
    {AT_URL "https://x:99999\n",
     "4: upstreams[0].base_url must have a port of 1 to 65535, or none\n"},
    {AT_URL "https://x/#a\n",
     "4: upstreams[0].base_url must have no query (?) and no fragment (#)\n"},
    {EXAMPLE "listen: []\n", "2: listen is empty; add an element or remove it\n"},
    {EXAMPLE "listen: 127.0.0.1:8080\n", "2: listen must be a list (each element begins with -) of "
                                         "address, certificate, private_key\n"},
    {EXAMPLE "listen: [{certificate: cert.pem, private_key: key.pem}]\n",
     "2: listen[0].address is missing; add for example address: 127.0.0.1:8080\n"},
    {EXAMPLE "listen: [{address: 8080}]\n",
     "2: listen[0].address must be host:port, such as 127.0.0.1:8080, 0.0.0.0:8080 or, with its "
     "quotes, \"[::1]:8080\"\n"},
    {EXAMPLE "listen: [{address: ':8080'}]\n",
     "2: listen[0].address must be host:port, such as 127.0.0.1:8080, 0.0.0.0:8080 or, with its "
     "quotes, \"[::1]:8080\"\n"},
    {EXAMPLE "listen: [{address: 127.0.0.1:65536}]\n",
     "2: listen[0].address must be host:port, such as 127.0.0.1:8080, 0.0.0.0:8080 or, with its "
     "quotes, \"[::1]:8080\"\n"},
    {EXAMPLE "listen: [{address: '::1:8080'}]\n",
     "2: listen[0].address must be host:port, such as 127.0.0.1:8080, 0.0.0.0:8080 or, with its "
     "quotes, \"[::1]:8080\"\n"},
    {EXAMPLE "listen:\n  - address: [::1]:8080\n",
     "3: listen[0].address must be a single value, in quotes when it begins with [\n3: not YAML: "
     "did not find expected node content while parsing a flow node; put an address that begins "
     "with [ in quotes: \"[::1]:8080\"\n"},
    {EXAMPLE "listen: [{address: [a]}]\n",
     "2: listen[0].address must be a single value, in quotes when it begins with [\n"},
    {EXAMPLE "listen: [{address: 127.0.0.1:1, certificate: cert.pem}]\n",
     "2: listen[0].certificate needs its private_key beside it\n"},
    {EXAMPLE "listen: [{address: 127.0.0.1:1, private_key: key.pem}]\n",
     "2: listen[0].private_key needs its certificate beside it\n"},
    {EXAMPLE "listen: [{address: 127.0.0.1:1, certificate: no.pem, private_key: key.pem}]\n",
     "2: listen[0].certificate cannot be read (@/no.pem: No such file or directory); put the file "
     "there or correct the path\n"},
    {EXAMPLE "listen: [{address: 127.0.0.1:1}, {address: 127.0.0.1:1}]\n",
     "2: listen[1].address is that of listen[0]; remove one or change its port\n"},
    {EXAMPLE "listen: [{address: 127.0.0.1:1}]\nadmin: {address: 127.0.0.1:1}\n",
     "3: admin.address is that of listen[0]; change its port\n"},
    {PAYING "listen:\n  - address: 127.0.0.1:1\n  - address: 0.0.0.0:8443\n    certificate: "
            "cert.pem\n    private_key: key.pem\n",
     "4: listen[1].address is off loopback and upstreams[0].api_key_env is set: anybody who "
     "reaches the port spends that key; add clients, listen on 127.0.0.1, or remove api_key_env so "
     "that each "
     "client's own key is forwarded\n"},
    {EXAMPLE "admin: { address: 0.0.0.0:8081 }\n",
     "2: admin.address is off loopback and has no token: anybody who reaches the port reads the "
     "ledger; add token_env or listen on 127.0.0.1\n"},
    {EXAMPLE "admin: { token_env: T }\n",
     "2: admin.address is missing; add for example address: 127.0.0.1:8081\n"},
    {EXAMPLE "admin:\n", "2: admin has nothing under it; add address, token_env\n"},
    {EXAMPLE "admin: x\n", "2: admin must be a mapping of address, token_env\n"},
    {EXAMPLE "cache: { tll: 300 }\n", "2: cache.tll is not a key; did you mean cache.ttl?\n"},
    {EXAMPLE "cahce: { ttl: 300 }\n", "2: cahce is not a key; did you mean cache?\n"},
    {EXAMPLE "ttl: 300\n", "2: ttl is not a key; did you mean cache.ttl?\n"},
    {EXAMPLE "frobnicate: 1\n",
     "2: frobnicate is not a key; at the top stand listen, admin, upstreams, routes, presets, "
     "clients, "
     "models, cache, limits, prices, ledger, request_log, data_dir, workers\n"},
    {EXAMPLE "cache: { frobnicate: { a: [1, {b: c}] } }\n",
     "2: cache.frobnicate is not a key; under cache stand default, ttl, memory, disk, max_entry, "
     "coalesce\n"},
    {EXAMPLE "upstream: []\n", "2: upstream is not a key; did you mean upstreams?\n"},
    {EXAMPLE "cache: { max-entry: 1MiB }\n",
     "2: cache.max-entry is not a key; did you mean cache.max_entry?\n"},
    {EXAMPLE "cache: { ttl: 1, ttl: 2 }\n",
     "2: cache.ttl is stated twice, first in line 2; keep one\n"},
    {EXAMPLE "cache: { ttl: 1 }\nworkers: 1\ncache: { ttl: 2 }\n",
     "4: cache is stated twice, first in line 2; keep one\n"},
    {EXAMPLE "workers: 1\nworkers: 2\n", "3: workers is stated twice, first in line 2; keep one\n"},
    {EXAMPLE "cache: &c { ttl: 1 }\n", "2: anchors (&) and aliases (*) are not read; write the "
                                       "value itself, in quotes when it begins with & or *\n"},
    {EXAMPLE "data_dir: &d x\nprices: { file: *d }\n",
     "2: anchors (&) and aliases (*) are not read; write the value itself, in quotes when it "
     "begins with & or *\n3: anchors (&) and aliases (*) are not read; write the value itself, in "
     "quotes when it begins with & or *\n"},
    {EXAMPLE "workers: !!int 1\n",
     "2: tags (!) are not read; write the value alone, in quotes when it begins with !\n"},
    {EXAMPLE "cache:\n  <<: *x\n",
     "3: anchors (&) and aliases (*) are not read; write the value itself, in quotes when it "
     "begins with & or *\n3: cache.<< is not a key; under cache stand default, ttl, memory, disk, "
     "max_entry, coalesce\n"},
    {EXAMPLE "---\nworkers: 1\n", "2: a second document begins (---); keep one in this file\n"},
    {EXAMPLE "...\n---\nworkers: 1\n",
     "3: a second document begins (---); keep one in this file\n"},
    {"- a\n", "1: the file must be a mapping of keys, such as upstreams:\n"},
    {"just text\n", "1: the file must be a mapping of keys, such as upstreams:\n"},
    {"{a\n",
     "1: a is not a key; at the top stand listen, admin, upstreams, routes, presets, clients, "
     "models, cache, limits, prices, ledger, request_log, data_dir, workers\n2: not YAML: "
     "did not find expected ',' or '}' while parsing a flow "
     "mapping from line 1; check the indentation, quotes and brackets here\n"},
    {EXAMPLE "cache:\n\tttl: 1\n",
     "3: not YAML: found character that cannot start any token while scanning for the next token; "
     "indent with spaces, not with a tab\n"},
    {EXAMPLE "cache:\n  ttl: 300\n memory: 1MiB\n",
     "4: not YAML: did not find expected key while parsing a block mapping from line 1; check the "
     "indentation, quotes and brackets here\n"},
    {EXAMPLE "data_dir: \"x\n",
     "3: not YAML: found unexpected end of stream while scanning a quoted scalar from line 2; "
     "check the indentation, quotes and brackets here\n"},
    {EXAMPLE "data_dir: \377\n",
     "2: not YAML: invalid leading UTF-8 octet; save the file as plain UTF-8 text\n"},
    {EXAMPLE "? [a, b]\n: c\n", "2: a key must be a plain word, such as cache\n"},
    {EXAMPLE "a: [[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]\n",
     "2: a is not a key; at the top stand listen, admin, upstreams, routes, presets, clients, "
     "models, "
     "cache, limits, prices, ledger, request_log, data_dir, workers\n2: nested more than 8 deep; "
     "no key needs that\n"},
    {EXAMPLE "data_dir: %x\n",
     "2: not YAML: found character that cannot start any token while scanning for the next token; "
     "check the indentation, quotes and brackets here\n"},
    {EXAMPLE "data_dir: @x\n",
     "2: not YAML: found character that cannot start any token while scanning for the next token; "
     "check the indentation, quotes and brackets here\n"},
    {EXAMPLE "w\033o: 1\n",
     "2: not YAML: control characters are not allowed; save the file as plain UTF-8 text\n"},
    {EXAMPLE "workers: 1\r\ncache: { ttl: x }\r\n",
     "3: cache.ttl must be whole seconds, or a duration in s, m or h, such as 300; 1 to 86400 "
     "seconds\n"},
    {"%YAML 1.3\n---\na: b\n", "1: not YAML: found incompatible YAML document; check the "
                               "indentation, quotes and brackets here\n"},
    {EXAMPLE "limits: { retry: 61s }\n", "2: limits.retry must be 0s to 1m\n"},
    {EXAMPLE "limits: { keepalive: 99ms }\n", "2: limits.keepalive must be 0, or 100ms to 10m\n"},
    {EXAMPLE "limits: { keepalive: 10 }\n", "2: limits.keepalive must be a duration with its unit, "
                                            "ms, s, m or h, such as 10s; 0, or 100ms to 10m\n"},
    {EXAMPLE "models: { catalog: 999ms }\n", "2: models.catalog must be 0, or 1s to 24h\n"},
    {EXAMPLE "models: { map: none.json }\n",
     "2: models.map cannot be read (@/none.json: No such file or directory); put the file there or "
     "correct the path\n"},
    {EXAMPLE "request_log: { retention: 91d }\n", "2: request_log.retention must be 1m to 90d\n"},
    {EXAMPLE "request_log: { retention: 604800 }\n",
     "2: request_log.retention must be a duration with its unit, s, m, h or d, such as 7d; 1m to "
     "90d\n"},
    {EXAMPLE "request_log: { disk: 0 }\n", "2: request_log.disk must be 16MiB to 1TiB\n"},
    {EXAMPLE "limits: { detached: 99ms }\n", "2: limits.detached must be 0, or 100ms to 24h\n"},
    {EXAMPLE "limits: { detached_cost: 1e3 }\n",
     "2: limits.detached_cost must be a sum in USD of up to 15 digits, such as 0.50; 0 to "
     "1000000000 USD\n"},
    {EXAMPLE "limits: { detached_cost: -1 }\n",
     "2: limits.detached_cost must be a sum in USD of up to 15 digits, such as 0.50; 0 to "
     "1000000000 USD\n"},
    {EXAMPLE "limits: { detached_cost: 1000000000.01 }\n",
     "2: limits.detached_cost must be 0 to 1000000000 USD\n"},
    {EXAMPLE "limits: { budget_wait: 11m }\n", "2: limits.budget_wait must be 0, or 10ms to 10m\n"},
    {EXAMPLE "limits: { output_tokens: 0 }\n", "2: limits.output_tokens must be 1 to 10000000\n"},
    {EXAMPLE "prices: { file: prices.json, refresh: 59s }\n",
     "2: prices.refresh must be 0, or 1m to 168h\n"},
    {EXAMPLE "prices: { file: prices.json, refresh: 60 }\n",
     "2: prices.refresh must be a duration with its unit, ms, s, m or h, such as 6h; 0, or 1m to "
     "168h\n"},
    {EXAMPLE "ledger: { account: '' }\n",
     "2: ledger.account must be 1 to 128 bytes of text without control characters\n"},
    {EXAMPLE "ledger: { account_name: \"a\\tb\" }\n",
     "2: ledger.account_name must be 1 to 128 bytes of text without control characters\n"},
    {EXAMPLE "ledger: { account_name: \"a\\u0085b\" }\n",
     "2: ledger.account_name must be 1 to 128 bytes of text without control characters\n"},
    {EXAMPLE "ledger: { retention: 2y }\n",
     "2: ledger.retention must be months, such as 24 months; 0, or 1 month to 1200 months\n"},
    {EXAMPLE "ledger: { retention: 1201 }\n",
     "2: ledger.retention must be 0, or 1 month to 1200 months\n"},
    {EXAMPLE "client: []\n", "2: client is not a key; did you mean clients?\n"},
    {EXAMPLE "route: []\n", "2: route is not a key; did you mean routes?\n"},
    {EXAMPLE "presets: []\n", "2: presets is empty; add an element or remove it\n"},
};

#endif
