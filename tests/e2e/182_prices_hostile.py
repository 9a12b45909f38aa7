"""Price lists that are broken or hostile: an error with key and place, and the old table stays."""
from harness import *

DIR = folder()
LIST, TABLE = os.path.join(DIR, "list.json"), os.path.join(DIR, "prices.json")
OURS = '{"format": 2, "models": {"a/b": [{"from": "2026-07-01T00:00:00Z", "input": "1"}]}}'


def model(pricing):
    return '{"data": [{"id": "a/b", "pricing": {%s}}]}' % pricing


CASES = [
    ("vercel", "", "is empty"),
    ("vercel", '{"data": [', "line 1: is not JSON"),
    ("vercel", "<html>Bad gateway</html>", "line 1: is not JSON"),
    ("vercel", '{"error": {"message": "no"}}', 'an object with a list "data"'),
    ("vercel", model('"input": NaN'), "data[0].pricing.input: NaN and Infinity"),
    ("vercel", model('"input": -Infinity'), "data[0].pricing.input: NaN and Infinity"),
    ("vercel", model('"input": "NaN"'), "a/b input: is not a decimal number"),
    ("vercel", model('"input": "1,5"'), "a/b input: is not a decimal number"),
    ("vercel", model('"input": 1e400'), "a/b input: is more than 9223 USD a unit"),
    ("vercel", model('"input": ' + "9" * 40), "a/b input: is more than 9223 USD a unit"),
    ("vercel", model('"input": 0.' + "3" * 2000), "a/b input: is not a decimal number"),
    ("vercel", model('"input": {"cost": 1}'), "a/b input: must be a decimal number"),
    ("vercel", model('"input": "1", "input": "2"'), "data[0].pricing.input: stands twice"),
    ("vercel", '{"data": [{"id": "a", "pricing": {}}, {"id": "a", "pricing": {}}]}',
     "a id: stands twice"),
    ("vercel", '{"data": [{"id": "a"}, 5]}', "data[1]: must be an object"),
    ("openrouter", model('"overrides": [{"min_prompt_tokens": "many"}]'),
     "a/b overrides[0].min_prompt_tokens: must be a whole number"),
    ("litellm", '{"a": {"input_cost_per_token": "free"}}',
     "a input_cost_per_token: is not a decimal number"),
    ("litellm", '{"a": []}', "a: must be an object"),
    ("models.dev", '{"a": {"models": {"b": {"cost": {"input": true}}}}}',
     "a/b cost.input: must be a decimal number"),
    ("models.dev", "[" * 100000, "nesting too deep"),
    ("litellm", '{"a": [%s{}]}' % ("{}," * 300000), "more than 262144 objects and lists"),
    ("litellm", '{"%s": {}}' % ("m" * 300), "is no model id"),
    ("litellm", '{"a\x1b[31m": {}}', "a control character"),
]

with open(TABLE, "w", encoding="utf-8") as file:
    file.write(OURS)
for source, text, wanted in CASES:
    with open(LIST, "w", encoding="utf-8") as file:
        file.write(text)
    for out in TABLE, TABLE + ".none":
        code, _, err = tollgate("prices", "import", source, LIST, "-o", out)
        check(code == 1 and wanted in err, f"{source} {text[:60]}: {code} {err[:300]}")
        check("list.json: " in err and "\x1b" not in err, err[:300])
    equal(sorted(os.listdir(DIR)), ["list.json", "prices.json"], "what is left behind")
with open(TABLE, encoding="utf-8") as file:
    equal(file.read(), OURS, "the old table")

# Too large to be read at all; a hole costs nothing.
with open(LIST, "wb") as file:
    file.truncate(128 * 1024 * 1024 + 1)
code, _, err = tollgate("prices", "import", "vercel", LIST, "-o", TABLE)
check(code == 1 and "larger than 128 MiB" in err, err)
code, _, err = tollgate("prices", "show", LIST, "a/b")
check(code == 1 and "larger than 128 MiB" in err, err)

# What is no table of ours is neither added to nor overwritten by chance.
with open(LIST, "w", encoding="utf-8") as file:
    file.write(model('"input": "1"'))
code, _, err = tollgate("prices", "import", "vercel", LIST, "-o", LIST)
check(code == 1 and "--replace" in err, err)
with open(LIST, encoding="utf-8") as file:
    equal(file.read(), model('"input": "1"'), "a file of somebody else")

# Rounded prices are told with both values.
with open(LIST, "w", encoding="utf-8") as file:
    file.write(model('"input": 0.0000032000000000000003, "output": "0.00000000000000025"'))
code, _, err = tollgate("prices", "import", "vercel", LIST, "--replace", "-o", TABLE)
equal(code, 0, err)
check("a/b: input: 0.0000032000000000000003 read as 0.0000032 (binary noise)" in err, err)
check("a/b: output: 0.00000000000000025 read as 0 (more than 15 decimals)" in err, err)
