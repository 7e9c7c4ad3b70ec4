# SPDX-License-Identifier: GPL-2.0-or-later
"""A host over TLS whose certificate goes bad: badhost's, with a way for each thing that can be wrong with it."""
import ssl
import subprocess

from badhost import BadHost, Handler, Listener

DEADLINE = 60
# way -> who signs it, and for which name and days.
CERTIFICATES = {
    'well': ('ca', 'localhost', '2'),
    'stranger': ('other', 'localhost', '2'),
    'misnamed': ('ca', 'example.org', '2'),
    'expired': ('ca', 'localhost', '-1'),
}


def run(*args):
    subprocess.run(['openssl', *map(str, args)], check=True, capture_output=True, timeout=DEADLINE)


def make_certificates(folder):
    """folder/<way>.pem, the key in it; folder/ca.pem is whom to trust."""
    for who in ('ca', 'other'):
        run('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
            '-subj', f'/CN={who}', '-keyout', folder / f'{who}.key', '-out', folder / f'{who}.pem')
    for way, (who, name, days) in CERTIFICATES.items():
        pem = folder / f'{way}.pem'
        run('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', f'/CN={name}',
            '-addext', f'subjectAltName=DNS:{name}', '-keyout', folder / 'key', '-out', folder / 'csr')
        run('x509', '-req', '-in', folder / 'csr', '-CA', folder / f'{who}.pem', '-CAkey',
            folder / f'{who}.key', '-CAcreateserial', '-days', days, '-copy_extensions', 'copy', '-out', pem)
        with open(pem, 'ab') as f:
            f.write((folder / 'key').read_bytes())


class TlsHandler(Handler):
    def setup(self):
        # Here, in the connection's own thread: who does not shake hands holds nobody up.
        self.request.settimeout(DEADLINE)
        self.request.do_handshake()
        super().setup()


class TlsListener(Listener):
    def get_request(self):
        plain, address = super().get_request()
        with self.host.lock:
            context = self.host.contexts[self.host.way]
            self.host.handshakes += 1
        return context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False), address


class TlsHost(BadHost):
    """Trust folder/ca.pem."""
    listener_class, handler_class, scheme, name = TlsListener, TlsHandler, 'https', 'localhost'

    def __init__(self, to, folder):
        make_certificates(folder)
        self.contexts, self.handshakes = {}, 0
        for way in CERTIFICATES:
            self.contexts[way] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.contexts[way].load_cert_chain(folder / f'{way}.pem')
        super().__init__(to)

    def be(self, way):
        super().be(way)
        with self.lock:
            self.handshakes = 0

    def hang_up(self, h):
        """On connections of before; on new ones nothing comes this far."""
        h.close_connection = True

    stranger = misnamed = expired = hang_up
