#!/usr/bin/env python3
"""Has other people's programs verify the service's token, by the recipes of docs/verifying.md, against `jea-auth serve`.

    tests/verifiers.py PROGRAM FOLDER [NAME...]

PROGRAM is jea-auth; what is installed goes into FOLDER, and stays there. A NAME is a part of a program's name; without any,
all run. Programs of PyPI and npm are installed; those of Debian are used where they are there (the packages are named when
they are missing, and `.ci/deep` installs them). What cannot be had is skipped, aloud.

Each program gets the service's own token, which it must take, and tokens with one fault each, of which it must take exactly
those that are written down here. These are signed with a key that the set has beside the service's own: the set comes from
this script, which adds the key, and counts how often it is asked.
"""

import base64
import contextlib
import imaplib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYPI = ["pyjwt[crypto]==2.15.1", "pika==1.4.4"]
NPM = ["jose@6.2.17", "aws-jwt-verify@5.2.1", "express@5.3.0", "express-oauth2-jwt-bearer@1.10.0", "hono@4.13.19", "@hono/node-server@1.19.6"]
# Every fault that a token can have here; "changed" is the service's own with another signature.
FAULTS = ["changed", "unknown key", "other issuer", "other audience", "expired", "no expiry"]


class Unavailable(Exception):
    """Something that a program needs is not on this machine."""


def port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def status(url, token=None, cookie=None):
    """The status of a GET, with a token by bearer or by cookie."""
    headers = {"Authorization": f"Bearer {token}"} if token else {"Cookie": f"session_token={cookie}"} if cookie else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as refusal:
        return refusal.code


class Daemon:
    """A program that runs in the foreground until the block ends."""

    def __init__(self, arguments, log, **options):
        self.log = open(log, "wb")
        self.process = subprocess.Popen(arguments, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True, **options)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        # With its children: it leads a session of its own. They may be gone.
        for how in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
                break
        self.log.close()
        if kind is not None:
            print(self.said()[-2000:])

    def said(self):
        return Path(self.log.name).read_text(errors="replace")

    def until(self, answers, seconds=60):
        """Waits until it is ready."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError):
                if answers():
                    return
            time.sleep(0.1)
        raise RuntimeError("it does not answer")


class Keys:
    """The service's set of keys with one more, at two URLs that count: over http, and over https with a certificate of its own."""

    def __init__(self, scratch):
        self.asked, self.set = 0, {}
        keys = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                keys.asked += 1
                body = json.dumps(keys.set).encode()
                self.send_response(200)
                for name, value in [("Content-Type", "application/json"), ("Cache-Control", "public, max-age=300"), ("Content-Length", str(len(body)))]:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.certificate, key = scratch / "certificate.pem", scratch / "certificate.key"
        names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:TRUE"]
        request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", *names]
        subprocess.run([*request, "-keyout", key, "-out", self.certificate], check=True, capture_output=True)
        secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        secure.load_cert_chain(self.certificate, key)
        self.url, self.secure_url = (self.serve(Handler, scheme, context) for scheme, context in [("http", None), ("https", secure)])

    def serve(self, handler, scheme, context):
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"{scheme}://localhost:{server.server_port}/.well-known/jwks.json"


def recipes():
    """The blocks of each recipe, by its heading."""
    found, heading, block = {}, None, None
    for line in (ROOT / "docs/verifying.md").read_text().splitlines():
        if block is None and line.startswith("### "):
            heading = line[4:]
        elif line.startswith("```"):
            block = [] if block is None else found.setdefault(heading, []).append("\n".join(block) + "\n")
        elif block is not None:
            block.append(line)
    return found


