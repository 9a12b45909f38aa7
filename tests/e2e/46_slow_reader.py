"""The slowest reader of an answer paces nobody: neither the fetch nor a reader beside it."""
from harness import *

SIZE = 6 << 20

with Sim() as sim, Gateway(sim, {"workers": 1}) as gateway:
    text = sim_text({"size": SIZE, "chunks": 300, "delay": 300})
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect(("127.0.0.1", gateway.port))
    body = chat_body(text, stream=True)
    slow.sendall((f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
                  "Content-Type: application/json\r\nX-OpenRouter-Cache: true\r\n"
                  f"Content-Length: {len(body)}\r\n\r\n").encode() + body)
    wait_for(lambda: sim.stats()["live"] == 1, "the slow reader's call")
    quick = gateway.chat(text, stream=True, cache=True)
    equal((quick.status, quick.cache(), quick.events()[-1]), (200, "HIT", "[DONE]"))
    check(len(quick.text()) >= SIZE, "the whole answer")
    equal(sim.calls()[0]["state"], "done", "the fetch")
    began = time.monotonic()
    other = gateway.chat("something else on the same loop")
    check(other.status == 200 and time.monotonic() - began < 5, "others are served meanwhile")
    hit = gateway.chat(text, stream=True, cache=True)
    equal((hit.cache(), hit.text()), ("HIT", quick.text()))
    equal(sim.posts(), 2)
    slow.close()
