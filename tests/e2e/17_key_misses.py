"""What is another request: key, model, stream, salt, order and presence of members, any value."""
from harness import *

ONE = '{"model":"openai/gpt-4.1-nano","messages":[{"role":"user","content":"k"}]%s}'
BODIES = [
    ONE % "",
    ONE % ',"temperature":1',
    ONE % ',"temperature":1.0000000000000000000000001',
    ONE % ',"temperature":"1"',
    ONE % ',"temperature":null',
    ONE % ',"stream":false',
    ONE % ',"stream":true',
    ONE % ',"user":"u"',
    ONE % ',"user":"U"',
    ONE % ',"seed":9007199254740992',
    ONE % ',"seed":9007199254740993',
    ONE % ',"seed":1,"top_p":1',
    ONE % ',"top_p":1,"seed":1',
    '{"messages":[{"role":"user","content":"k"}],"model":"openai/gpt-4.1-nano"}',
    '{"model":"openai/gpt-4.1-nano","messages":[{"content":"k","role":"user"}]}',
    '{"model":"openai/gpt-4.1-mini","messages":[{"role":"user","content":"k"}]}',
    '{"model":"openai/gpt-4.1-nano","messages":[{"role":"user","content":"k "}]}',
    '{"model":"openai/gpt-4.1-nano","messages":[{"role":"user","content":"K"}]}',
    '{"model":"openai/gpt-4.1-nano","messages":[{"role":"user","content":"e\\u0301"}]}',
    '{"model":"openai/gpt-4.1-nano","messages":[{"role":"user","content":"\\u00e9"}]}',
    '{"model":"openai/gpt-4.1-nano","messages":[{"role":"user","content":"a\\u0000b"}]}',
    '{"model":"openai/gpt-4.1-nano","messages":[{"role":"user","content":"a\\u0000c"}]}',
]
VARIANTS = [{}, {"key": "vck_test_key_two"}, {"headers": {"X-OpenRouter-Cache-Salt": "a"}},
            {"headers": {"X-OpenRouter-Cache-Salt": "A"}}]

with Sim() as sim, Gateway(sim) as gateway:
    connection = gateway.connect()
    for wanted in "MISS", "HIT":
        for body in BODIES:
            answer = gateway.chat(body=body.encode(), cache=True, connection=connection)
            equal((answer.status, answer.cache()), (200, wanted), body)
    for wanted in "MISS", "HIT":
        for variant in VARIANTS[1:]:
            answer = gateway.chat(body=BODIES[0].encode(), cache=True, connection=connection,
                                  **variant)
            equal((answer.status, answer.cache()), (200, wanted), str(variant))
    connection.close()
    equal(sim.posts(), len(BODIES) + len(VARIANTS) - 1, "calls upstream")