# Makes the key that the set has beside the service's own, and the tokens with one fault each. It runs with PyJWT.
FORGE = r"""
import json, sys, time, jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
claims, now = json.load(sys.stdin), int(time.time())
def pair(kid):
    key = ec.generate_private_key(ec.SECP256R1())
    jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    return key, {**jwk, "use": "sig", "alg": "ES256", "kid": kid}
(key, jwk), (strange, _) = pair("1700000000001"), pair("1700000000002")
def token(key=key, kid="1700000000001", **changed):
    return jwt.encode({k: v for k, v in {**claims, **changed}.items() if v is not None}, key, "ES256", {"kid": kid})
print(json.dumps({
    "jwk": jwk,
    "pem": key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
    "tokens": {
        "sound": token(),
        "unknown key": token(key=strange, kid="1700000000002"),
        "other issuer": token(iss="https://other.example.org"),
        "other audience": token(aud="https://other.example.org"),
        "expired": token(iat=now - 7200, auth_time=now - 7200, exp=now - 3600),
        "no expiry": token(exp=None),
    },
}))
"""


class Trial:
    """What the programs are tried with."""

    def __init__(self, program, folder):
        self.folder, self.told = folder, ""
        self.python, self.modules = folder / "python/bin/python3", folder / "node_modules"
        self.listen = port()
        self.url = f"http://127.0.0.1:{self.listen}"
        self.scratch = Path(tempfile.mkdtemp(prefix="verifiers-"))
        # Daemons that give up being root read it, too.
        self.scratch.chmod(0o755)
        self.keys = Keys(self.scratch)
        ports = ["--listen", f"127.0.0.1:{self.listen}", "--dynamodb", f"127.0.0.1:{port()}", "--kms", f"127.0.0.1:{port()}"]
        self.service = Daemon([program, "serve", "--memory", *ports], self.scratch / "serve.log")
        self.service.until(lambda: status(f"{self.url}/users/api/info") == 200)
        body = json.dumps({"email": "demo@example.org", "password": "one-machine-demo-only"}).encode()
        request = urllib.request.Request(f"{self.url}/users/api/auth", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            self.token = re.match(r"session_token=([^;]+)", answer.headers["Set-Cookie"])[1]
        environment = {**os.environ, "AWS_ENDPOINT_URL_DYNAMODB": f"http://{ports[3]}", "AWS_ENDPOINT_URL_KMS": f"http://{ports[5]}"}
        # A key of the other algorithm beside that which signs, as after a change.
        subprocess.run([program, "key", "rotate", "--alg", "RS256", "--local"], env=environment, check=True, capture_output=True)
        self.pems = self.scratch / "keys"
        export = [program, "key", "export", "--pem", "--out", self.pems, "--local"]
        subprocess.run(export, env=environment, check=True, capture_output=True)
        payload = self.token.split(".")[1]
        self.claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        forged = subprocess.run([self.python, "-c", FORGE], input=json.dumps(self.claims), text=True, check=True, capture_output=True)
        forged = json.loads(forged.stdout)
        self.tokens = forged["tokens"]
        at = self.token.rindex(".") + 10
        self.tokens["changed"] = self.token[:at] + ("A" if self.token[at] != "A" else "B") + self.token[at + 1 :]
        self.keys.set = json.loads((self.pems / "jwks.json").read_text())
        self.keys.set["keys"].append(forged["jwk"])
        (self.pems / f"{forged['jwk']['kid']}.pem").write_text(forged["pem"])
        self.kids = {key["kid"]: key["alg"] for key in self.keys.set["keys"]}

    def said(self, text, secure=False):
        """A recipe with the service, the audience and the set of keys in the place of the examples."""
        text = text.replace("https://auth.example.org/.well-known/jwks.json", self.keys.secure_url if secure else self.keys.url)
        text = text.replace("https://auth.example.org", self.claims["iss"]).replace("https://api.example.org", self.claims["aud"])
        return text.replace("/etc/jea-keys", str(self.pems))

    def file(self, name, text):
        path = self.scratch / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def judged(self, take, own=True):
        """Which tokens are taken; `take` says it of one. The service's own must be, by every way that it can come."""
        before = self.keys.asked
        if own and not take(self.token):
            raise RuntimeError(f"it refuses the service's own token: {self.told}")
        if not take(self.tokens["sound"]):
            raise RuntimeError("it refuses a token of another key of the set")
        takes = {fault for fault in FAULTS if take(self.tokens[fault])}
        return takes, self.keys.asked - before


def needs(*programs, package):
    for program in programs:
        if not (shutil.which(program) or Path(program).exists()):
            raise Unavailable(f"there is no {program}; Debian's {package} has it")


def by_command(trial, arguments):
    """Takes what a command takes whose last argument is the token."""
    def take(token):
        done = subprocess.run([*arguments, token], capture_output=True, text=True, timeout=60)
        trial.told = done.stderr.strip()
        return done.returncode == 0 and trial.claims["sub"] in done.stdout
    return take


def by_http(url, cookie=False):
    """Takes what a server answers with 200, and refuses what it answers with 401 or 403."""
    def take(token):
        found = {status(url, token=token)} | ({status(url, cookie=token)} if cookie else set())
        if len(found) != 1 or not found <= {200, 401, 403}:
            raise RuntimeError(f"it answers {found}")
        return found == {200}
    return take


def mod_auth_openidc(trial, blocks):
    # The certificate is this script's own.
    recipe = "OIDCOAuthSSLValidateServer Off\n" + trial.said(blocks[0], secure=True)
    return apache(trial, "auth_openidc", "libapache2-mod-auth-openidc", recipe)


def mod_oauth2(trial, blocks):
    return apache(trial, "oauth2", "libapache2-mod-oauth2", trial.said(blocks[0]))


def apache(trial, module, package, recipe):
    needs("/usr/sbin/apache2", f"/usr/lib/apache2/modules/mod_{module}.so", package=package)
    root, listen = trial.scratch / module, port()
    trial.file(f"{module}/htdocs/index.html", "found")
    modules = ["mpm_event", "authn_core", "authz_core", "authz_user", "dir", module]
    modules = [name for name in modules if Path(f"/usr/lib/apache2/modules/mod_{name}.so").exists()]
    loads = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in modules)
    conf = trial.file(f"{module}/apache.conf", f"""ServerRoot {root}
ServerName 127.0.0.1
Listen 127.0.0.1:{listen}
PidFile {root}/apache.pid
ErrorLog /dev/stderr
User www-data
Group www-data
{loads}DocumentRoot {root}/htdocs
DirectoryIndex index.html
{recipe}""")
    with Daemon(["/usr/sbin/apache2", "-f", conf, "-DFOREGROUND"], root / "log") as daemon:
        daemon.until(lambda: status(f"http://127.0.0.1:{listen}/") in (401, 403))
        return debian(package), *trial.judged(by_http(f"http://127.0.0.1:{listen}/", cookie=True))


