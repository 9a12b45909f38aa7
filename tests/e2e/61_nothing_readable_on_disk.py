"""Prompts, answers and API keys are nowhere on disk or in the log: neither data_dir nor /tmp."""
from harness import *

PROMPT, SAID, CLIENT = "PromptMarkerZebra", "AnswerMarkerQuagga", "vck_SecretMarkerOkapi"
MARKERS = [text.encode() for text in (PROMPT, SAID, CLIENT, OWN_KEY, "SaltMarkerKudu")]


def files(directory):
    for where, _, names in os.walk(directory):
        for name in names:
            yield os.path.join(where, name)


def clean(paths):
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            with open(path, "rb") as file:
                content = file.read()
            for marker in MARKERS:
                check(marker not in content, f"{marker.decode()} stands in {path}")


with Sim() as sim:
    gateway = Gateway(sim, own_key=OWN_KEY)
    for number in range(4):
        text = sim_text({"text": SAID * (1 + 5000 * (number // 2))}, PROMPT)
        answer = gateway.chat(text, stream=number % 2 == 1, cache=True, key=CLIENT,
                              headers={"X-OpenRouter-Cache-Salt": "SaltMarkerKudu"})
        equal((answer.status, answer.cache()), (200, "MISS"))
    gateway.chat(sim_text({"status": 500}, PROMPT), key=CLIENT)
    gateway.chat(body=PROMPT.encode(), key=CLIENT)

    # A large body while it arrives: libh2o would spill it into /tmp/h2o.b.*.
    body = chat_body(PROMPT * 200000)
    upload = socket.create_connection(("127.0.0.1", gateway.port))
    upload.sendall((f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {CLIENT}"
                    f"\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body[:-1000])
    wait_for(lambda: gateway.request("GET", "/health").status == 200, "the gateway")
    with open(f"/proc/{gateway.process.pid}/maps", encoding="utf-8") as maps:
        check("h2o.b" not in maps.read(), "a body is mapped from a file in /tmp")
    for name in os.listdir(f"/proc/{gateway.process.pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            target = os.readlink(f"/proc/{gateway.process.pid}/fd/{name}")
            check("h2o.b" not in target, f"a body is spilled into {target}")
    upload.sendall(body[-1000:])
    check(upload.recv(12).startswith(b"HTTP/1.1 200"), "the large body was understood")
    upload.close()

    gateway.wait_rows(6)
    time.sleep(1)  # whatever is written behind the requests' back is written by now
    clean(files(gateway.data))
    gateway.kill()
    clean(files(gateway.data))
    again = Gateway(sim, data=gateway.data, own_key=OWN_KEY)
    hit = again.chat(sim_text({"text": SAID}, PROMPT), cache=True, key=CLIENT,
                     headers={"X-OpenRouter-Cache-Salt": "SaltMarkerKudu"})
    equal((hit.cache(), hit.text()), ("HIT", SAID), "it is there, though, for its owner")
    equal(again.stop(), 0)
    clean([*files(gateway.data), gateway.log_path, again.log_path])
    check(list(files(gateway.data)), "there is something on disk")
    check(not any(marker.decode() in line for marker in MARKERS
                  for line in gateway.lines + again.lines), "standard output")
