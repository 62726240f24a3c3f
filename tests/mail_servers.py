"""A private Dovecot and a private Postfix: in a folder of their own, on ports of their own of 127.0.0.1, with
a certificate that nobody else trusts. Postfix delivers to Dovecot's mailboxes and sends nothing outside: what
goes elsewhere comes back as its bounce. Dovecot runs as anybody; Postfix needs root.

    with MailServers() as mail:
        mail.imaps_url, mail.submission_url, mail.ca_file, mail.address("support"), mail.PASSWORD
"""
import base64
import grp
import hashlib
import hmac
import imaplib
import json
import os
import pathlib
import pwd
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import time

from pace import patience
from ports import free_port

POSTFIX_DAEMONS = "/usr/lib/postfix/sbin"


def _wait(port, process, log):
    end = time.monotonic() + patience()
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            pass
        if process.poll() is not None or time.monotonic() > end:
            text = log.read_text(errors="replace")[-3000:] if log.exists() else ""
            raise RuntimeError(f"a mail server did not start (code {process.poll()}): {text}")
        time.sleep(0.05)


def _run(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, **more)


DOVECOT = r"""
base_dir = {d}/run
state_dir = {d}/state
log_path = {d}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{d}/server.pem
ssl_key = <{d}/server.key
ssl_min_protocol = TLSv1.2
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2 oauthbearer
auth_failure_delay = 0
auth_username_format = %Lu
mail_max_userip_connections = 1000
recipient_delimiter = +
mail_location = {format}:{d}/mail/%u
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 1
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
default_process_limit = 1000
default_client_limit = 4000
default_vsz_limit = 0
imap_idle_notify_interval = 2 mins
mailbox_idle_check_interval = 2 secs
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Sent {{
    auto = subscribe
    special_use = \Sent
  }}
  mailbox Junk {{
    auto = create
    special_use = \Junk
  }}
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {d}/oauth2.conf
}}
passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = scheme=plain username_format=%Lu {d}/users
}}
userdb {{
  driver = passwd-file
  args = username_format=%Lu {d}/users
}}
service imap-login {{
  {no_chroot}
  service_count = 0
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = {imaps_port}
    ssl = yes
  }}
}}
# Who fails to log in need not wait longer each time.
service anvil {{
  {no_chroot}
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service lmtp {{
  unix_listener lmtp-postfix {{
    mode = 0666
  }}
}}
service auth {{
  unix_listener auth-postfix {{
    mode = 0666
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""

OAUTH2 = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={d}/keys/
username_attribute = email
active_attribute = active
active_value = true
"""

MAIN_CF = """
compatibility_level = 3.6
command_directory = /usr/sbin
daemon_directory = {daemons}
queue_directory = {d}/spool
data_directory = {d}/postfix-data
maillog_file = {d}/postfix.log
maillog_file_prefixes = {d}
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.{domain}
myorigin = {domain}
mydestination =
mynetworks = 127.0.0.1/32
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = {domain}
virtual_mailbox_maps = texthash:{d}/postfix/mailboxes
virtual_transport = lmtp:unix:{d}/run/lmtp-postfix
lmtp_destination_recipient_limit = 1
default_transport = smtp:[127.0.0.1]:{outside_port}
relay_transport = smtp:[127.0.0.1]:{outside_port}
relayhost =
recipient_delimiter = +
message_size_limit = {message_max}
mailbox_size_limit = 0
virtual_mailbox_limit = 0
bounce_queue_lifetime = 1h
smtpd_tls_cert_file = {d}/server.pem
smtpd_tls_key_file = {d}/server.key
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {d}/run/auth-postfix
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
smtp_host_lookup = native
"""

# The listeners: mail from the world, submission with STARTTLS, submission in TLS, and the outside world itself,
# which refuses everything.
MASTER_CF = """
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
127.0.0.1:{smtp_port} inet n - n - - smtpd
127.0.0.1:{submission_port} inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_client_restrictions=permit_sasl_authenticated,reject
127.0.0.1:{smtps_port} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_client_restrictions=permit_sasl_authenticated,reject
127.0.0.1:{outside_port} inet n - n - - smtpd
  -o myhostname=mx.outside.test
  -o max_use=1
  -o smtpd_relay_restrictions=
  -o smtpd_recipient_restrictions=check_recipient_access,texthash:{d}/postfix/outside,reject
"""