def haproxy(trial, blocks):
    needs("/usr/sbin/haproxy", package="haproxy")
    listen, recipe = port(), trial.said(blocks[0])
    line = next(line for line in recipe.splitlines() if "acl is_signed" in line)
    lines = [re.sub(r'"[^"]+\.pem"', f'"{trial.pems}/{kid}.pem"', line) for kid, alg in trial.kids.items() if alg == "ES256"]
    recipe = recipe.replace(line, "\n".join(lines)).replace("bind :8080", f"bind 127.0.0.1:{listen}")
    conf = trial.file("haproxy.cfg", f"""defaults
  mode http
  timeout client 10s
  timeout connect 10s
  timeout server 10s
{recipe}
backend api
  http-request return status 200 content-type text/plain lf-string %[req.hdr(X-User-Id)]
""")
    with Daemon(["/usr/sbin/haproxy", "-db", "-f", conf], trial.scratch / "haproxy.log") as daemon:
        daemon.until(lambda: status(f"http://127.0.0.1:{listen}/") == 401)
        return debian("haproxy"), *trial.judged(by_http(f"http://127.0.0.1:{listen}/", cookie=True))


def nginx(trial, blocks):
    module = "/usr/lib/nginx/modules/ngx_http_js_module.so"
    needs("/usr/sbin/nginx", module, package="libnginx-mod-http-js")
    listen, root = port(), trial.scratch / "nginx"
    trial.file("nginx/html/index.html", "found")
    script = trial.file("nginx/auth.js", trial.said(blocks[0]))
    recipe = blocks[1].replace("/etc/nginx/auth.js", str(script)).replace("listen 8080", f"listen 127.0.0.1:{listen}")
    conf = trial.file("nginx/nginx.conf", f"""load_module {module};
daemon off;
pid {root}/nginx.pid;
error_log stderr;
events {{}}
http {{
access_log off;
{recipe}
}}
""")
    with Daemon(["/usr/sbin/nginx", "-p", root, "-c", conf], root / "log") as daemon:
        daemon.until(lambda: status(f"http://127.0.0.1:{listen}/") == 401)
        version = f"{debian('nginx')}, njs {debian('libnginx-mod-http-js')}"
        return version, *trial.judged(by_http(f"http://127.0.0.1:{listen}/", cookie=True))


