"""A client chooses neither the upstream's host nor a way out of its base path, whatever the path."""
from harness import *


def raw(port, line, body=b"{}"):
    """One request as bytes; everything that comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as client:
        client.sendall(line + b" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer client\r\n"
                       b"Content-Type: application/json\r\nContent-Length: %d\r\n"
                       b"Connection: close\r\n\r\n" % len(body) + body)
        out = b""
        while True:
            piece = client.recv(65536)
            if not piece:
                return out
            out += piece


with Sim() as sim, socket.socket() as other, Gateway(sim, own_key=OWN_KEY) as gateway:
    other.bind(("127.0.0.1", 0))
    other.listen(8)
    other.settimeout(0.3)
    there = b"127.0.0.1:%d" % other.getsockname()[1]
    for method in b"POST", b"GET":
        for path in (b"@" + there + b"/../v4/ai/config", b"." + there + b"/../v4/ai/config",
                     b"/v4/ai/../../v4/ai/x%2f..%2fy", b"/v1/files/%2e%2e/%2e%2e/x",
                     b"/api/v1/a/../../../api/v1/files", b"/v1/files/a%0d%0aX: y", b"/v1/files/.env",
                     b"/v1/files/x%23y", b"/v1/videos/x%3fy"):
            answer = raw(gateway.port, method + b" " + path, b"{}" if method == b"POST" else b"")
            check(answer == b"" or answer.startswith(b"HTTP/1."), f"{path}: {answer[:200]}")
    try:
        connection, _ = other.accept()
        raise AssertionError(f"the gateway called another host: {connection.recv(4096)}")
    except TimeoutError:
        pass
    for call in sim.calls():
        check(call["path"].startswith(("/v1/", "/v4/ai/")) and ".." not in call["path"],
              f"outside the base path: {call['path']}")
    # What is plain goes through, with its query.
    equal(gateway.get("/v1/files?limit=2").status, 200)