class MailServers:
    PASSWORD = "correct horse"
    DOMAIN = "example.test"

    def __init__(self, users=("support", "alice", "bob"), smtp=True, format="maildir", message_max=60 << 20,
                 folder=None):
        """smtp: Postfix too. format: maildir or mdbox."""
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="sb-mail-"))
        self.users, self.smtp, self.format = list(users), smtp, format
        self.message_max = message_max
        (self.imap_port, self.imaps_port, self.smtp_port, self.submission_port,
         self.smtps_port, self.outside_port) = (free_port() for _ in range(6))
        self.ca_file, self.log_path = self.folder / "ca.pem", self.folder / "dovecot.log"
        self.postfix_log_path = self.folder / "postfix.log"
        self.imap_url, self.imaps_url = f"imap://localhost:{self.imap_port}", f"imaps://localhost:{self.imaps_port}"
        self.plain_imap_url = f"imap+plain://localhost:{self.imap_port}"
        self.smtp_url = f"smtp+plain://localhost:{self.smtp_port}"
        self.submission_url = f"smtp://localhost:{self.submission_port}"
        self.smtps_url = f"smtps://localhost:{self.smtps_port}"
        self.dovecot = self.postfix = None
        self._token_key = os.urandom(32)
        try:
            self._write()
            self.start_dovecot()
            if smtp:
                self.start_postfix()
        except BaseException:
            self.close()
            raise

    def address(self, user):
        return f"{user}@{self.DOMAIN}"

    # --- what they read ---

    def _write(self):
        self.folder.chmod(0o755)
        root = os.geteuid() == 0
        me = pwd.getpwuid(os.geteuid())
        mail = pwd.getpwnam("nobody") if root else me
        for name in ("run", "state", "mail", "keys", "postfix", "spool", "postfix-data"):
            (self.folder / name).mkdir(mode=0o755, exist_ok=True)
        if root:
            os.chown(self.folder / "mail", mail.pw_uid, mail.pw_gid)
        self._write_certificates()
        self._write_token_key()
        self.write_users()
        values = dict(d=self.folder, imap_port=self.imap_port, imaps_port=self.imaps_port, format=self.format,
                      uid=mail.pw_uid, gid=mail.pw_gid,
                      internal="dovecot" if root else me.pw_name, login="dovenull" if root else me.pw_name,
                      internal_group="dovecot" if root else grp.getgrgid(me.pw_gid).gr_name,
                      no_chroot="" if root else "chroot =")
        (self.folder / "dovecot.conf").write_text(DOVECOT.format(**values))
        (self.folder / "oauth2.conf").write_text(OAUTH2.format(d=self.folder))
        values = dict(d=self.folder, daemons=POSTFIX_DAEMONS, domain=self.DOMAIN, message_max=self.message_max,
                      smtp_port=self.smtp_port, submission_port=self.submission_port, smtps_port=self.smtps_port,
                      outside_port=self.outside_port)
        self.write_outside({})
        (self.folder / "postfix" / "main.cf").write_text(MAIN_CF.format(**values))
        (self.folder / "postfix" / "master.cf").write_text(MASTER_CF.format(**values))

    def _write_certificates(self):
        d = self.folder
        _run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
             "-keyout", d / "ca.key", "-out", self.ca_file, "-subj", "/CN=A throwaway authority")
        _run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
             d / "server.key", "-out", d / "server.csr", "-subj", "/CN=localhost")
        (d / "names").write_text(f"subjectAltName=DNS:localhost,IP:127.0.0.1,DNS:mail.{self.DOMAIN}\n")
        _run("openssl", "x509", "-req", "-in", d / "server.csr", "-CA", self.ca_file, "-CAkey", d / "ca.key",
             "-CAcreateserial", "-days", "30", "-extfile", d / "names", "-out", d / "server.pem")

    def _write_token_key(self):
        key = self.folder / "keys" / "default" / "HS256" / "default"
        key.parent.mkdir(parents=True, exist_ok=True)
        key.write_text(base64.b64encode(self._token_key).decode())

    def write_users(self, password=PASSWORD):
        """Also for a password that was changed meanwhile."""
        lines = [f"{self.address(u)}:{{PLAIN}}{password}::::::\n" for u in self.users]
        (self.folder / "users").write_text("".join(lines))
        boxes = [f"{self.address(u)} {u}\n" for u in self.users]
        (self.folder / "postfix" / "mailboxes").write_text("".join(boxes))

    def write_outside(self, replies):
        """What the outside world says to whom: {"x@outside.test": "450 4.2.0 Greylisted"}; else 554 5.7.1."""
        lines = [f"{address} {reply}\n" for address, reply in replies.items()]
        (self.folder / "postfix" / "outside").write_text("".join(lines))

    def token(self, user, seconds=3600):
        """An access token for XOAUTH2 and OAUTHBEARER; seconds < 0: run out already."""
        def part(value):
            return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

        now = int(time.time())
        claims = {"email": self.address(user), "sub": user, "active": "true", "iat": now - 7200, "exp": now + seconds}
        text = part({"alg": "HS256", "typ": "JWT"}) + b"." + part(claims)
        mac = hmac.new(self._token_key, text, hashlib.sha256).digest()
        return (text + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()

    # --- life ---

    def start_dovecot(self):
        # The file's rights are of others' processes too: they may open it as another user.
        self.dovecot = subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", str(self.folder / "dovecot.conf")],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=(self.folder / "dovecot.err").open("a"))
        _wait(self.imap_port, self.dovecot, self.folder / "dovecot.err")

    def stop_dovecot(self, sig=signal.SIGTERM):
        self._stop(self.dovecot, sig)
        self.dovecot = None

    def start_postfix(self):
        if os.geteuid() != 0:
            raise RuntimeError("Postfix can be started by root only")
        owner = pwd.getpwnam("postfix")
        os.chown(self.folder / "postfix-data", owner.pw_uid, owner.pw_gid)
        self.postfix = subprocess.Popen(["/usr/sbin/postfix", "-c", str(self.folder / "postfix"), "start-fg"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=(self.folder / "postfix.err").open("a"), start_new_session=True)
        for port in (self.smtp_port, self.submission_port, self.smtps_port):
            _wait(port, self.postfix, self.postfix_log_path)

    def stop_postfix(self):
        if self.postfix:
            subprocess.run(["/usr/sbin/postfix", "-c", str(self.folder / "postfix"), "stop"],
                           capture_output=True, timeout=30)
            self._stop(self.postfix, signal.SIGTERM)
        self.postfix = None

    @staticmethod
    def _stop(process, sig):
        if process and process.poll() is None:
            process.send_signal(sig)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def close(self):
        self.stop_postfix()
        self.stop_dovecot()
        for _ in range(20):  # their last processes may still be writing
            shutil.rmtree(self.folder, ignore_errors=True)
            if not self.folder.exists():
                break
            time.sleep(0.1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- use ---

    def tls(self):
        return ssl.create_default_context(cafile=str(self.ca_file))

    def imap(self, user):
        """A client of Python's, logged in."""
        c = imaplib.IMAP4_SSL("localhost", self.imaps_port, ssl_context=self.tls(), timeout=patience())
        c.login(self.address(user), self.PASSWORD)
        return c

    def submit(self, sender, to, raw):
        """Sends raw bytes as that user of ours; to: addresses."""
        with smtplib.SMTP("localhost", self.submission_port, timeout=patience()) as s:
            s.starttls(context=self.tls())
            s.login(self.address(sender), self.PASSWORD)
            return s.sendmail(self.address(sender), to, raw)

    def receive(self, sender, to, raw):
        """A mail from the world: no login. sender: an address, "" for a bounce."""
        with smtplib.SMTP("localhost", self.smtp_port, timeout=patience()) as s:
            return s.sendmail(sender, to, raw)

    def append(self, user, raw, folder="INBOX", flags=None):
        """Puts a mail straight into a folder; its UID."""
        with self.imap(user) as c:
            status, data = c.append(folder, flags, None, raw)
            assert status == "OK", data
            return int(data[0].split(b"APPENDUID ")[1].split()[1].rstrip(b"]"))

    def mails(self, user, folder="INBOX"):
        """[(uid, flags, raw)] of what lies there, oldest first."""
        with self.imap(user) as c:
            status, _ = c.select(f'"{folder}"', readonly=True)
            assert status == "OK"
            uids = c.uid("SEARCH", "ALL")[1][0].split()
            out = []
            for uid in uids:
                parts = c.uid("FETCH", uid, "(FLAGS BODY.PEEK[])")[1][0]
                flags = {f.decode() for f in imaplib.ParseFlags(parts[0])}
                out.append((int(uid), flags, parts[1]))
            return out

    def doveadm(self, *args):
        return _run("/usr/bin/doveadm", "-c", str(self.folder / "dovecot.conf"), *args).stdout.decode()