def rabbitmq(trial, blocks):
    needs("/usr/lib/rabbitmq/bin/rabbitmq-server", package="rabbitmq-server")
    root, amqp, epmd, nodes = trial.scratch / "rabbitmq", port(), port(), port()
    conf = trial.file("rabbitmq/rabbitmq.conf", f"""listeners.tcp.1 = 127.0.0.1:{amqp}
auth_oauth2.https.cacertfile = {trial.keys.certificate}
{trial.said(blocks[0], secure=True)}""")
    advanced = trial.file("rabbitmq/advanced.config", trial.said(blocks[1]))
    plugins = trial.file("rabbitmq/enabled_plugins", "[rabbitmq_auth_backend_oauth2].\n")
    environment = {
        **os.environ, "HOME": str(root), "RABBITMQ_NODENAME": "verifiers@localhost", "RABBITMQ_CONFIG_FILE": str(conf),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(advanced), "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
        "RABBITMQ_MNESIA_BASE": str(root / "data"), "RABBITMQ_LOG_BASE": str(root / "logs"), "RABBITMQ_LOGS": "-",
        "RABBITMQ_DIST_PORT": str(nodes), "ERL_EPMD_ADDRESS": "127.0.0.1", "ERL_EPMD_PORT": str(epmd),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null", "ERL_CRASH_DUMP": "/dev/null",
    }
    use = trial.file("rabbitmq/use.py", """import pika, sys
credentials = pika.PlainCredentials("", sys.argv[-1])
with pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", int(sys.argv[1]), credentials=credentials)) as connection:
    connection.channel().queue_declare("a")
    print(sys.argv[2])
""")
    with Daemon(["/usr/lib/rabbitmq/bin/rabbitmq-server"], root / "log", env=environment) as daemon:
        # The port is open before the plugin has started.
        daemon.until(lambda: "Server startup complete" in daemon.said(), 120)
        take = by_command(trial, [trial.python, use, str(amqp), trial.claims["sub"]])
        judged = trial.judged(take)
    # The mapper of its ports is a daemon of its own.
    subprocess.run(["epmd", "-port", str(epmd), "-kill"], capture_output=True, check=False)
    return debian("rabbitmq-server"), *judged


def dovecot(trial, blocks):
    needs("/usr/sbin/dovecot", "/usr/lib/dovecot/imap-login", package="dovecot-imapd")
    root, imap = trial.scratch / "dovecot", port()
    for kid, alg in trial.kids.items():
        trial.file(f"dovecot/keys/default/{alg}/{kid}", (trial.pems / f"{kid}.pem").read_text())
    oauth2 = trial.file("dovecot/dovecot-oauth2.conf.ext", trial.said(blocks[1]).replace("/etc/dovecot/keys/", f"{root}/keys/"))
    recipe = blocks[0].replace("/etc/dovecot/dovecot-oauth2.conf.ext", str(oauth2))
    conf = trial.file("dovecot/dovecot.conf", f"""base_dir = {root}/run
state_dir = {root}/state
log_path = /dev/stderr
protocols = imap
auth_debug = yes
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = mbox:{root}/mail
default_internal_user = dovecot
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service stats {{
  inet_listener http {{
    port = 0
  }}
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={root}/mail
}}
{recipe}""")

    def take(token):
        # RFC 7628, section 3.1.
        client = imaplib.IMAP4("127.0.0.1", imap)
        try:
            client.authenticate("OAUTHBEARER", lambda _: f"n,a={trial.claims['sub']},\x01auth=Bearer {token}\x01\x01".encode())
            return True
        except imaplib.IMAP4.error:
            return False
        finally:
            client.shutdown()

    with Daemon(["/usr/sbin/dovecot", "-F", "-c", conf], root / "log") as daemon:
        daemon.until(lambda: socket.create_connection(("127.0.0.1", imap)).close() is None)
        return debian("dovecot-core"), *trial.judged(take)


