"""A web server with one CGI program (RFC 3875): cgi_host.py PROGRAM PORT FOLDER; the folder is its EVENTS."""
import http.server
import os
import re
import subprocess
import sys

PROGRAM, PORT, FOLDER = sys.argv[1:]


class Host(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        told = {b"HTTP_" + name.upper().replace("-", "_").encode(): value.encode("latin-1") for name, value in self.headers.items()}
        told |= {b"CONTENT_LENGTH": str(len(body)).encode(), b"REQUEST_METHOD": b"POST", b"GATEWAY_INTERFACE": b"CGI/1.1"}
        said = subprocess.run([PROGRAM], input=body, env={**os.environb, **told, b"EVENTS": FOLDER.encode()},
                              stdout=subprocess.PIPE, check=True).stdout
        self.send_response(int(re.match(rb"Status: (\d{3})\r\n(?:[^\r\n]+\r\n)*\r\n$", said)[1]))
        self.end_headers()

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(PORT)), Host).serve_forever()
