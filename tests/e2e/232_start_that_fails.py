"""A start that fails after the databases were opened says why and ends with 1: no thread outlives what it uses."""
from harness import *

with socket.socket() as taken:
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    directory = folder()
    config = write_config({
        "listen": [{"address": f"127.0.0.1:{taken.getsockname()[1]}"}], "data_dir": f"{directory}/data",
        "upstreams": [{"name": "sim", "dialect": "vercel", "base_url": "http://127.0.0.1:1/v1"}]})
    for _ in range(8):
        done = subprocess.run([f"{BUILD}/tollgate", "serve", "-c", config], capture_output=True, check=False,
                              env={**SANITIZE, **os.environ}, timeout=DEADLINE)
        text = done.stderr.decode()
        check("Sanitizer" not in text, text[:4000])
        equal(done.returncode, 1, text)
        check("Address already in use" in text, text)