def pyjwt(trial, blocks):
    script = trial.file("pyjwt.py", f"{trial.said(blocks[0])}\nimport sys\nprint(verified(sys.argv[1])['sub'])\n")
    return "2.15.1", *trial.judged(by_command(trial, [trial.python, script]))


def node(trial, name, recipe, more, secure=False):
    if not trial.modules.exists():
        raise Unavailable("there is no npm")
    script = trial.folder / f"{name}.mjs"
    script.write_text(f"{trial.said(recipe, secure)}\n{more}\n")
    return script


VERIFIED = "console.log((await verified(process.argv[2])).sub);"


def jose(trial, blocks):
    return npm("jose"), *trial.judged(by_command(trial, ["node", node(trial, "jose", blocks[0], VERIFIED)]))


def aws_jwt_verify(trial, blocks):
    script = node(trial, "aws-jwt-verify", blocks[0], VERIFIED, secure=True)
    trusting = ["env", f"NODE_EXTRA_CA_CERTS={trial.keys.certificate}"]
    return npm("aws-jwt-verify"), *trial.judged(by_command(trial, [*trusting, "node", script]))


def express(trial, blocks):
    listen = port()
    script = node(trial, "express", blocks[0], f"app.listen({listen}, '127.0.0.1');")
    return served(trial, "express", script, listen, npm("express-oauth2-jwt-bearer"))


def hono(trial, blocks):
    listen = port()
    serve = f"import {{serve}} from '@hono/node-server';\nserve({{fetch: app.fetch, hostname: '127.0.0.1', port: {listen}}});"
    return served(trial, "hono", node(trial, "hono", blocks[0], serve), listen, npm("hono"))


def served(trial, name, script, listen, version):
    with Daemon(["node", script], trial.scratch / f"{name}.log", cwd=trial.folder) as daemon:
        daemon.until(lambda: status(f"http://127.0.0.1:{listen}/") == 401)
        return version, *trial.judged(by_http(f"http://127.0.0.1:{listen}/"))


def crypt_jwt(trial, blocks):
    needs("perl", "/usr/share/perl5/Crypt/JWT.pm", package="libcrypt-jwt-perl")
    script = trial.file("verify.pl", f"{trial.said(blocks[0])}\nprint verified($ARGV[0])->{{sub}}, \"\\n\";\n")
    return debian("libcrypt-jwt-perl"), *trial.judged(by_command(trial, ["perl", script]))


def ruby_jwt(trial, blocks):
    needs("ruby", package="ruby")
    if subprocess.run(["ruby", "-e", "require 'jwt'"], capture_output=True, check=False).returncode:
        raise Unavailable("there is no jwt for Ruby; Debian's ruby-jwt has it")
    script = trial.file("verify.rb", f"{trial.said(blocks[0])}\nputs verified(ARGV[0])['sub']\n")
    return debian("ruby-jwt"), *trial.judged(by_command(trial, ["ruby", script]))


def debian(package):
    version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True, check=False).stdout
    return re.sub(r"^\d+:|[-+~].*$", "", version) or "of no package"


def npm(name):
    return next(package.removeprefix(f"{name}@") for package in NPM if package.startswith(f"{name}@"))


