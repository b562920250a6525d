"""A company's own certificates, for receivers that speak TLS."""

import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

CRITICAL = (x509.BasicConstraints, x509.KeyUsage)
SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


@dataclass
class Authority:
    """A company's own certificate authority."""

    ca_file: Path
    key: ec.EllipticCurvePrivateKey
    name: x509.Name
    identifies_keys: bool
    seen: list[str | None] = field(default_factory=list)  # the server names that clients asked for

    def context(self, host: str) -> ssl.SSLContext:
        """A server's TLS for `host`, signed by this authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        plain = host.replace(".", "").isdigit()
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(host)) if plain else x509.DNSName(host)])
        certificate = _certificate(self.name, host, key, self.key, names, identifies_keys=self.identifies_keys)
        file = self.ca_file.with_name(f"{host}.pem")
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        context.sni_callback = lambda connection, name, context: self.seen.append(name)
        return context


def _certificate(
    issuer: x509.Name,
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *extensions: x509.ExtensionType,
    identifies_keys: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(issuer, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
    if identifies_keys:
        subject_key = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        extensions += (subject_key, x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=isinstance(extension, CRITICAL))
    return builder.sign(signer, hashes.SHA256())


def made_in(folder: Path, *, identifies_keys: bool = True) -> Authority:
    """A new authority, whose certificate lies in `folder`. Certificates that don't identify their keys, as RFC 5280,
    section 4.2.1, has it, are what many a company makes; Python refuses them by itself from 3.13 on.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Acme CA")])
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    certificate = _certificate(name, "Acme CA", key, key, constraints, SIGNS, identifies_keys=identifies_keys)
    ca_file = folder / "ca.pem"
    ca_file.write_bytes(certificate.public_bytes(Encoding.PEM))
    return Authority(ca_file, key, name, identifies_keys)
