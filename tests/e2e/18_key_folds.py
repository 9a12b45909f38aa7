"""What is the same request: white space, escapes, spellings of numbers, repeats, attribution."""
from harness import *

SAME = [
    '{"model":"openai/gpt-4.1-nano","messages":[{"role":"user","content":"\u00e9/A\\n"}],"t":100}',
    ' {\t"model" : "openai/gpt-4.1-nano",\r\n "messages":[ {"role":"user" , "content":"\u00e9/A\\n"} ]'
    ',"t":100 } \n',
    '{"model":"openai\\/gpt-4.1-nano","messages":[{"role":"user","content":"\\u00e9\\/\\u0041\\u000a"}]'
    ',"t":1e2}',
    '{"model":"openai/gpt-4.1-nano","messages":[{"role":"user","content":"\\u00E9/A\\n"}],"t":100.0}',
    '{"mod\\u0065l":"openai/gpt-4.1-nano","messages":[{"role":"user","content":"\u00e9/A\\n"}]'
    ',"t":1000e-1}',
    '{"model":"openai/gpt-4.1-nano","messages":[{"role":"user","content":"\u00e9/A\\n"}],"t":0.1E+3}',
    # A duplicate keeps the first place and the last value.
    '{"model":"x","messages":[{"role":"user","content":"\u00e9/A\\n"}],"t":100'
    ',"model":"openai/gpt-4.1-nano"}',
]
ZEROS = ["0", "-0", "0.0", "-0.00", "0e9", "0E-7"]

with Sim() as sim, Gateway(sim) as gateway:
    connection = gateway.connect()
    for number, body in enumerate(SAME):
        answer = gateway.chat(body=body.encode(), cache=True, connection=connection)
        equal((answer.status, answer.cache()), (200, "HIT" if number else "MISS"), body)
    equal(sim.posts(), 1, "calls upstream")
    for number, zero in enumerate(ZEROS):
        body = '{"model":"openai/gpt-4.1-nano","messages":[{"role":"user","content":"z"}],"t":%s}'
        answer = gateway.chat(body=(body % zero).encode(), cache=True, connection=connection)
        equal((answer.status, answer.cache()), (200, "HIT" if number else "MISS"), zero)
    # Attribution and vendors' own headers are not in the key.
    for extra in {"HTTP-Referer": "https://a.example"}, {"X-Title": "a"}, {"anthropic-beta": "b"}, \
            {"X-OpenRouter-Cache-TTL": "77"}:
        answer = gateway.chat(body=SAME[0].encode(), cache=True, headers=extra,
                              connection=connection)
        equal(answer.cache(), "HIT", str(extra))
    equal(sim.posts(), 2, "calls upstream")
    connection.close()