BOTH = {"other issuer", "other audience"}
# The lines and arguments of the recipes that name issuer or audience.
NAMED = [r"^.*Require (oauth2_)?claim.*\n", r"^(issuers|client_id) = .*\n", r"\n *verification: \{[^}]*\},", r"issuer: '[^']*', audience: '[^']*', ",
         r"\n +verify_iss => '[^']*', verify_aud => '[^']*'", r"\n +iss: '[^']*', verify_iss: true, aud: '[^']*', verify_aud: true", r"\n +issuer=\"[^\"]*\","]
# Each program: its heading in docs/verifying.md, the faults that it takes with the recipe, and those that it takes without the
# lines of the recipe that name issuer and audience, where it works without them.
PROGRAMS = {
    "Apache, mod_auth_openidc": (mod_auth_openidc, {"no expiry"}, {"no expiry"} | BOTH),
    "Apache, mod_oauth2": (mod_oauth2, set(), BOTH),
    "HAProxy": (haproxy, set(), None),
    "nginx, with njs": (nginx, set(), None),
    "RabbitMQ": (rabbitmq, {"other issuer", "no expiry"}, None),
    "Dovecot": (dovecot, set(), BOTH),
    "Python, PyJWT": (pyjwt, set(), {"other issuer"}),
    "Node, jose": (jose, set(), BOTH),
    "Node, aws-jwt-verify": (aws_jwt_verify, {"no expiry"}, None),
    "Express, express-oauth2-jwt-bearer": (express, set(), None),
    "Hono": (hono, {"no expiry"}, {"no expiry"} | BOTH),
    "Perl, Crypt::JWT": (crypt_jwt, set(), BOTH),
    "Ruby, jwt": (ruby_jwt, set(), BOTH),
}

