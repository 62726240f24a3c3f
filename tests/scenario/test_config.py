"""Each kind of mistake in the configuration is refused with place, key, expectation and advice."""
import subprocess

import pytest
from harness import BINARY

GOOD = 'listen = "127.0.0.1:0"\ndata_dir = "d"\nsitechat "site" {}\ncards "main" {}\n'
OIDC = 'public_url = "https://chat.corp"\noidc "corp" { issuer = "https://login.example" client_id = "x"\n }'


def check(tmp_path, text, *args, env=None):
    path = tmp_path / "c.conf"
    path.write_text(text)
    p = subprocess.run([BINARY, "check-config", "--config", path, *args], text=True,
                       capture_output=True, cwd=tmp_path, timeout=20, env=env)
    return p.returncode, p.stdout + p.stderr


def test_good(tmp_path):
    code, out = check(tmp_path, GOOD)
    assert code == 0 and ": good (" in out


@pytest.mark.parametrize("line,words", [
    ("wrokers = 2", ["c.conf:5", "wrokers", "workers"]),
    ('workers = "many"', ["c.conf:5", "workers"]),
    ("workers = 1000", ["c.conf:5", "workers", "64"]),
    ("workers = -1", ["c.conf:5", "workers"]),
    ('listen = "nowhere"', ["c.conf:5", "listen", "127.0.0.1:8080"]),
    ('listen = "127.0.0.1:99999"', ["c.conf:5", "listen"]),
    ('public_url = "ftp://x"', ["c.conf:5", "public_url", "https://"]),
    ('log_level = "loud"', ["c.conf:5", "log_level", "info"]),
    ('lease = "10 parsecs"', ["c.conf:5", "lease"]),
    ('redis { url = "http://x" }', ["c.conf:5", "url"]),
    ('redis { durabillity = "always" }', ["c.conf:5", "durabillity", "durability"]),
    ("redis { shards = 0 }", ["c.conf:5", "shards", "1"]),
    ('media { max_size = "huge" }', ["c.conf:5", "max_size"]),
    ('sitechta "x" {}', ["c.conf:5", "sitechta", "sitechat"]),
    ('sitechat "site" {}', ["site"]),
    ('sitechat "two" { text_max = "x" }', ["c.conf:5", "text_max"]),
    ('data_dir = ""', ["c.conf:5", "data_dir"]),
    ('public_url = "${NO_SUCH_VARIABLE_HERE}"', ["NO_SUCH_VARIABLE_HERE"]),
    ("redis {", ["c.conf"]),
    ("redis { url = ", ["c.conf"]),
    ('include("missing.conf")', ["missing.conf"]),
    ("\x01\x02", ["c.conf:5"]),
    (OIDC.replace("https", "http"), ['oidc "corp"', "allow_private"]),
    (OIDC.replace(".example", ".example?x=1"), ['oidc "corp"', "issuer"]),
    (OIDC.replace("client_id", "# client_id"), ['oidc "corp"', "client_id"]),
    (OIDC.replace("}", 'scopes = {"email"} }'), ['oidc "corp"', "openid"]),
    (OIDC.replace("}", 'role_claim = "groups" }'), ['oidc "corp"', "admins"]),
    (OIDC.partition("\n")[2], ['oidc "corp"', "public_url", "/sign-in/corp/callback"]),
    ('webhook "erp" { url = "https://a.example/x" secret = {"short"} }', ['webhook "erp"', "whsec_"]),
    ('odoo "o" { url = "https://a.example" database = "d" api_key = "k" user = "u" users = {"anna=nobody"} }', ['odoo "o"', "number"]),
])
def test_refused(tmp_path, line, words):
    code, out = check(tmp_path, GOOD + line + "\n")
    assert code == 78, out
    for w in words:
        assert w in out, (w, out)
    assert "Sanitizer" not in out


def test_all_problems_at_once(tmp_path):
    code, out = check(tmp_path, GOOD + "workers = 1000\nredis { shards = 0 }\n")
    assert code == 78 and "workers" in out and "shards" in out


def test_missing_file(tmp_path):
    p = subprocess.run([BINARY, "check-config", "--config", tmp_path / "no.conf"], text=True,
                       capture_output=True, timeout=20)
    assert p.returncode == 78 and "no.conf" in p.stderr


def test_sets(tmp_path):
    code, out = check(tmp_path, GOOD, "--set", "workers=3", "--print")
    assert code == 0 and "workers = 3" in out
    code, out = check(tmp_path, GOOD, "--set", "wrokers=3")
    assert code == 78 and "workers" in out
    code, out = check(tmp_path, GOOD, "--set", "workers")
    assert code in (2, 64, 78)


def test_environment_and_include(tmp_path):
    (tmp_path / "more.conf").write_text('workers = 5\n')
    code, out = check(tmp_path, GOOD + 'include("more.conf")\npublic_url = "${URL_OF_TEST}"\n',
                      "--print", env={"URL_OF_TEST": "https://x.example"})
    assert code == 0, out
    assert "workers = 5" in out and "https://x.example" in out


def test_secrets_are_hidden(tmp_path):
    secret = "redis://u:hunter2@127.0.0.1:6379"
    code, out = check(tmp_path, GOOD + f'redis {{ url = "{secret}" }}\n', "--print")
    assert code == 0 and "hunter2" not in out and "***" in out
    code, out = check(tmp_path, GOOD + 'redis { url = "rdis://u:hunter2@h" }\n')
    assert code == 78 and "hunter2" not in out


def test_sample_is_good_and_complete(tmp_path):
    p = subprocess.run([BINARY, "check-config", "--print-sample"], text=True, capture_output=True,
                       timeout=20)
    assert p.returncode == 0
    code, out = check(tmp_path, p.stdout)
    assert code == 0, out
    for key in ("listen", "public_url", "data_dir", "workers", "durability", "shards", "origins"):
        assert key in p.stdout
