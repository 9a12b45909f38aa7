"""Every command of the migration guides runs, in order, against a gateway and simulated vendors.

parity: migration-guides, base-url-swap
"""
from harness import *

VENDORS = {"https://ai-gateway.vercel.sh/v1": "/v1", "https://openrouter.ai/api/v1": "/api/v1",
           "https://api.llmgateway.io/v1": "/openai/v1", "https://api.phaseo.app/v1": "/openai/v1"}
APP = """const client = new OpenAI({ baseURL: "https://%s" });
const key = process.env.OPENROUTER_API_KEY ?? process.env.AI_GATEWAY_API_KEY
  ?? process.env.LLM_GATEWAY_API_KEY ?? process.env.AI_STATS_API_KEY;
const models = ["anthropic/claude-haiku-4.5", "openai/gpt-4.1-nano"];
"""
KEYS = {name: "key-of-a-client" for name in ("OPENROUTER_API_KEY", "AI_GATEWAY_API_KEY",
                                             "LLM_GATEWAY_API_KEY", "AI_STATS_API_KEY")}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def blocks(path):
    """(language, text) of each fenced block."""
    with open(path, encoding="utf-8") as file:
        return re.findall(r"^```([a-z ]+)\n(.*?)^```$", file.read(), re.S | re.M)


def run_guide(name, sim):
    where, port, server, commands = folder(), free_port(), None, 0
    os.mkdir(f"{where}/src")
    with open(f"{where}/src/app.ts", "w", encoding="utf-8") as file:
        file.write(APP % "openrouter.ai ai-gateway.vercel.sh llmgateway.io phaseo.app")
    shutil.copy(PRICES, f"{where}/prices.json")
    os.mkdir(f"{where}/bin")
    os.symlink(f"{BUILD}/tollgate", f"{where}/bin/tollgate")
    env = {**SANITIZE, **os.environ, **KEYS, "PATH": f"{where}/bin:{os.environ['PATH']}"}
    for language, text in blocks(f"{ROOT}/docs/{name}.md"):
        text = text.replace("127.0.0.1:8080", f"127.0.0.1:{port}")
        for vendor, base in VENDORS.items():
            text = text.replace(vendor, f"http://127.0.0.1:{sim.port}{base}")
        if language == "yaml":
            with open(f"{where}/{text.split()[1]}", "w", encoding="utf-8") as file:
                file.write(text)
        elif language == "sh serve":
            os.environ.update(KEYS)
            server = Process([f"{BUILD}/tollgate", "serve", "-c", f"{where}/{text.split()[-1]}"],
                             r"tollgate listening on")
        else:
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=where, env=env,
                                  capture_output=True, check=False, timeout=DEADLINE * 2)
            equal(done.returncode, 0, f"{name}: {text}\n{done.stdout.decode()[-2000:]}"
                                      f"\n{done.stderr.decode()[-2000:]}")
            if "curl" in text:
                check(b"Echo" in done.stdout or b"data" in done.stdout, done.stdout)
            if "export" in text:
                check(done.stdout.count(b"\n") >= 2, f"rows: {done.stdout}")
            commands += 1
    check(commands >= 5, f"{name}: {commands} commands")
    equal(server.stop(), 0, "the gateway stops in order")


with Sim() as sim:
    for guide in ("from-openrouter", "from-vercel-ai-gateway", "from-llmgateway", "from-ai-stats"):
        run_guide(guide, sim)