# Programs without a recipe: their packages, lines before, `verified` without issuer and audience and with them, and the faults
# that each of the two takes.
MORE = {
    "joserfc 1.8.0": (["joserfc==1.8.0"], """
from joserfc import jwt
from joserfc.jwk import KeySet
keys = KeySet.import_key_set(given)
""", """
def verified(token):
    return jwt.decode(token, keys, algorithms=["ES256"]).claims["sub"]
""", """
def verified(token):
    claims = jwt.decode(token, keys, algorithms=["ES256"]).claims
    essential = {name: {"essential": True, "value": value} for name, value in [("iss", ISS), ("aud", AUD)]}
    jwt.JWTClaimsRegistry(exp={"essential": True}, **essential).validate(claims)
    return claims["sub"]
""", BOTH | {"expired", "no expiry"}, set()),
    "jwcrypto 1.6.1": (["jwcrypto==1.6.1"], """
from jwcrypto.jwk import JWKSet
from jwcrypto.jwt import JWT
keys = JWKSet.from_json(json.dumps(given))
""", """
def verified(token):
    return json.loads(JWT(jwt=token, key=keys, algs=["ES256"]).claims)["sub"]
""", """
def verified(token):
    return json.loads(JWT(jwt=token, key=keys, algs=["ES256"], check_claims={"iss": ISS, "aud": AUD, "exp": None}).claims)["sub"]
""", BOTH | {"no expiry"}, set()),
    "python-jose 3.5.0": (["python-jose[cryptography]==3.5.0"], """
from jose import jwt
def key(token):
    return next(key for key in given["keys"] if key["kid"] == jwt.get_unverified_header(token)["kid"])
""", """
def verified(token):
    return jwt.decode(token, key(token), algorithms=["ES256"], audience=AUD)["sub"]
""", """
def verified(token):
    return jwt.decode(token, key(token), algorithms=["ES256"], audience=AUD, issuer=ISS, options={"require_exp": True})["sub"]
""", {"other issuer", "no expiry"}, set()),
    "Flask-JWT-Extended 4.7.4": (["flask-jwt-extended==4.7.4", "pyjwt[crypto]==2.15.1"], """
import jwt
from flask import Flask
from flask_jwt_extended import JWTManager, get_jwt_identity, jwt_required
app = Flask("app")
app.config.update(JWT_ALGORITHM="ES256", JWT_PUBLIC_KEY=jwt.PyJWKSet.from_dict(given)[SPARE].key)
@app.get("/")
@jwt_required()
def page():
    return get_jwt_identity()
def verified(token):
    JWTManager(app)
    answer = app.test_client().get("/", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    return answer.text
""", "", """
app.config.update(JWT_DECODE_AUDIENCE=AUD, JWT_DECODE_ISSUER=ISS)
""", BOTH | {"no expiry"}, {"no expiry"}),
    "djangorestframework-simplejwt 5.5.1": (["djangorestframework-simplejwt==5.5.1", "pyjwt[crypto]==2.15.1"], """
import django
from django.conf import settings
told = {"ALGORITHM": "ES256", "JWK_URL": JWKS, "USER_ID_CLAIM": "sub", "TOKEN_TYPE_CLAIM": None}
def verified(token):
    settings.configure(SECRET_KEY="-" * 50, INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework"], SIMPLE_JWT=told)
    django.setup()
    from rest_framework.request import Request
    from rest_framework.test import APIRequestFactory
    from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication
    request = Request(APIRequestFactory().get("/", HTTP_AUTHORIZATION=f"Bearer {token}"))
    return JWTStatelessUserAuthentication().authenticate(request)[0].id
""", "", """
told.update(AUDIENCE=AUD, ISSUER=ISS)
""", BOTH, set()),
    "express-jwt 8.5.1 with jwks-rsa 4.1.0": (["express-jwt@8.5.1", "jwks-rsa@4.1.0"], """
import {expressjwt} from 'express-jwt';
import jwksRsa from 'jwks-rsa';
const secret = jwksRsa.expressJwtSecret({jwksUri: JWKS, cache: true, rateLimit: true});
const verifiedBy = (options) => (token) => new Promise((done, failed) => {
  const request = {headers: {authorization: `Bearer ${token}`}};
  expressjwt({secret, algorithms: ['ES256'], ...options})(request, {}, (error) => error ? failed(error) : done(request.auth));
});
""", "const verified = verifiedBy({});", "const verified = verifiedBy({issuer: ISS, audience: AUD});", BOTH | {"no expiry"}, {"no expiry"}),
    "@fastify/jwt 10.2.8 with get-jwks 11.0.3": (["@fastify/jwt@10.2.8", "fastify@5.6.2", "get-jwks@11.0.3"], """
import Fastify from 'fastify';
import jwt from '@fastify/jwt';
import buildGetJwks from 'get-jwks';
const keys = buildGetJwks({issuersWhitelist: [], jwksPath: '/.well-known/jwks.json'});
const verifiedBy = (options) => async (token) => {
  const app = Fastify();
  const secret = (request, {header}) => keys.getPublicKey({kid: header.kid, alg: header.alg, domain: new URL(JWKS).origin});
  app.register(jwt, {decode: {complete: true}, secret, verify: {algorithms: ['ES256'], ...options}});
  app.get('/', async (request) => request.jwtVerify());
  const answer = await app.inject({url: '/', headers: {authorization: `Bearer ${token}`}});
  if (answer.statusCode !== 200) throw new Error(answer.body);
  return answer.json();
};
""", "const verified = verifiedBy({});", "const verified = verifiedBy({allowedIss: ISS, allowedAud: AUD, requiredClaims: ['exp']});", BOTH | {"no expiry"}, set()),
    "koa-jwt 4.0.4 with jwks-rsa 4.1.0": (["koa-jwt@4.0.4", "jwks-rsa@4.1.0"], """
import koaJwt from 'koa-jwt';
import jwksRsa from 'jwks-rsa';
const secret = jwksRsa.koaJwtSecret({jwksUri: JWKS, cache: true, rateLimit: true});
const verifiedBy = (options) => async (token) => {
  const context = {state: {}, header: {authorization: `Bearer ${token}`}, headers: {}, request: {}, cookies: {get() {}}, throw(status, error) { throw new Error(error); }};
  await koaJwt({secret, algorithms: ['ES256'], ...options})(context, async () => {});
  return context.state.user;
};
""", "const verified = verifiedBy({});", "const verified = verifiedBy({issuer: ISS, audience: AUD});", BOTH | {"no expiry"}, {"no expiry"}),
}


