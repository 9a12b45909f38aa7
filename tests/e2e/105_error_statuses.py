"""Every status of both references, from every kind of upstream, on every cacheable endpoint and both
base paths: the client's own envelope, the same status, message and Retry-After; HTML, nothing and
flat bodies become an envelope.

parity: errors
"""
from harness import *

STATUSES = (400, 401, 402, 403, 404, 408, 413, 422, 424, 429, 500, 502, 503, 504, 524, 529)
FAMILIES = {
    "chat/completions": {"model": MODEL, "messages": [{"role": "user", "content": "x"}]},
    "responses": {"model": MODEL, "input": "x"},
    "messages": {"model": MODEL, "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]},
    "embeddings": {"model": "openai/text-embedding-3-small", "input": "x"},
}
BASES = {"/v1": "vercel", "/api/v1": "openrouter"}

# Vercel section 8; what it does not list has no word of its own.
VERCEL = {400: "invalid_request_error", 401: "authentication_error", 402: "insufficient_funds",
          403: "forbidden", 408: "timeout_error", 424: "failed_dependency",
          429: "rate_limit_exceeded", 500: "internal_server_error"}
# OpenRouter section 4: error_type -> status.
OPENROUTER = {400: "invalid_request", 401: "authentication", 402: "payment_required",
              403: "permission_denied", 404: "not_found", 413: "payload_too_large",
              422: "unprocessable", 429: "rate_limit_exceeded", 502: "provider_unavailable",
              503: "provider_overloaded", 504: "timeout"}
# The same section, "Messages"; where the references leave it open, all that a client can read.
ANTHROPIC = {400: {"invalid_request_error"}, 401: {"authentication_error"}, 402: {"billing_error"},
             403: {"permission_error"}, 404: {"not_found_error"}, 408: {"timeout_error"},
             413: {"invalid_request_error", "request_too_large"}, 422: {"invalid_request_error"},
             424: {"api_error"}, 429: {"rate_limit_error"}, 500: {"api_error"}, 502: {"api_error"},
             503: {"overloaded_error"}, 504: {"timeout_error"}, 524: {"timeout_error", "api_error"},
             529: {"overloaded_error"}}


def upstream_body(dialect, family, status, message):
    """How an upstream of that dialect says it."""
    if family == "messages":
        body = {"type": "error", "error": {"type": sorted(ANTHROPIC[status])[0], "message": message}}
        return {**body, "request_id": None} if dialect == "openrouter" else body
    if dialect == "openrouter":
        return {"error": {"message": message, "code": status}, "user_id": "user_2x"}
    error = {"message": message}
    if status in VERCEL:
        error["type"] = VERCEL[status]
    elif dialect == "openai":
        error["type"] = "server_error" if status >= 500 else "invalid_request_error"
    return {"error": {**error, "param": None, "code": None} if dialect == "openai" else error}


def check_envelope(answer, base, family, status, message, what, exact=True):
    equal(answer.status, status, what)
    check(answer.headers["content-type"].startswith("application/json"), f"{what}: JSON")
    equal([name for name in answer.headers if name.startswith("x-openrouter-cache")], [], what)
    body = answer.json()
    error = body["error"]
    if message is None:
        check(isinstance(error["message"], str) and error["message"], f"{what}: a message: {body}")
        check("<" not in error["message"], f"{what}: without HTML: {body}")
    else:
        equal(error["message"], message, f"{what}: the message")
    if family == "messages":
        equal(body["type"], "error", what)
        check(error["type"] in ANTHROPIC[status], f"{what}: Anthropic's type: {body}")
    elif base == "/api/v1":
        equal((type(error["code"]), error["code"]), (int, status), f"{what}: code")
        check("type" not in body, f"{what}: {body}")
        word = (error.get("metadata") or {}).get("error_type")
        if exact and status in OPENROUTER:
            equal(word, OPENROUTER[status], f"{what}: error_type")
    else:
        check(isinstance(error["type"], str) and error["type"], f"{what}: a type: {body}")
        if exact and status in VERCEL:
            equal(error["type"], VERCEL[status], f"{what}: Vercel's type")
        if exact and status == 404:
            check(error["type"] in ("not_found", "model_not_found"), f"{what}: {body}")


def ask(gateway, base, family, number):
    body = {**FAMILIES[family], "user": f"{number}"}
    if number % 2 and family != "embeddings":
        body["stream"] = True  # before the first event it is an ordinary JSON error
    return gateway.post(f"{base}/{family}", body, cache=True)


for dialect in "vercel", "openrouter", "openai":
    with Sim() as sim, Gateway(sim, dialect=dialect) as gateway:
        wanted, number = {}, 0
        for base in BASES:
            for family in FAMILIES:
                for status in STATUSES:
                    number += 1
                    what = f"{status} of {dialect} at {base}/{family}"
                    said = upstream_body(dialect, family, status, f"It said {number}.")
                    wait = {402: "7", 429: "17", 503: "Fri, 20 Nov 2026 10:00:00 GMT"}.get(status)
                    sim.script({"status": status, "raw": json.dumps(said),
                                "content_type": "application/json",
                                **({"retry_after": wait} if wait else {})})
                    answer = ask(gateway, base, family, number)
                    check_envelope(answer, base, family, status, f"It said {number}.", what,
                                   # An OpenAI envelope is Vercel's already, with its own words.
                                   exact=(dialect, base) != ("openai", "/v1") and dialect != BASES[base])
                    equal(answer.headers.get("retry-after"), wait, f"{what}: Retry-After")
                    if dialect == BASES[base] and (status in VERCEL or dialect != "vercel"
                                                   or family == "messages"):
                        equal(answer.json(), said, f"{what}: as it came")
                    if status in (429, 503, 529):
                        check(answer.headers.get("x-should-retry") != "false",
                              f"{what}: nothing was paid")
                    wanted[answer.headers["x-generation-id"]] = str(status)
                # What is no envelope at all.
                for status, raw, kind in ((502, "<html><h1>Bad gateway</h1></html>", "text/html"),
                                          (503, "", "text/plain"), (500, "upstream burst", "text/plain"),
                                          (404, "<!DOCTYPE html>\n<title>404</title>", "text/html"),
                                          (429, "{ not JSON", "application/json")):
                    number += 1
                    sim.script({"status": status, "raw": raw, "content_type": kind})
                    answer = ask(gateway, base, family, number)
                    check_envelope(answer, base, family, status, None,
                                   f"{status} {kind} of {dialect} at {base}/{family}")
                    wanted[answer.headers["x-generation-id"]] = str(status)
        # Vercel's flat errors, and the one that OpenRouter raises for what it cannot validate.
        for status, raw, message in (
                (400, '{"error":"Nobody left.","type":"no_providers_available","statusCode":400}',
                 "Nobody left."),
                (400, '{"success":false,"error":{"name":"ZodError","message":"[]"}}', "[]")):
            for base in BASES:
                number += 1
                sim.script({"status": status, "raw": raw, "content_type": "application/json"})
                answer = ask(gateway, base, "chat/completions", number)
                equal(answer.status, status)
                if BASES[base] != dialect:
                    check_envelope(answer, base, "chat/completions", status, message,
                                   f"flat, of {dialect} at {base}", exact=False)
                wanted[answer.headers["x-generation-id"]] = str(status)
        # Sent, then broken: it may have been billed, and clients should not repeat it.
        for base in BASES:
            for family in FAMILIES:
                number += 1
                sim.script({"die": "middle" if number % 2 == 0 else "connect"})
                answer = ask(gateway, base, family, number)
                check_envelope(answer, base, family, 502, None, f"broken, {base}/{family}", False)
                equal(answer.headers.get("x-should-retry"), "false", f"broken, {base}/{family}")
                wanted[answer.headers["x-generation-id"]] = "502"
        rows = {row["id"]: row for row in gateway.wait_rows(number)}
        equal({name: rows[name]["status"] for name in wanted}, wanted, "the rows' status")
        for row in rows.values():
            if row["status"] != "502":
                equal((row["verdict"], row["booked_usd"]), ("failed", ""), str(row))
        equal({row["cache"] for row in rows.values()}, {"miss", "off"} & {
            row["cache"] for row in rows.values()})
