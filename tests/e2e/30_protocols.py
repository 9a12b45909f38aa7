"""HTTP/1.1, HTTP/2 by prior knowledge, and TLS with ALPN for both; all share one cache."""
from harness import *

AUTH = ["-H", f"Authorization: Bearer {KEY}", "-H", "X-OpenRouter-Cache: true"]

with Sim() as sim:
    cert, key = self_signed(folder())
    with Gateway(sim, {"listen": [{"address": "127.0.0.1:0"}, {
            "address": "127.0.0.1:0", "certificate": cert, "private_key": key}]}) as gateway:
        plain, tls = gateway.ports
        ways = [("1.1", "http", plain, ["--http1.1"]),
                ("2", "http", plain, ["--http2-prior-knowledge"]),
                ("1.1", "https", tls, ["--http1.1", "--cacert", cert]),
                ("2", "https", tls, ["--http2", "--cacert", cert])]
        for number, (version, scheme, port, arguments) in enumerate(ways):
            done = subprocess.run(
                ["curl", "-sS", "--max-time", "30", *arguments, *AUTH, "-o", "/dev/null", "-w",
                 "%{http_version} %{http_code} %header{x-openrouter-cache-status}",
                 f"{scheme}://127.0.0.1:{port}/v1/chat/completions", "--data-binary", "@-"],
                input=chat_body("hello"), capture_output=True, check=True)
            equal(done.stdout.decode(), f"{version} 200 {'HIT' if number else 'MISS'}")
            streamed = gateway.curl(*arguments, *AUTH, port=port, scheme=scheme,
                                    body=chat_body("hello", stream=True))
            equal((streamed.status, streamed.events()[-1]), (200, "[DONE]"))
        # Without HTTP/2 in ALPN the server speaks HTTP/1.1, and it never falls back to cleartext.
        cleartext = subprocess.run(["curl", "-sS", "--max-time", "5", "-o", "/dev/null",
                                    f"http://127.0.0.1:{tls}/health"], capture_output=True,
                                   check=False)
        check(cleartext.returncode != 0, "no cleartext on the TLS address")
    equal(sim.posts(), 2, "calls upstream")