def more(trial, name, is_told):
    packages, before, bare, told, *_ = MORE[name]
    is_python = "==" in packages[0]
    if not is_python and not trial.modules.exists():
        raise Unavailable("there is no npm")
    given = {"ISS": trial.claims["iss"], "AUD": trial.claims["aud"], "JWKS": trial.keys.url, "SPARE": "1700000000001"}
    body = before + (told if is_told else bare)
    if is_python:
        lines = "import json, sys, urllib.request\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in given.items())
        lines += f"given = json.load(urllib.request.urlopen(JWKS))\n{body}\nprint(verified(sys.argv[-1]))\n"
        command = [trial.python, trial.file("more.py", lines)]
    else:
        lines = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in given.items())
        script = trial.folder / "more.mjs"
        script.write_text(f"{lines}{body}\nconsole.log((await verified(process.argv[2])).sub);\nprocess.exit(0);\n")
        command = ["node", script]
    # One that is given one key, and no set, is given the spare one.
    return trial.judged(by_command(trial, command), own="SPARE" not in before)


def install(folder):
    if not (folder / "python/bin/python3").exists():
        subprocess.run([sys.executable, "-m", "venv", folder / "python"], check=True)
    pip = [folder / "python/bin/python3", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    more = {package for packages, *_ in MORE.values() for package in packages}
    subprocess.run([*pip, *PYPI, *sorted(package for package in more if "==" in package)], check=True)
    if shutil.which("npm"):
        if not (folder / "package.json").exists():
            (folder / "package.json").write_text('{"private": true}\n')
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", *NPM, *sorted(package for package in more if "==" not in package)], cwd=folder, check=True)


def main(program, folder, *names):
    program, folder = Path(program).resolve(), Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    install(folder)
    trial, blocks, bad, skipped = Trial(program, folder), recipes(), 0, 0
    if set(blocks) != set(PROGRAMS):
        raise SystemExit(f"docs/verifying.md has other recipes than this: {set(blocks) ^ set(PROGRAMS)}")
    tries = []
    for name, (run, told, bare) in PROGRAMS.items():
        tries.append((name, "by its recipe", lambda run=run, name=name: run(trial, blocks[name]), told))
        if bare is not None:
            without = [re.sub("|".join(NAMED), "", block, flags=re.MULTILINE) for block in blocks[name]]
            tries.append((name, "without issuer and audience", lambda run=run, without=without: run(trial, without), bare))
    for name, (_, _, _, _, bare, told) in MORE.items():
        tries.append((name, "with issuer and audience", lambda name=name: ("", *more(trial, name, True)), told))
        tries.append((name, "without them", lambda name=name: ("", *more(trial, name, False)), bare))
    with trial.service:
        for name, how, run, expected in tries:
            if names and not any(part in name for part in names):
                continue
            try:
                version, takes, asked = run()
            except Unavailable as reason:
                skipped += 1
                print(f"skipped  {name}, {how}: {reason}", flush=True)
                continue
            except (RuntimeError, OSError, subprocess.SubprocessError) as error:
                bad += 1
                print(f"FAIL     {name}, {how}: {error}", flush=True)
                continue
            said = f"{name} {version}".strip() + f", {how}: takes {', '.join(sorted(takes)) or 'no fault'}; asked for the keys {asked} times"
            bad += takes != expected
            print(f"ok       {said}" if takes == expected else f"FAIL     {said}; expected: {sorted(expected)}", flush=True)
    shutil.rmtree(trial.scratch, ignore_errors=True)
    print(f"{bad} failed, {skipped} skipped")
    sys.exit(bool(bad))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
